"""One suite for both ends' logs: what the conversation relies on holds in either SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from server.link.decide import decide
from server.link.logs import StoreTables
from sync import sqlite
from sync.link.logs import KnownReplica, WrittenLog
from sync.replica import log
from sync.wire import decisions
from sync.wire.chain import EMPTY, next_chain
from tests.kit_link import NINE_AM, ToyCentre, ToyStore


@dataclass
class Written:
    """A log that an end writes, and how its owner appends."""

    tx: Any
    log: WrittenLog
    append: Callable[[int], int]


def taken_back(tx: Any, act: Callable[[], object]) -> None:
    """Do it in a transaction that fails."""
    tx.execute("BEGIN IMMEDIATE")
    act()
    tx.execute("ROLLBACK")


@pytest.fixture(params=["store's facts", "centre's decisions"])
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    if request.param == "store's facts":
        store = ToyStore()
        from sync.wire import facts

        def record(n: int) -> int:
            return log.append(store.db, facts.Sold(f"SKU-{n}", 1, 1), store.context(f"c{n}"))

        yield Written(store.db, log.ReplicaLog(), record)
    else:
        centre = ToyCentre(("S001", "S002"))
        with sqlite.writing(centre.db):
            # Another store's log beside it must never show through.
            decide(centre.db, "S002", decisions.Granted("X", 1), at=NINE_AM)

        def say(n: int) -> int:
            return decide(centre.db, "S001", decisions.Granted(f"SKU-{n}", 1), at=NINE_AM)

        yield Written(centre.db, StoreTables("S001").decisions, say)


def test_an_empty_log_stands_at_zero_with_the_empty_chain(written: Written) -> None:
    assert written.log.head(written.tx) == (0, EMPTY)
    assert written.log.floor(written.tx) == 0
    assert written.log.chain_at(written.tx, 0) == EMPTY
    assert written.log.after(written.tx, 0, 10, 10_000) == []


def test_numbers_are_dense_from_one_and_the_chain_is_over_the_bytes(written: Written) -> None:
    with sqlite.writing(written.tx):
        assert [written.append(n) for n in range(5)] == [1, 2, 3, 4, 5]
    items = written.log.after(written.tx, 0, 100, 1_000_000)
    chain = EMPTY
    for number, item in enumerate(items, start=1):
        chain = next_chain(chain, item.raw)
        assert (item.number, item.chain) == (number, chain)
        assert written.log.chain_at(written.tx, number) == chain
    assert written.log.head(written.tx) == (5, chain)
    assert written.log.chain_at(written.tx, 6) is None


def test_what_was_rolled_back_leaves_no_hole(written: Written) -> None:
    with sqlite.writing(written.tx):
        written.append(1)
    taken_back(written.tx, lambda: written.append(2))
    with sqlite.writing(written.tx):
        assert written.append(3) == 2
    assert [one.number for one in written.log.after(written.tx, 0, 10, 10_000)] == [1, 2]


def test_reading_on_respects_count_and_size_and_always_gives_one(written: Written) -> None:
    with sqlite.writing(written.tx):
        for n in range(10):
            written.append(n)
    assert [one.number for one in written.log.after(written.tx, 3, 4, 1_000_000)] == [4, 5, 6, 7]
    assert [one.number for one in written.log.after(written.tx, 3, 4, 1)] == [4]
    size = sum(len(one.raw) for one in written.log.after(written.tx, 0, 3, 1_000_000))
    assert [one.number for one in written.log.after(written.tx, 0, 10, size)] == [1, 2, 3]
    assert written.log.after(written.tx, 10, 5, 1_000) == []


def test_the_position_in_the_other_s_log_moves_only_with_its_transaction() -> None:
    store, centre = ToyStore(), ToyCentre()
    replica, tables = log.ReplicaLog(), StoreTables("S001")
    with sqlite.writing(store.db):
        replica.set_decisions(store.db, 4, "a" * 16, 77)
    taken_back(store.db, lambda: replica.set_decisions(store.db, 5, "b" * 16, 99))
    standing = replica.standing(store.db)
    assert (standing.decisions, standing.fence) == ((4, "a" * 16), 77)
    with sqlite.writing(centre.db):
        tables.add_replica(centre.db, KnownReplica("I", "live", "h", 0, EMPTY, 0, "", 0), NINE_AM)
        tables.advance(centre.db, "I", 4, "a" * 16)
    taken_back(centre.db, lambda: tables.advance(centre.db, "I", 5, "b" * 16))
    known = tables.replica(centre.db, "I")
    assert known is not None
    assert (known.applied, known.chain) == (4, "a" * 16)


def test_a_fork_shares_what_came_before_it_and_nothing_after() -> None:
    centre, tables = ToyCentre(), StoreTables("S001")
    with sqlite.writing(centre.db):
        tables.add_replica(centre.db, KnownReplica("A", "closed", "h", 0, EMPTY, 0, "", 0), NINE_AM)
        chain, chains = EMPTY, [EMPTY]
        for number in range(1, 6):
            chain = next_chain(chain, b"%d" % number)
            chains.append(chain)
            tables.take(centre.db, "A", number, b"%d" % number, chain, None, "parked", "", NINE_AM)
        tables.add_replica(centre.db, KnownReplica("B", "live", "h", 3, chains[3], 0, "A", 3), NINE_AM)
    assert [tables.chain_at(centre.db, "B", n) for n in range(5)] == [*chains[:4], None]


def test_a_fact_too_large_for_the_wire_is_refused_where_it_is_made() -> None:
    from sync.wire import facts

    store = ToyStore()
    with pytest.raises(ValueError), sqlite.writing(store.db):
        log.append(store.db, facts.Declined("no_time", note="x" * 40_000), store.context("c1"))
    assert store.head() == 0
