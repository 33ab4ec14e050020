"""Goods left for good: handed over, shipped, and taken back within the short while.

A release is a fact whatever the fence says: the goods are gone, and the stock follows.
Under the current fence of a confirmed owner it ends the turn. By an override, before the
confirmation, or against a withdrawal on its way it counts too, and a case tells a person. Under
an old fence it is kept, the newer assignment is withdrawn, and the case names both facts.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.cases.book import Evidence, open_case
from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.offers import returning, turn
from server.offers.confirm import own
from server.offers.mirror import tell
from server.offers.rows import TurnRow, lines_of, state_when_over, turn_of
from server.orders import parts
from server.stock import book
from sync.rules import stock as arithmetic
from sync.rules.states import State
from sync.wire import facts as f


def handed_over(tx: Tx, source: Source, row: TurnRow, body: f.HandedOver) -> Verdict:
    told: dict[str, object] = {"lines": body.lines, "proof": body.proof}
    if body.proxy:
        told["proxy"] = True
    return _released(
        tx, source, row, body.lines, "handed_over", told,
        override=body.proof == "override" or bool(body.override_by), refused=body.refused,
    )  # fmt: skip


def shipped(tx: Tx, source: Source, row: TurnRow, body: f.Shipped) -> Verdict:
    told: dict[str, object] = {
        "lines": body.lines,
        "manifest": body.manifest,
        "courier": body.courier,
        "parcels": body.parcels,
    }
    return _released(tx, source, row, body.lines, "shipped", told, override=bool(body.override_by))


def undone(tx: Tx, source: Source, row: TurnRow, body: f.HandoverUndone) -> Verdict:
    """The goods are on the counter again: released no more, and reserved for the same shopper."""
    lines = lines_of(tx, row.fence)
    for number, qty in body.lines:
        if number not in lines or lines[number].released < qty:
            # Taking back what never left would mint goods: that is a bug or a forgery, and no fact.
            case = open_case(
                tx,
                "parked_fact",
                now=source.now,
                store=row.store,
                order_no=row.order_no,
                fo=row.fo,
                fence=row.fence,
                params={"kind": source.fact.kind, "reason": "not_released"},
                evidence=[source.evidence()],
            )
            return Verdict("parked", "not_released", case)
    for number, qty in body.lines:
        line = lines[number]
        # Straight back into the reservation: they are in somebody's hands, and pay nobody's debt.
        book.consume(tx, row.store, line.sku, -qty, fence=row.fence, now=source.now, cause=source.cause())
        tx.execute(
            "UPDATE assignment_line SET released = released - ?, reserved = reserved + ?"
            " WHERE fence = ? AND line = ?",
            (qty, qty, row.fence, number),
        )
        tx.execute(
            "UPDATE fulfilment_line SET released = max(0, released - ?) WHERE fo = ? AND line = ?",
            (qty, row.fo, number),
        )
    tell(tx, source, row, "handover_undone", {"lines": body.lines})
    if row.fo_fence == row.fence and row.ended_reason in ("done", ""):
        tx.execute(
            "UPDATE assignment SET state = 'staged', ownership = 'confirmed', ended_at = 0,"
            " ended_reason = '', released_at = 0 WHERE fence = ?",
            (row.fence,),
        )
        tx.execute("UPDATE fulfilment_order SET state = 'owned' WHERE fo = ?", (row.fo,))
        tx.execute("UPDATE shop_order SET state = 'open', closed_at = 0 WHERE no = ? AND state = 'done'",
                   (row.order_no,))  # fmt: skip
        return APPLIED
    returning.rest(tx, row, source)
    if row.fo_state == "released" and parts.open_needs(tx, row.fo):
        # Nobody brings it any more: the newer turn was withdrawn when this one had released.
        tx.execute(
            "UPDATE fulfilment_order SET state = 'waiting', fence = 0, store = '' WHERE fo = ?", (row.fo,)
        )
        turn.route(tx, row.fo, source.now)
        parts.settle_order(tx, row.order_no, source.now)
    return Verdict("stale")


def _released(
    tx: Tx,
    source: Source,
    row: TurnRow,
    lines: Iterable[tuple[int, int]],
    word: str,
    told: dict[str, object],
    *,
    override: bool,
    refused: Iterable[tuple[int, int, str]] = (),
) -> Verdict:
    now = source.now
    twice = _goods_left(tx, source, row, lines)
    # Paying a debt may have ended other turns, this order's among them.
    fresh = turn_of(tx, row.fence)
    assert fresh is not None
    _refused(tx, source, fresh, refused)
    if fresh.current and fresh.provisional and not override:
        own(tx, fresh, now)  # it went out by right: its store was confirmed in the time that this centre lost
    tx.execute(
        "UPDATE assignment SET released_at = ?, person = ? WHERE fence = ?",
        (now, source.fact.person, row.fence),
    )
    tell(tx, source, fresh, word, told)
    if fresh.current and fresh.owned:
        verdict = _in_order(tx, source, fresh, override=override)
        _end_if_complete(tx, fresh, now)
    elif fresh.current:
        case = _case(tx, source, fresh, "forced_release")
        tx.execute(
            "UPDATE assignment SET ownership = 'confirmed', confirmed_at = ? WHERE fence = ?",
            (now, row.fence),
        )
        tx.execute("UPDATE fulfilment_order SET state = 'owned' WHERE fo = ?", (row.fo,))
        _end_if_complete(tx, fresh, now)
        verdict = Verdict("forced", "not_confirmed", case)
    else:
        verdict = _under_an_old_fence(tx, source, fresh)
    if twice:
        case = _case(tx, source, fresh, "released_twice", others=_releases_of(tx, fresh))
        verdict = Verdict("forced" if verdict.name == "applied" else verdict.name, "released_twice", case)
    parts.settle_order(tx, row.order_no, now)
    return verdict


def _goods_left(tx: Tx, source: Source, row: TurnRow, lines: Iterable[tuple[int, int]]) -> int:
    """Stock and lines follow what left. Returns units beyond what the order still wanted."""
    twice = 0
    known = lines_of(tx, row.fence)
    for number, qty in lines:
        line = known.get(number)
        if line is None:
            continue
        reserved = min(qty, line.reserved)
        tx.execute(
            "UPDATE assignment_line SET released = released + ?, reserved = reserved - ?"
            " WHERE fence = ? AND line = ?",
            (qty, reserved, row.fence, number),
        )
        if reserved:
            book.consume(
                tx, row.store, line.sku, reserved, fence=row.fence, now=source.now, cause=source.cause()
            )
        if qty > reserved:  # an old turn, whose units are free or promised to others by now
            moves = arithmetic.released([(line.sku, qty - reserved)])
            book.apply_moves(tx, row.store, moves, source.cause())
        twice += _count(tx, row, number, line.sku, qty, source.now)
    return twice


def _count(tx: Tx, row: TurnRow, number: int, sku: str, qty: int, now: int) -> int:
    """Count released units where the order still wants them; what nobody wants left twice."""
    wanted = tx.execute(
        "SELECT order_line, qty - released - cancelled, cancelled FROM fulfilment_line"
        " WHERE fo = ? AND line = ?",
        (row.fo, number),
    ).fetchone()
    if wanted is None:
        return qty
    here = min(qty, wanted[1])
    rest = qty - here
    revived = 0
    if rest and row.fo_state == "cancelled":
        # It was cancelled while the goods were on their way out: they are out, so it is not.
        revived = min(rest, wanted[2])
    elif rest:
        revived = _from_siblings(tx, row, wanted[0], sku, min(rest, wanted[2]), now)
    tx.execute(
        "UPDATE fulfilment_line SET released = released + ?, cancelled = cancelled - ?"
        " WHERE fo = ? AND line = ?",
        (here + revived, revived, row.fo, number),
    )
    return int(rest - revived)


def _from_siblings(tx: Tx, row: TurnRow, order_line: int, sku: str, qty: int, now: int) -> int:
    """The units were moved to another part of the order since: take them off it again."""
    taken = 0
    for fo, line, left in tx.execute(
        "SELECT l.fo, l.line, l.qty - l.released - l.cancelled FROM fulfilment_line l"
        " JOIN fulfilment_order f ON f.fo = l.fo WHERE f.order_no = ? AND l.order_line = ? AND l.sku = ?"
        " AND l.fo <> ? AND l.qty > l.released + l.cancelled ORDER BY l.fo",
        (row.order_no, order_line, sku, row.fo),
    ).fetchall():
        units = min(qty - taken, left)
        if units <= 0:
            break
        tx.execute(
            "UPDATE fulfilment_line SET cancelled = cancelled + ? WHERE fo = ? AND line = ?",
            (units, fo, line),
        )
        taken += units
        fence, state = tx.execute("SELECT fence, state FROM fulfilment_order WHERE fo = ?", (fo,)).fetchone()
        more = bool(parts.open_needs(tx, fo))
        if fence:
            turn.end_turn(tx, fence, "reassigned" if more else "released_elsewhere", now, again=more)
        if not more and state != "owned":
            parts.cancel_part(tx, fo, now)
    return taken


def _refused(tx: Tx, source: Source, row: TurnRow, refused: Iterable[tuple[int, int, str]]) -> None:
    """What the shopper did not take is wanted no more. It stays reserved until it is on the shelf."""
    for number, qty, reason in refused:
        done = tx.execute(
            "UPDATE fulfilment_line SET cancelled = cancelled + min(?1, qty - released - cancelled)"
            " WHERE fo = ?2 AND line = ?3 RETURNING sku",
            (qty, row.fo, number),
        ).fetchone()
        if done is not None:
            told = {"line": number, "sku": done[0], "qty": qty, "reason": reason}
            tell(tx, source, row, "refused", told)


def _in_order(tx: Tx, source: Source, row: TurnRow, *, override: bool) -> Verdict:
    if row.withdraw_requested_at:
        # The hand-over was on disk there before the withdrawal arrived: the fact wins.
        case = _case(tx, source, row, "released_cancelled" if row.cancelling else "released_stale")
        if row.cancelling:
            tell(tx, source, row, "cancel_failed", {"case": case})
            tx.execute("UPDATE shop_order SET state = 'open' WHERE no = ?", (row.order_no,))
        return Verdict("applied", "withdrawal_too_late", case)
    if override:
        return Verdict("forced", "override", _case(tx, source, row, "forced_release"))
    return APPLIED


def _end_if_complete(tx: Tx, row: TurnRow, now: int) -> None:
    """Nothing more is wanted of this part: the turn is done. Else it stays with the store."""
    if parts.open_needs(tx, row.fo):
        return
    in_hand = turn.free_what_is_not_in_hand(tx, row, now)
    tx.execute(
        "UPDATE assignment SET state = ?, ownership = 'ended', ended_at = ?, ended_reason = 'done'"
        " WHERE fence = ?",
        (state_when_over(State.RELEASED, in_hand), now, row.fence),
    )
    released = tx.execute("SELECT sum(released) FROM fulfilment_line WHERE fo = ?", (row.fo,)).fetchone()[0]
    tx.execute(
        "UPDATE fulfilment_order SET state = ? WHERE fo = ?",
        ("released" if released else "cancelled", row.fo),
    )


def _under_an_old_fence(tx: Tx, source: Source, row: TurnRow) -> Verdict:
    now = source.now
    returning.rest(tx, row, source)
    newer = turn_of(tx, row.fo_fence) if row.fo_fence and row.fo_fence != row.fence else None
    more = bool(parts.open_needs(tx, row.fo))
    others: list[Evidence] = []
    if newer is not None:
        others = _facts_of(tx, newer.fence)
        if not newer.ended_at:
            turn.end_turn(tx, newer.fence, "reassigned" if more else "released_elsewhere", now, again=more)
    if row.fo_state == "cancelled":
        case = _case(tx, source, row, "released_cancelled")
        tx.execute("UPDATE fulfilment_order SET state = 'released' WHERE fo = ?", (row.fo,))
    elif row.ended_reason == "done" and newer is None:
        return Verdict("stale", "already_released")  # the same turn again; see `released_twice`
    else:
        case = _case(tx, source, row, "released_stale", others=others, newer=newer)
        if not more and row.fo_state != "released":
            parts.found_store(tx, row.fo, now)
            tx.execute(
                "UPDATE fulfilment_order SET state = 'released', next_try_at = 0 WHERE fo = ?", (row.fo,)
            )
    return Verdict("stale", "old_fence", case)


def _case(
    tx: Tx,
    source: Source,
    row: TurnRow,
    kind: str,
    *,
    others: Iterable[Evidence] = (),
    newer: TurnRow | None = None,
) -> str:
    return open_case(
        tx,
        kind,
        now=source.now,
        store=row.store,
        order_no=row.order_no,
        fo=row.fo,
        fence=row.fence,
        params={
            "person": source.fact.person,
            "newer_store": newer.store if newer else "",
            "newer_fence": newer.fence if newer else 0,
        },
        evidence=[source.evidence(), *others],
    )


def _facts_of(tx: Tx, fence: int) -> list[Evidence]:
    """The newest facts of a turn, for a person to look at beside the one that came now."""
    return [
        Evidence(row["store"], row["incarnation"], row["number"], row["kind"])
        for row in tx.execute(
            "SELECT store, incarnation, number, kind FROM fact WHERE fence = ?"
            " ORDER BY received_at DESC, number DESC LIMIT 3",
            (fence,),
        ).fetchall()
    ]


def _releases_of(tx: Tx, row: TurnRow) -> list[Evidence]:
    """Releases of the same order by other turns."""
    return [
        Evidence(found["store"], found["incarnation"], found["number"], found["kind"])
        for found in tx.execute(
            "SELECT t.store, t.incarnation, t.number, t.kind FROM fulfilment_order f"
            " JOIN assignment a ON a.fo = f.fo JOIN fact t ON t.fence = a.fence"
            " WHERE f.order_no = ? AND t.kind IN ('handed_over', 'shipped') ORDER BY t.received_at LIMIT 10",
            (row.order_no,),
        ).fetchall()
    ]
