"""What a till told: the numbers that it told it under, so that no sale or return is booked twice."""

from __future__ import annotations

from sync.replica.context import Context
from sync.replica.effects.base import count_task, of_kind
from sync.sqlite import Connection
from sync.wire import facts as f

LATE_SALE = "late_sale"
"""Why a count is asked for: a till told late of a sale, and a count fell about the same time."""


@of_kind.register
def _(body: f.Sold, tx: Connection, ctx: Context, fence: int) -> None:
    if body.sale:
        know_sale(tx, body.sale, body.sku, body.qty, body.sold_at or ctx.moment.now)
    if body.doubt:
        count_task(tx, body.sku, LATE_SALE, ctx)


@of_kind.register
def _(body: f.SaleVoided, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO till_void (id, sale_line, qty, at) VALUES (?, ?, ?, ?)",
        (body.void, body.sale, body.qty, body.voided_at or ctx.moment.now),
    )
    if body.doubt:
        count_task(tx, body.sku, LATE_SALE, ctx)


@of_kind.register
def _(body: f.SaleReturned, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO goods_return (id, sku, qty, reason, received_at, received_by, sale) "
        "VALUES (?, ?, ?, 'till', ?, ?, ?)",
        (body.return_id, body.sku, body.qty, ctx.moment.now, ctx.person, body.sale),
    )


def know_sale(tx: Connection, number: str, sku: str, qty: int, at: int) -> None:
    """Under this number (sale/line) a till has sold: told again, it is not booked again."""
    tx.execute(
        "INSERT OR IGNORE INTO till_sale (id, sale, sku, qty, at) VALUES (?, ?, ?, ?, ?)",
        (number, number.rpartition("/")[0] or number, sku, qty, at),
    )
