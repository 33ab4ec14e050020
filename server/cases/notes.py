"""What people did about a case, kept with it: who, when, what, and the counts that were asked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from server.cases.book import close_case
from server.db import Tx

SETTLED_BY_A_COUNT = frozenset(
    {"beyond_rights", "over_graded", "replica_replaced", "restored_copy", "facts_lost", "transfer_difference"}
    | {"transfer_short", "unknown_fence"}
)
"""Cases about how many there are: counted, nothing is left to decide."""

AFTER_A_LOSS = ("replica_replaced", "restored_copy", "facts_lost")
"""A box's rights ended: there may be more to count than was asked for at once."""
MOST_DONE = 30


def note(tx: Tx, case: str, what: str, *, now: int, person: str, **facts: Any) -> None:
    """Keep what was done with the case, the newest last."""
    row = tx.execute("SELECT params FROM open_case WHERE id = ?", (case,)).fetchone()
    done = kept(row).get("done", [])
    one = {"at": now, "by": person, "what": what} | {
        key: value for key, value in facts.items() if value != ""
    }
    keep(tx, case, done=[*done, one][-MOST_DONE:])


def counted(tx: Tx, store: str, sku: str, *, found: int, expected: int, now: int, person: str) -> None:
    """A count that somebody asked for came back: it is noted, and closes the case that it settles."""
    from server.stock.void import ask_next  # it keeps its list of counts with the case, in this room

    for row in tx.execute(
        "SELECT id, kind, params FROM open_case WHERE state = 'open' AND store = ?"
        " AND params LIKE '%\"count_asked\"%'",
        (store,),
    ).fetchall():
        left = kept(row).get("count_asked", [])
        if sku not in left:
            continue
        left.remove(sku)
        keep(tx, row["id"], count_asked=left)
        note(tx, row["id"], "counted", now=now, person=person, skus=[sku], found=found, expected=expected)
        if left or row["kind"] not in SETTLED_BY_A_COUNT:
            continue
        if row["kind"] in AFTER_A_LOSS and ask_next(tx, store, now=now):
            continue
        close_case(tx, row["id"], now=now, by="", outcome="counted")


def kept(row: sqlite3.Row | Mapping[str, Any]) -> dict[str, Any]:
    kept = json.loads(row["params"] or "{}")
    return kept if isinstance(kept, dict) else {}


def keep(tx: Tx, case: str, **more: Any) -> None:
    row = tx.execute("SELECT params FROM open_case WHERE id = ?", (case,)).fetchone()
    tx.execute(
        "UPDATE open_case SET params = ? WHERE id = ?",
        (json.dumps(kept(row) | more, ensure_ascii=False), case),
    )
    tx.touched.add("board")
    tx.touched.add(f"case:{case}")
