"""Old decisions leave the centre. A store that comes back from below what is kept gets a snapshot.

A decision is kept until every live replica of its store has applied it and it is older than the
retention; or, for stores that have been away for longer than anybody waits, until the limit. The
newest row and the one a replica stands on always stay: numbers and chains go on from there.
Facts stay: they are the history.
"""

from __future__ import annotations

from server.db import Tx
from server.schema import retention

DAY_MS = 86_400_000
KEEP_MS = 14 * DAY_MS
LIMIT_MS = 90 * DAY_MS
BITE = 20_000
"""Rows deleted in one call at most: the writer has other work too."""


def prune_decisions(tx: Tx, now: int, *, keep_ms: int = KEEP_MS, limit_ms: int = LIMIT_MS) -> int:
    """Delete what nobody needs any more; how many rows went."""
    gone = 0
    with retention(tx, "decision"):
        for store, head in tx.execute("SELECT store, max(number) FROM decision GROUP BY store").fetchall():
            taken = tx.execute(
                "SELECT min(taken) FROM replica WHERE store = ? AND state = 'live'", (store,)
            ).fetchone()[0]
            stands_on = min(taken or 0, head)
            gone += tx.execute(
                "DELETE FROM decision WHERE rowid IN (SELECT rowid FROM decision WHERE store = ?1"
                " AND ((number < ?2 AND at < ?3) OR (number < ?4 AND at < ?5)) ORDER BY number LIMIT ?6)",
                (store, stands_on, now - keep_ms, head, now - limit_ms, BITE),
            ).rowcount
    return gone
