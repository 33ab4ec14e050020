"""Offers of which a centre that was put back cannot say whether they were accepted.

An offer from before the restore may have been accepted in the time that was lost, and the goods may be on
their way out. Until its store has been heard again, with nothing left to tell, nobody takes it away.
"""

from __future__ import annotations

from server.db import Tx
from server.offers.rows import TurnRow
from server.policy.read import policy

IN_DOUBT = (
    "coalesce(a.offered_at < CAST(r.value AS INTEGER)"
    " AND (s.connected_at < CAST(r.value AS INTEGER) OR s.unsent > 0), 0)"
)
"""Over `assignment a`, `store_session s` of its store and `meta r` of `restored_at`."""
_ONE = (
    "SELECT CAST(r.value AS INTEGER) FROM assignment a JOIN meta r ON r.key = 'restored_at'"
    f" LEFT JOIN store_session s ON s.store = a.store WHERE a.fence = ? AND {IN_DOUBT}"
)


def take_as_accepted(tx: Tx, turn: TurnRow) -> bool:
    """Whether an open offer is in doubt. If it is, its store owns it from here on, for as long as it could
    own what it accepted before the restore: then it is asked back like any other, and answers."""
    row = tx.execute(_ONE, (turn.fence,)).fetchone()
    if row is None:
        return False
    until = int(row[0]) + policy(tx, "hold_s", turn.channel, turn.kind) * 1000
    tx.execute(
        "UPDATE assignment SET ownership = 'confirmed', confirmed_at = ?, owner_until = ? WHERE fence = ?",
        (int(row[0]), until, turn.fence),
    )
    tx.execute("UPDATE fulfilment_order SET state = 'owned' WHERE fo = ?", (turn.fo,))
    return True
