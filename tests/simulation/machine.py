"""A simulated machine: a real SQLite database, one writer, and the ways in which a transaction can end.

The process may die before, in the middle of, or after a commit; the disk may be full. A database whose
`synchronous` is below FULL loses what was not flushed when the power goes: it comes back as an older copy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")
D = TypeVar("D", bound=sqlite3.Connection)

FULL = 2
ROOM_IN_CACHE = 12
"""Commits that an unsafe database keeps in memory before they reach the disk."""


class Died(Exception):
    """The process ended here. `committed`: the transaction had reached the disk before."""

    def __init__(self, committed: bool) -> None:
        super().__init__("committed" if committed else "not committed")
        self.committed = committed


class Machine(Generic[D]):
    """What a store's box and the centre's server have in common."""

    def __init__(self, db: D, copy: Callable[[sqlite3.Connection], D]) -> None:
        self.db = db
        self.running = True
        self.commits = 0
        self._copy = copy
        self._flushed: sqlite3.Connection | None = None
        self._is_safe = is_safe(db)

    def write(self, job: Callable[[D], T], fate: str, rng: Random) -> T:
        """Do a job in one transaction. Raises Died, or what the job (or the disk) raised."""
        db = self.db
        if not self._is_safe and (self._flushed is None or self.commits % ROOM_IN_CACHE == 0):
            self._flush()
        db.execute("BEGIN IMMEDIATE")
        try:
            if fate == "middle":
                # Somewhere among the statements: SQLite calls back after so many of its own steps.
                db.set_progress_handler(lambda: 1, rng.randrange(40, 1200))
            result = job(db)
            if fate in ("before", "middle"):
                raise Died(False)
            if fate == "full":
                raise sqlite3.OperationalError("database or disk is full")
            db.execute("COMMIT")
        except BaseException as trouble:
            if fate == "middle":
                db.set_progress_handler(None, 0)
            if db.in_transaction:
                db.execute("ROLLBACK")
            if fate in ("before", "middle") and not isinstance(trouble, Died):
                raise Died(False) from trouble
            raise
        self.commits += 1
        if fate == "after":
            raise Died(True)
        return result

    def restart(self) -> bool:
        """A new process over the same disk. True: it lost what had been committed."""
        source: sqlite3.Connection = self.db
        lost = False
        if not self._is_safe and self._flushed is not None:
            source, lost = self._flushed, True
        fresh = self._copy(source)
        self.db.close()
        self.db = fresh
        if self._flushed is not None:
            self._flush()
        return lost

    def put_back(self, copy: sqlite3.Connection) -> None:
        """Another disk: an older copy, a clone's, or an empty one."""
        fresh = self._copy(copy)
        self.db.close()
        self.db = fresh
        if self._flushed is not None:
            self._flush()

    def image(self) -> sqlite3.Connection:
        made = sqlite3.connect(":memory:")
        self.db.backup(made)
        return made

    def fill_disk(self, full: bool) -> None:
        """Real SQLITE_FULL: no page may be added."""
        pages = self.db.execute("PRAGMA page_count").fetchone()[0] if full else 2**30
        self.db.execute(f"PRAGMA max_page_count = {pages}")

    def _flush(self) -> None:
        if self._flushed is not None:
            self._flushed.close()
        self._flushed = self.image()

    def close(self) -> None:
        self.db.close()
        if self._flushed is not None:
            self._flushed.close()


def is_safe(db: sqlite3.Connection) -> bool:
    return int(db.execute("PRAGMA synchronous").fetchone()[0]) >= FULL
