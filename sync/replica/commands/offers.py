"""Answering an offer: accept or decline.

Accepting is provisional at the store until the centre's confirmation is applied, line or no
line; the flag in the fact only tells whether anybody could have confirmed it at once.
"""

from __future__ import annotations

import msgspec

from sync.replica import read
from sync.replica.commands.base import Desk, Result, command
from sync.rules.reasons import REASONS
from sync.rules.refusals import Why, refuse
from sync.rules.states import State, Step
from sync.wire import facts as f


class Accept(msgspec.Struct, frozen=True):
    fence: int


class Decline(msgspec.Struct, frozen=True):
    fence: int
    reason: str
    note: str = ""
    sku: str = ""
    """The SKU the reason speaks of; left out, the only SKU of a one-line offer."""


@command("accept", Accept, "order.accept")
def accept(desk: Desk, args: Accept) -> Result:
    row = desk.assignment(args.fence)
    if row["accepted_at"] and State(row["state"]) in (State.ACCEPTED, State.PICKING):
        raise refuse(
            Why.ALREADY_DONE,
            order=row["order_no"],
            state={"say": read.STATE_TEXTS[State.ACCEPTED]},
            time=desk.time(row["accepted_at"]),
            person=desk.name(row["accepted_by"]),
        )
    desk.assignment(args.fence, Step.ACCEPT)
    # Only when it is over by every reading of the clock: in doubt the centre judges.
    if desk.ctx.moment.earliest > row["accept_by"]:
        raise refuse(Why.OFFER_LAPSED, order=row["order_no"], time=desk.time(row["accept_by"]))
    desk.record(f.Accepted(provisional=not desk.ctx.line_up), fence=args.fence)
    return {"fence": args.fence, "fo": row["fo"], "provisional": not desk.ctx.line_up}


@command("decline", Decline, "order.reject")
def decline(desk: Desk, args: Decline) -> Result:
    row = desk.assignment(args.fence, Step.DECLINE)
    reason = REASONS.get(args.reason)
    if reason is None or not reason.for_decline:
        raise refuse(Why.UNKNOWN_REASON, reason=args.reason)
    skus = {line["sku"] for line in read.lines(desk.tx, args.fence)}
    sku = args.sku or (next(iter(skus)) if len(skus) == 1 and _about_goods(args.reason) else "")
    if sku and sku not in skus:
        raise refuse(Why.UNKNOWN_SKU, sku=sku)
    desk.record(f.Declined(args.reason, args.note, sku), fence=args.fence)
    also = _close_store(desk, args) if reason.pauses_store else []
    return {"fence": args.fence, "fo": row["fo"], "also_declined": also}


def _about_goods(reason: str) -> bool:
    return REASONS[reason].leaves_store_out_h > 0


def _close_store(desk: Desk, args: Decline) -> list[int]:
    """A store that closes takes nothing new: its other unanswered offers move on as well."""
    others = [
        row[0]
        for row in desk.tx.execute("SELECT fence FROM assignment WHERE state = 'offered' ORDER BY fence")
    ]
    for fence in others:
        desk.record(f.Declined(args.reason, args.note), fence=fence)
    if not read.meta(desk.tx, "pause"):
        desk.record(f.StorePaused(True, args.reason))
    return others
