"""Packing into one parcel or several, and where the packed order waits."""

from __future__ import annotations

import json

from pwa import work
from pwa.desk import Desk, View
from sync.replica import printing
from sync.rules.states import State

MOST_PARCELS = 6


def pack(desk: Desk, fence: int) -> View:
    card = work.card(desk, fence)
    given = desk.args.get("parcels", "1")
    parcels = max(1, min(int(given) if given.isdigit() else 1, MOST_PARCELS))
    lines = [line for line in work.lines(desk, [fence]) if line.held]
    can = card.state in (State.PICKED, State.PACKED)
    return View(
        "packing/pack.html",
        desk.t("Pack {order}", order=card.order_no),
        f"/pack/{fence}" + (f"?parcels={parcels}" if parcels > 1 else ""),
        {
            "card": card,
            "lines": lines,
            "beside": work.beside(desk, card),
            "parcels": parcels,
            "most": MOST_PARCELS,
            "can": can,
            "missing": [line for line in work.lines(desk, [fence]) if line.short],
            "note": desk.value("SELECT note FROM assignment WHERE fence = ?", fence) or "",
            "address": desk.value("SELECT address FROM assignment WHERE fence = ?", fence) or "",
        },
        back="/orders?tab=work",
    )


def stage(desk: Desk, fence: int) -> View:
    card = work.card(desk, fence)
    parcels = desk.rows("SELECT code, lines FROM parcel WHERE fence = ? ORDER BY code", fence)
    return View(
        "packing/stage.html",
        desk.t("Where does it wait?"),
        f"/stage/{fence}",
        {
            "card": card,
            "parcels": [
                {"code": p["code"], "units": sum(q for _, q in json.loads(p["lines"]))} for p in parcels
            ],
            "shelves": usual_shelves(desk),
            "prints": printing.offered(desk.db),
        },
        back="/orders?tab=work",
    )


def usual_shelves(desk: Desk) -> list[str]:
    """Shelves of the last orders: the emptier first, so that one tap is usually enough."""
    rows = desk.rows(
        "SELECT location, sum(state = 'staged') AS used FROM assignment WHERE location <> ''"
        " GROUP BY location ORDER BY used, location LIMIT 6"
    )
    return [row["location"] for row in rows]
