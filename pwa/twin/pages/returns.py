"""Returns. The twin of pwa/returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.deeds.returns import came_back, may_come_back
from pwa.twin.pages.base import view
from pwa.twin.pages.forms import bad, deed, number_of, text_of, then

Data = dict[str, Any]


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


def plan_return(fields: Data) -> Data:
    number = text_of(fields, "number").upper()
    code = text_of(fields, "sku") or text_of(fields, "code")
    if not number:
        return bad("Type the order's number first.")
    if not code:
        return bad("Choose the item, or scan it.")
    args: Data = {
        "order": number,
        "sku": code,
        "qty": number_of(fields, "qty", 1),
        "reason": text_of(fields, "reason") or "not_wanted",
    }
    if text_of(fields, "line"):
        args["line"] = number_of(fields, "line", 0)
    if text_of(fields, "elsewhere"):
        args["elsewhere"] = True
    return deed("take_return", args)


def after_return(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    page = returns_page(extract, t)
    if not done["went"]:
        page = return_page(extract, text_of(done["fields"], "number"), t)
    next_step = t("Grade it when the store box answers again.")
    return then(page, "good", t("Taken into the hold."), next_step)
