"""What stores report about their turns. A fact is never refused: what it may change is judged by the fence.

Under the current fence a fact moves the turn on. Under an old one it changes nobody's
rights: it is kept as what happened, its verdict says so, and its consequences are
repaired (units in hand are reserved until they are back on the shelf, a release opens a
case). Whether an acceptance came in time is decided by one transaction: the offer stands
until the sweep has ended it, so of acceptance and lapse in the same millisecond exactly
one wins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.offers import doubt, release, returning, short
from server.offers.confirm import confirm, ready
from server.offers.mirror import LATE, finish_picking, in_time, step, tell
from server.offers.rows import TurnRow, lines_of, turn_of
from server.offers.turn import tell_withdrawn
from server.stock import book
from sync.rules.states import State, Step
from sync.wire import facts as f


def assignment_fact(
    tx: Tx, store: str, number: int, incarnation: str, fact: f.Fact, body: f.Body, now: int
) -> Verdict:
    """The effect of one fact on its turn, its fulfilment order and the stock reserved for it."""
    source = Source(store, incarnation, number, fact, now)
    turn = turn_of(tx, fact.fence)
    if turn is None or turn.store != store:
        return Verdict("parked", "other_store" if turn else "unknown_fence")
    tx.touched.add("board")
    tx.touched.add(f"order:{turn.order_no}")
    return _EFFECTS[type(body)](tx, source, turn, body)


def _accepted(tx: Tx, source: Source, turn: TurnRow, body: f.Accepted) -> Verdict:
    now, fact = source.now, source.fact
    if not turn.current:
        tx.execute(
            "UPDATE assignment SET accepted_at = ?, person = ? WHERE fence = ?",
            (fact.at, fact.person, turn.fence),
        )
        tell_withdrawn(tx, turn, "late", now)
        tell(tx, source, turn, "accepted", {"late": True}, notify=False)
        return LATE
    if turn.owned or turn.provisional:
        return APPLIED
    tx.execute(
        "UPDATE assignment SET state = 'accepted', ownership = 'provisional', accepted_at = ?, person = ?"
        " WHERE fence = ?",
        (fact.at, fact.person, turn.fence),
    )
    if not doubt.elsewhere(tx, turn):
        confirm(tx, turn, now)
    tell(tx, source, turn, "accepted", {"provisional": body.provisional} if body.provisional else None)
    return APPLIED


def _owned_before(tx: Tx, source: Source, turn: TurnRow, body: f.OwnedBefore) -> Verdict:
    if turn.current and turn.provisional and doubt.was_its_own(tx, source, body.until):
        confirm(tx, turn, source.now)
    return APPLIED


def _pick_started(tx: Tx, source: Source, turn: TurnRow, body: f.PickStarted) -> Verdict:
    step(tx, turn, Step.START, person=source.fact.person)
    tell(tx, source, turn, "pick_started", None, notify=turn.current)
    return in_time(turn)


def _picked(tx: Tx, source: Source, turn: TurnRow, body: f.Picked) -> Verdict:
    tx.execute(
        # At most what the line is for: a box with an older copy of its record tells of a unit twice.
        "UPDATE assignment_line SET picked = min(qty, picked + ?) WHERE fence = ? AND line = ?",
        (body.qty, turn.fence, body.line),
    )
    lines = lines_of(tx, turn.fence)
    if body.line not in lines:
        return Verdict("stale", "unknown_line")
    line = lines[body.line]
    # Units in a tote are reserved, whoever has the turn: nobody may be promised them before they are
    # back on the shelf. A turn that is over has to find them in the pool, as far as there are any.
    lacking = line.in_hand - line.reserved
    if lacking > 0:
        got = book.rereserve(
            tx, turn.store, line.sku, lacking, fence=turn.fence, now=source.now, cause=source.cause()
        )
        tx.execute(
            "UPDATE assignment_line SET reserved = reserved + ? WHERE fence = ? AND line = ?",
            (got, turn.fence, body.line),
        )
    if not turn.current:
        returning.rest(tx, turn)
        return LATE
    step(tx, turn, Step.PICK)
    tell(tx, source, turn, "line_picked", {"line": body.line, "sku": line.sku, "qty": body.qty})
    finish_picking(tx, source, turn)
    return APPLIED


def _pick_undone(tx: Tx, source: Source, turn: TurnRow, body: f.PickUndone) -> Verdict:
    tx.execute(
        "UPDATE assignment_line SET picked = max(0, picked - ?) WHERE fence = ? AND line = ?",
        (body.qty, turn.fence, body.line),
    )
    if turn.current:
        step(tx, turn, Step.UNDO_PICK)
        return APPLIED
    returning.rest(tx, turn, source)
    return LATE


def _packed(tx: Tx, source: Source, turn: TurnRow, body: f.Packed) -> Verdict:
    step(tx, turn, Step.PACK)
    tell(tx, source, turn, "packed", {"parcels": len(body.parcels)}, notify=turn.current)
    return in_time(turn)


def _staged(tx: Tx, source: Source, turn: TurnRow, body: f.Staged) -> Verdict:
    tx.execute("UPDATE assignment SET location = ? WHERE fence = ?", (body.location, turn.fence))
    again = turn.state == State.STAGED
    step(tx, turn, Step.STAGE)
    if not turn.current:
        return LATE
    if again:
        return APPLIED  # moved to another shelf: no news for the shopper
    tell(tx, source, turn, "staged", {"location": body.location}, notify=False)
    if turn.kind == "pickup" and turn.owned and not turn.withdraw_requested_at:
        ready(tx, turn, source.now, source.fact.person)
    return APPLIED


_EFFECTS: dict[type[f.Body], Callable[[Tx, Source, TurnRow, Any], Verdict]] = {
    f.Accepted: _accepted,
    f.Declined: short.declined,
    f.PickStarted: _pick_started,
    f.Picked: _picked,
    f.PickUndone: _pick_undone,
    f.Shorted: short.shorted,
    f.Packed: _packed,
    f.Staged: _staged,
    f.HandedOver: release.handed_over,
    f.HandoverUndone: release.undone,
    f.Shipped: release.shipped,
    f.PutBack: returning.put_back,
    f.OwnedBefore: _owned_before,
    f.WithdrawalTaken: returning.withdrawal_taken,
    f.HoldExpired: returning.hold_expired,
}
