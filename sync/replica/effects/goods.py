"""Goods that come and go beside orders: returns, deliveries, transfers."""

from __future__ import annotations

from sync.replica.context import Context
from sync.replica.effects.base import of_kind
from sync.sqlite import Connection
from sync.wire import facts as f


@of_kind.register
def _(body: f.Returned, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO goods_return (id, order_no, line, sku, qty, reason, bought_elsewhere, "
        "received_at, received_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            body.return_id,
            body.order,
            body.line,
            body.sku,
            body.qty,
            body.reason,
            int(body.bought_elsewhere),
            ctx.moment.now,
            ctx.person,
        ),
    )


@of_kind.register
def _(body: f.Graded, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE goods_return SET graded = graded + ?, grade = ?, disposition = ? WHERE id = ?",
        (body.qty, body.grade, body.disposition, body.return_id),
    )


@of_kind.register
def _(body: f.Received, tx: Connection, ctx: Context, fence: int) -> None:
    if body.document:
        # Goods may come before the word of them; then the announcement fills in the rest.
        tx.execute(
            "INSERT INTO transfer (code, direction, other, sku, qty, received, at) "
            "VALUES (?, 'in', '', ?, 0, ?, ?) "
            "ON CONFLICT (code, direction, sku) DO UPDATE SET received = received + excluded.received",
            (body.document, body.sku, body.qty, ctx.moment.now),
        )


@of_kind.register
def _(body: f.TransferSent, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT INTO transfer (code, direction, other, sku, qty, at) VALUES (?, 'out', ?, ?, ?, ?) "
        "ON CONFLICT (code, direction, sku) DO UPDATE SET qty = qty + excluded.qty",
        (body.transfer, body.to, body.sku, body.qty, ctx.moment.now),
    )
