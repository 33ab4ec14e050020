"""Room for a pickup at a store whose line is down: a parcel nobody there has heard of goes to another store.

A parcel can come from anywhere, a shopper who collects comes here. What was offered after the line went down
is in nobody's hands, so taking it back costs nothing; it moves only where one other store has all of
it. Where the line is up nothing of the kind is needed: the store is asked for units of its share.
"""

from __future__ import annotations

from server.db import Tx
from server.offers.rows import PartRow, part_of
from server.orders import parts
from server.policy.read import policy
from server.routing.choice import Need
from server.routing.map import map_of

MOST = 10
"""Parcels looked at for one SKU."""

_UNHEARD = """
SELECT a.fence, a.fo, al.reserved
FROM store_session s
JOIN stock k ON k.store = s.store AND k.sku = ?2 AND k.suppressed = 0 AND k.debt = 0
JOIN assignment a ON a.store = s.store
JOIN assignment_line al ON al.fence = a.fence
JOIN fulfilment_order f ON f.fo = a.fo AND f.fence = a.fence
JOIN shop_order o ON o.no = f.order_no
WHERE s.store = ?1 AND s.closed_at > 0 AND a.offered_at >= s.closed_at
  AND al.sku = ?2 AND al.reserved > 0 AND a.ended_at = 0 AND a.state = 'offered' AND a.ownership = 'none'
  AND a.withdraw_requested_at = 0 AND o.kind <> 'pickup' AND a.attempt + 1 < ?3
ORDER BY a.offered_at DESC, a.fence DESC
LIMIT ?4
"""


def make_room(tx: Tx, part: PartRow, needs: tuple[Need, ...], now: int) -> int:
    """Move parcels away for what this pickup lacks at its store. How many went."""
    store = map_of(tx).stores.get(part.pickup_store)
    if store is None or not store.asked:
        return 0
    wanted: dict[str, int] = {}
    for need in needs:
        wanted[need.sku] = wanted.get(need.sku, 0) + need.qty
    moved = 0
    for sku, qty in wanted.items():
        lacking = qty - map_of(tx).pool_of(sku).get(store.code, 0)
        if lacking > 0:
            moved += _move(tx, store.code, sku, lacking, now)
    return moved


def _move(tx: Tx, store: str, sku: str, lacking: int, now: int) -> int:
    from server.offers.turn import end_turn, may_go_elsewhere  # turns make room, and room ends turns

    moved = 0
    turns = (policy(tx, "max_attempts"), MOST)
    for row in tx.execute(_UNHEARD, (store, sku, *turns)).fetchall():
        if lacking <= 0:
            break
        parcel = part_of(tx, row["fo"])
        if may_go_elsewhere(tx, parcel, parts.open_needs(tx, row["fo"]), now, store):
            end_turn(tx, row["fence"], "reassigned", now)
            lacking -= row["reserved"]
            moved += 1
    return moved
