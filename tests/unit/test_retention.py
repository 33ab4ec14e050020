"""What leaves the centre's log of decisions, and what a store finds that was away for longer."""

from __future__ import annotations

from server.link.decide import decide
from server.link.logs import DecisionLog
from server.link.retention import DAY_MS, prune_decisions
from server.schema import fresh
from sync import sqlite
from sync.wire import decisions as d

NOON = 1_760_000_000_000


def centre_with(ages_in_days, *, taken):
    tx = fresh()
    tx.execute("BEGIN")
    tx.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R', 'R', 'R')")
    tx.execute("INSERT INTO store (code, name_en, name_zh, region) VALUES ('S001', 'A', 'A', 'R')")
    tx.execute(
        "INSERT INTO replica (store, incarnation, state, opened_at, taken)"
        " VALUES ('S001', 'I', 'live', 0, ?)",
        (taken,),
    )
    for age in ages_in_days:
        decide(tx, "S001", d.Asked("A", 1), at=NOON - age * DAY_MS)
    return tx


def numbers(tx):
    return [row[0] for row in tx.execute("SELECT number FROM decision ORDER BY number")]


def test_what_every_replica_has_applied_leaves_after_the_retention():
    tx = centre_with([20, 19, 18, 10, 1], taken=5)
    assert prune_decisions(tx, NOON) == 3
    assert numbers(tx) == [4, 5]


def test_what_a_replica_has_not_applied_stays_and_so_does_the_row_it_stands_on():
    tx = centre_with([40, 30, 20, 19], taken=2)
    prune_decisions(tx, NOON)
    assert numbers(tx) == [2, 3, 4]
    log = DecisionLog("S001")
    assert log.chain_at(tx, 2) is not None, "the store's position must still be recognised"


def test_a_store_away_for_longer_than_the_limit_does_not_keep_the_log_for_ever():
    tx = centre_with([200, 150, 100, 95], taken=0)
    prune_decisions(tx, NOON)
    assert numbers(tx) == [4], "the newest stays: numbers and chain go on from it"
    assert decide(tx, "S001", d.Asked("A", 1), at=NOON) == 5


def test_history_is_closed_again_after_the_pruning():
    tx = centre_with([20, 1], taken=2)
    prune_decisions(tx, NOON)
    try:
        tx.execute("DELETE FROM decision")
    except sqlite.IntegrityError:
        return
    raise AssertionError("a decision could be deleted outside retention")
