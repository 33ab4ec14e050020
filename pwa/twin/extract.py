"""What a handheld takes with it: the store's open tasks and the goods in them, and no shopper's name.

Made by the store node, kept by the handheld, changed there by `deeds.py`. A shopper is known by the
order's number alone; the pickup code travels as its salted hash, as the store node itself keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sync.replica import read
from sync.replica.commands.handover import UNDO_MS
from sync.replica.commands.picking import LETTERS, WAVE_MOST
from sync.sqlite import Connection, Row

OPEN = (
    "state IN ('offered', 'accepted', 'picking', 'picked', 'packed', 'staged', 'put_back')"
    " OR (state = 'released' AND released_at > ?)"
)
MOST = 400
"""Turns on one handheld; the most urgent come first. A list longer than this stays with the node."""

TURN = (
    "fence", "fo", "order_no", "kind", "channel", "state", "progress", "ownership", "confirmed", "withdrawn",
    "withdrawn_at", "withdrawn_to", "expired", "ended_at", "offered_at", "accept_by", "promised_by",
    "owner_until", "accepted_at", "accepted_by", "attempt", "location", "tote", "wave", "picker", "manifest",
    "released_at", "released_by", "collector", "code_salt", "code_hash", "code_tries", "note",
)  # fmt: skip
LINE = ("line", "sku", "qty", "picked", "short", "released", "put_back", "later")
ITEM = ("name_en", "name_zh", "detail_en", "detail_zh", "serialised")


def extract(db: Connection, now: int, skus: Iterable[str] = ()) -> dict[str, Any]:
    """The open turns with their lines and parcels, and the goods in them and in `skus`."""
    rows = db.execute(
        f"SELECT * FROM assignment WHERE {OPEN} ORDER BY accept_by, fence LIMIT {MOST}", (now - UNDO_MS,)
    ).fetchall()
    fences = [row["fence"] for row in rows]
    lines = _by_fence(db, "SELECT * FROM assignment_line WHERE fence IN ({}) ORDER BY fence, line", fences)
    parcels = _by_fence(db, "SELECT * FROM parcel WHERE fence IN ({}) ORDER BY fence, code", fences)
    turns = [
        _picked_from(row, TURN)
        | {"lines": [_picked_from(line, LINE) for line in lines.get(row["fence"], [])]}
        | {"parcels": [_parcel(parcel) for parcel in parcels.get(row["fence"], [])]}
        for row in rows
    ]
    wanted = {line["sku"] for turn in turns for line in turn["lines"]} | set(skus)
    items = {sku: found for sku in sorted(wanted) if (found := _item(db, sku)) is not None}
    return {
        "turns": turns,
        "items": items,
        "gtins": {gtin: sku for sku, item in items.items() for gtin in item["gtins"]},
        "wave_max": min(read.policy_number(db, "wave_max", WAVE_MOST), len(LETTERS)),
    }


def _by_fence(db: Connection, sql: str, fences: list[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in db.execute(sql.format(",".join("?" * len(fences))), fences):
        found.setdefault(row["fence"], []).append(row)
    return found


def _picked_from(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _parcel(row: Row) -> dict[str, Any]:
    return {"code": row["code"], "lines": json.loads(row["lines"]), "manifest": row["manifest"]}


def _item(db: Connection, sku: str) -> dict[str, Any] | None:
    row = db.execute("SELECT * FROM item WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return None
    gtins = [one[0] for one in db.execute("SELECT gtin FROM gtin WHERE sku = ? ORDER BY gtin", (sku,))]
    return _picked_from(row, ITEM) | {"gtins": gtins, "shelf": read.shelf_place(db, sku)}
