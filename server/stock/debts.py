"""Debt that the pool could not pay: break the cheapest open offer, or put it before a person.

Cheapest: one that another store can fill, shipments before pickups (nobody is on their way to this
door), the newest first. Only offers nobody accepted are broken. Each broken promise names the fact
that caused the debt.
"""

from __future__ import annotations

from dataclasses import replace

from server.cases.book import Evidence, open_case
from server.db import Tx
from server.stock.cause import Cause

_CHEAPEST_FIRST = """
SELECT a.fence, al.reserved,
       EXISTS (SELECT 1 FROM stock s WHERE s.sku = al.sku AND s.store <> a.store
               AND s.pool >= al.reserved AND s.suppressed = 0) AS fillable,
       o.kind = 'pickup' AS pickup
FROM assignment a
JOIN assignment_line al ON al.fence = a.fence
JOIN fulfilment_order fo ON fo.fo = a.fo
JOIN shop_order o ON o.no = fo.order_no
WHERE a.store = ? AND al.sku = ? AND al.reserved > 0
  AND a.ended_at = 0 AND a.state = 'offered' AND a.ownership = 'none' AND a.fence <> ?
ORDER BY fillable DESC, pickup, a.offered_at DESC, a.fence DESC
"""


def break_offers(tx: Tx, store: str, sku: str, cause: Cause) -> int:
    """End open offers until the debt is paid; the freed units pay it (server.stock.book.free).

    Returns the debt that stays; a case then names the fact.
    """
    from server.offers.turn import end_turn

    # The assignment whose own fact caused the debt is being judged right now: leave it alone.
    offers = tx.execute(_CHEAPEST_FIRST, (store, sku, cause.fence)).fetchall()
    owed = _debt(tx, store, sku)
    for offer in offers:
        if owed <= 0:
            break
        named = replace(cause, reason="broken", fence=offer["fence"], note=cause.reason)
        end_turn(tx, offer["fence"], "debt", cause.now, cause=named)
        owed = _debt(tx, store, sku)
    if owed > 0:
        fact = [Evidence(store, cause.incarnation, cause.number, cause.reason)] if cause.number else []
        open_case(
            tx,
            "debt",
            now=cause.now,
            store=store,
            sku=sku,
            params={"qty": owed},
            evidence=fact,
            join=True,
        )
    return max(owed, 0)


def _debt(tx: Tx, store: str, sku: str) -> int:
    row = tx.execute("SELECT debt FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    return int(row[0]) if row else 0
