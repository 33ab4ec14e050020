"""The power fails at any moment, at the store or at the centre: what somebody was told is saved is there."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from server import schema
from server.db import open_centre
from sync.replica.open import open_replica
from sync.wire.chain import EMPTY, next_chain
from tests.conftest import seed
from tests.fault.kit_powercut import Record, cut, recorded

ROUNDS = 30


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return recorded(tmp_path_factory.mktemp("powercut"))


def moments(record: Record, rng: random.Random) -> list[int]:
    """Where it hurts: just after somebody was told something, and anywhere."""
    told = [n for n, one in enumerate(record.entries, 1) if n > record.ready and one.op in "koa"]
    return [*rng.sample(told, ROUNDS // 2), *rng.choices(range(record.ready, len(record.entries)), k=ROUNDS)]


def folder_of(record: Record, target: Path) -> Path:
    (path,) = record.before
    return target / str(Path(path).parents[1]).lstrip("/")


def lost_at_store(record: Record, upto: int, target: Path) -> set[str]:
    """Opens what is left of the store's record as its node does; what is missing of what was told."""
    path = folder_of(record, target) / "S001" / "replica.db"
    db = open_replica(path, "S001", random.Random(1).randbytes, 0)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        here = {row[0] for row in db.execute("SELECT command FROM fact")}
        chain = EMPTY
        for expected, row in enumerate(db.execute("SELECT number, raw, chain FROM fact ORDER BY number"), 1):
            chain = next_chain(chain, row[1])
            assert (row[0], row[2]) == (expected, chain), "the log has a hole"
        sent = max((int(n) for n in record.told(upto, "a")), default=0)
        head = db.execute("SELECT coalesce(max(number), 0) FROM fact").fetchone()[0]
        # Numbers that the centre has would be given again.
        return (set(record.told(upto, "k")) - here) | {f"fact {n}" for n in range(head + 1, sent + 1)}
    finally:
        db.close()


def lost_at_centre(record: Record, upto: int, target: Path) -> set[str]:
    db = open_centre(folder_of(record, target) / "centre" / "centre.db")
    try:
        schema.check(db)
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchone() is None
        orders = {row[0] for row in db.execute("SELECT no FROM shop_order")}
        taken = db.execute("SELECT coalesce(max(applied), 0) FROM replica").fetchone()[0]
        held = db.execute("SELECT count(*) FROM fact").fetchone()[0]
        assert held == taken
        told = max((int(n) for n in record.told(upto, "a")), default=0)
        lost = {f"fact {n}" for n in range(taken + 1, told + 1)}
        return lost | (set(record.told(upto, "o")) - orders)
    finally:
        db.close()


def cuts(record: Record, tmp_path: Path, name: str) -> list[str]:
    rng = random.Random(f"{seed()}:{name}")
    judge = lost_at_store if name == "store" else lost_at_centre
    found = []
    for number, upto in enumerate(moments(record, rng)):
        target = tmp_path / f"{name}-{number}"
        cut(record, upto, rng, target)
        try:
            lost = judge(record, upto, target)
        except sqlite3.DatabaseError as damaged:
            lost = {f"cannot be opened: {damaged}"}
        if lost:
            found.append(f"cut {number} after entry {upto} of {len(record.entries)}: {sorted(lost)[:5]}")
        shutil.rmtree(target)
    return found


@pytest.mark.parametrize("side", ["store", "centre"])
def test_what_was_told_as_done_survives_a_power_cut_at_any_moment(
    side: str, record: Record, tmp_path: Path
) -> None:
    assert len(record.told(len(record.entries), "k")) >= 60
    assert len(record.told(len(record.entries), "o")) >= 10
    found = cuts(record, tmp_path, side)
    assert not found, found


def test_a_database_that_syncs_less_is_found_by_the_same_cuts(tmp_path: Path) -> None:
    less = recorded(tmp_path / "less", unsafe=True)
    assert cuts(less, tmp_path, "store")
    assert cuts(less, tmp_path, "centre")
