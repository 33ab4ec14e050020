"""The pages that a handheld draws by itself: from its extract to a template and its data.

Twins of the `views` of each activity, for as long as the store node is away. `who` is the person at
the handheld, `args` what the address said beyond the path, `t` gives words in their language. What
only the store node knows (a shopper's name, an order's history) is left out, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.deeds import UNDO_MS, came_back, held, may_come_back, may_leave

Data = dict[str, Any]

VERSION = "0.1.0"
"""Of this software, as support codes name it."""
SOON_MS = 600000
LATE_MS = 300000
MOST_PARCELS = 6
TABS = ["offers", "work", "ready"]
STEPS = ["accepted", "picking", "picked"]


def gone(t: Callable[..., str], text: str, back: str) -> Data:
    return view("gone.html", t("Not here"), back, {"text": text}, back, 404)


def view(template: str, title: str, url: str, data: Data, back: str = "", status: int = 200) -> Data:
    return {"template": template, "title": title, "url": url, "data": data, "back": back, "status": status}


# --- cards and lines


def card_of(extract: Data, turn: Data) -> Data:
    lines: list[Data] = turn["lines"]
    picked = sum(line["picked"] for line in lines)
    gone_out = sum(line["released"] + line["put_back"] for line in lines)
    pickup = turn["kind"] == "pickup"
    return {
        "fence": turn["fence"],
        "order_no": turn["order_no"],
        "kind": turn["kind"],
        "state": turn["state"],
        "provisional": turn["ownership"] == "provisional",
        "confirmed": turn["ownership"] == "confirmed",
        "withdrawn": bool(turn["withdrawn"]),
        "accept_by": turn["accept_by"],
        "promised_by": turn["promised_by"],
        "owner_until": turn["owner_until"],
        "items": sum(line["qty"] - line["short"] for line in lines),
        "picked": picked,
        "to_put_back": max(picked - gone_out, 0),
        "location": turn["location"],
        "tote": turn["tote"],
        "wave": turn["wave"],
        "manifest": turn["manifest"],
        "picker": turn["picker"],
        "shopper": extract["shoppers"].get(str(turn["fence"]), ""),
        "phone_tail": "",
        "pickup": pickup,
        "url": next_page(turn, pickup),
    }


def next_page(turn: Data, pickup: bool) -> str:
    fence = turn["fence"]
    if turn["state"] == "offered":
        return f"/offers/{fence}"
    if turn["state"] == "picking" and turn["wave"]:
        return f"/waves/{turn['wave']}"
    if turn["state"] == "picked":
        return f"/pack/{fence}"
    if turn["state"] == "packed" and pickup:
        return f"/stage/{fence}"
    if turn["state"] == "staged" and pickup:
        return f"/handover/{fence}"
    if turn["state"] == "put_back":
        return f"/putback/{fence}"
    return f"/orders/{fence}"


def cards_in(extract: Data, turns: list[Data]) -> list[Data]:
    return [card_of(extract, turn) for turn in turns]


def named(item: Data, field: str, who: Data) -> str:
    mine = "_zh" if who["language"] == "zh" else "_en"
    other = "_en" if who["language"] == "zh" else "_zh"
    return str(item[field + mine] or item[field + other] or "")


def lines_of(extract: Data, turn: Data, who: Data) -> list[Data]:
    return [shown_line(extract, turn, line, who) for line in turn["lines"]]


def shown_line(extract: Data, turn: Data, line: Data, who: Data) -> Data:
    unknown = {
        "name_en": line["sku"],
        "name_zh": "",
        "detail_en": "",
        "detail_zh": "",
        "shelf": "",
        "gtins": [],
    }
    item = extract["items"].get(line["sku"], unknown)
    name = named(item, "name", who)
    other = item["name_en"] if who["language"] == "zh" else item["name_zh"]
    return {
        "fence": turn["fence"],
        "line": line["line"],
        "sku": line["sku"],
        "qty": line["qty"],
        "picked": line["picked"],
        "short": line["short"],
        "released": line["released"],
        "put_back": line["put_back"],
        "later": line["later"],
        "name": name,
        "detail": named(item, "detail", who),
        "other_name": other if other != name else "",
        "shelf": item["shelf"],
        "gtins": item["gtins"],
        "order_no": turn["order_no"],
        "tote": turn["tote"],
        "left": max(line["qty"] - line["picked"] - line["short"], 0),
        "held": held(line),
        "codes": [line["sku"], *item["gtins"]],
        "key": f"{turn['fence']}:{line['line']}",
    }


def find_turn(extract: Data, fence: int) -> Any:
    turns: list[Data] = extract["turns"]
    for turn in turns:
        if turn["fence"] == fence:
            return turn
    return None


# --- lists


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
    data = {
        "tab": tab,
        "counts": counts,
        "cards": rows,
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


def why_ended(extract: Data, fence: int, who: Data) -> str:
    return str(extract["whys"].get(str(fence), {}).get(who["language"], ""))


# --- a wave


def pick_page(extract: Data, wave: str, args: Data, who: Data, t: Callable[..., str]) -> Data:
    mine = [one for one in extract["turns"] if wave and one["wave"] == wave]
    turns: list[Data] = sorted(mine, key=lambda one: (one["accept_by"], one["fence"]))
    if not turns:
        return gone(t, t("This wave is over."), "/orders?tab=work")
    totes = cards_in(extract, turns)
    lines: list[Data] = []
    for turn in turns:
        if turn["state"] in STEPS:
            lines.extend(lines_of(extract, turn, who))
    lines = sorted(
        sorted(lines, key=lambda line: (line["fence"], line["line"])),
        key=lambda line: (line["later"], line["shelf"] == "", line["shelf"], line["tote"], line["line"]),
    )
    open_lines = [line for line in lines if line["left"]]
    chosen = [line for line in open_lines if line["key"] == args.get("line", "")]
    current = chosen[0] if chosen else open_lines[0] if open_lines else None
    data = {
        "wave": wave,
        "totes": totes,
        "lines": lines,
        "prints": {"label": False, "sheet": False},
        "current": current,
        "done": len([line for line in lines if not line["left"]]),
        "task": task(turns, lines, current, t),
        "last": last_pick(extract, turns, lines, who),
        "picked_totes": [tote for tote in totes if tote["state"] == "picked"],
        "ended": [tote for tote in totes if tote["state"] == "put_back" or tote["withdrawn"]],
    }
    title = t("All picked")
    if current is not None:
        title = t("Tote {tote} · {order}", {"tote": current["tote"] or "–", "order": current["order_no"]})
    return view("picking/pick.html", title, f"/waves/{wave}", data, "/orders?tab=work")


def task(turns: list[Data], lines: list[Data], current: Any, t: Callable[..., str]) -> Data:
    here = current["key"] if current is not None else ""
    ordered: list[Data] = []
    for turn in turns:
        ordered.extend(
            sorted([line for line in lines if line["fence"] == turn["fence"]], key=lambda line: line["line"])
        )
    return {
        "lines": [
            {
                "key": line["key"],
                "codes": line["codes"],
                "have": line["picked"],
                "want": line["qty"] - line["short"],
                "tote": line["tote"],
                "here": line["key"] == here,
            }
            for line in ordered
        ],
        "say": {
            "more": t("Right. Tote {tote}: {left} more."),
            "last": t("Right. Tote {tote}: line complete."),
            "again": t("Already complete: all {want} are picked."),
            "wrong": t("Wrong item. Not in this wave."),
        },
    }


def last_pick(extract: Data, turns: list[Data], lines: list[Data], who: Data) -> Any:
    """The newest pick of this person here, offered for undo."""
    fences = [line["fence"] for line in lines]
    newest = None
    for one in extract["picks"]:
        if one["person"] == who["person"] and one["fence"] in fences:
            newest = one
    if newest is None or newest["undone"]:
        return None
    key = f"{newest['fence']}:{newest['line']}"
    found = [line for line in lines if line["key"] == key]
    if not found or found[0]["picked"] == 0:
        return None
    return {"line": found[0], "qty": newest["qty"]}


def short_page(
    extract: Data, wave: str, fence: int, number: int, args: Data, who: Data, t: Callable[..., str]
) -> Data:
    turn = find_turn(extract, fence)
    lines = lines_of(extract, turn, who) if turn is not None else []
    found = [line for line in lines if line["line"] == number]
    if not found:
        return gone(t, t("This line is not in this store any more."), f"/waves/{wave}")
    data = {
        "wave": wave,
        "line": found[0],
        "reasons": [reason for reason in extract["reasons"] if reason["for_short"]],
        "first": args.get("reason", ""),
    }
    url = f"/waves/{wave}/short?fence={fence}&line={number}"
    back = f"/pack/{fence}" if wave == "-" else f"/waves/{wave}"
    return view("picking/short.html", t("Cannot pick"), url, data, back)


# --- packing


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


# --- the counter


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
    free = may_leave(turn, ctx)
    out = bool(turn["released_at"]) and card["state"] in ["released", "put_back"]
    override = args.get("override", "") == "1" or args.get("action", "") == "override"
    data = {
        "card": card,
        "row": turn,
        "free": free,
        "has_code": bool(turn["code_hash"]),
        "lines": [line for line in lines_of(extract, turn, who) if line["held"] or line["released"]],
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


# --- back to the shelf


def put_back_tasks(extract: Data, t: Callable[..., str]) -> Data:
    turns = [one for one in extract["turns"] if one["state"] == "put_back"]
    turns = sorted(turns, key=lambda one: (one["changed_at"], one["fence"]))
    return view(
        "putback/tasks.html",
        t("Put back"),
        "/putback",
        {"cards": cards_in(extract, turns)},
        "/orders?tab=work",
    )


def put_back_page(extract: Data, fence: int, who: Data, t: Callable[..., str]) -> Data:
    turn = find_turn(extract, fence)
    if turn is None:
        return gone(t, t("This order is not in this store any more."), "/orders")
    card = card_of(extract, turn)
    lines = [line for line in lines_of(extract, turn, who) if line["picked"]]
    waiting = sorted(
        [line for line in lines if line["held"]], key=lambda line: (line["shelf"] == "", line["shelf"])
    )
    current = waiting[0] if waiting else None
    here = current["key"] if current is not None else ""
    rows = [
        {
            "key": line["key"],
            "codes": line["codes"],
            "have": line["put_back"],
            "want": line["picked"] - line["released"],
            "tote": "",
            "here": line["key"] == here,
        }
        for line in [*waiting, *[line for line in lines if not line["held"]]]
    ]
    say = {
        "more": t("Back on the shelf. {left} more."),
        "last": t("Back on the shelf. It can be sold again."),
        "again": t("All of these are back already."),
        "wrong": t("Not one of the items to put back."),
    }
    data = {
        "card": card,
        "lines": lines,
        "waiting": waiting,
        "current": current,
        "task": {"lines": rows, "say": say},
        "why": why_ended(extract, fence, who),
        "done": card["state"] != "put_back",
    }
    title = t("Put back {order}", {"order": card["order_no"]})
    return view("putback/order.html", title, f"/putback/{fence}", data, "/orders?tab=work")


# --- returns


def returned_row(extract: Data, row: Data) -> Data:
    item = extract["items"].get(row["sku"], {"name_en": row["sku"], "name_zh": ""})
    return {**row, "name_en": item["name_en"], "name_zh": item["name_zh"] or ""}


def returns_page(extract: Data, t: Callable[..., str]) -> Data:
    held = [returned_row(extract, one) for one in extract["returned"] if one["graded"] < one["qty"]]
    return view("returns/home.html", t("Returns"), "/returns", {"held": held[:200]}, "/more")


def return_page(extract: Data, number: str, t: Callable[..., str]) -> Data:
    order = number.strip().upper()
    told = extract["returnable"].get(order, {"lines": []})["lines"]
    rows: list[Data] = []
    for line, sku, qty in may_come_back(extract, order):
        row = returned_row(extract, {"line": line, "sku": sku, "qty": qty})
        row["came"] = came_back(extract, order, sku, line if told else 0)
        rows.append(row)
    data = {
        "number": order,
        "rows": rows,
        "known": bool(told),
        "reasons": extract["return_reasons"],
        "elsewhere": not rows,
    }
    title = t("Return for {order}", {"order": order})
    return view("returns/order.html", title, f"/returns/order?number={order}", data, "/returns")


# --- what is kept here


def help_page(t: Callable[..., str]) -> Data:
    return view("twin/help.html", t("Without the store box"), "/help", {}, "/kept")


def what_now_page(t: Callable[..., str]) -> Data:
    return view("support/now.html", t("What now?"), "/what-now", {"version": VERSION}, "/orders")


def kept_page(t: Callable[..., str]) -> Data:
    return view("twin/kept.html", t("On this device"), "/kept", {}, "/more")
