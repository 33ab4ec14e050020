"""Rights of a lost or restored replica end: count first.

A box that died took facts with it that nobody knows; what is left of its share at the centre may have been
sold long ago. So the units behind the share leave the books (they are on nobody's hand, like goods on a
truck) until somebody has counted them; a count brings back what is there. What the centre knows by itself
stays as it is: the pool and every promise. The centre asks for the counts, those first that orders wait for.
"""

from __future__ import annotations

import sqlite3

from server.cases.notes import AFTER_A_LOSS, keep, kept
from server.db import Tx
from server.link.decide import decide
from server.stock import book
from server.stock.cause import Cause
from server.stock.load import ROWS_OF_A_DECISION
from sync.rules.reasons import LOST_RIGHTS
from sync.rules.stock import Move
from sync.wire import decisions as d

ASKED_AT_ONCE = 100
"""More than a store counts in a day; the next ones are asked for when these are done."""


def void_rights(tx: Tx, store: str, *, now: int) -> int:
    """Take the share of every SKU at a store out of its books; returns how many SKUs are to be counted."""
    rows = [
        (row["sku"], row["share"])
        for row in tx.execute(
            "SELECT sku, share FROM stock WHERE store = ? AND share > 0"
            " ORDER BY reserved > 0 DESC, share DESC, sku",
            (store,),
        )
    ]
    cause = Cause(LOST_RIGHTS, now)
    for at in range(0, len(rows), ROWS_OF_A_DECISION):
        part = rows[at : at + ROWS_OF_A_DECISION]
        book.apply_moves(tx, store, [Move(sku, on_hand=-n, share=-n) for sku, n in part], cause)
        told = tuple((sku, -share, -share) for sku, share in part)
        decide(tx, store, d.StockLoaded(f"{LOST_RIGHTS}:{now}", told), at=now)
    case = _case(tx, store)
    if case is not None:
        keep(tx, case["id"], voided=len(rows), voided_units=sum(share for _, share in rows))
    ask_next(tx, store, now=now)
    return len(rows)


def ask_next(tx: Tx, store: str, *, now: int) -> int:
    """Ask for the next counts of what was voided and not counted since; returns how many."""
    case = _case(tx, store)
    if case is None:
        return 0
    asked = kept(case).get("count_asked", [])
    skus = [sku for sku in uncounted(tx, store)[: ASKED_AT_ONCE + len(asked)] if sku not in asked]
    new = skus[:ASKED_AT_ONCE]
    for sku in new:
        decide(tx, store, d.CountAsked(sku, LOST_RIGHTS), at=now)
    if new:
        keep(tx, case["id"], count_asked=[*asked, *new])
    return len(new)


def uncounted(tx: Tx, store: str) -> list[str]:
    """SKUs whose rights were voided here and that nobody has counted since; promised ones first."""
    return [
        row[0]
        for row in tx.execute(
            "SELECT l.sku FROM (SELECT sku, max(id) AS last, -min(on_hand) AS units FROM stock_ledger"
            " WHERE store = ?1 AND reason = ?2 GROUP BY sku) l JOIN stock s ON s.store = ?1 AND s.sku = l.sku"
            " WHERE NOT EXISTS (SELECT 1 FROM stock_ledger c WHERE c.store = ?1 AND c.sku = l.sku"
            " AND c.reason = 'counted' AND c.id > l.last)"
            " ORDER BY s.reserved > 0 DESC, l.units DESC, l.sku",
            (store, LOST_RIGHTS),
        )
    ]


def _case(tx: Tx, store: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = tx.execute(
        "SELECT id, params FROM open_case WHERE state = 'open' AND store = ?"
        f" AND kind IN ({', '.join('?' for _ in AFTER_A_LOSS)}) ORDER BY opened_at DESC, id DESC LIMIT 1",
        (store, *AFTER_A_LOSS),
    ).fetchone()
    return row
