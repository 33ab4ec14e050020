"""Goods back to the shelf. The twin of sync/replica/commands/putback.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import forget_serials, held, line_of, not_now, quantity, settle, sku_of, turn_of
from pwa.twin.no import No

Data = dict[str, Any]


def put_back(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if args.get("code", ""):
        sku = sku_of(extract, args["code"], ctx)
        if sku == "":
            raise No("unknown_code", code=args["code"])
        return back(extract, turn, sku, args.get("qty", 1), 0, ctx)
    line = line_of(turn, args["line"])
    return back(extract, turn, line["sku"], args.get("qty", 1), line["line"], ctx)


def back(extract: Data, turn: Data, sku: str, qty: int, number: int, ctx: Data) -> Data:
    if turn["state"] != "put_back":
        not_now(turn)
    waiting = [line for line in turn["lines"] if held(line)]
    fits = [line for line in waiting if line["sku"] == sku and number in [0, line["line"]]]
    if not fits:
        if any(line["sku"] == sku for line in turn["lines"]) or not waiting:
            raise No("too_many", left=0, sku=sku, qty=qty)
        raise No("wrong_item", found_sku=sku, wanted_sku=waiting[0]["sku"])
    line = fits[0]
    quantity(qty, held(line), sku)
    line["put_back"] = line["put_back"] + qty
    forget_serials(turn, line, qty)
    settle(extract, turn, ctx)
    left = sum(held(one) for one in turn["lines"])
    return {"kind": "put_back", "fence": turn["fence"], "sku": sku, "left": left, "state": turn["state"]}
