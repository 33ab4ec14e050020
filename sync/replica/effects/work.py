"""What a fact does to the assignment that it is about: how far it is, who did it, what its lines have."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sync.replica.context import Context
from sync.replica.effects.base import count_task, of_kind
from sync.replica.effects.stock import skus_of
from sync.rules.reasons import REASONS
from sync.sqlite import Connection
from sync.wire import facts as f

_PROGRESS = {
    # A box with an older copy of its record reports once more what it had forgotten, a unit that lay in the
    # tote already, say. The units are the same: no line has more of them than it is for, nor puts back
    # more than it holds. The centre says the same (`server.offers`).
    "picked": "max(0, min(qty, picked + ?))",
    "put_back": "max(put_back, min(picked - released, put_back + ?))",
}


@of_kind.register
def _(body: f.Accepted, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE assignment SET progress = 'accepted', accepted_at = ?, accepted_by = ? "
        "WHERE fence = ? AND progress = 'offered'",
        (ctx.moment.now, ctx.person, fence),
    )


@of_kind.register
def _(body: f.Declined, tx: Connection, ctx: Context, fence: int) -> None:
    _progress(tx, fence, "declined")
    if body.sku and body.reason in REASONS and REASONS[body.reason].asks_count:
        count_task(tx, body.sku, body.reason, ctx)


@of_kind.register
def _(body: f.PickStarted, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE assignment SET progress = 'picking', wave = ?, tote = ?, picker = ? WHERE fence = ?",
        (body.wave, body.tote, ctx.person, fence),
    )


@of_kind.register
def _(body: f.Picked, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "picked", body.qty)
    # A repacked parcel is not asked for again: only an untouched task starts here.
    tx.execute(
        "UPDATE assignment SET progress = 'picking', picker = CASE picker WHEN '' THEN ? ELSE picker END "
        "WHERE fence = ? AND progress IN ('offered', 'accepted')",
        (ctx.person, fence),
    )
    if body.serial:
        tx.execute(
            "INSERT OR IGNORE INTO serial (sku, serial, fence, line, at) "
            "SELECT sku, ?, fence, line, ? FROM assignment_line WHERE fence = ? AND line = ?",
            (body.serial, ctx.moment.now, fence, body.line),
        )


@of_kind.register
def _(body: f.PickUndone, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "picked", -body.qty)
    _forget_serials(tx, fence, body.line, body.qty)


@of_kind.register
def _(body: f.Shorted, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "short", body.qty)
    tx.execute(
        "UPDATE assignment SET progress = 'picking' WHERE fence = ? AND progress IN ('offered', 'accepted')",
        (fence,),
    )
    if body.reason in REASONS and REASONS[body.reason].asks_count:
        skus = [sku for sku, _qty in skus_of(tx, fence, ((body.line, body.qty),))]
        for sku in [*skus, body.instead]:
            if sku:
                count_task(tx, sku, body.reason, ctx)


@of_kind.register
def _(body: f.Packed, tx: Connection, ctx: Context, fence: int) -> None:
    _progress(tx, fence, "packed")
    tx.execute("DELETE FROM parcel WHERE fence = ?", (fence,))
    tx.executemany(
        "INSERT OR REPLACE INTO parcel (code, fence, lines) VALUES (?, ?, ?)",
        [(parcel.code, fence, json.dumps(parcel.lines)) for parcel in body.parcels],
    )


@of_kind.register
def _(body: f.Staged, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE assignment SET progress = 'staged', location = ? WHERE fence = ?", (body.location, fence)
    )


@of_kind.register
def _(body: f.HandedOver, tx: Connection, ctx: Context, fence: int) -> None:
    _release(tx, ctx, fence, body.lines, body.collector)


@of_kind.register
def _(body: f.Shipped, tx: Connection, ctx: Context, fence: int) -> None:
    _release(tx, ctx, fence, body.lines, body.courier)
    tx.execute("UPDATE assignment SET manifest = ? WHERE fence = ?", (body.manifest, fence))


@of_kind.register
def _(body: f.HandoverUndone, tx: Connection, ctx: Context, fence: int) -> None:
    for line, qty in body.lines:
        _line(tx, fence, line, "released", -qty)
    tx.execute(
        "UPDATE assignment SET progress = CASE location WHEN '' THEN 'packed' ELSE 'staged' END, "
        "released_at = 0, released_by = '', collector = '' WHERE fence = ?",
        (fence,),
    )


@of_kind.register
def _(body: f.PutBack, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "put_back", body.qty)
    _forget_serials(tx, fence, body.line, body.qty)


@of_kind.register
def _(body: f.WithdrawalTaken, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute("UPDATE assignment SET ended_at = ? WHERE fence = ?", (ctx.moment.now, fence))


@of_kind.register
def _(body: f.OwnedBefore, tx: Connection, ctx: Context, fence: int) -> None:
    """Whether it is this store's again is the centre's to say."""


@of_kind.register
def _(body: f.HoldExpired, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute("UPDATE assignment SET ended_at = ?, expired = 1 WHERE fence = ?", (ctx.moment.now, fence))


def _progress(tx: Connection, fence: int, progress: str) -> None:
    tx.execute("UPDATE assignment SET progress = ? WHERE fence = ?", (progress, fence))


def _line(tx: Connection, fence: int, line: int, column: str, qty: int) -> None:
    tx.execute(
        f"UPDATE assignment_line SET {column} = {_PROGRESS.get(column, column + ' + ?')}"
        " WHERE fence = ? AND line = ?",
        (qty, fence, line),
    )


def _release(
    tx: Connection, ctx: Context, fence: int, lines: Iterable[tuple[int, int]], collector: str
) -> None:
    for line, qty in lines:
        _line(tx, fence, line, "released", qty)
    tx.execute(
        "UPDATE assignment SET progress = 'released', released_at = ?, released_by = ?, collector = ? "
        "WHERE fence = ?",
        (ctx.moment.now, ctx.person, collector, fence),
    )


def _forget_serials(tx: Connection, fence: int, line: int, qty: int) -> None:
    tx.execute(
        "DELETE FROM serial WHERE (sku, serial) IN (SELECT sku, serial FROM serial "
        "WHERE fence = ? AND line = ? ORDER BY at DESC, serial DESC LIMIT ?)",
        (fence, line, qty),
    )
