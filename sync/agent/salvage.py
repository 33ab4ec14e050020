"""A damaged replica is set aside, never deleted; its facts go on in a new database.

What can be read without a hole and with a chain that fits is kept under the numbers it had, in
a new incarnation that forks from the old one there. The base comes from the centre as
a snapshot, and the centre says which of the facts it already has.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from sync import sqlite
from sync.ids import Dice
from sync.replica.open import ReplicaDamaged, open_replica
from sync.wire.chain import EMPTY, next_chain

_COLUMNS = "number, raw, chain, kind, fence, person, device, command, recorded_at"


def open_or_salvage(path: Path, store: str, dice: Dice, now: int) -> sqlite.Connection:
    """The replica at `path`; when it is not sound, a new one with the facts of the old."""
    try:
        return open_replica(path, store, dice, now)
    except ReplicaDamaged:
        aside = path.with_name(f"{path.name}.damaged-{now}")
        for tail in ("", "-wal", "-shm"):
            old = path.with_name(path.name + tail)
            if old.exists():
                old.rename(aside.with_name(aside.name + tail))
        db = open_replica(path, store, dice, now)
        _carry_over(db, aside, store)
        return db


def _carry_over(db: sqlite.Connection, aside: Path, store: str) -> None:
    meta: dict[str, str] = {}
    facts: list[tuple[object, ...]] = []
    try:
        old = sqlite.connect(aside, read_only=True)
        try:
            meta = dict(old.execute("SELECT key, value FROM meta").fetchall())
            floor, chain = int(meta.get("facts_floor", "0")), meta.get("facts_floor_chain", EMPTY)
            for row in old.execute(f"SELECT {_COLUMNS} FROM fact ORDER BY number"):
                if row[0] != floor + len(facts) + 1 or next_chain(chain, row[1]) != row[2]:
                    break  # from here on nothing is certain
                facts.append(tuple(row))
                chain = row[2]
        finally:
            old.close()
    except (sqlite3.DatabaseError, ValueError):
        pass  # what was read until here is whole: each fact was checked against the chain
    if meta.get("store") != store or "incarnation" not in meta:
        return
    last = int(str(facts[-1][0])) if facts else int(meta.get("facts_floor", "0"))
    parents = [(meta["incarnation"], last), *json.loads(meta.get("parents", "[]"))]
    kept = {key: meta[key] for key in ("facts_floor", "facts_floor_chain", "fence_heard") if key in meta}
    with sqlite.writing(db):
        db.executemany(f"INSERT INTO fact ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", facts)
        db.executemany(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
            [*kept.items(), ("parents", json.dumps(parents[:16])), ("needs_snapshot", "1")],
        )
