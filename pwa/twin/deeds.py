"""What a person does at a handheld, applied to its extract while the store node is away.

The twin of sync/replica/commands, over the open tasks that the device holds. It shows the person
what their work comes to; the store node does the same commands again, under the same ids, when it
is back, and its word counts. Written in the part of Python that `rules.py` turns into JavaScript.

`extract` is what `extract.py` makes. `ctx` tells who, when and under which command: `now`, `latest`
(the centre's time at most), `person`, `fresh` (texts for new codes), `code_fits` (a pickup code that
the caller has checked), `read` (a scanned code as GTIN and serial). A refusal raises `No`.
"""

from __future__ import annotations

from typing import Any

from pwa.twin.no import No

Data = dict[str, Any]

NEXT: dict[str, list[str]] = {
    "accept": ["offered"],
    "decline": ["offered", "accepted"],
    "start": ["accepted", "picking"],
    "pick": ["accepted", "picking"],
    "undo_pick": ["picking", "picked"],
    "short": ["accepted", "picking", "picked"],
    "pack": ["picked", "packed"],
    "stage": ["packed", "staged"],
    "release": ["packed", "staged"],
}
"""From which states a step may be taken: sync/rules/states.py, as far as a device goes."""
WORKABLE = ["offered", "accepted", "picking", "picked", "packed", "staged"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODE_TRIES = 5
UNDO_MS = 60000


# --- looking up


def turn_of(extract: Data, fence: int) -> Data:
    turns: list[Data] = extract["turns"]
    for turn in turns:
        if turn["fence"] == fence:
            return turn
    raise No("unknown_task", fence=fence)


def line_of(turn: Data, number: int) -> Data:
    lines: list[Data] = turn["lines"]
    for line in lines:
        if line["line"] == number:
            return line
    raise No("unknown_line", fo=turn["fo"], line=number)


def must(turn: Data, step: str) -> None:
    if turn["state"] not in NEXT[step]:
        not_now(turn)


def not_now(turn: Data) -> None:
    facts_fo = turn["fo"]
    if turn["state"] == "released":
        raise No("handed_over", fo=facts_fo, order=turn["order_no"], at=turn["released_at"])
    if turn["withdrawn"]:
        raise No("withdrawn", fo=facts_fo, order=turn["order_no"], to=turn["withdrawn_to"])
    if turn["expired"]:
        raise No("hold_over", fo=facts_fo, order=turn["order_no"])
    raise No("not_now", fo=facts_fo, order=turn["order_no"], state=turn["state"])


def quantity(qty: int, most: int, sku: str) -> None:
    if qty < 1:
        raise No("bad_quantity", qty=qty)
    if qty > most:
        raise No("too_many", left=most, sku=sku, qty=qty)


def held(line: Data) -> int:
    """Picked units that are still here."""
    return max(int(line["picked"] - line["released"] - line["put_back"]), 0)


def claimed(turn: Data, ctx: Data) -> None:
    other = turn["picker"] not in ["", ctx["person"]]
    if other and turn["state"] in NEXT["start"]:
        raise No("claimed", person=turn["picker"], fo=turn["fo"])


def sku_of(extract: Data, code: str, ctx: Data) -> str:
    """The SKU behind a code, as far as the device knows it; an empty text where it does not."""
    text = str(ctx["read"]["raw"])
    if text in extract["items"]:
        return text
    gtin = ctx["read"]["gtin"]
    if gtin:
        return str(extract["gtins"].get(gtin, ""))
    if text.upper() in extract["items"]:
        return text.upper()
    return ""


# --- what follows from progress


def settle(extract: Data, turn: Data, ctx: Data) -> None:
    """State and ownership, from the centre's words and the store's own facts."""
    was = [turn["state"], turn["ownership"]]
    picked = sum(line["picked"] for line in turn["lines"])
    released = sum(line["released"] for line in turn["lines"])
    loose = picked - released - sum(line["put_back"] for line in turn["lines"])
    complete = all(line["picked"] + line["short"] >= line["qty"] for line in turn["lines"])
    over = turn["withdrawn"] or turn["ended_at"] > 0
    state = turn["progress"]
    if state != "declined":
        if over or state == "released":
            state = "put_back" if loose > 0 else "released" if released > 0 else "closed"
        elif state == "picking" and complete:
            state = "picked" if picked > 0 else "closed"
    turn["state"] = state
    if over or state in ["declined", "closed"]:
        turn["ownership"] = "ended"
    elif turn["confirmed"] and turn["accepted_at"]:
        turn["ownership"] = "confirmed"
    elif turn["accepted_at"]:
        turn["ownership"] = "provisional"
    else:
        turn["ownership"] = "none"
    if [turn["state"], turn["ownership"]] != was:
        turn["changed_at"] = ctx["now"]


def noted(extract: Data, turn: Data, line: Data, qty: int, undone: bool, ctx: Data) -> None:
    """The newest pick or undo of a person in a turn is what may be undone."""
    mine = ctx["person"]
    others = [one for one in extract["picks"] if one["person"] != mine or one["fence"] != turn["fence"]]
    newest = {"person": mine, "fence": turn["fence"], "line": line["line"], "qty": qty, "undone": undone}
    extract["picks"] = [*others, newest]


# --- offers


def accept(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if turn["accepted_at"] and turn["state"] in ["accepted", "picking"]:
        raise No("already_done", fo=turn["fo"], at=turn["accepted_at"], person=turn["accepted_by"])
    must(turn, "accept")
    if ctx["earliest"] > turn["accept_by"]:
        raise No("offer_lapsed", fo=turn["fo"], at=turn["accept_by"])
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


# --- picking


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


def picked(extract: Data, turn: Data, line: Data, qty: int, ctx: Data) -> Data:
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
    return picked(extract, turn, line, qty, ctx)


def undo_pick(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "undo_pick")
    claimed(turn, ctx)
    line = line_of(turn, args["line"])
    qty = args.get("qty", 1)
    quantity(qty, line["picked"], line["sku"])
    line["picked"] = line["picked"] - qty
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
    """Goods into a tote of the wave, or back to the shelf."""
    sku = sku_of(extract, args["code"], ctx)
    if sku == "":
        raise No("unknown_code", code=args["code"])
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
                    return picked(extract, turn, line, 1, ctx)
                full = full or line
            elif still_open and (wanted is None or line["later"] < wanted["later"]):
                wanted = line
    if full is not None:
        raise No("enough_picked", qty=full["picked"], sku=full["sku"])
    if wanted is not None:
        raise No("wrong_item", found_sku=sku, wanted_sku=wanted["sku"])
    not_now(turns[0])
    return {}


# --- packing


def pack(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "pack")
    there = {str(line["line"]): line["picked"] for line in turn["lines"] if line["picked"]}
    parcels = args.get("parcels", []) or [
        [[line["line"], line["picked"]] for line in turn["lines"] if line["picked"]]
    ]
    found: Data = {}
    for parcel in parcels:
        if not parcel:
            raise No("bad_quantity", qty=0)
        for number, qty in parcel:
            if qty < 1:
                raise No("bad_quantity", qty=qty)
            found[str(number)] = found.get(str(number), 0) + qty
    if found != there:
        raise No("parcels_differ", line=0, packed=0, picked=0)
    turn["parcels"] = [
        {"code": "P" + ctx["fresh"][i][:8], "lines": parcel, "manifest": ""}
        for i, parcel in enumerate(parcels)
    ]
    turn["progress"] = "packed"
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "parcels": [parcel["code"] for parcel in turn["parcels"]]}


def stage(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    must(turn, "stage")
    location = args["location"].strip()[:40]
    if not location:
        raise No("not_understood", problem="location")
    turn["location"] = location
    turn["progress"] = "staged"
    settle(extract, turn, ctx)
    return {"fence": turn["fence"], "location": location}


# --- leaving


def may_leave(turn: Data, ctx: Data) -> bool:
    """Owned, not withdrawn, and before `owner_until` by the latest that the centre's time can be."""
    owned = turn["ownership"] == "confirmed" and not turn["withdrawn"]
    return bool(owned and ctx["latest"] < turn["owner_until"])


def ready(turn: Data, ctx: Data) -> None:
    if turn["state"] not in NEXT["release"]:
        not_now(turn)
    if may_leave(turn, ctx):
        return
    if turn["withdrawn"]:
        raise No("withdrawn", fo=turn["fo"], to=turn["withdrawn_to"])
    if turn["expired"] or (turn["confirmed"] and turn["accepted_at"]):
        raise No("hold_over", fo=turn["fo"], at=turn["owner_until"])
    raise No("not_confirmed", fo=turn["fo"])


def leave(extract: Data, turn: Data, stays: Data, who: str, ctx: Data) -> None:
    for line in turn["lines"]:
        line["released"] = line["released"] + held(line) - stays.get(str(line["line"]), 0)
    turn["progress"] = "released"
    turn["released_at"] = ctx["now"]
    turn["released_by"] = ctx["person"]
    turn["collector"] = who
    settle(extract, turn, ctx)


def hand_over(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if turn["kind"] == "shipment":
        raise No("wrong_way_out", fo=turn["fo"], kind=turn["kind"])
    if args.get("override"):
        raise No("needs_node", fo=turn["fo"])
    ready(turn, ctx)
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
            raise No("code_locked", fo=turn["fo"], tries=tries)
        if ctx["code_fits"]:
            return
        for one in extract["turns"]:
            if one["order_no"] == turn["order_no"]:
                one["code_tries"] = tries + 1
        if tries + 1 >= CODE_TRIES:
            raise No("code_locked", fo=turn["fo"], tries=CODE_TRIES)
        raise No("wrong_pickup_code", fo=turn["fo"], left=CODE_TRIES - tries - 1)
    if turn["code_hash"]:
        raise No("code_wanted", fo=turn["fo"])
    if not args.get("collector", "").strip():
        raise No("name_wanted", fo=turn["fo"])


def undo_hand_over(extract: Data, args: Data, ctx: Data) -> Data:
    turn = turn_of(extract, args["fence"])
    if not turn["released_at"] or turn["state"] not in ["released", "put_back"]:
        not_now(turn)
    if turn["manifest"]:
        raise No("wrong_way_out", fo=turn["fo"], kind=turn["kind"])
    if ctx["now"] - turn["released_at"] > UNDO_MS:
        raise No("too_late_to_undo", fo=turn["fo"], at=turn["released_at"], seconds=UNDO_MS // 1000)
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


# --- returns


def take_return(extract: Data, args: Data, ctx: Data) -> Data:
    order = args["order"].strip().upper()
    if not order:
        raise No("unknown_order", order="")
    sku = sku_of(extract, args["sku"], ctx)
    if sku == "":
        raise No("unknown_code", code=args["sku"])
    qty = args["qty"]
    if qty < 1:
        raise No("bad_quantity", qty=qty)
    line = args.get("line", 0)
    known = may_come_back(extract, order)
    if known:
        fits = [one for one in known if one[1] == sku and line in [0, one[0]]]
        left = sum(one[2] for one in fits) - came_back(extract, order, sku, line)
        if qty > left:
            raise No("return_too_many", left=max(left, 0), sku=sku, order=order)
        line = line or fits[0][0]
    elif not args.get("elsewhere", False):
        raise No("order_not_here", order=order)
    made = {
        "id": "R" + ctx["fresh"][0],
        "order_no": order,
        "line": line,
        "sku": sku,
        "qty": qty,
        "graded": 0,
        "bought_elsewhere": 1 if args.get("elsewhere", False) else 0,
        "received_at": ctx["now"],
    }
    extract["returned"] = sorted(
        [*extract["returned"], made], key=lambda one: (one["received_at"], one["id"])
    )
    return {"return_id": made["id"], "sku": sku, "qty": qty, "order": order, "line": line}


def may_come_back(extract: Data, order: str) -> list[Any]:
    """(order line, SKU, units): by the centre's word, else by what left this store."""
    told: list[Any] = extract["returnable"].get(order, {"lines": []})["lines"]
    if told:
        return told
    found: list[Any] = [*extract["left"].get(order, [])]
    for turn in extract["turns"]:
        if turn["order_no"] == order:
            for line in turn["lines"]:
                if line["released"]:
                    found.append([line["order_line"], line["sku"], line["released"]])
    return sorted(found)


def came_back(extract: Data, order: str, sku: str, line: int) -> int:
    since = extract["returnable"].get(order, {"since": 0})["since"]
    return sum(
        one["qty"]
        for one in extract["returned"]
        if one["order_no"] == order
        and one["sku"] == sku
        and (line == 0 or one["line"] in [0, line])
        and one["received_at"] > since
    )


# --- back to the shelf


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
    settle(extract, turn, ctx)
    left = sum(held(one) for one in turn["lines"])
    return {"kind": "put_back", "fence": turn["fence"], "sku": sku, "left": left, "state": turn["state"]}
