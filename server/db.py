"""The centre's database handle. SQL by hand on hot paths; the schema is SQLModel's and Alembic's."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sync import sqlite


class Tx(sqlite3.Connection):
    """A connection inside (or between) transactions that remembers what it touched.

    `touched` holds hints (`store:S001`, `order:YP-000123`, `board`) that the writer hands to
    listeners after the commit. A lost hint costs latency, never data.
    """

    touched: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.touched = set()


def open_centre(path: Path | str) -> Tx:
    """Open the centre's database for writing (WAL, FULL, foreign keys)."""
    sqlite.check_build()
    db = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False, timeout=10.0, factory=Tx)
    db.row_factory = sqlite3.Row
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -64000",
        "temp_store = MEMORY",
        # Without it REPLACE deletes rows behind the back of the append-only triggers.
        "recursive_triggers = ON",
    ):
        db.execute(f"PRAGMA {pragma}")
    return db
