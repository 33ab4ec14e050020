"""What facts and decisions do to stock, written a second time.

The product has its own tables of moves. These here were written from the design
alone, so that a slip in one of them shows as a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

COLUMNS = ("on_hand", "share", "debt", "damaged", "hold")
"""What both sides keep; a vector of these five numbers is called a book row."""

Effect = tuple[str, tuple[int, int, int, int, int]]
"""A SKU and what is added to its book row."""

SkuOfLine = Callable[[int], str]


def _gone(body: dict[str, Any], damaged: int = 0) -> tuple[int, int, int, int, int]:
    return (-body["qty"], -body.get("share", 0), body.get("debt", 0), damaged, 0)


def of_fact(kind: str, body: dict[str, Any], sku_of_line: SkuOfLine) -> Iterator[Effect]:
    """The effect of one fact on the stock of its store."""
    if kind == "sold":
        # What a count had missed already is not on hand any more when the till tells of it.
        _, share, debt, _, _ = _gone(body)
        yield body["sku"], (-(body["qty"] - body.get("counted", 0)), share, debt, 0, 0)
    elif kind == "sale_voided":
        back = body["qty"] - body.get("counted", 0)
        yield body["sku"], (back, body.get("share", 0), -body.get("paid", 0), 0, 0)
    elif kind == "transfer_sent":
        yield body["sku"], _gone(body)
    elif kind == "adjusted":
        yield body["sku"], _gone(body, body["qty"] if body.get("to", "damaged") == "damaged" else 0)
    elif kind in ("sale_returned", "returned"):
        yield body["sku"], (0, 0, 0, 0, body["qty"])
    elif kind == "received":
        yield body["sku"], (body["qty"], body.get("share", 0), -body.get("paid", 0), 0, 0)
    elif kind == "counted":
        more = body["found"] - body["expected"]
        if more >= 0:
            yield body["sku"], (more, body.get("share", 0), -body.get("paid", 0), 0, 0)
        else:
            yield body["sku"], (more, -body.get("share", 0), body.get("debt", 0), 0, 0)
    elif kind == "graded":
        qty = body["qty"]
        if body["disposition"] == "restock":
            yield body["sku"], (qty, body.get("share", 0), -body.get("paid", 0), 0, -qty)
        elif body["disposition"] in ("damaged", "quarantine"):
            yield body["sku"], (0, 0, 0, qty, -qty)
        else:
            yield body["sku"], (0, 0, 0, 0, -qty)
    elif kind == "gave":
        yield body["sku"], (0, -body["qty"], 0, 0, 0)
    elif kind == "credited":
        yield body["sku"], (0, body["qty"], body["qty"], 0, 0)
    elif kind == "shorted":
        qty, reason = body["qty"], body["reason"]
        sku = body.get("sku") or sku_of_line(body["line"])
        if reason == "damaged":
            yield sku, (-qty, 0, 0, qty, 0)
        elif reason in ("sold_to_walk_in", "label_mismatch"):
            yield sku, (-qty, 0, 0, 0, 0)
            if body.get("instead") and reason == "label_mismatch":
                yield body["instead"], (qty, 0, 0, 0, 0)
    elif kind in ("handed_over", "shipped"):
        for line, qty in body["lines"]:
            yield sku_of_line(line), (-qty, 0, 0, 0, 0)
    elif kind == "handover_undone":
        for line, qty in body["lines"]:
            yield sku_of_line(line), (qty, 0, 0, 0, 0)


def of_decision(kind: str, body: dict[str, Any]) -> Iterator[Effect]:
    """The effect of one decision, at the centre when made and at the store when applied."""
    if kind == "granted":
        yield body["sku"], (0, body["qty"], 0, 0, 0)
    elif kind == "debt_paid":
        yield body["sku"], (0, 0, -body["qty"], 0, 0)
    elif kind == "stock_loaded":
        for sku, qty, share in body["rows"]:
            yield sku, (qty, share, 0, 0, 0)


class Book:
    """Book rows per SKU, and which of them moved since somebody last asked."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}
        self.moved: set[str] = set()

    def add(self, effect: Effect) -> None:
        sku, difference = effect
        row = self.rows.get(sku)
        if row is None:
            row = self.rows[sku] = [0, 0, 0, 0, 0]
        for place, units in enumerate(difference):
            row[place] += units
        self.moved.add(sku)

    def row(self, sku: str) -> tuple[int, ...]:
        return tuple(self.rows.get(sku, (0, 0, 0, 0, 0)))
