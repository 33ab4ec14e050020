"""Offers, as a handheld alone answers them. The twin of sync/replica/commands/offers.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import must, settle, turn_of
from pwa.twin.no import No

Data = dict[str, Any]


def accept(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if turn["accepted_at"] and turn["state"] in ["accepted", "picking"]:
        raise No("already_done", order=turn["order_no"], at=turn["accepted_at"], person=turn["accepted_by"])
    must(turn, "accept")
    if ctx["earliest"] > turn["accept_by"]:
        raise No("offer_lapsed", order=turn["order_no"], at=turn["accept_by"])
    turn["progress"] = "accepted"
    turn["accepted_at"] = ctx["now"]
    turn["accepted_by"] = ctx["person"]
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "fo": turn["fo"]}


def decline(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "decline")
    turn["progress"] = "declined"
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "fo": turn["fo"]}
