"""One SQLite build per process, checked at start.

SQLite 3.7.0 to 3.51.2 can lose commits in WAL mode when two connections write
(the WAL-reset race), and two copies of SQLite in one process drop each other's
file locks. So the build that `pysqlite3` brings takes the place of the standard
module before anybody imports it, and a process where both were loaded refuses
to start. Import this module first in every program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
else:
    if "_sqlite3" in sys.modules:
        raise SystemExit(
            "yipan: the standard library's SQLite was loaded before yipan's own build. "
            "Two copies in one process lose locks, so yipan does not start. "
            "Import sync.sqlite before any other database module."
        )
    import pysqlite3 as sqlite3
    import pysqlite3.dbapi2

    sys.modules["sqlite3"] = sqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

Connection = sqlite3.Connection
Cursor = sqlite3.Cursor
Row = sqlite3.Row
Error = sqlite3.Error
IntegrityError = sqlite3.IntegrityError
OperationalError = sqlite3.OperationalError

OLDEST_SAFE = (3, 51, 3)


def check_build() -> None:
    """Stop the process if its SQLite can lose commits, or if it holds two copies."""
    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    if version < OLDEST_SAFE:
        raise SystemExit(
            f"yipan: this process links SQLite {sqlite3.sqlite_version}, which can lose commits "
            "(the WAL-reset race, mended in 3.51.3). Install pysqlite3 0.6.1 or newer."
        )
    if "_sqlite3" in sys.modules:
        raise SystemExit("yipan: two SQLite builds are loaded in this process; refusing to start.")


def connect(path: Path | str, *, read_only: bool = False) -> Connection:
    """Open a database the way everything here relies on: WAL, FULL, foreign keys, explicit transactions.

    FULL and not NORMAL: a number that was committed and sent must survive a power cut,
    or it would be given to another fact.
    """
    target = f"file:{path}?mode=ro" if read_only else str(path)
    db = sqlite3.connect(target, uri=read_only, isolation_level=None, check_same_thread=False, timeout=10.0)
    db.row_factory = Row
    if not read_only:
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA cache_size = -32000")
    db.execute("PRAGMA temp_store = MEMORY")
    return db


@contextmanager
def writing(db: Connection) -> Iterator[Connection]:
    """One durable transaction: committed at the end, rolled back if the body raises."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def savepoint(db: Connection, name: str = "one") -> Iterator[Connection]:
    """A part of a transaction that can be taken back alone."""
    db.execute(f"SAVEPOINT {name}")
    try:
        yield db
    except BaseException:
        if db.in_transaction:
            db.execute(f"ROLLBACK TO {name}")
            db.execute(f"RELEASE {name}")
        raise
    db.execute(f"RELEASE {name}")
