"""Rights of a lost or restored replica end; the centre keeps its own; a count brings back what is there."""

from __future__ import annotations

import msgspec

from server.cases.book import open_case
from server.cases.notes import kept
from server.stock import void
from server.stock.void import uncounted, void_rights
from sync import sqlite
from sync.replica import log, till
from sync.replica.rebase import rebase
from sync.rules.refusals import Why
from sync.wire.facts import Counted
from sync.wire.snapshot import Snapshot, SnapTask, StockRow
from tests.kit_facts import NOW, Centre, centre, offer
from tests.kit_link import Pair, ToyStore
from tests.kit_replica import Shop


def lost() -> Centre:
    """S001 with an open offer; its box was just replaced."""
    c = centre({("S001", "TEE"): 8, ("S001", "CAP"): 3, ("S001", "SOCK"): 1})
    offer(c, "S001", 7, [("CAP", 1)])
    open_case(c.tx, "replica_replaced", now=NOW, store="S001", params={"old": "I1"}, join=True)
    return c


def test_the_share_leaves_the_books_and_the_pool_and_every_promise_stay():
    c = lost()
    before = {sku: c.rights("S001", sku) for sku in ("TEE", "CAP", "SOCK")}
    assert void_rights(c.tx, "S001", now=NOW) == 3
    for sku, (on_hand, reserved, share, pool, debt) in before.items():
        assert c.rights("S001", sku) == (on_hand - share, reserved, 0, pool, debt)
    assert c.ledger_adds_up()
    assert uncounted(c.tx, "S001") == ["CAP", "TEE", "SOCK"], "first what an order waits for"
    (case,) = c.cases("replica_replaced")
    assert (kept(case)["voided"], kept(case)["voided_units"]) == (3, 4 + 2 + 1)
    assert void_rights(c.tx, "S001", now=NOW) == 0, "once is enough"


def test_counts_are_asked_for_a_few_at_a_time_and_the_last_one_closes_the_case(monkeypatch):
    monkeypatch.setattr(void, "ASKED_AT_ONCE", 2)
    c = lost()
    void_rights(c.tx, "S001", now=NOW)

    def asked() -> list[str]:
        return [one.sku for one in c.decisions("S001") if type(one).__name__ == "CountAsked"]

    assert asked() == ["CAP", "TEE"]
    for number, sku in enumerate(("CAP", "TEE", "SOCK"), 1):
        there = c.rights("S001", sku)[0]
        verdict = c.report("S001", Counted(sku, there, there + 1, share=1))
        assert verdict.name == "applied"
        assert c.rights("S001", sku)[2] == 1, "what was found is the store's again"
        assert asked() == ["CAP", "TEE"] if number < 2 else ["CAP", "TEE", "SOCK"]
        assert c.cases("replica_replaced")[0]["state"] == ("open" if number < 3 else "closed")
    assert uncounted(c.tx, "S001") == []


def test_an_older_copy_sells_nothing_of_its_own_until_the_snapshot_is_in():
    shop = Shop()
    shop.stock(TEE_M=(8, 4))
    assert till.question(shop.db, "TEE-M").may_sell
    with sqlite.writing(shop.db):
        log.ReplicaLog().fork(shop.db, "I2", log.head(shop.db)[0])
    assert not till.question(shop.db, "TEE-M").may_sell
    shop.refused(Why.NO_SHARE, "till_sale", "till", sale="S1", rows=[["TEE-M", 1]])
    snapshot = Snapshot(
        store="S001", made_at=shop.now, decisions=9, facts=log.head(shop.db)[0],
        stock=(StockRow("TEE-M", 6, 2, 0, 0, 0),),
        tasks=(SnapTask("count:9", "count", "TEE-M", "lost_rights", "", shop.now),),
    )  # fmt: skip
    snapshot = msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)
    for _ in range(2):
        with sqlite.writing(shop.db):
            rebase(shop.db, snapshot, shop.context("node", command="auto:r"))
    assert till.question(shop.db, "TEE-M").may_sell
    assert shop.count("SELECT count(*) FROM notice WHERE kind = 'count_first'") == 1


def test_an_empty_box_whose_welcome_was_lost_still_gets_a_snapshot_and_not_the_log():
    pair = Pair().connect()
    for _ in range(6):
        pair.sell()
    pair.run()
    pair.cut()
    fresh = Pair(ToyStore(host="box-9", seed=99), pair.centre)
    fresh.centre_end = fresh.centre.new_end()
    fresh.store.end.connected(fresh.store.db, fresh.at())
    (challenge,) = fresh.centre_end.connected(None, fresh.at())
    with sqlite.writing(fresh.store.db):
        (hello,) = fresh.store.end.received(fresh.store.db, fresh.at(), challenge)
    with sqlite.writing(fresh.centre.db):
        fresh.centre_end.received(fresh.centre.db, fresh.at(), hello)  # and its answer never arrives
        fresh.centre_end.disconnected(fresh.centre.db, fresh.at())
    fresh.store.start()
    fresh.connect()
    assert fresh.agree()
