"""Back to the shelf. The twin of pwa/putback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.base import card_of, cards_in, find_turn, gone, lines_of, view, why_ended
from pwa.twin.pages.forms import deed, fence_at, number_of, text_of, then

Data = dict[str, Any]


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


def plan_put_back(parts: list[str], fields: Data) -> Data:
    args: Data = {"fence": fence_at(parts, 1)}
    if text_of(fields, "code"):
        return deed("put_back", {**args, "code": text_of(fields, "code")})
    return deed(
        "put_back", {**args, "line": number_of(fields, "line", 0), "qty": number_of(fields, "qty", 1)}
    )


def after_put_back(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    left = done["result"].get("left", 0)
    text = t("Back on the shelf. It can be sold again.")
    if left:
        text = t("Back on the shelf. {left} more.", {"left": left})
    return then(put_back_page(extract, done["fence"], who, t), "good", text)
