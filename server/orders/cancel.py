"""Cancelling an order. What a store owns is asked back; until it answers, nothing is final.

So an order is never refunded and handed over both: it is `cancel_requested` until every
store that owns a part of it has taken the withdrawal or its ownership has run out, and
a hand-over that was on disk before wins.
"""

from __future__ import annotations

from server.db import Tx
from server.offers import doubt
from server.offers.doubt import take_as_accepted
from server.offers.rows import turn_of
from server.offers.turn import ask_back, finish
from server.orders import parts
from server.orders.new import Cancelled
from server.outbox.events import happened
from sync.rules.refusals import Why, refuse

__all__ = ["Cancelled", "cancel"]


def cancel(tx: Tx, order_no: str, *, now: int, by: str = "", reason: str = "", second: str = "") -> Cancelled:
    """Ask for it, as often as one likes. `second`: who stood by it, where one person may not alone.
    Raises Refused for an order that is not known."""
    order = tx.execute(
        "SELECT state, channel, cancel_requested_at FROM shop_order WHERE no = ?", (order_no,)
    ).fetchone()
    if order is None:
        raise refuse(Why.UNKNOWN_ORDER, order=order_no)
    if order["state"] in ("done", "cancelled"):
        return Cancelled(order_no, order["state"])
    if order["state"] == "open":
        # First the state, so that a turn that ends on the way is not routed again.
        tx.execute(
            "UPDATE shop_order SET state = 'cancel_requested', cancel_requested_at = ? WHERE no = ?",
            (now, order_no),
        )
        happened(
            tx,
            "cancel_requested",
            at=now,
            order_no=order_no,
            person=by,
            channel=order["channel"],
            data={"reason": reason} if reason else None,
        )
        if second:
            happened(tx, "seconded", at=now, order_no=order_no, person=second, notify=False)
        for fo, state, fence in tx.execute(
            "SELECT fo, state, fence FROM fulfilment_order WHERE order_no = ? ORDER BY fo", (order_no,)
        ).fetchall():
            _cancel_part(tx, fo, state, fence, now)
    state = parts.settle_order(tx, order_no, now)
    owners = tx.execute(
        "SELECT a.store, a.owner_until FROM fulfilment_order f JOIN assignment a ON a.fence = f.fence"
        " WHERE f.order_no = ? AND f.state = 'owned' AND a.ended_at = 0 ORDER BY a.fence",
        (order_no,),
    ).fetchall()
    asked = [row[0] for row in owners]
    if state == "cancel_requested" and not asked:  # nobody owns it here, and who was not heard may
        asked = sorted(doubt.silent(tx))
    return Cancelled(order_no, state, tuple(asked), max((row[1] for row in owners), default=0))


def _cancel_part(tx: Tx, fo: str, state: str, fence: int, now: int) -> None:
    if state in ("released", "cancelled"):
        return
    turn = turn_of(tx, fence) if fence else None
    if turn is not None and not turn.ended_at:
        if turn.owned or take_as_accepted(tx, turn):
            ask_back(tx, turn, "cancelled", now)
            return
        finish(tx, turn, "cancelled", now, again=False)
    parts.cancel_part(tx, fo, now)
