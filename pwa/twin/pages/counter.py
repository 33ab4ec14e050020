"""The counter. The twin of pwa/handover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.deeds.counter import UNDO_MS
from pwa.twin.deeds.leaving import may_leave
from pwa.twin.pages.base import beside, card_of, cards_in, find_turn, gone, lines_of, view, why_ended
from pwa.twin.pages.forms import deed, fence_at, number_of, text_of, then

Data = dict[str, Any]


def find_page(extract: Data, query: str, t: Callable[..., str]) -> Data:
    asked = query.strip()
    turns: list[Data] = [one for one in extract["turns"] if one["kind"] == "pickup"]
    waiting = sorted(
        [one for one in turns if one["state"] == "staged"], key=lambda one: (one["owner_until"], one["fence"])
    )
    found: list[Data] = []
    if asked:
        here = [one for one in turns if one["state"] in ["staged", "packed", "released"]]
        fits = [one for one in here if asked.upper() in [one["order_no"], one["fo"]]]
        fits = fits or [one for one in here if one["order_no"].endswith(asked.upper())]
        found = sorted(fits, key=lambda one: (one["state"] == "released", one["owner_until"], one["fence"]))
    data = {
        "query": asked,
        "found": cards_in(extract, found),
        "prints": {"label": False, "sheet": False},
        "waiting": [] if asked else cards_in(extract, waiting),
    }
    url = f"/handover?q={asked}" if asked else "/handover"
    return view("handover/find.html", t("Hand over"), url, data, "/orders?tab=ready")


def counter_page(extract: Data, fence: int, args: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    card = card_of(extract, turn)
    free = may_leave(extract, turn, ctx)
    out = bool(turn["released_at"]) and card["state"] in ["released", "put_back"]
    override = args.get("override", "") == "1" or args.get("action", "") == "override"
    data = {
        "card": card,
        "row": turn,
        "free": free,
        "has_code": bool(turn["code_hash"]),
        "lines": [line for line in lines_of(extract, turn, who) if line["held"] or line["released"]],
        "beside": beside(extract, turn),
        "leads": [lead for lead in extract["leads"] if lead["id"] != who["person"]],
        "override": override or not free,
        "may_open": card["state"] in ["staged", "packed"],
        "refused": extract["refused"],
        "overrides": extract["overrides"],
        "gone": out,
        "undo_until": turn["released_at"] + UNDO_MS if out else 0,
        "why": why_ended(extract, fence, who),
        "released_by": extract["people"].get(turn["released_by"], turn["released_by"]),
    }
    return view("handover/counter.html", card["order_no"], f"/handover/{fence}", data, "/handover")


def plan_hand_over(parts: list[str], fields: Data) -> Data:
    fence = fence_at(parts, 1)
    if len(parts) > 2 and parts[2] == "undo":
        return deed("undo_hand_over", {"fence": fence})
    if fence == 0:
        return {"known": True, "bad": "", "deeds": []}  # a scan that looks for an order
    args: Data = {"fence": fence}
    if text_of(fields, "action") == "override":
        args["override"] = True
    elif text_of(fields, "code"):
        args["code"] = text_of(fields, "code")
    if text_of(fields, "collector"):
        args["collector"] = text_of(fields, "collector")[:60]
    if text_of(fields, "proxy"):
        args["proxy"] = True
    refused = [
        [int(name[3:]), number_of(fields, name, 0), text_of(fields, f"why_{name[3:]}") or "not_wanted"]
        for name in fields
        if name.startswith("no_") and name[3:].isdigit() and number_of(fields, name, 0)
    ]
    if refused:
        args["refused"] = refused
    return deed("hand_over", args)


def after_counter(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    fields = done["fields"]
    fence = done["fence"]
    if fence == 0:
        code = text_of(fields, "code")
        found = named_by(extract, code.upper())
        if found:
            page = counter_page(extract, found, {}, who, ctx, t)
            return then(page, "good", t("Found."))
        return then(find_page(extract, code, t), "bad", t("No waiting order has this code."))
    text = t("Handed over. Thank the shopper.")
    mood = "good"
    if done["what"]:
        text = t("Taken back: the order waits on its shelf again.")
        mood = "info"
    args = {"action": text_of(fields, "action"), "collector": text_of(fields, "collector")}
    page = counter_page(extract, fence, args, who, ctx, t)
    return then(page, mood, text)


def named_by(extract: Data, code: str) -> int:
    found: list[int] = []
    for turn in extract["turns"]:
        if turn["state"] in ["staged", "packed"]:
            codes = [turn["order_no"], turn["fo"], *[parcel["code"] for parcel in turn["parcels"]]]
            if code in codes:
                found.append(turn["fence"])
    return found[0] if len(found) == 1 else 0
