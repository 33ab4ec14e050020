"""Goods on their way back to the shelf: withdrawals taken, holds expired, units put back.

An accepted unit stays reserved until the store says that it is back. That is the
whole difference between free and reserved, and why nothing is sold twice.
"""

from __future__ import annotations

from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.offers import turn
from server.offers.mirror import tell
from server.offers.rows import TurnRow, lines_of, state_when_over, turn_of
from server.orders import parts
from server.stock import book
from sync.rules.states import State
from sync.wire import facts as f


def put_back(tx: Tx, source: Source, row: TurnRow, body: f.PutBack) -> Verdict:
    """Units are on the shelf again: what was reserved for them is free."""
    lines = lines_of(tx, row.fence)
    line = lines.get(body.line)
    if line is None:
        return Verdict("stale", "unknown_line")
    working = row.current and not any(each.released for each in lines.values())
    # A turn that goes on still promises the unit, so it keeps its reservation whatever lies on the shelf.
    freed = 0 if working else min(body.qty, line.reserved)
    if freed:
        book.free(tx, row.store, line.sku, freed, fence=row.fence, now=source.now, cause=source.cause())
    tx.execute(
        "UPDATE assignment_line SET reserved = reserved - ?,"
        " put_back = max(put_back, min(picked - released, put_back + ?)) WHERE fence = ? AND line = ?",
        (freed, body.qty, row.fence, body.line),
    )
    told = {"line": body.line, "sku": line.sku, "qty": body.qty}
    tell(tx, source, row, "put_back", told, notify=False)
    if row.ended_at:
        rest(tx, row, source)
    elif row.current and not any(each.in_hand for each in lines_of(tx, row.fence).values()):
        # Everything is back although nobody ended the turn here: the store has given it up.
        _given_up(tx, source, row)
    return APPLIED


def withdrawal_taken(tx: Tx, source: Source, row: TurnRow, body: f.WithdrawalTaken) -> Verdict:
    """The store has the withdrawal and will not release any more. Only now is anything final."""
    if row.ended_at:
        rest(tx, row, source)
    else:
        _given_up(tx, source, row)
    return APPLIED


def hold_expired(tx: Tx, source: Source, row: TurnRow, body: f.HoldExpired) -> Verdict:
    """`owner_until` passed by the store's own careful clock: it will not release any more."""
    if row.ended_at:
        rest(tx, row, source)
    else:
        over_hold(tx, row, source.now, person=source.fact.person, tell_store=False)
    return APPLIED


def over_hold(tx: Tx, row: TurnRow, now: int, *, person: str = "", tell_store: bool = True) -> None:
    """Ownership has run out. A pickup was not collected; a shipment goes to another store."""
    if row.withdraw_requested_at:
        turn.finish(tx, row, row.ended_reason, now, again=_wanted(row), tell=False)
    elif row.kind == "pickup":
        turn.finish(tx, row, "no_show", now, person=person, again=False, tell=tell_store)
    else:
        turn.finish(tx, row, "hold_over", now, person=person, tell=tell_store)
    _after_the_end(tx, row, now)


def rest(tx: Tx, row: TurnRow, source: Source | None = None) -> None:
    """A turn that is over: free what nobody has in hand (any more), and note where it rests."""
    if source is None:
        in_hand = sum(line.in_hand for line in lines_of(tx, row.fence).values())
    else:
        in_hand = turn.free_what_is_not_in_hand(tx, row, source.now)
    now_row = turn_of(tx, row.fence)
    assert now_row is not None
    state = state_when_over(now_row.state, in_hand)
    if state == State.CLOSED and any(line.released for line in lines_of(tx, row.fence).values()):
        state = State.RELEASED
    if state != now_row.state:
        tx.execute("UPDATE assignment SET state = ? WHERE fence = ?", (state, row.fence))


def _given_up(tx: Tx, source: Source, row: TurnRow) -> None:
    """The store ended its turn; whatever the reason was to be, it is so now."""
    asked = bool(row.withdraw_requested_at)
    # A withdrawal that this centre has not made: it was restored from a backup, the store was not.
    released = any(line.released for line in lines_of(tx, row.fence).values())
    reason = row.ended_reason if asked else "reassigned" if released else "restored"
    turn.finish(tx, row, reason, source.now, again=_wanted(row) or not asked, tell=False)
    _after_the_end(tx, row, source.now)


def _wanted(row: TurnRow) -> bool:
    return not row.cancelling and row.ended_reason not in ("cancelled", "released_elsewhere", "no_show")


def _after_the_end(tx: Tx, row: TurnRow, now: int) -> None:
    """A part that nobody is to bring any more is cancelled; then the order may be settled."""
    state = tx.execute("SELECT state, fence FROM fulfilment_order WHERE fo = ?", (row.fo,)).fetchone()
    ended = turn_of(tx, row.fence)
    assert ended is not None
    if (
        state["state"] == "waiting"
        and not state["fence"]
        and (row.cancelling or ended.ended_reason in ("cancelled", "no_show"))
    ):
        parts.cancel_part(tx, row.fo, now)
    parts.settle_order(tx, row.order_no, now)
