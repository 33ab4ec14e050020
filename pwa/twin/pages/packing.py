"""Packing and the shelf. The twin of pwa/packing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.base import beside, card_of, find_turn, gone, lines_of, view
from pwa.twin.pages.forms import TOO_OLD, bad, deed, fence_at, number_of, text_of, then
from pwa.twin.pages.offers import home_page

Data = dict[str, Any]

MOST_PARCELS = 6


def pack_page(extract: Data, fence: int, args: Data, who: Data, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    card = card_of(extract, turn)
    given = args.get("parcels", "1")
    parcels = max(1, min(int(given) if given.isdigit() else 1, MOST_PARCELS))
    lines = lines_of(extract, turn, who)
    data = {
        "card": card,
        "lines": [line for line in lines if line["held"]],
        "beside": beside(extract, turn),
        "parcels": parcels,
        "most": MOST_PARCELS,
        "can": card["state"] in ["picked", "packed"],
        "missing": [line for line in lines if line["short"]],
        "note": turn["note"],
        "address": "",
    }
    more = f"?parcels={parcels}" if parcels > 1 else ""
    title = t("Pack {order}", {"order": card["order_no"]})
    return view("packing/pack.html", title, f"/pack/{fence}{more}", data, "/orders?tab=work")


def stage_page(extract: Data, fence: int, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    data = {
        "card": card_of(extract, turn),
        "parcels": [
            {"code": one["code"], "units": sum([pair[1] for pair in one["lines"]])} for one in turn["parcels"]
        ],
        "shelves": usual_shelves(extract),
        "prints": {"label": False, "sheet": False},
    }
    return view("packing/stage.html", t("Where does it wait?"), f"/stage/{fence}", data, "/orders?tab=work")


def usual_shelves(extract: Data) -> list[str]:
    turns: list[Data] = extract["turns"]
    places: list[str] = [*extract["locations"]]
    for turn in turns:
        if turn["location"] and turn["location"] not in places:
            places.append(turn["location"])
    rows = [
        [len([one for one in turns if one["location"] == place and one["state"] == "staged"]), place]
        for place in places
    ]
    return [str(row[1]) for row in sorted(rows)[:6]]


def plan_pack(parts: list[str], fields: Data) -> Data:
    """Fields `q_<line>_<parcel>` as parcels of (line, quantity); empty parcels are left out."""
    parcels: Data = {}
    for name in fields:
        if name.startswith("q_"):
            words = name.split("_")
            qty = number_of(fields, name, 0)
            if len(words) != 3 or not words[1].isdigit() or not words[2].isdigit():
                return bad(TOO_OLD)
            if qty:
                parcels.setdefault("p" + words[2], []).append([int(words[1]), qty])
    args: Data = {"fence": fence_at(parts, 1)}
    if parcels:
        named = sorted([[int(name[1:]), rows] for name, rows in parcels.items()], key=lambda row: row[0])
        args["parcels"] = [sorted(row[1]) for row in named]
    return deed("pack", args)


def plan_stage(parts: list[str], fields: Data) -> Data:
    location = (text_of(fields, "location") or text_of(fields, "code")).upper()
    if not location:
        return bad("Scan the shelf, or type what is written on it.")
    if len(location) > 24:
        return bad("That is too long for a shelf. Scan the shelf's own label.")
    return deed("stage", {"fence": fence_at(parts, 1), "location": location})


def after_pack(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    fence = done["fence"]
    page = stage_page(extract, fence, t) if done["went"] else pack_page(extract, fence, done["args"], who, t)
    return then(page, "good", t("Packed. Now put it on a shelf."))


def after_stage(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    page = stage_page(extract, done["fence"], t)
    if done["went"]:
        page = home_page(extract, {"tab": "ready"}, who, ctx["now"], t)
    place = done["result"].get("location", "")
    return then(page, "good", t("On shelf {location}.", {"location": place}))
