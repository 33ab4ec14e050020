"""What pages of every activity are made of: the view, an order's card, its lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.deeds.base import held

Data = dict[str, Any]


def gone(t: Callable[..., str], text: str, back: str) -> Data:
    return view("gone.html", t("Not here"), back, {"text": text}, back, 404)


def view(template: str, title: str, url: str, data: Data, back: str = "", status: int = 200) -> Data:
    return {"template": template, "title": title, "url": url, "data": data, "back": back, "status": status}


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
        "instead": called(extract, line.get("instead_of", ""), who),
    }


def called(extract: Data, sku: str, who: Data) -> str:
    """Name and kind of an article."""
    item = extract["items"].get(sku)
    name = named(item, "name", who) if item else sku
    detail = named(item, "detail", who) if item else ""
    return f"{name}, {detail}" if detail else name


def beside(extract: Data, of: Data) -> list[Data]:
    """The order's other parts in this store."""
    open_states = ["offered", "accepted", "picking", "picked", "packed", "staged"]
    same = [one for one in extract["turns"] if one["order_no"] == of["order_no"] and not one["withdrawn"]]
    others = [one for one in same if one["fence"] != of["fence"] and one["state"] in open_states]
    return [
        {
            "url": next_page(one, one["kind"] == "pickup"),
            "tote": one["tote"],
            "location": one["location"],
            "state": extract["state_texts"][one["state"]],
        }
        for one in sorted(others, key=lambda one: one["fence"])
    ]


def find_turn(extract: Data, fence: int) -> Any:
    turns: list[Data] = extract["turns"]
    for turn in turns:
        if turn["fence"] == fence:
            return turn
    return None


def why_ended(extract: Data, fence: int, who: Data) -> str:
    return str(extract["whys"].get(str(fence), {}).get(who["language"], ""))
