"""Backups of a running centre, and putting one back.

A backup counts only once it has been read again whole. Then, and only then, each replica is told by
its next acknowledgement how far its facts are covered, and may forget them: until that moment the
stores hold the only other copy. A restored centre is a new incarnation with counters far ahead, so
that nothing it numbers is ever taken for something that the lost days had numbered.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from server import counters, schema
from server.db import open_centre
from server.offers import doubt
from sync import sqlite
from sync.ids import Dice, new_id


class BackupError(Exception):
    """A backup could not be made, or is not one that may be restored. Nothing was changed."""


@dataclass(frozen=True)
class Backup:
    """What a verified backup holds."""

    path: Path
    incarnation: str
    size: int
    covered: dict[tuple[str, str], int]
    """(store, incarnation): number of the last fact in it."""


def backup(path_db: Path | str, target: Path | str, *, now: int) -> Backup:
    """Copy the database while the centre runs, verify the copy, then note what it covers.

    The copy is one read transaction: writers go on. The target appears only when it is whole.
    """
    source_path, target_path = Path(path_db), Path(target)
    if not source_path.exists():
        raise BackupError(f"There is no database at {source_path}.")
    part = target_path.with_name(target_path.name + ".part")
    target_path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in _files(part):
        leftover.unlink(missing_ok=True)
    live = open_centre(source_path)
    try:
        schema.check(live)
        copy = sqlite3.connect(str(part), isolation_level=None)
        try:
            live.backup(copy, pages=-1)
            # One file that can be carried away: no journal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        _sync(part)
        found = verify(part)
        os.replace(part, target_path)
        _sync(target_path.parent)
        with sqlite.writing(live):
            for (store, incarnation), number in found.covered.items():
                live.execute(
                    "UPDATE replica SET backed_up = ?1 WHERE store = ?2 AND incarnation = ?3"
                    " AND backed_up < ?1",
                    (number, store, incarnation),
                )
            live.execute(
                "INSERT INTO meta (key, value) VALUES ('backed_up_at', ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (str(now),),
            )
    except schema.SchemaError as wrong:
        raise BackupError(str(wrong)) from wrong
    except sqlite.Error as wrong:
        raise BackupError(f"The copy failed and was thrown away: {wrong}.") from wrong
    finally:
        live.close()
        for leftover in _files(part):
            leftover.unlink(missing_ok=True)
    return Backup(target_path, found.incarnation, target_path.stat().st_size, found.covered)


def verify(path: Path | str) -> Backup:
    """Read a backup whole. BackupError when a page, a reference or a right in it is wrong."""
    where = Path(path)
    if not where.is_file():
        raise BackupError(f"There is no backup at {where}.")
    db = sqlite3.connect(f"file:{where}?mode=ro", uri=True, isolation_level=None)
    try:
        answer = [row[0] for row in db.execute("PRAGMA integrity_check")]
        if answer != ["ok"]:
            raise BackupError(f"{where} is damaged: {answer[0]}.")
        if db.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupError(f"{where} has rows that name something it does not hold.")
        if not schema.revision(db):
            raise BackupError(f"{where} is no centre's database.")
        row = db.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()
        covered = {
            (store, incarnation): number
            for store, incarnation, number in db.execute("SELECT store, incarnation, applied FROM replica")
        }
    except sqlite.Error as wrong:
        raise BackupError(f"{where} cannot be read: {wrong}.") from wrong
    finally:
        db.close()
    return Backup(where, row[0] if row else "", where.stat().st_size, covered)


def restore(backup_path: Path | str, path_db: Path | str, *, now: int, dice: Dice) -> str:
    """Put a backup in the place of a stopped centre's database; returns the new incarnation.

    The database that was there is set aside beside it, never deleted. Stores replay from the positions in
    the backup when they connect; deadlines are extended because the centre was away.
    """
    found = verify(backup_path)
    target = Path(path_db)
    target.parent.mkdir(parents=True, exist_ok=True)
    _refuse_if_running(target)
    fresh = target.with_name(target.name + ".restoring")
    for leftover in _files(fresh):
        leftover.unlink(missing_ok=True)
    copy = sqlite3.connect(str(fresh), isolation_level=None)
    source = sqlite3.connect(f"file:{found.path}?mode=ro", uri=True, isolation_level=None)
    try:
        source.backup(copy, pages=-1)
    finally:
        source.close()
        copy.close()
    schema.upgrade(fresh, now=now, dice=dice)
    db = open_centre(fresh)
    try:
        with sqlite.writing(db):
            incarnation = _begin_again(db, found.incarnation, now, dice)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
    finally:
        db.close()
    _sync(fresh)
    if target.exists():
        # Together with its write-ahead log, which must never be played onto another database.
        for old in _files(target):
            if old.exists():
                aside = old.name.replace(target.name, f"{target.name}.before-{now}", 1)
                os.replace(old, old.with_name(aside))
    os.replace(fresh, target)
    _sync(target.parent)
    return incarnation


def _begin_again(db: sqlite3.Connection, old: str, now: int, dice: Dice) -> str:
    incarnation = new_id(now, dice)
    for key, value in (("incarnation", incarnation), ("restored_from", old), ("restored_at", str(now))):
        db.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )
    counters.leap(db, now)
    doubt.begin(db, now)
    # Stores may forget no more than before until the next backup: of the files that lie about, somebody may
    # put back a younger one next time, made when less was known.
    db.execute("UPDATE store_session SET closed_at = ? WHERE closed_at = 0", (now,))
    return incarnation


def _refuse_if_running(target: Path) -> None:
    """A centre that runs would go on writing into the file that was set aside."""
    if not target.exists():
        return
    db = sqlite3.connect(str(target), isolation_level=None, timeout=0.5)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("ROLLBACK")
    except sqlite.OperationalError as wrong:
        raise BackupError(
            f"The database at {target} is in use. Stop the centre, then restore again."
        ) from wrong
    except sqlite.Error:
        return  # damaged: that is what the backup is for
    finally:
        db.close()


def _files(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + tail) for tail in ("", "-wal", "-shm", "-journal"))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
