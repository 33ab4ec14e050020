"""What a fact does to the replica. The one place, for commands and for rebase alike.

Commands record a fact and apply it here; a rebase swaps the base and applies the later
facts here again. That gives the same state because every column belongs to one side:
the centre's columns are written by decisions, the store's by its own facts, stock by
differences that add up, and what both sides touch (`state`, `ownership`, `open`) is not
written but follows from the others: `settle`. So a decision may come before or after
facts that the centre has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import singledispatch

from sync.replica.context import Context
from sync.rules import stock
from sync.rules.counting import shifts_of
from sync.rules.reasons import REASONS
from sync.rules.states import Ownership, State
from sync.sqlite import Connection
from sync.wire import facts as f


def apply(tx: Connection, body: f.Body, ctx: Context, fence: int = 0) -> None:
    """Apply one fact: progress of its assignment, stock, and the lists that staff see."""
    _stock(tx, body, fence)
    _apply(body, tx, ctx, fence)
    if fence:
        settle(tx, fence, ctx.moment.now)


def apply_stock_only(tx: Connection, body: f.Body, fence: int) -> None:
    """For a fact whose other effects are still in place when the stock table was swapped."""
    _stock(tx, body, fence)


# --- stock -------------------------------------------------------------------------------


def move(tx: Connection, moves: Iterable[stock.Move]) -> None:
    for m in moves:
        # UPDATE first: the row an upsert proposes would have to pass `share >= 0` by itself.
        changed = tx.execute(
            "UPDATE stock SET on_hand = on_hand + ?, share = share + ?, debt = debt + ?, "
            "damaged = damaged + ?, hold = hold + ? WHERE sku = ?",
            (m.on_hand, m.share, m.debt, m.damaged, m.hold, m.sku),
        ).rowcount
        if not changed:
            tx.execute(
                "INSERT INTO stock (sku, on_hand, share, debt, damaged, hold) VALUES (?, ?, ?, ?, ?, ?)",
                (m.sku, m.on_hand, m.share, m.debt, m.damaged, m.hold),
            )


def _stock(tx: Connection, body: f.Body, fence: int) -> None:
    match body:
        case f.HandedOver() | f.Shipped():
            move(tx, stock.released(_skus(tx, fence, body.lines)))
        case f.HandoverUndone():
            move(tx, stock.released((sku, -qty) for sku, qty in _skus(tx, fence, body.lines)))
        case f.Shorted():
            known = _skus(tx, fence, ((body.line, body.qty),))
            for sku, _qty in known or ([(body.sku, body.qty)] if body.sku else []):
                move(tx, stock.moves(body, sku))
                if body.reason in REASONS and REASONS[body.reason].suppresses_sku:
                    _suppress(tx, sku)
        case f.Declined():
            if body.sku and body.reason in REASONS and REASONS[body.reason].suppresses_sku:
                _suppress(tx, body.sku)
        case f.Counted():
            move(tx, stock.moves(body))
            tx.execute("UPDATE stock SET suppressed = 0 WHERE sku = ? AND suppressed = 1", (body.sku,))
        case _:
            move(tx, stock.moves(body))
    if isinstance(body, f.Adjusted | f.Shorted | f.Sold | f.SaleVoided):
        _doubt(tx, body, fence)


def _doubt(tx: Connection, body: f.Body, fence: int) -> None:
    """The book is corrected about the past: a difference that waits may be about the same units."""
    known = dict(tx.execute("SELECT line, sku FROM assignment_line WHERE fence = ?", (fence,)).fetchall())
    for sku, _units, corrects in shifts_of(body, lambda line: known.get(line, "")):
        if corrects:
            tx.execute("UPDATE variance SET moved = 1 WHERE sku = ? AND state = 'open'", (sku,))


def _suppress(tx: Connection, sku: str) -> None:
    tx.execute(
        "INSERT INTO stock (sku, suppressed) VALUES (?, 1) ON CONFLICT (sku) DO UPDATE SET suppressed = 1",
        (sku,),
    )


def _skus(tx: Connection, fence: int, lines: Iterable[tuple[int, int]]) -> list[tuple[str, int]]:
    known = dict(tx.execute("SELECT line, sku FROM assignment_line WHERE fence = ?", (fence,)).fetchall())
    return [(known[line], qty) for line, qty in lines if line in known]


# --- the rest, by kind -------------------------------------------------------------------


@singledispatch
def _apply(body: f.Body, tx: Connection, ctx: Context, fence: int) -> None:
    """Kinds that move only stock."""


@_apply.register
def _(body: f.Accepted, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE assignment SET progress = 'accepted', accepted_at = ?, accepted_by = ? "
        "WHERE fence = ? AND progress = 'offered'",
        (ctx.moment.now, ctx.person, fence),
    )


@_apply.register
def _(body: f.Declined, tx: Connection, ctx: Context, fence: int) -> None:
    _progress(tx, fence, "declined")
    if body.sku and body.reason in REASONS and REASONS[body.reason].asks_count:
        _count_task(tx, body.sku, body.reason, ctx)


@_apply.register
def _(body: f.PickStarted, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE assignment SET progress = 'picking', wave = ?, tote = ?, picker = ? WHERE fence = ?",
        (body.wave, body.tote, ctx.person, fence),
    )


@_apply.register
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


@_apply.register
def _(body: f.PickUndone, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "picked", -body.qty)
    _forget_serials(tx, fence, body.line, body.qty)


@_apply.register
def _(body: f.Shorted, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "short", body.qty)
    tx.execute(
        "UPDATE assignment SET progress = 'picking' WHERE fence = ? AND progress IN ('offered', 'accepted')",
        (fence,),
    )
    if body.reason in REASONS and REASONS[body.reason].asks_count:
        skus = [sku for sku, _qty in _skus(tx, fence, ((body.line, body.qty),))]
        for sku in [*skus, body.instead]:
            if sku:
                _count_task(tx, sku, body.reason, ctx)


@_apply.register
def _(body: f.Packed, tx: Connection, ctx: Context, fence: int) -> None:
    _progress(tx, fence, "packed")
    tx.execute("DELETE FROM parcel WHERE fence = ?", (fence,))
    tx.executemany(
        "INSERT OR REPLACE INTO parcel (code, fence, lines) VALUES (?, ?, ?)",
        [(parcel.code, fence, json.dumps(parcel.lines)) for parcel in body.parcels],
    )


@_apply.register
def _(body: f.Staged, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE assignment SET progress = 'staged', location = ? WHERE fence = ?", (body.location, fence)
    )


@_apply.register
def _(body: f.HandedOver, tx: Connection, ctx: Context, fence: int) -> None:
    _release(tx, ctx, fence, body.lines, body.collector)


@_apply.register
def _(body: f.Shipped, tx: Connection, ctx: Context, fence: int) -> None:
    _release(tx, ctx, fence, body.lines, body.courier)
    tx.execute("UPDATE assignment SET manifest = ? WHERE fence = ?", (body.manifest, fence))


@_apply.register
def _(body: f.HandoverUndone, tx: Connection, ctx: Context, fence: int) -> None:
    for line, qty in body.lines:
        _line(tx, fence, line, "released", -qty)
    tx.execute(
        "UPDATE assignment SET progress = CASE location WHEN '' THEN 'packed' ELSE 'staged' END, "
        "released_at = 0, released_by = '', collector = '' WHERE fence = ?",
        (fence,),
    )


@_apply.register
def _(body: f.PutBack, tx: Connection, ctx: Context, fence: int) -> None:
    _line(tx, fence, body.line, "put_back", body.qty)
    _forget_serials(tx, fence, body.line, body.qty)


@_apply.register
def _(body: f.WithdrawalTaken, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute("UPDATE assignment SET ended_at = ? WHERE fence = ?", (ctx.moment.now, fence))


@_apply.register
def _(body: f.HoldExpired, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute("UPDATE assignment SET ended_at = ?, expired = 1 WHERE fence = ?", (ctx.moment.now, fence))


def know_sale(tx: Connection, number: str, sku: str, qty: int, at: int) -> None:
    """Under this number (sale/line) a till has sold: told again, it is not booked again."""
    tx.execute(
        "INSERT OR IGNORE INTO till_sale (id, sale, sku, qty, at) VALUES (?, ?, ?, ?, ?)",
        (number, number.rpartition("/")[0] or number, sku, qty, at),
    )


@_apply.register
def _(body: f.Sold, tx: Connection, ctx: Context, fence: int) -> None:
    if body.sale:
        know_sale(tx, body.sale, body.sku, body.qty, body.sold_at or ctx.moment.now)
    if body.doubt:
        _count_task(tx, body.sku, LATE_SALE, ctx)


@_apply.register
def _(body: f.SaleVoided, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO till_void (id, sale_line, qty, at) VALUES (?, ?, ?, ?)",
        (body.void, body.sale, body.qty, body.voided_at or ctx.moment.now),
    )
    if body.doubt:
        _count_task(tx, body.sku, LATE_SALE, ctx)


@_apply.register
def _(body: f.SaleReturned, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT OR IGNORE INTO goods_return (id, sku, qty, reason, received_at, received_by, sale) "
        "VALUES (?, ?, ?, 'till', ?, ?, ?)",
        (body.return_id, body.sku, body.qty, ctx.moment.now, ctx.person, body.sale),
    )


@_apply.register
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


@_apply.register
def _(body: f.Graded, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE goods_return SET graded = graded + ?, grade = ?, disposition = ? WHERE id = ?",
        (body.qty, body.grade, body.disposition, body.return_id),
    )


@_apply.register
def _(body: f.Received, tx: Connection, ctx: Context, fence: int) -> None:
    if body.document:
        # Goods may come before the word of them; then the announcement fills in the rest.
        tx.execute(
            "INSERT INTO transfer (code, direction, other, sku, qty, received, at) "
            "VALUES (?, 'in', '', ?, 0, ?, ?) "
            "ON CONFLICT (code, direction, sku) DO UPDATE SET received = received + excluded.received",
            (body.document, body.sku, body.qty, ctx.moment.now),
        )


@_apply.register
def _(body: f.TransferSent, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT INTO transfer (code, direction, other, sku, qty, at) VALUES (?, 'out', ?, ?, ?, ?) "
        "ON CONFLICT (code, direction, sku) DO UPDATE SET qty = qty + excluded.qty",
        (body.transfer, body.to, body.sku, body.qty, ctx.moment.now),
    )


@_apply.register
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
    close_if_done(tx, body.sheet, ctx.moment.now)


@_apply.register
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


@_apply.register
def _(body: f.RecountAsked, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute("UPDATE variance SET state = 'again' WHERE sku = ? AND state = 'open'", (body.sku,))
    tx.execute(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, not_by, made_at, sheet) "
        "VALUES (?, 'count', ?, 'recount', ?, ?, ?)",
        (f"count:{ctx.command}:{body.sku}", body.sku, body.not_by, ctx.moment.now, body.sheet),
    )


@_apply.register
def _(body: f.SheetOpened, tx: Connection, ctx: Context, fence: int) -> None:
    header = (body.sheet, body.kind, body.name, body.scope, body.blind)
    open_sheet(tx, header, body.areas, ctx.person, ctx.moment.now)
    tx.executemany(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, made_at, sheet) "
        "VALUES (?, 'count', ?, 'asked', ?, ?)",
        [(f"count:{ctx.command}:{sku}", sku, ctx.moment.now, body.sheet) for sku in body.skus],
    )


@_apply.register
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


@_apply.register
def _(body: f.AreaFinished, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "UPDATE count_area SET finished = ?, position = ?, person = ?, at = ? WHERE sheet = ? AND area = ?",
        (int(not body.again), body.position, ctx.person, ctx.moment.now, body.sheet, body.area),
    )


@_apply.register
def _(body: f.SheetClosed, tx: Connection, ctx: Context, fence: int) -> None:
    close_sheet(tx, body.sheet, "cancelled" if body.cancelled else "closed", ctx.moment.now)


Header = tuple[str, str, str, str, bool]
"""Id, kind, name, scope, blind."""


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


def close_if_done(tx: Connection, sheet: str, at: int) -> None:
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


@_apply.register
def _(body: f.StorePaused, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('pause', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (body.reason or "paused" if body.paused else "",),
    )


def _progress(tx: Connection, fence: int, progress: str) -> None:
    tx.execute("UPDATE assignment SET progress = ? WHERE fence = ?", (progress, fence))


_PROGRESS = {
    # A box with an older copy of its record reports once more what it had forgotten, a unit that lay in the
    # tote already, say. The units are the same: no line has more of them than it is for, nor puts back
    # more than it holds. The centre says the same (`server.offers`).
    "picked": "max(0, min(qty, picked + ?))",
    "put_back": "max(put_back, min(picked - released, put_back + ?))",
}


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


def _count_task(tx: Connection, sku: str, reason: str, ctx: Context) -> None:
    """A two-minute count by another person than the one who found it. Works with the line down."""
    tx.execute(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, not_by, made_at) VALUES (?, 'count', ?, ?, ?, ?)",
        (f"count:{ctx.command}:{sku}", sku, reason, ctx.person, ctx.moment.now),
    )


# --- what follows from both sides --------------------------------------------------------

LATE_SALE = "late_sale"
"""Why a count is asked for: a till told late of a sale, and a count fell about the same time."""
WORKABLE = frozenset({State.OFFERED, State.ACCEPTED, State.PICKING, State.PICKED, State.PACKED, State.STAGED})


def settle(tx: Connection, fence: int, now: int) -> None:
    """Recompute `state`, `ownership` and `open` from the centre's columns and the store's own."""
    row = tx.execute(
        "SELECT a.progress, a.withdrawn, a.ended_at, a.accepted_at, a.confirmed, a.state, a.ownership, "
        "sum(l.qty), sum(l.picked), sum(l.short), sum(l.released), sum(l.put_back), max(l.open), "
        "min(l.picked + l.short >= l.qty) "
        "FROM assignment a JOIN assignment_line l USING (fence) WHERE a.fence = ?",
        (fence,),
    ).fetchone()
    if row is None or row[0] is None:
        return  # a fact about an assignment that this replica no longer holds
    progress, withdrawn, ended_at, accepted_at, confirmed, was_state, was_ownership = row[:7]
    _qty, picked, short, released, put_back, was_open, complete = row[7:]
    over = bool(withdrawn or ended_at)
    state = _state(
        progress,
        over=over,
        loose=picked - released - put_back,
        picked=picked,
        short=short,
        released=released,
        complete=bool(complete),
    )
    if over or state in (State.DECLINED, State.CLOSED):
        ownership = Ownership.ENDED
    elif confirmed and accepted_at:
        ownership = Ownership.CONFIRMED
    elif accepted_at:
        ownership = Ownership.PROVISIONAL
    else:
        ownership = Ownership.NONE
    if (state, ownership) != (was_state, was_ownership):
        tx.execute(
            "UPDATE assignment SET state = ?, ownership = ?, changed_at = ? WHERE fence = ?",
            (str(state), str(ownership), now, fence),
        )
    opened = int(state in WORKABLE)
    if opened != was_open:
        tx.execute("UPDATE assignment_line SET open = ? WHERE fence = ?", (opened, fence))


def _state(
    progress: str, *, over: bool, loose: int, picked: int, short: int, released: int, complete: bool
) -> State:
    if progress == "declined":
        return State.DECLINED
    if over or progress == "released":
        # Whatever is in a tote, a parcel or on the counter and did not leave goes back to the shelf.
        if loose > 0:
            return State.PUT_BACK
        return State.RELEASED if released > 0 else State.CLOSED
    if progress == "picking" and complete:
        return State.PICKED if picked > 0 else State.CLOSED
    return State(progress)
