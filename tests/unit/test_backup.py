"""Backups: a copy counts once it was read again; a restored centre numbers nothing twice."""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from server import schema
from server.cases.book import open_case
from server.counters import COUNTED_FROM, JUMPS
from server.db import Tx, open_centre
from server.link.backup import BackupError, backup, restore, verify
from server.link.logs import StoreTables
from server.offers.rows import next_fence
from sync import sqlite
from sync.wire import facts as f
from tests.kit_facts import NOW, Centre, centre

DICE = random.Random(5).randbytes


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A centre's database that holds two facts of S001."""
    made = centre({("S001", "TEE"): 8})
    made.tx.execute("COMMIT")
    path = tmp_path / "centre.db"
    db = open_centre(path)
    made.tx.backup(db)
    with sqlite.writing(db):
        sell(db, 1)
        sell(db, 2)
        next_fence(db)
    db.close()
    return path


def sell(db: Tx, number: int) -> None:
    c = Centre(db)
    c.numbers["S001-i1"] = itertools.count(number)
    assert c.report("S001", f.Sold("TEE", 1, share=1)).name == "applied"


def one(path: Path, sql: str) -> object:
    db = open_centre(path)
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()


def test_a_backup_is_verified_and_then_covers_what_it_holds(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "copies" / "b1.db", now=NOW)
    assert made.covered == {("S001", "S001-i1"): 2}
    assert one(live, "SELECT backed_up FROM replica") == 2
    assert verify(made.path).covered == made.covered
    assert [file.name for file in made.path.parent.iterdir()] == ["b1.db"], "nothing lies beside it"


def test_a_backup_runs_while_the_writer_holds_an_open_transaction(live: Path, tmp_path: Path):
    writer = open_centre(live)
    writer.execute("BEGIN IMMEDIATE")
    sell(writer, 3)
    other = open_centre(live)
    part = tmp_path / "copy.db"
    copy = sqlite3.connect(part)
    other.backup(copy)
    copy.close()
    writer.execute("COMMIT")
    assert verify(part).covered == {("S001", "S001-i1"): 2}, "what was not committed is not in it"
    assert backup(live, tmp_path / "b.db", now=NOW).covered == {("S001", "S001-i1"): 3}


def test_a_damaged_backup_is_refused_and_changes_nothing(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "b.db", now=NOW)
    data = bytearray(made.path.read_bytes())
    data[8192:20480] = b"\x55" * 12288
    made.path.write_bytes(bytes(data))
    before = live.read_bytes()
    with pytest.raises(BackupError):
        restore(made.path, live, now=NOW, dice=DICE)
    assert live.read_bytes() == before
    (tmp_path / "text.db").write_text("not a database at all, only words" * 200)
    with pytest.raises(BackupError):
        verify(tmp_path / "text.db")
    with pytest.raises(BackupError, match="no backup"):
        verify(tmp_path / "nowhere.db")


def test_a_backup_of_nothing_says_so(tmp_path: Path):
    with pytest.raises(BackupError, match="no database"):
        backup(tmp_path / "none.db", tmp_path / "b.db", now=NOW)


def test_a_restored_centre_is_a_new_incarnation_whose_counters_are_far_ahead(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "b.db", now=NOW)
    db = open_centre(live)
    with sqlite.writing(db):
        sell(db, 3)
        fences = [next_fence(db) for _ in range(20)]
    db.close()
    named = restore(made.path, live, now=NOW + 1, dice=DICE)
    assert named != made.incarnation
    assert one(live, "SELECT value FROM meta WHERE key = 'incarnation'") == named
    assert one(live, "SELECT applied FROM replica") == 2, "the store sends from here again"
    db = open_centre(live)
    with sqlite.writing(db):
        assert next_fence(db) > max(fences) + JUMPS["fence"] - 100
        assert open_case(db, "unroutable", now=NOW) >= "CASE-100001"
        # The third fact comes again and has its effect once more, on the restored stock.
        sell(db, 3)
    assert db.execute("SELECT on_hand FROM stock").fetchone()[0] == 5
    schema.check(db)
    db.close()


def test_a_file_that_was_put_back_covers_nothing_by_itself(live: Path, tmp_path: Path):
    """A younger file that holds less may lie beside it, and be the next one that somebody puts back."""
    made = backup(live, tmp_path / "b.db", now=NOW)
    assert made.covered == {("S001", "S001-i1"): 2}
    restore(made.path, live, now=NOW + 1, dice=bytes)
    assert one(live, "SELECT applied FROM replica") == 2
    assert one(live, "SELECT backed_up FROM replica") == 0, "stores may forget it once it is copied again"
    backup(live, tmp_path / "c.db", now=NOW + 2)
    assert one(live, "SELECT backed_up FROM replica") == 2


def test_a_backup_that_is_put_back_twice_gives_out_no_number_a_second_time(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "b.db", now=NOW)
    given: list[int] = []
    cases: list[str] = []
    for after in (60_000, 120_000):
        restore(made.path, live, now=NOW + after, dice=DICE)
        db = open_centre(live)
        with sqlite.writing(db):
            given += [next_fence(db) for _ in range(50)]
            cases.append(open_case(db, "unroutable", now=NOW + after))
        db.close()
    assert given == sorted(set(given))
    assert len(set(cases)) == 2


def test_a_copy_that_ran_ahead_of_the_clock_and_is_put_back_twice_numbers_nothing_twice(
    live: Path, tmp_path: Path
):
    db = open_centre(live)
    with sqlite.writing(db):
        db.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('fence', ?)", (str(2 * (NOW - COUNTED_FROM)),)
        )
    db.close()
    made = backup(live, tmp_path / "b.db", now=NOW)
    given: list[int] = []
    for after in (60_000, 120_000):
        restore(made.path, live, now=NOW + after, dice=DICE)
        db = open_centre(live)
        with sqlite.writing(db):
            given += [next_fence(db) for _ in range(50)]
        db.close()
    assert given == sorted(set(given))


def test_a_copy_put_back_by_hand_gives_no_fence_twice_whichever_store_tells_it_so(live: Path, tmp_path: Path):
    """One store has heard of more than another; after the second restore the other one comes first."""
    made = backup(live, tmp_path / "b.db", now=NOW)
    given: list[int] = []
    for after, heard in ((60_000, 40), (3_600_000, 20)):
        shutil.copy(made.path, live)
        db = open_centre(live)
        with sqlite.writing(db):
            StoreTables("S001").raise_fence(db, heard, NOW + after)
            given += [next_fence(db) for _ in range(50)]
        db.close()
    assert given == sorted(set(given))


def test_the_database_that_was_there_is_set_aside_whole(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "b.db", now=NOW)
    db = open_centre(live)
    with sqlite.writing(db):
        sell(db, 3)
    db.close()
    restore(made.path, live, now=77, dice=DICE)
    aside = live.with_name("centre.db.before-77")
    assert one(aside, "SELECT max(number) FROM fact") == 3
    assert one(live, "SELECT max(number) FROM fact") == 2


def test_a_running_centre_is_not_replaced_under_its_feet(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "b.db", now=NOW)
    running = open_centre(live)
    running.execute("SELECT count(*) FROM fact").fetchone()
    with pytest.raises(BackupError, match="in use"):
        restore(made.path, live, now=NOW, dice=DICE)
    running.close()
    assert restore(made.path, live, now=NOW, dice=DICE)


def test_a_restore_works_where_there_was_no_database(live: Path, tmp_path: Path):
    made = backup(live, tmp_path / "b.db", now=NOW)
    target = tmp_path / "new" / "centre.db"
    restore(made.path, target, now=NOW, dice=DICE)
    assert one(target, "SELECT count(*) FROM fact") == 2
