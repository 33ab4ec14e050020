"""Lists of work, offers, an order. The twin of pwa/offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.deeds.counter import UNDO_MS
from pwa.twin.pages.base import beside, card_of, find_turn, gone, lines_of, view, why_ended
from pwa.twin.pages.forms import bad, deed, deeds_of, fence_at, fences_of, text_of, then

Data = dict[str, Any]

SOON_MS = 600000
LATE_MS = 300000
FIRST = 20
MORE = 60
TABS = ["offers", "work", "ready"]


def is_work(turn: Data) -> bool:
    if turn["state"] in ["accepted", "picking", "picked", "put_back"]:
        return True
    return bool(turn["state"] == "packed" and turn["kind"] == "pickup")


def is_ready(turn: Data) -> bool:
    if turn["state"] == "staged":
        return True
    return bool(turn["state"] == "packed" and turn["kind"] != "pickup")


def is_offer(turn: Data) -> bool:
    return bool(turn["state"] == "offered" and not turn["withdrawn"])


def tone(left_ms: int) -> str:
    return "bad" if left_ms < LATE_MS else "warn" if left_ms < SOON_MS else ""


def listed(extract: Data, tab: str) -> list[Data]:
    turns: list[Data] = extract["turns"]
    if tab == "offers":
        return sorted(
            [one for one in turns if is_offer(one)], key=lambda one: (one["accept_by"], one["fence"])
        )
    if tab == "work":
        return sorted(
            [one for one in turns if is_work(one)],
            key=lambda one: (
                one["state"] != "put_back",
                one["promised_by"] or one["accept_by"],
                one["fence"],
            ),
        )
    return sorted(
        [one for one in turns if is_ready(one)],
        key=lambda one: (one["kind"] != "pickup", one["promised_by"] or one["owner_until"], one["fence"]),
    )


def drawn(asked: str, cards: int) -> int:
    most = max(FIRST, int(asked)) if asked.isdigit() and len(asked) < 5 else FIRST
    return cards if cards <= most + 10 else most


def home_page(extract: Data, args: Data, who: Data, now: int, t: Callable[..., str]) -> Data:
    counts = {tab: len(listed(extract, tab)) for tab in TABS}
    tab = args.get("tab", "")
    if tab not in TABS:
        filled = [name for name in TABS if counts[name]]
        tab = filled[0] if filled else "offers"
    rows = in_place(extract, tab, args.get("shown", ""), now)
    here = [row["card"] for row in rows if not row["gone"]]
    mine = [one for one in extract["turns"] if one["state"] == "picking" and one["wave"] != ""]
    mine = [one for one in mine if one["picker"] in [who["person"], ""]]
    mine = sorted(mine, key=lambda one: (one["picker"] == "", one["fence"]))
    notices = extract["notices"][who["language"]]
    later = args.get("later", "") == "1"
    now_drawn = drawn(args.get("drawn", ""), len(rows))
    data = {
        "tab": tab,
        "counts": counts,
        "cards": rows[:now_drawn],
        "left": len(rows) - now_drawn,
        "drawn": now_drawn,
        "next": now_drawn + MORE,
        "shown": ",".join([str(row["card"]["fence"]) for row in rows]),
        "to_accept": [card["fence"] for card in here if card["state"] == "offered"],
        "to_pick": [card["fence"] for card in here if card["state"] == "accepted"][:10],
        "wave": mine[0]["wave"] if mine else "",
        "notices": notices,
        "sheet": None if later or not notices else notices[0],
        "later": later,
        "paused": extract["paused"],
    }
    return view("offers/home.html", t("Orders"), f"/orders?tab={tab}", data)


def in_place(extract: Data, tab: str, shown: str, now: int) -> list[Data]:
    """The order of work never jumps under the thumb: pwa/offers/views.py."""
    found = listed(extract, tab)
    placed: list[int] = []
    rows: list[Data] = []
    for word in shown.split(",") if shown else []:
        turn = find_turn(extract, int(word)) if word.isdigit() and len(word) < 18 else None
        if turn is None:
            continue
        placed.append(turn["fence"])
        still = any(one["fence"] == turn["fence"] for one in found)
        rows.append(row_of(extract, turn, now, False, not still))
    for turn in found:
        if turn["fence"] not in placed:
            rows.append(row_of(extract, turn, now, bool(shown), False))
    return rows


def row_of(extract: Data, turn: Data, now: int, added: bool, over: bool) -> Data:
    card = card_of(extract, turn)
    return {"card": card, "tone": tone(card["accept_by"] - now), "new": added, "gone": over}


def offer_page(extract: Data, fence: int, args: Data, who: Data, now: int, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    if turn["state"] != "offered":
        return order_page(extract, fence, who, t)
    card = card_of(extract, turn)
    row = {
        "note": turn["note"],
        "channel": turn["channel"],
        "offered_at": turn["offered_at"],
        "attempt": turn["attempt"],
    }
    data = {
        "card": card,
        "lines": lines_of(extract, turn, who),
        "beside": beside(extract, turn),
        "row": row,
        "tone": tone(card["accept_by"] - now),
    }
    return view("offers/offer.html", card["order_no"], f"/offers/{fence}", data, "/orders?tab=offers")


def decline_page(extract: Data, fence: int, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    card = card_of(extract, turn)
    reasons = [reason for reason in extract["reasons"] if reason["for_decline"]]
    title = t("Decline {order}", {"order": card["order_no"]})
    data = {"card": card, "reasons": reasons}
    return view("offers/decline.html", title, f"/offers/{fence}/decline", data, card["url"])


def order_page(extract: Data, fence: int, who: Data, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    card = card_of(extract, turn)
    data = {
        "card": card,
        "row": turn,
        "lines": lines_of(extract, turn, who),
        "beside": beside(extract, turn),
        "history": [],
        "parcels": [
            {"code": one["code"], "units": sum([pair[1] for pair in one["lines"]])} for one in turn["parcels"]
        ],
        "undo_until": turn["released_at"] + UNDO_MS if turn["state"] == "released" else 0,
        "prints": {"label": False, "sheet": False},
        "state_text": extract["state_texts"][turn["state"]],
        "why": why_ended(extract, fence, who),
    }
    return view("offers/order.html", card["order_no"], f"/orders/{fence}", data, "/orders")


def plan_offer(parts: list[str], fields: Data) -> Data:
    if len(parts) == 2 and parts[1] == "accept":
        fences = fences_of(fields)
        if not fences:
            return bad("Nothing was chosen.")
        return deeds_of(
            [{"name": "accept", "args": {"fence": fence}, "part": str(fence)} for fence in fences]
        )
    reason = text_of(fields, "reason")
    if not reason:
        return bad("Choose a reason first.")
    note = text_of(fields, "note")
    return deed("decline", {"fence": fence_at(parts, 1), "reason": reason, "note": note})


def after_offer(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    went = done["went"]
    if done["name"] == "accept":
        taken = len([outcome for outcome in done["outcomes"] if outcome["ok"]])
        text = (
            t("{n} order accepted.", {"n": taken}) if taken == 1 else t("{n} orders accepted.", {"n": taken})
        )
        next_step = t("The line is down, so the centre has yet to confirm it. Carry on with picking.")
        page = home_page(extract, {"tab": "work" if went else "offers"}, who, ctx["now"], t)
        return then(page, "good", text, next_step)
    page = decline_page(extract, done["fence"], t)
    if went:
        page = home_page(extract, {"tab": "offers"}, who, ctx["now"], t)
    return then(page, "good", t("Declined. The centre looks for another store."))
