"""Goods that come back. The twin of sync/replica/commands/returns.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import sku_of
from pwa.twin.no import No

Data = dict[str, Any]


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
    return summed(sorted(found))


def summed(found: list[Any]) -> list[Any]:
    """One row for each line and SKU: units of one line may have left under several turns."""
    rows: list[Any] = []
    for line, sku, qty in found:
        if rows and rows[-1][0] == line and rows[-1][1] == sku:
            qty = qty + rows[-1][2]
            rows = rows[:-1]
        rows.append([line, sku, qty])
    return rows


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
