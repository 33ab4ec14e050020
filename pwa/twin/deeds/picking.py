"""Waves, scans, picks and shorts. The twin of sync/replica/commands/picking.py and scanning.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import (
    NEXT,
    forget_serials,
    line_of,
    must,
    not_now,
    quantity,
    settle,
    sku_of,
    turn_of,
    turn_with_parcel,
)
from pwa.twin.deeds.putback import back
from pwa.twin.no import No

Data = dict[str, Any]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def claimed(turn: Data, ctx: Data) -> None:
    other = turn["picker"] not in ["", ctx["person"]]
    if other and turn["state"] in NEXT["start"]:
        tote = f"{turn['wave']}-{turn['tote']}" if turn["wave"] else turn["fo"]
        raise No("claimed", person=turn["picker"], order=turn["order_no"], tote=tote)


def noted(extract: Data, turn: Data, line: Data, qty: int, undone: bool, ctx: Data) -> None:
    """The newest pick or undo of a person in a turn is what may be undone."""
    mine = ctx["person"]
    others = [one for one in extract["picks"] if one["person"] != mine or one["fence"] != turn["fence"]]
    newest = {"person": mine, "fence": turn["fence"], "line": line["line"], "qty": qty, "undone": undone}
    extract["picks"] = [*others, newest]


def start_wave(extract: Data, args: Data, ctx: Data) -> Data:
    fences: list[int] = []
    for fence in args["fences"]:
        if fence not in fences:
            fences.append(fence)
    if not fences:
        raise No("bad_quantity", qty=0)
    if len(fences) > extract["wave_max"]:
        raise No("wave_full", most=extract["wave_max"])
    turns = [turn_of(extract, fence) for fence in fences]
    for turn in turns:
        must(turn, "start")
        claimed(turn, ctx)
    wave = "W" + ctx["fresh"][0][:6]
    for i, turn in enumerate(turns):
        turn["progress"] = "picking"
        turn["wave"] = wave
        turn["tote"] = LETTERS[i]
        turn["picker"] = ctx["person"]
        settle(extract, turn, ctx)
    return {"wave": wave}


def piece(extract: Data, line: Data, qty: int, serial: str) -> None:
    """A piece with a number of its own is picked once, and never without that number."""
    sku = line["sku"]
    if not serial:
        if extract["items"].get(sku, {"serialised": 0})["serialised"]:
            raise No("serial_wanted", sku=sku)
        return
    if qty != 1:
        raise No("bad_quantity", qty=qty)
    for turn in extract["turns"]:
        for number, used, _at in turn.get("serials", []):
            if used == serial and line_of(turn, number)["sku"] == sku:
                raise No("serial_used", serial=serial, sku=sku, order=turn["order_no"])


def picked(extract: Data, turn: Data, line: Data, qty: int, serial: str, ctx: Data) -> Data:
    piece(extract, line, qty, serial)
    if serial:
        turn["serials"] = sorted(
            [*turn.get("serials", []), [line["line"], serial, ctx["now"]]], key=lambda one: (one[2], one[1])
        )
    line["picked"] = line["picked"] + qty
    noted(extract, turn, line, qty, False, ctx)
    if turn["progress"] in ["offered", "accepted"]:
        turn["progress"] = "picking"
        turn["picker"] = turn["picker"] or ctx["person"]
    settle(extract, turn, ctx)
    left = line["qty"] - line["picked"] - line["short"]
    return {
        "kind": "picked",
        "fence": turn["fence"],
        "line": line["line"],
        "tote": turn["tote"],
        "sku": line["sku"],
        "qty": qty,
        "left": left,
        "state": turn["state"],
    }


def pick(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    line = line_of(turn, args["line"])
    qty = args.get("qty", 1)
    left = line["qty"] - line["picked"] - line["short"]
    if left <= 0 and line["picked"] and turn["state"] in ["picking", "picked"]:
        raise No("enough_picked", qty=line["picked"], sku=line["sku"])
    must(turn, "pick")
    claimed(turn, ctx)
    quantity(qty, left, line["sku"])
    return picked(extract, turn, line, qty, "", ctx)


def undo_pick(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "undo_pick")
    claimed(turn, ctx)
    line = line_of(turn, args["line"])
    qty = args.get("qty", 1)
    quantity(qty, line["picked"], line["sku"])
    line["picked"] = line["picked"] - qty
    forget_serials(turn, line, qty)
    noted(extract, turn, line, qty, True, ctx)
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "line": line["line"], "picked": line["picked"]}


def short(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "short")
    claimed(turn, ctx)
    line = line_of(turn, args["line"])
    quantity(args["qty"], line["qty"] - line["short"], line["sku"])
    untouched = line["qty"] - line["short"] - line["picked"]
    if args["qty"] > untouched:
        line["picked"] = line["picked"] - (args["qty"] - untouched)
        forget_serials(turn, line, args["qty"] - untouched)
        noted(extract, turn, line, args["qty"] - untouched, True, ctx)
        settle(extract, turn, ctx)
    line["short"] = line["short"] + args["qty"]
    if turn["progress"] in ["offered", "accepted"]:
        turn["progress"] = "picking"
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "line": line["line"], "short": line["short"], "state": turn["state"]}


def pick_later(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "pick")
    line = line_of(turn, args["line"])
    same = [one for one in extract["turns"] if wave_mate(one, turn)]
    last = max([max([line["later"] for line in one["lines"]]) for one in same])
    line["later"] = last + 1
    return {"fence": turn["fence"], "line": line["line"], "later": last + 1}


def wave_mate(one: Data, turn: Data) -> bool:
    return bool(one["fence"] == turn["fence"] or (turn["wave"] != "" and one["wave"] == turn["wave"]))


def scan(extract: Data, args: Data, ctx: Data) -> Data:
    """Goods into a tote of the wave, or back to the shelf; a tote taken over, a parcel."""
    sku = sku_of(extract, args["code"], ctx)
    if sku == "":
        return other_code(extract, args["code"], ctx)
    if args.get("fence", 0):
        turns = [turn_of(extract, args["fence"])]
    else:
        mine = [one for one in extract["turns"] if one["wave"] == args["wave"] and one["wave"] != ""]
        turns = sorted(mine, key=lambda one: (one["accept_by"], one["fence"]))
        if not turns:
            raise No("unknown_task", wave=args["wave"])
    if len(turns) == 1 and turns[0]["state"] == "put_back":
        return back(extract, turns[0], sku, 1, 0, ctx)
    return scanned(extract, turns, sku, ctx)


def other_code(extract: Data, code: str, ctx: Data) -> Data:
    """A tote's label carries a task from one person, or from a dead handheld, to the next."""
    turn = turn_with_tote(extract["turns"], str(ctx["read"]["raw"]))
    if turn is not None:
        if turn["state"] == "picking":
            turn["picker"] = ctx["person"]
        return {"kind": "tote", "fence": turn["fence"], "wave": turn["wave"], "tote": turn["tote"]}
    turn = turn_with_parcel(extract["turns"], str(ctx["read"]["raw"]))
    if turn is not None:
        return {"kind": "parcel", "fence": turn["fence"]}
    raise No("unknown_code", code=code.strip()[:64])


def turn_with_tote(turns: list[Data], code: str) -> Any:
    for turn in turns:
        if turn["wave"] and code.upper() == turn["wave"] + "-" + turn["tote"]:
            return turn
    return None


def scanned(extract: Data, turns: list[Data], sku: str, ctx: Data) -> Data:
    """The open line of this SKU that has waited longest, over all totes of the wave."""
    full = None
    wanted = None
    for turn in turns:
        for line in turn["lines"]:
            still_open = line["picked"] + line["short"] < line["qty"]
            if line["sku"] == sku:
                if still_open:
                    must(turn, "pick")
                    claimed(turn, ctx)
                    return picked(extract, turn, line, 1, ctx["read"]["serial"], ctx)
                full = full or line
            elif still_open and (wanted is None or line["later"] < wanted["later"]):
                wanted = line
    if full is not None:
        raise No("enough_picked", qty=full["picked"], sku=full["sku"])
    if wanted is not None:
        raise No("wrong_item", found_sku=sku, wanted_sku=wanted["sku"])
    not_now(turns[0])
    return {}
