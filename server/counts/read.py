"""Rows for pages: a store's open counts and differences, and the counts of one SKU."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

SHEETS_SHOWN = 30
ROWS_SHOWN = 200


def sheets(db: sqlite3.Connection, store: str) -> list[dict[str, Any]]:
    """The open ones first, then the newest; with areas, progress and what waits."""
    rows = db.execute(
        "SELECT c.*, p.name AS maker,"
        " (SELECT count(DISTINCT sku) FROM stock_count x WHERE x.store = c.store AND x.sheet = c.id"
        "   AND x.state IN ('open', 'applied')) AS counted,"
        " (SELECT count(DISTINCT sku) FROM count_look k"
        "   WHERE k.store = c.store AND k.sheet = c.id) AS looked,"
        " (SELECT count(*) FROM stock_count x WHERE x.store = c.store AND x.sheet = c.id"
        "   AND x.state = 'open') AS waiting"
        " FROM count_sheet c LEFT JOIN person p ON p.id = c.made_by WHERE c.store = ?"
        " ORDER BY c.state = 'open' DESC, c.made_at DESC LIMIT ?",
        (store, SHEETS_SHOWN),
    ).fetchall()
    return [
        dict(row) | {"areas": json.loads(row["areas"]), "finished": json.loads(row["finished"])}
        for row in rows
    ]


def open_counts(db: sqlite3.Connection, store: str) -> dict[str, int]:
    """How many counts of a store go on, and how many differences wait."""
    row = db.execute(
        "SELECT (SELECT count(*) FROM count_sheet WHERE store = ?1 AND state = 'open'),"
        " (SELECT count(*) FROM stock_count WHERE store = ?1 AND state = 'open')",
        (store,),
    ).fetchone()
    return {"open": row[0], "waiting": row[1]}


def waiting(db: sqlite3.Connection, store: str) -> list[dict[str, Any]]:
    """Differences that wait at the store for a second person, the largest first."""
    return _named(
        db,
        db.execute(
            f"{_COUNTS} WHERE c.store = ? AND c.state = 'open'"
            " ORDER BY abs(c.found - c.expected) * max(i.price_fen, 1) DESC LIMIT ?",
            (store, ROWS_SHOWN),
        ).fetchall(),
    )


def lately(db: sqlite3.Connection, store: str, most: int = 30) -> list[dict[str, Any]]:
    """What counts of this store found, the newest first."""
    return _named(
        db,
        db.execute(
            f"{_COUNTS} WHERE c.store = ? AND c.state <> 'open' ORDER BY c.id DESC LIMIT ?", (store, most)
        ).fetchall(),
    )


def history(db: sqlite3.Connection, sku: str, store: str = "", most: int = 50) -> list[dict[str, Any]]:
    """Every count of a SKU, at one store or all, the newest first: when, by whom, expected, found.

    `state` is what became of it: `applied`, `open`, `again`, `replaced`; `agreed` for what was entered in a
    full count and changed nothing.
    """
    counts = _named(
        db,
        db.execute(
            f"{_COUNTS} WHERE c.sku = ? AND (? = '' OR c.store = ?) ORDER BY c.id DESC LIMIT ?",
            (sku, store, store, most),
        ).fetchall(),
    )
    looks = db.execute(
        "SELECT k.store, k.sku, k.sheet, sum(k.found) AS found, max(k.at) AS looked_at,"
        " group_concat(DISTINCT k.person) AS people, s.name_en AS store_en, s.name_zh AS store_zh"
        " FROM count_look k JOIN count_sheet c ON c.store = k.store AND c.id = k.sheet AND c.state = 'closed'"
        " LEFT JOIN store s ON s.code = k.store"
        " WHERE k.sku = ? AND (? = '' OR k.store = ?) AND NOT EXISTS (SELECT 1 FROM stock_count x"
        "   WHERE x.store = k.store AND x.sku = k.sku AND x.sheet = k.sheet)"
        " AND NOT EXISTS (SELECT 1 FROM count_look l WHERE l.store = k.store AND l.sheet = k.sheet"
        "   AND l.sku = k.sku AND l.area = k.area AND l.instead AND l.id > k.id)"
        " GROUP BY k.store, k.sheet ORDER BY max(k.id) DESC LIMIT ?",
        (sku, store, store, most),
    ).fetchall()
    people = dict(db.execute("SELECT id, name FROM person").fetchall()) if looks else {}
    agreed = [
        dict(row)
        | {
            "expected": row["found"],
            "state": "agreed",
            "moved": 0,
            "counters": [people.get(one, one) for one in row["people"].split(",")],
            "allower": "",
            "difference": 0,
        }
        for row in looks
    ]
    return sorted(counts + agreed, key=lambda row: -row["looked_at"])[:most]


_COUNTS = (
    "SELECT c.*, i.name_en, i.name_zh, i.price_fen, s.name_en AS store_en, s.name_zh AS store_zh,"
    " h.name AS sheet_name FROM stock_count c"
    " LEFT JOIN item i ON i.sku = c.sku LEFT JOIN store s ON s.code = c.store"
    " LEFT JOIN count_sheet h ON h.store = c.store AND h.id = c.sheet"
)


def _named(db: sqlite3.Connection, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    people = dict(db.execute("SELECT id, name FROM person").fetchall()) if rows else {}
    return [
        dict(row)
        | {
            "counters": [people.get(one, one) for one in row["counted_by"].split()],
            "allower": people.get(row["allowed_by"], row["allowed_by"]),
            "difference": row["found"] - row["expected"],
        }
        for row in rows
    ]
