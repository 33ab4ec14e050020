"""The views of a connection, kept beside it, and what counts for quotas already.

A change of views raises a number in table meta. The writer's map of pools keeps what this returns, so
routing an order asks nothing; a reader asks for that one number.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from server.views.rules import Rule, Views

_KEPT: WeakKeyDictionary[sqlite3.Connection, tuple[str, Views]] = WeakKeyDictionary()


def version(db: sqlite3.Connection) -> str:
    row = db.execute("SELECT value FROM meta WHERE key = 'views'").fetchone()
    return str(row[0]) if row else ""


def views_of(db: sqlite3.Connection) -> Views:
    """All views as they are now."""
    newest = version(db)
    kept = _KEPT.get(db)
    if kept is None or kept[0] != newest:
        rows = db.execute("SELECT channel, store, sku, kind, value, days, since FROM channel_view")
        kept = _KEPT[db] = (newest, Views(Rule(*row) for row in rows.fetchall()))
    return kept[1]


def forget_views(db: sqlite3.Connection) -> None:
    """After a rollback: the number may have been given twice."""
    _KEPT.pop(db, None)


def taken(db: sqlite3.Connection, channel: str, since: Mapping[str, int]) -> dict[str, int]:
    """Units of each SKU that were promised to the channel since then and not cancelled; gone ones count."""
    found: dict[str, int] = {}
    by_start: dict[int, list[str]] = {}
    for sku, start in since.items():
        by_start.setdefault(start, []).append(sku)
    for start, skus in by_start.items():
        found |= dict(
            db.execute(
                "SELECT u.sku, sum(l.qty - l.cancelled) FROM quota_use u"
                " JOIN fulfilment_line l ON l.fo = u.fo AND l.sku = u.sku"
                " WHERE u.channel = ?1 AND u.sku IN (SELECT value FROM json_each(?2)) AND u.at >= ?3"
                " GROUP BY u.sku",
                (channel, json.dumps(skus), start),
            ).fetchall()
        )
    return found
