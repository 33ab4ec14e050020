"""Handing over at the counter. The twin of sync/replica/commands/handover.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import held, line_of, not_now, quantity, settle, turn_of
from pwa.twin.deeds.leaving import against, leave, ready
from pwa.twin.no import No

Data = dict[str, Any]

CODE_TRIES = 5
UNDO_MS = 60000


def hand_over(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if turn["kind"] == "shipment":
        raise No("wrong_way_out", order=turn["order_no"], kind=turn["kind"])
    if args.get("override"):
        raise No("needs_node", order=turn["order_no"])
    ready(extract, turn, ctx)
    against(extract, turn, ctx)
    proof(extract, turn, args, ctx)
    stays: Data = {}
    for number, qty, _reason in args.get("refused", []):
        quantity(qty, held(line_of(turn, number)) - stays.get(str(number), 0), str(number))
        stays[str(number)] = stays.get(str(number), 0) + qty
    leave(extract, turn, stays, args.get("collector", "").strip()[:60], ctx)
    return {"fence": turn["fence"], "state": turn["state"], "undo_until": ctx["now"] + UNDO_MS}


def proof(extract: Data, turn: Data, args: Data, ctx: Data) -> None:
    """A code that fits, or the name of who collects. Tries are counted over all turns of the order."""
    if args.get("code", ""):
        tries = turn["code_tries"]
        if tries >= CODE_TRIES:
            raise No("code_locked", order=turn["order_no"], tries=tries)
        if ctx["code_fits"]:
            return
        for one in extract["turns"]:
            if one["order_no"] == turn["order_no"]:
                one["code_tries"] = tries + 1
        if tries + 1 >= CODE_TRIES:
            raise No("code_locked", order=turn["order_no"], tries=CODE_TRIES)
        raise No("wrong_pickup_code", order=turn["order_no"], left=CODE_TRIES - tries - 1)
    if turn["code_hash"]:
        raise No("code_wanted", order=turn["order_no"])
    if not args.get("collector", "").strip():
        raise No("name_wanted", order=turn["order_no"])


def undo_hand_over(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if not turn["released_at"] or turn["state"] not in ["released", "put_back"]:
        not_now(turn)
    if turn["manifest"]:
        raise No("wrong_way_out", order=turn["order_no"], kind=turn["kind"])
    if ctx["now"] - turn["released_at"] > UNDO_MS:
        raise No("too_late_to_undo", order=turn["order_no"], at=turn["released_at"], seconds=UNDO_MS // 1000)
    if turn["state"] == "put_back" and any(line["put_back"] for line in turn["lines"]):
        not_now(turn)
    for line in turn["lines"]:
        line["released"] = 0
    turn["progress"] = "staged" if turn["location"] else "packed"
    turn["released_at"] = 0
    turn["released_by"] = ""
    turn["collector"] = ""
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "state": turn["state"]}
