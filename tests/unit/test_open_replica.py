"""A store's file: made once, of one store, never half migrated, never opened by an older release."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from random import Random
from typing import Any

import pytest

import migrations.replica
from sync import sqlite
from sync.replica import open as opening
from sync.replica.open import ReplicaDamaged, TooNew, WrongStore, open_reader, open_replica, statements
from tests.kit_replica import NINE

DICE = Random(3).randbytes


def schema(db: sqlite.Connection) -> list[tuple[str, str]]:
    return [
        tuple(r)
        for r in db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    ]


def test_a_new_file_is_this_stores_and_keeps_its_incarnation(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    db = open_replica(path, "S001", DICE, NINE)
    meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
    assert meta["store"] == "S001"
    assert len(meta["incarnation"]) == 26
    db.close()
    again = open_replica(path, "S001", DICE, NINE + 1)
    assert dict(again.execute("SELECT key, value FROM meta").fetchall()) == meta


def test_another_stores_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_replica(path, "S001", DICE, NINE).close()
    with pytest.raises(WrongStore, match="S001"):
        open_replica(path, "S002", DICE, NINE)
    open_replica(path, "S001", DICE, NINE).close()


def test_a_damaged_file_is_told_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_replica(path, "S001", DICE, NINE).close()
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 9] = b"\xff" * (4096 * 7)
    path.write_bytes(data)
    with pytest.raises(ReplicaDamaged):
        open_replica(path, "S001", DICE, NINE)
    assert path.read_bytes()[4096 * 3 : 4096 * 4] == b"\xff" * 4096
    (tmp_path / "t.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(ReplicaDamaged):
        open_replica(tmp_path / "t.db", "S001", DICE, NINE)


def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    db = open_replica(path, "S001", DICE, NINE)
    db.execute("PRAGMA user_version = 9999")
    db.close()
    with pytest.raises(TooNew):
        open_replica(path, "S001", DICE, NINE)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    open_replica(path, "S001", DICE, NINE).close()
    with pytest.raises(sqlite.OperationalError, match="readonly"):
        open_reader(path).execute("DELETE FROM meta")


def test_a_node_that_is_up_to_date_does_not_load_sqlite_utils(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    open_replica(path, "S001", DICE, NINE).close()
    monkeypatch.setitem(sys.modules, "sqlite_utils", None)  # importing it would raise
    open_replica(path, "S001", DICE, NINE).close()


def test_a_step_may_use_sqlite_utils_in_the_same_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = types.ModuleType("migrations.replica.step_0002")

    def change(db: Any) -> None:
        db["policy"].add_column("note", str)
        db["policy"].insert({"key": "made_by", "value": "step 2", "note": "x"})

    monkeypatch.setattr(step, "change", change, raising=False)
    path = tmp_path / "s.db"
    open_replica(path, "S001", DICE, NINE).close()
    monkeypatch.setitem(sys.modules, step.__name__, step)
    known = opening.steps()
    monkeypatch.setattr(opening, "steps", lambda: [*known, (known[-1][0] + 1, step.__name__)])
    db = open_replica(path, "S001", DICE, NINE)
    assert db.execute("SELECT note FROM policy").fetchone()[0] == "x"
    assert db.execute("PRAGMA user_version").fetchone()[0] == known[-1][0] + 1


class Cut(Exception):
    pass


def test_a_migration_cut_off_at_any_statement_starts_again_and_ends_the_same(tmp_path: Path) -> None:
    whole = sqlite.connect(tmp_path / "whole.db")
    opening.migrate(whole)
    wanted = schema(whole)
    total = sum(1 for _ in statements(_sql())) + 3  # BEGIN, PRAGMA user_version, COMMIT
    for stop in range(1, total + 1):
        path = tmp_path / f"cut{stop}.db"
        db = sqlite.connect(path)
        with pytest.raises(Cut):
            opening.migrate(_Cutting(db, stop))  # type: ignore[arg-type]  # stands for a connection
        db.close()
        db = sqlite.connect(path)
        assert schema(db) in ([], wanted)
        opening.migrate(db)
        assert schema(db) == wanted
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        db.close()


def _sql() -> str:
    return str(opening.importlib.import_module("migrations.replica.step_0001").SQL)


class _Cutting:
    """A connection that dies before its nth writing statement, as a killed process would."""

    def __init__(self, db: sqlite.Connection, stop: int) -> None:
        self._db, self._left = db, stop

    @property
    def in_transaction(self) -> bool:
        return False  # a dead process rolls nothing back; the next opening does

    def execute(self, sql: str, *args: object) -> object:
        if not sql.startswith("PRAGMA user_version") or "=" in sql:
            self._left -= 1
            if self._left == 0:
                raise Cut
        return self._db.execute(sql, *args)


def test_a_script_that_ends_in_the_middle_of_a_statement_is_a_bug() -> None:
    assert list(statements("-- only words\nSELECT 1;\n-- and more\n")) == ["-- only words\nSELECT 1;"]
    with pytest.raises(ValueError, match="middle"):
        list(statements("SELECT 1;\nSELECT 2"))


def test_steps_are_numbered_without_gaps() -> None:
    numbers = [number for number, _ in opening.steps()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert migrations.replica.__doc__
