"""The centre's side of a digest: the same rows in the same shape as a replica sums them."""

from __future__ import annotations

from server.db import Tx
from sync.rules.digest import WORKED, Sums
from sync.rules.digest import digest as sums

_STOCK = "SELECT sku, on_hand, share, debt, damaged, hold FROM stock WHERE store = ?"
_WORK = (
    "SELECT al.fence, al.line, al.picked, al.short, al.released, al.put_back"
    " FROM assignment a JOIN assignment_line al ON al.fence = a.fence"
    " WHERE a.store = ? AND a.ended_at = 0 AND a.withdraw_requested_at = 0 AND a.ownership = 'confirmed'"
    f" AND a.state IN ({', '.join('?' * len(WORKED))})"
)


def digest(tx: Tx, store: str) -> Sums:
    """Sums over a store's stock and owned work, to compare with the store's own at the same positions."""
    return sums(
        (tuple(row) for row in tx.execute(_STOCK, (store,))),
        (tuple(row) for row in tx.execute(_WORK, (store, *WORKED))),
    )
