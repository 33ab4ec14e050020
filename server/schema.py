"""The centre's schema: brought to its newest revision at start, by Alembic where there is work to do.

Loading Alembic and SQLAlchemy takes a second, so a database that is already at the head is
recognised by one SELECT. `fresh` gives tests and replays an empty centre in milliseconds: Alembic runs
once per process, the result is copied.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.db import Tx, open_centre
from sync import sqlite
from sync.ids import Dice, new_id

HEAD = "0010_substitutes"
"""The newest revision of migrations/central; a test compares it with Alembic's own answer."""

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations" / "central"
APPEND_ONLY = ("fact", "decision", "event", "stock_ledger")

_template: sqlite3.Connection | None = None


class SchemaError(Exception):
    """The database cannot be used by this version of the program."""


def upgrade(path: Path | str, *, now: int | None = None, dice: Dice = os.urandom) -> str:
    """Bring a database to the newest revision, making it if there is none. Returns the revision it had."""
    db = open_centre(path)
    try:
        had = revision(db)
        if had != HEAD:
            _run_alembic(db)
        _name_incarnation(db, int(time.time() * 1000) if now is None else now, dice)
    finally:
        db.close()
    return had


def revision(db: sqlite3.Connection) -> str:
    """The revision a database is at; empty for a new one."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return ""
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def check(db: sqlite3.Connection) -> None:
    """Refuse a database of another revision: a newer one must not be written by older code."""
    found = revision(db)
    if found != HEAD:
        raise SchemaError(
            f"The database is at schema revision {found or 'none'}, this program needs {HEAD}. "
            "Run `yipan init` with the newest program."
        )


def fresh(path: Path | str = ":memory:", *, incarnation: str = "C0") -> Tx:
    """An empty centre at the newest revision, copied from a template made once per process."""
    global _template
    if _template is None:
        made = open_centre(":memory:")
        _run_alembic(made)
        _template = made
    db = open_centre(path)
    _template.backup(db)
    db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('incarnation', ?)", (incarnation,))
    return db


@contextmanager
def retention(tx: sqlite3.Connection, table: str) -> Iterator[None]:
    """The only way to delete old history: inside this, inside a transaction, one table at a time."""
    assert table in APPEND_ONLY, table
    assert tx.in_transaction, "retention belongs into a transaction"
    tx.execute("INSERT INTO meta (key, value) VALUES (?, '1')", (f"retention:{table}",))
    try:
        yield
    finally:
        tx.execute("DELETE FROM meta WHERE key = ?", (f"retention:{table}",))


def _name_incarnation(db: Tx, now: int, dice: Dice) -> None:
    if db.execute("SELECT 1 FROM meta WHERE key = 'incarnation'").fetchone():
        return
    with sqlite.writing(db):
        db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('incarnation', ?)", (new_id(now, dice),))


def _run_alembic(db: sqlite3.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    # Alembic works on our own open connection, so that the one safe SQLite build is used and an
    # in-memory database can be migrated too.
    engine = create_engine("sqlite://", creator=lambda: db, poolclass=StaticPool)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
