"""Manifests, what is loaded and what still waits."""

from __future__ import annotations

import json
from typing import Any

from pwa import work
from pwa.desk import Desk, Gone, View
from sync.replica import printing

ON = "coalesce(nullif(p.manifest, ''), CASE WHEN a.released_at > 0 THEN a.manifest ELSE '' END)"
"""The manifest that a parcel is on. An order that has left counts by itself: it may be packed anew no more.
One that is still here has to have each of its parcels scanned."""
PARCELS = (
    "SELECT p.code, p.fence, p.lines, a.order_no, a.kind,"
    " a.location, a.promised_by, a.ownership FROM parcel p JOIN assignment a ON a.fence = p.fence"
    " WHERE a.kind <> 'pickup' AND {where} ORDER BY a.promised_by = 0, a.promised_by, p.code LIMIT 300"
)


def parcels(desk: Desk, where: str, *values: Any) -> list[dict[str, Any]]:
    return [
        {
            "code": row["code"],
            "fence": row["fence"],
            "order_no": row["order_no"],
            "kind": row["kind"],
            "location": row["location"],
            "promised_by": row["promised_by"],
            "confirmed": row["ownership"] == "confirmed",
            "units": sum(qty for _, qty in json.loads(row["lines"])),
        }
        for row in desk.rows(PARCELS.format(where=where), *values)
    ]


WAITING = "a.state IN ('packed', 'staged') AND p.manifest = ''"


def manifests(desk: Desk) -> View:
    rows = desk.rows(
        "SELECT m.code, m.courier, m.state, m.opened_at, m.closed_at,"
        " (SELECT count(*) FROM parcel p JOIN assignment a ON a.fence = p.fence"
        f"  WHERE {ON} = m.code) AS parcels"
        " FROM manifest m ORDER BY m.state = 'handed_over', m.opened_at DESC, m.code LIMIT 30"
    )
    couriers = [
        row["courier"]
        for row in desk.rows(
            "SELECT courier FROM manifest GROUP BY courier ORDER BY max(opened_at) DESC, courier LIMIT 6"
        )
    ]
    return View(
        "courier/manifests.html",
        desk.t("Courier"),
        "/courier",
        {"manifests": rows, "waiting": parcels(desk, WAITING), "couriers": couriers},
        back="/orders?tab=ready",
    )


def manifest(desk: Desk, code: str) -> View:
    row = desk.row("SELECT * FROM manifest WHERE code = ?", code)
    if row is None:
        raise Gone("This manifest is not in this store.", "/courier")
    loaded = parcels(desk, f"{ON} = ?", code)
    waiting = parcels(desk, WAITING) if row["state"] == "open" else []
    t = desk.t
    task = {
        "lines": [
            {
                "key": p["code"],
                "codes": [p["code"], p["order_no"]],
                "have": have,
                "want": 1,
                "tote": "",
                "here": not have,
            }
            for have, rows in enumerate((waiting, loaded))
            for p in rows
        ],
        "say": {
            "more": t("Right parcel."),
            "last": t("Right parcel. Loaded."),
            "again": t("Already on this manifest."),
            "wrong": t("Not a parcel for this courier."),
        },
    }
    return View(
        "courier/manifest.html",
        row["courier"],
        f"/courier/{code}",
        {"m": row, "loaded": loaded, "waiting": waiting, "task": task, "prints": printing.offered(desk.db)},
        back="/courier",
    )


def waiting_count(desk: Desk) -> int:
    return len(work.cards(desk, "a.kind <> 'pickup' AND a.state IN ('packed', 'staged')"))
