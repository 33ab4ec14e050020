"""One SKU over all stores, in one snapshot: stock, who waits for it, debts with their facts, views, ledger.

Everything is asked store by store or through an index of the SKU, so a chain of a thousand stores and a year
of movements answer alike. A regional manager's page is of their region, sums included.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nlargest
from operator import itemgetter
from typing import Any

from server.counts.read import history
from server.db import Tx
from server.stock.demand import rates
from server.views.read import taken, views_of
from server.views.rules import View
from server.views.shown import shown

LEDGER_SHOWN = 60
DEBTS_SHOWN = 30
DEBT_ROWS = 600
ORDERS_SHOWN = 60
COUNTS_SHOWN = 20
ORDER_STORES = 60
CHANNELS_SHOWN = 60
_SUMS = ("on_hand", "reserved", "share", "pool", "debt", "damaged", "hold", "back", "coming")


def sku_now(db: Tx, sku: str, region: str, now: int) -> dict[str, Any] | None:
    """What the page shows; None: there is no such item."""
    item = db.execute("SELECT * FROM item WHERE sku = ?", (sku,)).fetchone()
    if item is None:
        return None
    places = _places(db, sku, region, now)
    stores = {place["code"]: place for place in places}
    return {
        "item": item,
        "gtins": [row[0] for row in db.execute("SELECT gtin FROM gtin WHERE sku = ? ORDER BY gtin", (sku,))],
        "bundles": db.execute(
            "SELECT b.code, b.name_en, b.name_zh, p.qty FROM sellable_part p"
            " JOIN sellable b ON b.code = p.sellable WHERE p.sku = ? ORDER BY b.code",
            (sku,),
        ).fetchall(),
        "places": places,
        "sums": {name: sum(place[name] for place in places) for name in _SUMS},
        "region": db.execute("SELECT * FROM region WHERE code = ?", (region,)).fetchone() if region else None,
        "transfers": _coming(db, sku, stores),
        "orders": _orders(db, sku, places),
        "channels": _channels(db, sku, stores if region else None, now),
        "debts": debts_of(db, sku, stores),
        "counts": [row for row in history(db, sku) if row["store"] in stores][:COUNTS_SHOWN],
        "cases": [
            row
            for row in db.execute(
                "SELECT id, kind, store FROM open_case WHERE state = 'open' AND sku = ? ORDER BY opened_at",
                (sku,),
            )
            if row["store"] in stores
        ],
    }


def _places(db: Tx, sku: str, region: str, now: int) -> list[dict[str, Any]]:
    """Every store that has or had the SKU, most on hand first."""
    rows = db.execute(
        "SELECT s.code, s.name_en, s.name_zh, s.region, s.paused, s.active, s.timezone, k.on_hand,"
        " k.reserved, k.share, k.pool, k.debt, k.damaged, k.hold, k.suppressed,"
        " coalesce(l.heard_at, 0) AS heard_at, coalesce(l.closed_at, 0) AS closed_at,"
        " coalesce(l.number, 0) > 0 AS known"
        " FROM stock k JOIN store s ON s.code = k.store LEFT JOIN store_session l ON l.store = s.code"
        " WHERE k.sku = ?1 AND (?2 = '' OR s.region = ?2) ORDER BY k.on_hand DESC, s.code",
        (sku, region),
    ).fetchall()
    coming = dict(
        db.execute(
            "SELECT receiver, sum(sent - received) FROM transfer WHERE sku = ? AND received < sent"
            " GROUP BY receiver",
            (sku,),
        ).fetchall()
    )
    back = dict(
        db.execute(
            "SELECT a.store, sum(l.reserved) FROM assignment a JOIN assignment_line l ON l.fence = a.fence"
            " WHERE a.state = 'put_back' AND l.sku = ? GROUP BY a.store",
            (sku,),
        ).fetchall()
    )
    return [
        {
            **dict(row),
            "coming": coming.get(row["code"], 0),
            "back": back.get(row["code"], 0),
            "asked": rates(db, row["code"], sku, now),
        }
        for row in rows
    ]


def _coming(db: sqlite3.Connection, sku: str, stores: dict[str, dict[str, Any]]) -> list[sqlite3.Row]:
    rows = db.execute(
        "SELECT code, sender, receiver, sent - received AS units, at FROM transfer"
        " WHERE sku = ? AND received < sent ORDER BY at LIMIT 200",
        (sku,),
    ).fetchall()
    return [row for row in rows if row["receiver"] in stores or row["sender"] in stores]


def _orders(db: sqlite3.Connection, sku: str, places: Iterable[dict[str, Any]]) -> list[sqlite3.Row]:
    """Whom units are promised to, the oldest turn first; what is to be put back is among them."""
    found: list[sqlite3.Row] = []
    for place in [place for place in places if place["reserved"] > 0][:ORDER_STORES]:
        found += db.execute(
            "SELECT a.fence, a.fo, a.store, a.state, a.ownership, a.offered_at, a.ended_at, l.reserved,"
            " f.order_no, o.channel, o.kind FROM assignment a"
            " JOIN assignment_line l ON l.fence = a.fence AND l.sku = ?2 AND l.reserved > 0"
            " JOIN fulfilment_order f ON f.fo = a.fo JOIN shop_order o ON o.no = f.order_no"
            " WHERE a.fence IN (SELECT fence FROM assignment WHERE store = ?1 AND ended_at = 0"
            "  UNION SELECT fence FROM assignment WHERE store = ?1 AND state = 'put_back')"
            " ORDER BY a.fence LIMIT ?3",
            (place["code"], sku, ORDERS_SHOWN),
        ).fetchall()
    return sorted(found, key=itemgetter("fence"))[:ORDERS_SHOWN]


def _channels(
    db: sqlite3.Connection, sku: str, within: dict[str, dict[str, Any]] | None, now: int
) -> list[dict[str, Any]]:
    """What each channel may take now, and the views that make it so."""
    views = views_of(db)
    found = []
    for row in db.execute(
        "SELECT code, name FROM channel WHERE active AND scopes LIKE '%orders%' ORDER BY code LIMIT ?",
        (CHANNELS_SHOWN,),
    ).fetchall():
        view = views.of(row["code"], sku)
        totals, places = shown(db, row["code"], [sku], now, by_store=within is not None)
        sees = totals.get(sku, 0)
        if within is not None:
            sees = min(sees, sum(n for store, n in places.get(sku, {}).items() if store in within))
        used = 0
        if view is not None and view.quota is not None:
            used = taken(db, row["code"], {sku: view.begins(now)}).get(sku, 0)
        found.append(
            {
                "code": row["code"],
                "name": row["name"],
                "sees": sees,
                "view": view or View(),
                "taken": used,
                "since": view.begins(now) if view else 0,
            }
        )
    return found


# --- the ledger -----------------------------------------------------------------------------


def ledger_rows(
    db: sqlite3.Connection, sku: str, stores: Iterable[str], before: int, most: int = LEDGER_SHOWN
) -> list[sqlite3.Row]:
    """The newest movements at these stores, each read from its own end of the index."""
    rows: list[sqlite3.Row] = []
    for store in stores:
        rows += db.execute(
            "SELECT * FROM stock_ledger WHERE store = ? AND sku = ? AND (?3 = 0 OR id < ?3)"
            " ORDER BY id DESC LIMIT ?4",
            (store, sku, before, most),
        ).fetchall()
    return nlargest(most, rows, key=itemgetter("id"))


def named_in(db: sqlite3.Connection, rows: Iterable[Any]) -> dict[str, dict[Any, str]]:
    """Names of the people and numbers of the orders that ledger rows speak of."""
    rows = list(rows)
    fences = {row["fence"] for row in rows if row["fence"]}
    people = {row["person"] for row in rows if row["person"]}
    return {
        "people": dict(
            db.execute(
                f"SELECT id, name FROM person WHERE id IN ({','.join('?' * len(people))})", sorted(people)
            ).fetchall()
        ),
        "order_of": dict(
            db.execute(
                "SELECT a.fence, f.order_no FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo"
                f" WHERE a.fence IN ({','.join('?' * len(fences))})",
                sorted(fences),
            ).fetchall()
        ),
    }


# --- debts ----------------------------------------------------------------------------------


@dataclass
class Payment:
    units: int
    by: sqlite3.Row
    """The movement that paid; the debt's own where free units paid at once."""


@dataclass
class Debt:
    """Units that left beyond rights: the movement that made it, and what has paid it since."""

    row: sqlite3.Row
    units: int
    open: int
    paid: list[Payment] = field(default_factory=list)


def debts_of(db: sqlite3.Connection, sku: str, stores: Iterable[str]) -> list[Debt]:
    """The newest debts of the SKU at these stores. Payments go to the oldest debt of their place."""
    near = set(stores)
    rows = db.execute(
        "SELECT * FROM stock_ledger WHERE sku = ? AND (owed > 0 OR debt <> 0) ORDER BY id DESC LIMIT ?",
        (sku, DEBT_ROWS),
    ).fetchall()
    waiting: dict[str, deque[Debt]] = {}
    found: list[Debt] = []
    over: dict[str, int] = {}
    for row in reversed(rows):
        if row["store"] not in near:
            continue
        queue = waiting.setdefault(row["store"], deque())
        # Rows of an older program say only what was left of a debt at once.
        made = row["owed"] or max(0, row["debt"])
        paid = made - row["debt"]
        if row["reason"] == "credited":
            # Paid here and by the centre: what was over went back to the share.
            over[row["store"]] = over.get(row["store"], 0) - made
            continue
        if made:
            found.append(Debt(row, made, made))
            queue.append(found[-1])
        paid += over.pop(row["store"], 0)
        while paid > 0 and queue:
            units = min(paid, queue[0].open)
            queue[0].open -= units
            queue[0].paid.append(Payment(units, row))
            paid -= units
            if not queue[0].open:
                queue.popleft()
        if paid > 0:
            over[row["store"]] = paid
    return found[::-1][:DEBTS_SHOWN]
