"""A scan on a page that takes none: what the code belongs to. The twin of `scan` in pwa/status/pages.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.deeds.base import turn_with_parcel
from pwa.twin.deeds.picking import turn_with_tote
from pwa.twin.pages.forms import text_of, then
from pwa.twin.pages.kept import only_with_the_node
from pwa.twin.pages.offers import order_page
from pwa.twin.pages.picking import pick_page

Data = dict[str, Any]


def after_scan(extract: Data, done: Data, who: Data, ctx: Data, t: Callable[..., str]) -> Data:
    """Totes, parcels and orders. What goods there are on the shelves, only the store box knows."""
    given = text_of(done["fields"], "code")[:120].upper()
    code = given[3:] if given.startswith("]") else given  # the scanner's own mark for the kind of code
    turns: list[Data] = extract["turns"]
    turn = turn_with_tote(turns, code)
    if turn is not None and turn["state"] == "picking":
        return then(pick_page(extract, turn["wave"], {}, who, t), "good", t("Found."))
    if turn is None:
        turn = turn_with_parcel(turns, code)
    if turn is None:
        turn = one_order(turns, code)
    if turn is None:
        return {"view": only_with_the_node(t, "/orders"), "say": None}
    return then(order_page(extract, turn["fence"], who, t), "good", t("Found."))


def one_order(turns: list[Data], code: str) -> Any:
    """The one waiting order that a code names."""
    waiting = [turn for turn in turns if turn["state"] in ["staged", "packed"]]
    found = [turn for turn in waiting if code in [turn["order_no"], turn["fo"]]]
    return found[0] if len(found) == 1 else None
