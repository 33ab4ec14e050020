"""Numbers that must never be given out again, by a centre that was restored either.

A backup's own numbers say nothing about what was given out since, and the same backup may be put back twice.
So after a restore a counter stands where the clock is, at more than a chain gives out on average: whatever
was numbered before, in this history or in one that was given up, was numbered earlier.
"""

from __future__ import annotations

import sqlite3

PER_SECOND = {"fence": 100, "stream_seq": 100, "order_no": 1, "case_no": 1}
"""More than a chain gives out on average, since `COUNTED_FROM`."""
JUMPS = {"fence": 1_000_000, "stream_seq": 1_000_000, "order_no": 100_000, "case_no": 100_000}
"""How far a counter moves that is ahead of the clock already: a busier chain, or a clock that was wrong."""
COUNTED_FROM = 1_735_689_600_000
"""2025-01-01."""


def leap(tx: sqlite3.Connection, now: int) -> None:
    """This database is a copy that was put back: counters move past what the lost days gave."""
    seen = int(_value(tx, "last_seen_at"))
    for name in JUMPS:
        mark, at = _mark(name, now), int(_value(tx, name))
        if at >= mark:
            # Once more from the same copy has to come out elsewhere, so the time since is part of the way.
            mark = at + JUMPS[name] + max(0, now - seen) // 1000 * PER_SECOND[name]
        _put(tx, name, mark)


def past_fence(tx: sqlite3.Connection, heard: int, now: int) -> None:
    """A store has heard of a fence that this database never gave: others may have heard of later ones."""
    if heard > int(_value(tx, "fence")):
        mark = _mark("fence", now)
        _put(tx, "fence", mark if mark > heard else heard + JUMPS["fence"])


def _mark(name: str, now: int) -> int:
    return max(0, now - COUNTED_FROM) // 1000 * PER_SECOND[name]


def _value(tx: sqlite3.Connection, key: str) -> str:
    row = tx.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row is not None else "0"


def _put(tx: sqlite3.Connection, key: str, value: int) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, str(value)),
    )
