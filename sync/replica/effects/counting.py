"""What counting does: sheets and their areas, what was seen, differences that wait for a second look."""

from __future__ import annotations

from collections.abc import Iterable

from sync.replica.context import Context
from sync.replica.effects.base import of_kind
from sync.sqlite import Connection
from sync.wire import facts as f

Header = tuple[str, str, str, str, bool]
"""Id, kind, name, scope, blind."""


@of_kind.register
def _(body: f.Counted, tx: Connection, ctx: Context, fence: int) -> None:
    # What a till tells later of a time before this look is in its result already.
    tx.execute(
        "INSERT INTO last_count (sku, at) VALUES (?, ?) "
        "ON CONFLICT (sku) DO UPDATE SET at = max(at, excluded.at)",
        (body.sku, body.looked_at or ctx.moment.now),
    )
    _done(tx, body.count, ctx)
    # Whatever waited for this SKU is answered, or of an older moment.
    tx.execute("UPDATE variance SET state = 'applied' WHERE sku = ? AND state <> 'applied'", (body.sku,))
    _close_if_done(tx, body.sheet, ctx.moment.now)


@of_kind.register
def _(body: f.VarianceFound, tx: Connection, ctx: Context, fence: int) -> None:
    _done(tx, body.count, ctx)
    tx.execute(
        "INSERT OR REPLACE INTO variance (sku, sheet, expected, found, position, moved, counted_by, tasks, "
        "looked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            body.sku,
            body.sheet,
            body.expected,
            body.found,
            body.position,
            int(body.moved),
            " ".join(body.by),
            body.count,
            body.looked_at or ctx.moment.now,
        ),
    )


@of_kind.register
def _(body: f.RecountAsked, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute("UPDATE variance SET state = 'again' WHERE sku = ? AND state = 'open'", (body.sku,))
    tx.execute(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, not_by, made_at, sheet) "
        "VALUES (?, 'count', ?, 'recount', ?, ?, ?)",
        (f"count:{ctx.command}:{body.sku}", body.sku, body.not_by, ctx.moment.now, body.sheet),
    )


@of_kind.register
def _(body: f.SheetOpened, tx: Connection, ctx: Context, fence: int) -> None:
    header = (body.sheet, body.kind, body.name, body.scope, body.blind)
    open_sheet(tx, header, body.areas, ctx.person, ctx.moment.now)
    tx.executemany(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, made_at, sheet) "
        "VALUES (?, 'count', ?, 'asked', ?, ?)",
        [(f"count:{ctx.command}:{sku}", sku, ctx.moment.now, body.sheet) for sku in body.skus],
    )


@of_kind.register
def _(body: f.CountEntered, tx: Connection, ctx: Context, fence: int) -> None:
    if body.instead:
        tx.execute(
            "UPDATE count_entry SET void = 1 WHERE sheet = ? AND area = ? AND sku = ? AND position < ?",
            (body.sheet, body.area, body.sku, body.position),
        )
    tx.execute(
        "INSERT OR IGNORE INTO count_entry (command, sheet, area, sku, found, there, position, person, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ctx.command,
            body.sheet,
            body.area,
            body.sku,
            body.found,
            body.there,
            body.position,
            ctx.person,
            ctx.moment.now,
        ),
    )


@of_kind.register
def _(body: f.AreaFinished, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE count_area SET finished = ?, position = ?, person = ?, at = ? WHERE sheet = ? AND area = ?",
        (int(not body.again), body.position, ctx.person, ctx.moment.now, body.sheet, body.area),
    )


@of_kind.register
def _(body: f.SheetClosed, tx: Connection, ctx: Context, fence: int) -> None:
    close_sheet(tx, body.sheet, "cancelled" if body.cancelled else "closed", ctx.moment.now)


def open_sheet(tx: Connection, header: Header, areas: Iterable[str], by: str, at: int) -> None:
    """Once: a sheet that is here stays as it is."""
    tx.execute(
        "INSERT OR IGNORE INTO count_sheet (id, kind, name, scope, blind, made_by, made_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*header, by, at),
    )
    tx.executemany(
        "INSERT OR IGNORE INTO count_area (sheet, number, area) VALUES (?, ?, ?)",
        [(header[0], number, area) for number, area in enumerate(areas, 1)],
    )


def close_sheet(tx: Connection, sheet: str, state: str, at: int) -> None:
    tx.execute(
        "UPDATE count_sheet SET state = ?, closed_at = ? WHERE id = ? AND state = 'open'", (state, at, sheet)
    )
    if state == "cancelled":
        tx.execute(
            "UPDATE task SET state = 'done', done_at = ? WHERE sheet = ? AND state = 'open'", (at, sheet)
        )


def _close_if_done(tx: Connection, sheet: str, at: int) -> None:
    """A list is over with its last SKU; nobody has to say so."""
    if sheet:
        tx.execute(
            "UPDATE count_sheet SET state = 'closed', closed_at = ?1 WHERE id = ?2 AND kind = 'list' "
            "AND state = 'open' AND NOT EXISTS (SELECT 1 FROM task WHERE sheet = ?2 AND state = 'open') "
            "AND NOT EXISTS (SELECT 1 FROM variance WHERE sheet = ?2 AND state = 'open')",
            (at, sheet),
        )


def _done(tx: Connection, tasks: str, ctx: Context) -> None:
    # Only the tasks it names: one asked for after this count is still to be done.
    for task in tasks.split():
        tx.execute(
            "UPDATE task SET state = 'done', done_at = ? WHERE id = ? AND state = 'open'",
            (ctx.moment.now, task),
        )
