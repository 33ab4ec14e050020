"""Opening the store's record: whole, of this store, and at the newest step of its schema.

Each step runs in one transaction together with the note that it ran, so a node killed at
any statement finds either the old schema or the new one. sqlite-utils is loaded only
when a step has to run: a node that is up to date starts without it.
"""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import migrations.replica
from sync import sqlite
from sync.ids import Dice, new_id
from sync.sqlite import Connection


class ReplicaDamaged(Exception):
    """The file is not sound. It is to be set aside and its facts salvaged, never deleted."""


class WrongStore(Exception):
    """The file belongs to another store; opening it here would mix two stores' facts."""


class TooNew(Exception):
    """A newer release has migrated this file. Running older code on it could lose what that added."""


def open_replica(path: Path | str, store: str, dice: Dice, now: int) -> Connection:
    """The writing connection. A new file becomes this store's, under a new incarnation."""
    sqlite.check_build()
    try:
        db = sqlite.connect(path)
        check(db)
        migrate(db)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise
        raise ReplicaDamaged(f"{path}: {error}") from error
    _claim(db, path, store, dice, now)
    return db


def _claim(db: Connection, path: Path | str, store: str, dice: Dice, now: int) -> None:
    """Make a new file this store's; refuse one that is another's."""
    with sqlite.writing(db):
        owner = db.execute("SELECT value FROM meta WHERE key = 'store'").fetchone()
        if owner is None:
            db.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)",
                [("store", store), ("incarnation", new_id(now, dice)), ("made_at", str(now))],
            )
    if owner is not None and owner[0] != store:
        db.close()
        raise WrongStore(f"{path} belongs to store {owner[0]}, not to {store}")


def open_reader(path: Path | str) -> Connection:
    """A connection that only reads, for pages beside the one writer."""
    return sqlite.connect(path, read_only=True)


def check(db: Connection) -> None:
    """Quick check of the whole file: a store with 50,000 SKUs answers in a tenth of a second."""
    answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise ReplicaDamaged(str(answer))


def steps() -> list[tuple[int, str]]:
    """Numbers and module names of all steps, oldest first."""
    found = []
    for module in pkgutil.iter_modules(migrations.replica.__path__):
        if module.name.startswith("step_"):
            found.append((int(module.name.removeprefix("step_")), f"migrations.replica.{module.name}"))
    return sorted(found)


def migrate(db: Connection) -> int:
    """Run the steps that have not run here; how many they were."""
    done = int(db.execute("PRAGMA user_version").fetchone()[0])
    available = steps()
    if available and done > available[-1][0]:
        raise TooNew(f"this file is at step {done}, this release knows {available[-1][0]}")
    waiting = [step for step in available if step[0] > done]
    for number, name in waiting:
        _run(db, number, name)
    return len(waiting)


def _run(db: Connection, number: int, name: str) -> None:
    module = importlib.import_module(name)
    with sqlite.writing(db):
        # Two processes may have started at once: the loser of the lock finds the work done.
        if int(db.execute("PRAGMA user_version").fetchone()[0]) >= number:
            return
        for statement in statements(getattr(module, "SQL", "")):
            db.execute(statement)
        change = getattr(module, "change", None)
        if change is not None:
            from sqlite_utils import Database  # late: a node that is up to date never needs it

            change(Database(db))
        # In the header page, so it commits and rolls back with the step itself.
        db.execute(f"PRAGMA user_version = {number:d}")


def statements(script: str) -> Iterator[str]:
    """The single statements of a script. `executescript` would commit in between."""
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text.strip()
            text = ""
    if any(line.strip() and not line.strip().startswith("--") for line in text.splitlines()):
        raise ValueError(f"a migration ends in the middle of a statement: {text.strip()[:80]}")
