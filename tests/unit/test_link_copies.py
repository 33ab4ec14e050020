"""Old copies, new boxes, restored centres: whose record goes on, and what the other side hears again."""

from __future__ import annotations

import msgspec

from server.link.logs import release_held
from sync import sqlite
from sync.replica import log
from tests.kit_link import NINE_AM, Pair, ToyStore, centre_copy, close_cases, copy_of, sums


def test_a_hello_that_comes_twice_forks_an_old_copy_once() -> None:
    pair = Pair().connect()
    pair.sell("A")
    pair.run()
    old = copy_of(pair.store.db)
    pair.sell("B")
    pair.run()
    pair.cut()
    pair.store.db = old
    pair.store.start()
    store, centre, at = pair.store, pair.centre.new_end(), pair.at()
    store.end.connected(store.db, at)
    (challenge,) = centre.connected(None, at)
    with sqlite.writing(store.db), sqlite.writing(pair.centre.db):
        (hello,) = store.end.received(store.db, at, challenge)
        (reset,) = centre.received(pair.centre.db, at, hello)
        (again,) = centre.received(pair.centre.db, at, hello)
        (forked,) = store.end.received(store.db, at, reset)
        name = store.incarnation
        assert store.end.received(store.db, at, again) == []
        assert store.incarnation == name
        welcome, *_ = centre.received(pair.centre.db, at, forked)
        store.end.received(store.db, at, welcome)
    assert store.end.up
    assert centre.incarnation == name


def test_two_live_boxes_of_one_store_the_second_is_refused_with_a_case() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    clone = ToyStore(host="box-2")
    clone.db = copy_of(pair.store.db)
    clone.start()
    second = Pair(clone, pair.centre).connect()
    assert clone.end.closing is not None
    assert clone.end.closing.code == "two_replicas"
    assert clone.end.closing.todo == "person"
    assert pair.centre.cases() == ["two_replicas"]
    second.cut()
    pair.sell()
    pair.run()
    assert pair.centre.sums()["sold:A"] == 2


def test_a_restored_copy_takes_a_new_incarnation_keeps_its_facts_and_is_rebased() -> None:
    pair = Pair().connect()
    for _ in range(5):
        pair.sell()
    pair.run()
    old = copy_of(pair.store.db)
    for _ in range(7):
        pair.sell("B")
    pair.run()
    first = pair.store.incarnation
    pair.cut()
    pair.store.db = old
    pair.store.start()
    kept = [pair.sell("C"), pair.sell("C")]
    pair.connect()
    assert pair.store.incarnation != first
    assert pair.centre.sums()["sold:B"] == 7
    assert pair.centre.sums()["sold:C"] == 2
    assert all(pair.centre.applied()[command] == 1 for command in kept)
    assert pair.agree()
    assert pair.centre.cases() == ["restored_copy"]
    params = msgspec.json.decode(pair.centre.db.execute("SELECT params FROM open_case").fetchone()[0])
    assert (params["from"], params["upto"]) == (6, 12)
    pair.sell("D")
    pair.run()
    assert pair.agree()


def test_a_copy_that_worked_on_past_the_centre_is_held_with_evidence_until_a_person_lets_it_go_on() -> None:
    pair = Pair().connect()
    for _ in range(5):
        pair.sell()
    pair.run()
    old = copy_of(pair.store.db)
    for _ in range(3):
        pair.sell("B")
    pair.run()
    pair.cut()
    pair.store.db = old
    pair.store.start()
    for _ in range(10):
        pair.sell("C")
    incarnation = pair.store.incarnation
    pair.connect()
    assert pair.store.end.mode == "held"
    assert pair.centre.cases() == ["other_bytes"]
    assert "sold:C" not in pair.centre.sums()
    evidence = pair.centre.db.execute(
        "SELECT count(*) FROM fact WHERE incarnation = ?", (f"{incarnation}!5",)
    )
    assert evidence.fetchone()[0] == 10
    assert pair.store.end.acked <= 5, "evidence is no acknowledgement"
    pair.sell("C")  # the store works on
    pair.run()
    pair.cut()
    with sqlite.writing(pair.centre.db):
        assert release_held(pair.centre.db, "S001", incarnation)
    pair.connect()
    assert pair.centre.sums()["sold:C"] == 11
    assert pair.centre.sums()["sold:B"] == 3
    assert pair.agree()


def test_a_fact_that_waited_when_copies_were_made_is_taken_once_however_often_a_copy_is_put_back() -> None:
    pair = Pair().connect()
    for _ in range(5):
        pair.sell()
    pair.run()
    older = copy_of(pair.store.db)
    pair.sell()
    pair.run()
    pair.cut()
    waiting = [pair.sell("B"), pair.sell("B"), pair.sell("B")]
    newer = copy_of(pair.store.db)
    # The box goes back to the older copy and takes another name; the first one is closed.
    pair.store.db = copy_of(older)
    pair.store.start()
    pair.connect()
    pair.sell("C")
    pair.run()
    assert pair.centre.sums()["sold:C"] == 1
    # Then the newer copy is put back, three times: only the first time its three facts are news.
    for again in (1, 2, 3):
        pair.cut()
        pair.store.db = copy_of(newer)
        pair.store.start()
        pair.sell("D")
        pair.connect()
        assert pair.centre.sums()["sold:B"] == 3
        assert pair.centre.sums()["sold:D"] == again
        assert all(pair.centre.applied()[command] == 1 for command in waiting)
        assert pair.agree()
    assert "centre_restored" not in pair.centre.cases(), "a store with another copy's facts is no lost centre"


def test_a_box_whose_facts_are_lost_for_good_goes_on_from_what_it_has_once_a_person_says_so() -> None:
    pair = Pair().connect()
    empty = centre_copy(pair.centre.db)
    for _ in range(6):
        pair.sell()
    pair.run()
    with sqlite.writing(pair.store.db):
        log.put(pair.store.db, "facts_acked", 6)
        assert log.ReplicaLog().prune(pair.store.db, 4, NINE_AM + 10**12) == 4
    pair.cut()
    # The only backup that is left of the centre is older than what the store has forgotten.
    pair.centre.db = empty
    pair.centre.start()
    pair.store.start()
    pair.sell("B")
    pair.connect()
    for _ in range(2):
        assert pair.store.end.closing is not None
        assert (pair.store.end.closing.code, pair.store.end.closing.todo) == ("held", "person")
        pair.cut()
        pair.connect()
    assert "facts_missing" in pair.centre.cases()
    pair.cut()
    with sqlite.writing(pair.centre.db):
        assert release_held(pair.centre.db, "S001", pair.store.incarnation)
    pair.connect()
    assert pair.store.end.mode == "live"
    sold = {key: units for key, units in pair.centre.sums().items() if key.startswith("sold")}
    assert sold == {"sold:A": 2, "sold:B": 1}, "what is lost stays lost, what is there comes"
    assert "facts_lost" in pair.centre.cases()
    pair.sell("D")
    pair.run()
    pair.cut()
    pair.store.start()
    pair.connect()
    assert pair.store.end.mode == "live"
    assert pair.agree()


def test_a_new_box_in_place_of_a_dead_one_gets_the_store_s_state() -> None:
    pair = Pair().connect()
    for _ in range(6):
        pair.sell()
    pair.run()
    pair.cut()
    fresh = Pair(ToyStore(host="box-9", seed=99), pair.centre).connect()
    assert fresh.agree()
    assert sums(fresh.store.db)["sold:A"] == 6
    assert pair.centre.cases() == ["replica_replaced"]
    # The dead box comes back to life while the new one is at work.
    pair.store.start()
    pair.connect()
    assert pair.store.end.closing is not None
    assert pair.store.end.closing.code == "two_replicas"


def test_a_centre_restored_from_a_backup_notices_and_stores_send_again() -> None:
    pair = Pair().connect()
    for _ in range(4):
        pair.sell()
    pair.run()
    backup = centre_copy(pair.centre.db)
    for _ in range(9):
        pair.sell("B")
    pair.grant("B", 5)
    pair.run()
    with sqlite.writing(pair.store.db):
        log.put(pair.store.db, "fence_heard", 4711)
    pair.cut()
    pair.centre.db = backup
    pair.centre.start()
    pair.store.start()
    pair.connect()
    assert pair.centre.sums()["sold:B"] == 9
    assert pair.agree()
    assert pair.centre.cases() == ["centre_restored"]
    meta = dict(pair.centre.db.execute("SELECT key, value FROM meta").fetchall())
    assert meta["incarnation"] != "C1"
    assert int(meta["fence"]) > 4711
    assert all(count == 1 for count in pair.centre.applied().values())
    # And again, without another change of name.
    name = meta["incarnation"]
    pair.cut()
    pair.store.start()
    pair.connect()
    assert dict(pair.centre.db.execute("SELECT key, value FROM meta").fetchall())["incarnation"] == name
    assert pair.agree()


def test_facts_leave_a_store_only_when_covered_by_a_backup_and_old_enough() -> None:
    pair = Pair().connect()
    for _ in range(10):
        pair.sell()
        pair.now += 1000
    pair.run()
    real = log.ReplicaLog()
    with sqlite.writing(pair.store.db):
        pair.store.end.keep(pair.store.db, pair.at())
        assert real.prune(pair.store.db, pair.store.end.prunable, pair.now + 1) == 0
    with sqlite.writing(pair.centre.db):
        pair.centre.db.execute("UPDATE replica SET backed_up = 6")
    pair.cut()
    pair.connect()
    assert pair.store.end.prunable == 6
    with sqlite.writing(pair.store.db):
        pair.store.end.keep(pair.store.db, pair.at())
        assert real.prune(pair.store.db, pair.store.end.prunable, NINE_AM + 3_500) == 5, (
            "the sixth is too young"
        )
        assert real.prune(pair.store.db, pair.store.end.prunable, pair.now + 1) == 1
        assert real.floor(pair.store.db) == 6
    pair.cut()
    pair.store.start()
    pair.sell()
    pair.connect()
    assert pair.centre.sums()["sold:A"] == 11
    assert pair.agree()


def test_a_held_store_goes_on_by_itself_once_a_person_has_closed_the_case() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    old = copy_of(pair.store.db)
    pair.sell("B")
    pair.run()
    pair.cut()
    pair.store.db = old
    pair.store.start()
    pair.sell("C")
    pair.sell("C")
    pair.connect()
    assert pair.store.end.mode == "held"
    close_cases(pair, "other_bytes")
    for _ in range(5):
        pair.tick(19_000)
        pair.run()
    assert pair.centre_end.closing is not None
    assert pair.centre_end.closing.code == "settled"
    pair.cut()
    pair.connect()
    assert pair.store.end.mode == "live"
    assert pair.centre.sums()["sold:C"] == 2
    assert pair.agree()
