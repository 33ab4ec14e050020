"""Swapping the base under the store's own work: a snapshot in, later own facts applied again.

Stock, and every assignment the snapshot names, become what the centre says at the cut; then the
facts above the cut are applied by the same effects as on the day they happened. What only the
store knows (notices, till sales, manifests, PIN counts, finished work) stays. An assignment that
is open here and not in the snapshot is not this store's any more (the centre was restored, or
its withdrawal fell out of the log): its goods go back, and the centre is told so.

A snapshot older than what this store has applied is only for a centre that was restored:
the link must not bring one otherwise.
"""

from __future__ import annotations

import json

import msgspec

from sync.replica import decisions, effects, notices, read
from sync.replica.context import Context, Moment
from sync.replica.effects import WORKABLE
from sync.replica.effects.counting import open_sheet
from sync.replica.effects.stock import apply_stock
from sync.replica.effects.till import know_sale
from sync.rules.reasons import LOST_RIGHTS
from sync.rules.states import Ownership, State
from sync.sqlite import Connection
from sync.wire import facts as f
from sync.wire.snapshot import SnapAssignment, Snapshot

_decode = msgspec.json.Decoder(f.Fact).decode


def rebase(tx: Connection, snapshot: Snapshot, ctx: Context, *, above: int | None = None) -> int:
    """Swap and apply again, all in the caller's transaction; how many facts were applied again.

    `above`: the number (in this database's log) of the last fact the snapshot contains, where it
    is not `snapshot.facts`.
    """
    cut = snapshot.facts if above is None else above
    later = tx.execute("SELECT raw FROM fact WHERE number > ? ORDER BY number", (cut,)).fetchall()
    facts = [_decode(row[0]) for row in later]
    named = {a.fence for a in snapshot.assignments}
    kept = {row[0] for row in tx.execute("SELECT fence FROM assignment")} - named
    owned = _owned(tx)
    serials = tx.execute("SELECT sku, serial, fence, line, at FROM serial").fetchall()

    _swap_stock(tx, snapshot)
    for assignment in snapshot.assignments:
        _swap_assignment(tx, assignment, snapshot.made_at)
    _swap_returns(tx, snapshot, facts)
    _swap_lists(tx, snapshot, ctx)
    again = _apply_again(tx, facts, kept, ctx)

    # Serials are this store's own list and already tell of every fact, the later ones included.
    tx.execute("DELETE FROM serial")
    tx.executemany(
        "INSERT OR IGNORE INTO serial (sku, serial, fence, line, at) VALUES (?, ?, ?, ?, ?)", serials
    )
    for fence in named:
        effects.settle(tx, fence, snapshot.made_at)
    _lost(tx, kept, snapshot.made_at)
    tx.execute("DELETE FROM meta WHERE key = 'rights_void'")
    for fence in sorted(owned.keys() & named):
        row = read.assignment(tx, fence)
        if row is not None and row["ownership"] == Ownership.PROVISIONAL:
            decisions.tell_owned(tx, fence, owned[fence], ctx)
    _answer(tx, ctx)
    return again


def _owned(tx: Connection) -> dict[int, int]:
    """Open turns that the centre has confirmed, as this store knows, and until when."""
    return dict(
        tx.execute(
            "SELECT fence, owner_until FROM assignment WHERE ownership = ?", (Ownership.CONFIRMED,)
        ).fetchall()
    )


def _apply_again(tx: Connection, facts: list[f.Fact], kept: set[int], ctx: Context) -> int:
    for fact in facts:
        body = f.body_of(fact)
        if body is None:
            continue  # recorded by a newer release that was taken back; the centre has it
        if fact.fence in kept:
            # Its rows were not swapped and still show the fact; the stock table was.
            apply_stock(tx, body, fact.fence)
            continue
        then = Context(
            moment=Moment.exact(fact.at),
            person=fact.person,
            role=ctx.role,
            device=fact.device,
            command=fact.command,
            line_up=ctx.line_up,
            new_id=ctx.new_id,
        )
        effects.apply(tx, body, then, fact.fence)
    return len(facts)


def _swap_stock(tx: Connection, snapshot: Snapshot) -> None:
    tx.execute("DELETE FROM stock")
    tx.executemany(
        "INSERT INTO stock (sku, on_hand, share, debt, damaged, hold, suppressed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(s.sku, s.on_hand, s.share, s.debt, s.damaged, s.hold, int(s.suppressed)) for s in snapshot.stock],
    )


_OF_CENTRE = (
    "fo",
    "order_no",
    "kind",
    "channel",
    "offered_at",
    "accept_by",
    "promised_by",
    "attempt",
    "shopper",
    "phone_tail",
    "code_salt",
    "code_hash",
    "address",
    "note",
    "substitution",
    "confirmed",
    "owner_until",
    "withdrawn",
    "withdrawn_at",
    "withdrawn_reason",
    "withdrawn_to",
    "withdrawn_to_at",
)
_OF_STORE = ("progress", "accepted_at", "ended_at", "released_at")
# The centre may not keep these; what the store knows is better than nothing.
_KEPT_WHERE_EMPTY = (
    "accepted_by",
    "wave",
    "tote",
    "picker",
    "location",
    "manifest",
    "released_by",
    "collector",
)
_COLUMNS = ("fence", *_OF_CENTRE, *_OF_STORE, "expired", *_KEPT_WHERE_EMPTY)
_UPSERT = (
    f"INSERT INTO assignment ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    "ON CONFLICT (fence) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in (*_OF_CENTRE, *_OF_STORE))
    + ", expired = CASE excluded.ended_at WHEN 0 THEN 0 ELSE max(expired, excluded.expired) END, "
    + ", ".join(f"{c} = CASE excluded.{c} WHEN '' THEN {c} ELSE excluded.{c} END" for c in _KEPT_WHERE_EMPTY)
)


def _swap_assignment(tx: Connection, a: SnapAssignment, made_at: int) -> None:
    progress = _progress(a)
    ended_at = a.ended_at
    if a.state in (State.PUT_BACK, State.CLOSED) and not (a.withdrawn or ended_at or a.released_at):
        complete = all(x.picked + x.short >= x.qty for x in a.lines) and not any(x.picked for x in a.lines)
        ended_at = 0 if complete else made_at
    tx.execute(
        _UPSERT,
        (
            a.fence,
            a.fo,
            a.order,
            a.kind,
            a.channel,
            a.offered_at,
            a.accept_by,
            a.promised_by,
            a.attempt,
            a.shopper,
            a.phone_tail,
            a.code_salt,
            a.code_hash,
            a.address,
            a.note,
            a.substitution,
            int(a.confirmed),
            a.owner_until,
            int(a.withdrawn),
            a.withdrawn_at,
            a.withdrawn_reason,
            a.withdrawn_to,
            a.withdrawn_to_at,
            progress,
            a.accepted_at,
            ended_at,
            a.released_at,
            int(bool(ended_at) and not a.withdrawn),
            a.accepted_by,
            a.wave,
            a.tote,
            a.picker,
            a.location,
            a.manifest,
            a.released_by,
            a.collector,
        ),
    )
    if not a.released_at:
        tx.execute("UPDATE assignment SET released_by = '', collector = '' WHERE fence = ?", (a.fence,))
    tx.execute(
        f"DELETE FROM assignment_line WHERE fence = ? AND line NOT IN ({', '.join('?' * len(a.lines))})",
        (a.fence, *(x.line for x in a.lines)),
    )
    tx.executemany(
        "INSERT INTO assignment_line (fence, line, sku, qty, order_line, sellable, picked, short, released, "
        "put_back, instead_of, substitutes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (fence, line) DO UPDATE SET sku = excluded.sku, qty = excluded.qty, "
        "order_line = excluded.order_line, sellable = excluded.sellable, picked = excluded.picked, "
        "short = excluded.short, released = excluded.released, put_back = excluded.put_back, "
        "instead_of = excluded.instead_of, substitutes = excluded.substitutes",
        [
            (
                a.fence,
                x.line,
                x.sku,
                x.qty,
                x.order_line,
                x.sellable,
                x.picked,
                x.short,
                x.released,
                x.put_back,
                x.instead_of,
                decisions.listed(x.substitutes),
            )
            for x in a.lines
        ],
    )
    if a.parcels or progress not in ("packed", "staged", "released"):
        loaded = dict(tx.execute("SELECT code, manifest FROM parcel WHERE fence = ?", (a.fence,)).fetchall())
        tx.execute("DELETE FROM parcel WHERE fence = ?", (a.fence,))
        tx.executemany(
            "INSERT INTO parcel (code, fence, lines, manifest) VALUES (?, ?, ?, ?)",
            [(p.code, a.fence, json.dumps(p.lines), p.manifest or loaded.get(p.code, "")) for p in a.parcels],
        )


def _progress(a: SnapAssignment) -> str:
    match State(a.state):
        case (
            State.OFFERED
            | State.ACCEPTED
            | State.PICKING
            | State.PACKED
            | State.STAGED
            | State.RELEASED
            | (State.DECLINED)
        ):
            return a.state
        case State.PICKED:
            return "picking"
    if a.released_at:
        return "released"
    if any(x.picked or x.short for x in a.lines):
        return "picking"
    return "accepted" if a.accepted_at else "offered"


def _swap_returns(tx: Connection, snapshot: Snapshot, facts: list[f.Fact]) -> None:
    made_later = set()
    for fact in facts:
        if fact.kind in ("returned", "sale_returned"):
            body = f.body_of(fact)
            assert isinstance(body, f.Returned | f.SaleReturned)
            made_later.add(body.return_id)
    finished = {r[0] for r in tx.execute("SELECT id FROM goods_return WHERE graded >= qty")} - made_later
    for (found,) in tx.execute("SELECT id FROM goods_return").fetchall():
        if found not in finished:
            tx.execute("DELETE FROM goods_return WHERE id = ?", (found,))
    tx.executemany(
        "INSERT OR REPLACE INTO goods_return (id, sku, qty, order_no, line, graded, reason, "
        "bought_elsewhere, received_at, received_by, grade, disposition, sale) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                r.id,
                r.sku,
                r.qty,
                r.order,
                r.line,
                r.graded,
                r.reason,
                int(r.bought_elsewhere),
                r.received_at,
                r.received_by,
                r.grade,
                r.disposition,
                r.sale,
            )
            for r in snapshot.returns
        ],
    )


def _swap_lists(tx: Connection, snapshot: Snapshot, ctx: Context) -> None:
    tx.executemany(
        "INSERT OR REPLACE INTO returnable (order_no, line, sku, qty, told_at) VALUES (?, ?, ?, ?, ?)",
        [(r.order, r.line, r.sku, r.qty, snapshot.made_at) for r in snapshot.returnables],
    )
    tx.execute("DELETE FROM transfer")
    tx.executemany(
        "INSERT INTO transfer (code, direction, other, sku, qty, received, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(t.code, t.direction, t.other, t.sku, t.qty, t.received, t.at) for t in snapshot.transfers],
    )
    asked = {t.id for t in snapshot.tasks}
    for (task,) in tx.execute("SELECT id FROM task WHERE state = 'open'").fetchall():
        number = task.removeprefix("count:")
        if number.isdigit() and int(number) <= snapshot.decisions and task not in asked:
            tx.execute("UPDATE task SET state = 'done', done_at = ? WHERE id = ?", (snapshot.made_at, task))
    known = {row[0] for row in tx.execute("SELECT id FROM task").fetchall()}
    first = sum(t.reason == LOST_RIGHTS and t.id not in known for t in snapshot.tasks)
    if first:
        at = f"count_first:{snapshot.decisions}"
        notices.make(tx, at, "count_first", ctx.moment.now, items=first)
    # One that is done here was done by a fact above the cut, or the centre would not ask any more.
    tx.executemany(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, not_by, made_at, sheet) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(t.id, t.kind, t.sku, t.reason, t.not_by, t.made_at, t.sheet) for t in snapshot.tasks],
    )
    for one in snapshot.sales:
        know_sale(tx, one.id, one.sku, one.qty, one.at)
        tx.executemany(
            "INSERT OR IGNORE INTO till_void (id, sale_line, qty, at) VALUES (?, ?, ?, ?)",
            [(void, one.id, qty, at) for void, qty, at in one.voids],
        )
    for s in snapshot.sheets:
        open_sheet(tx, (s.id, s.kind, s.name, s.scope, s.blind), s.areas, s.made_by, s.made_at)
    paused = read.meta(tx, "pause")
    tx.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('pause', ?)",
        ((paused or "paused") if snapshot.paused else "",),
    )


def _lost(tx: Connection, kept: set[int], made_at: int) -> None:
    """Open here, unknown there: not this store's any more."""
    for fence in sorted(kept):
        row = read.assignment(tx, fence)
        if row is None or row["withdrawn"] or State(row["state"]) not in WORKABLE:
            continue
        tx.execute(
            "UPDATE assignment SET withdrawn = 1, withdrawn_at = ?, withdrawn_reason = 'restored' "
            "WHERE fence = ?",
            (made_at, fence),
        )
        effects.settle(tx, fence, made_at)


def _answer(tx: Connection, ctx: Context) -> None:
    """What the skipped decisions would have called for."""
    for row in tx.execute(
        "SELECT fence, progress FROM assignment WHERE withdrawn = 1 AND ended_at = 0 ORDER BY fence"
    ).fetchall():
        decisions.take_withdrawal(tx, row[0], row[1], ctx)
    for (sku,) in tx.execute("SELECT sku FROM stock WHERE debt < 0 ORDER BY sku").fetchall():
        decisions.credit(tx, sku, ctx)
