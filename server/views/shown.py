"""What a channel is shown of the pool: routing's arithmetic, over the tables, for many SKUs at once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable

from server.views.read import taken, version, views_of
from server.views.rules import View

_SOLD_FROM = (
    " JOIN store s ON s.code = k.store WHERE k.pool > 0 AND NOT k.suppressed AND s.active AND NOT s.paused"
)
_ASKED = "WITH asked (sku) AS MATERIALIZED (SELECT value FROM json_each(?))"
_ASKED_LESS = "WITH asked (sku, less) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?))"


def shown(
    db: sqlite3.Connection, channel: str, skus: Iterable[str], now: int, *, by_store: bool
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Units of each SKU, and where they are (only if asked). A SKU without any is not among them."""
    views = views_of(db)
    asked = sorted(set(skus))
    ruled = {sku: view for sku in asked if (view := views.of(channel, sku)) is not None}
    places: dict[str, dict[str, int]] = {}
    if by_store:
        places = _places(db, asked, ruled)
        totals = {sku: sum(of.values()) for sku, of in places.items()}
    else:
        totals = _totals(db, asked, ruled)
    limited = {sku: view for sku, view in ruled.items() if view.limits and totals.get(sku)}
    used = taken(
        db, channel, {sku: view.begins(now) for sku, view in limited.items() if view.quota is not None}
    )
    for sku, view in limited.items():
        most = totals[sku] = view.most(totals[sku], used.get(sku, 0))
        if sku in places:
            places[sku] = {store: min(units, most) for store, units in places[sku].items() if most}
    return totals, places


def signature(db: sqlite3.Connection, channel: str, now: int) -> str:
    """Changes when all goods may come or go at once: a store opens, closes or pauses, the channel's views are
    changed, or a quota begins anew.
    """
    rows = [row[0] for row in db.execute("SELECT code FROM store WHERE active AND NOT paused ORDER BY code")]
    views = views_of(db)
    if views.concern(channel):
        freed = db.execute("SELECT value FROM meta WHERE key = ?", (f"quota_freed:{channel}",)).fetchone()
        rows += [version(db), freed[0] if freed else "", *map(str, views.windows(channel, now))]
    return hashlib.blake2b("\n".join(rows).encode(), digest_size=6).hexdigest()


def _totals(db: sqlite3.Connection, asked: list[str], ruled: dict[str, View]) -> dict[str, int]:
    whole = [sku for sku in asked if sku not in ruled or _is_whole(ruled[sku])]
    less = [[sku, ruled[sku].safety] for sku in asked if sku in ruled and not _is_whole(ruled[sku])]
    found: dict[str, int] = dict(
        db.execute(
            f"{_ASKED} SELECT k.sku, sum(k.pool) FROM asked CROSS JOIN stock k ON k.sku = asked.sku"
            f"{_SOLD_FROM} GROUP BY k.sku",
            (json.dumps(whole),),
        ).fetchall()
    )
    if less:
        found |= dict(
            db.execute(
                f"{_ASKED_LESS} SELECT k.sku, sum(max(0, k.pool - less)) FROM asked"
                f" CROSS JOIN stock k ON k.sku = asked.sku{_SOLD_FROM} GROUP BY k.sku",
                (json.dumps(less),),
            ).fetchall()
        )
    own = [sku for sku in asked if sku in ruled and ruled[sku].safety_at]
    for sku, of in _places(db, own, ruled).items() if own else ():
        found[sku] = sum(of.values())
    return {sku: units for sku, units in found.items() if units}


def _is_whole(view: View) -> bool:
    return not view.safety and not view.safety_at


def _places(db: sqlite3.Connection, asked: list[str], ruled: dict[str, View]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for sku, store, pool in db.execute(
        f"{_ASKED} SELECT k.sku, k.store, k.pool FROM asked CROSS JOIN stock k ON k.sku = asked.sku"
        f"{_SOLD_FROM}",
        (json.dumps(asked),),
    ):
        view = ruled.get(sku)
        units = pool if view is None else view.of_store(store, pool)
        if units:
            found.setdefault(sku, {})[store] = units
    return found
