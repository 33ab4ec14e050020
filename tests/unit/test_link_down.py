"""What goes down: decisions, rows and snapshots, each in its lane, and sums that are compared."""

from __future__ import annotations

from server.link.decide import publish
from sync import sqlite
from sync.replica import log
from sync.rules.moment import Moment
from sync.wire import codec, frames
from tests.kit_link import Pair, ToyStore, close_cases, seen, sums


def test_a_decision_that_cannot_be_applied_stops_its_lane_and_not_the_others() -> None:
    pair = Pair().connect()
    pair.store.applier.cannot = {"NEW"}
    pair.grant("A")
    pair.grant("NEW")
    pair.grant("A")
    pair.run()
    assert sums(pair.store.db) == {"granted:A": 1}
    assert "held_lane" in pair.centre.cases()
    with sqlite.writing(pair.centre.db):
        publish(pair.centre.db, "catalogue", "TEE", {"name_en": "Tee"})
    pair.to_store(pair.centre_end.woken(pair.centre.db, pair.at()))
    pair.sell()
    pair.run()
    assert pair.store.db.execute("SELECT count(*) FROM toy_row").fetchone()[0] == 1
    assert pair.centre.sums()["sold:A"] == 1
    # A newer version can apply it: the lane goes on where it stopped.
    pair.cut()
    pair.store.applier.cannot = set()
    pair.store.start()
    pair.connect()
    assert pair.agree()


def test_a_row_that_cannot_be_applied_stops_its_stream_only() -> None:
    pair = Pair().connect()
    pair.store.applier.cannot = {"BAD"}
    with sqlite.writing(pair.centre.db):
        publish(pair.centre.db, "catalogue", "BAD", {})
        publish(pair.centre.db, "policy", "accept_minutes", {"value": "30"})
    pair.to_store(pair.centre_end.woken(pair.centre.db, pair.at()))
    pair.grant("A")
    pair.run()
    assert [row[0] for row in pair.store.db.execute("SELECT stream FROM toy_row")] == ["policy"]
    assert sums(pair.store.db) == {"granted:A": 1}


def test_bulk_never_stands_in_front_of_an_urgent_decision() -> None:
    pair = Pair()
    with sqlite.writing(pair.centre.db):
        for n in range(3_000):
            publish(pair.centre.db, "catalogue", f"SKU-{n:05d}", {"name_en": f"Thing {n * 7919 % 104729}"})
    pair.centre_end = pair.centre.new_end()
    pair.dead = False
    pair.store.end.connected(pair.store.db, pair.at())
    pair.to_store(pair.centre_end.connected(None, pair.at()))
    ahead = 0
    for step in range(20_000):
        if step == 30:
            with sqlite.writing(pair.centre.db):
                pair.centre.grant("S001", "URGENT", 1)
            ahead = sum(map(len, pair.down))
            pair.to_store(pair.centre_end.woken(pair.centre.db, pair.at()))
            assert isinstance(codec.decode(pair.down[-1]), frames.Decisions)
        if not pair.up and not pair.down:
            break
        pair.now += 2_500  # a slow line: each frame takes long
        side = pair.down or pair.up
        frame = side.pop(0)
        if side is pair.down:
            with sqlite.writing(pair.store.db):
                pair.to_centre(pair.store.end.received(pair.store.db, pair.at(), frame))
        else:
            with sqlite.writing(pair.centre.db):
                pair.to_store(pair.centre_end.received(pair.centre.db, pair.at(), frame))
    assert pair.store.db.execute("SELECT count(*) FROM toy_row").fetchone()[0] == 3_000
    assert sums(pair.store.db)["granted:URGENT"] == 1
    assert ahead <= 64 * 1024, "no more may be under way than a slow line carries in a few seconds"


def test_a_snapshot_broken_off_is_resumed_where_it_stopped() -> None:
    pair = Pair().connect()
    for _ in range(3):
        pair.sell()
    pair.run()
    with sqlite.writing(pair.centre.db):
        for n in range(20_000):
            pair.centre.add("S001", f"sold:SKU-{n * 7919 % 104729}-{n * 31 % 997}", n % 89 + 1)
    pair.cut()
    fresh = Pair(ToyStore(host="box-2", seed=5), pair.centre)
    fresh.dead = False
    fresh.store.end.connected(fresh.store.db, fresh.at())
    fresh.to_store(fresh.centre_end.connected(None, fresh.at()))
    while log.ReplicaLog().staged(fresh.store.db)[1] < 2:
        side = fresh.down or fresh.up
        frame = side.pop(0)
        if side is fresh.down:
            with sqlite.writing(fresh.store.db):
                fresh.to_centre(fresh.store.end.received(fresh.store.db, fresh.at(), frame))
        else:
            with sqlite.writing(fresh.centre.db):
                fresh.to_store(fresh.centre_end.received(fresh.centre.db, fresh.at(), frame))
    fresh.cut()
    fresh.log.clear()
    fresh.store.start()
    fresh.sell("NEW")  # an own fact that the snapshot's cut has not seen
    fresh.connect()
    parts = [f.part for f in seen(fresh, "down", frames.SnapshotPart)]
    assert parts[0] == 3
    assert fresh.agree()
    assert sums(fresh.store.db)["sold:NEW"] == 1
    assert fresh.store.db.execute("SELECT count(*) FROM snapshot_part").fetchone()[0] == 0


def test_a_snapshot_that_newer_facts_do_not_fit_on_is_asked_for_again_and_has_seen_them() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    pair.cut()
    fresh = Pair(ToyStore(host="box-2", seed=5), pair.centre)
    swap = fresh.store.applier.rebase

    def rebase(tx: sqlite.Connection, content: bytes, facts: int, moment: Moment) -> None:
        if facts < log.head(tx)[0]:
            raise sqlite.IntegrityError("CHECK constraint failed: share >= 0")
        swap(tx, content, facts, moment)

    fresh.store.applier.rebase = rebase  # type: ignore[method-assign]  # on this one only, until the end of the test
    fresh.dead = False
    fresh.store.end.connected(fresh.store.db, fresh.at())
    fresh.to_store(fresh.centre_end.connected(None, fresh.at()))
    while not any(b'"f":"snapshot"' in frame for frame in fresh.down):
        side = fresh.down or fresh.up
        frame = side.pop(0)
        if side is fresh.down:
            with sqlite.writing(fresh.store.db):
                fresh.to_centre(fresh.store.end.received(fresh.store.db, fresh.at(), frame))
        else:
            with sqlite.writing(fresh.centre.db):
                fresh.to_store(fresh.centre_end.received(fresh.centre.db, fresh.at(), frame))
    fresh.store.sell("NEW")  # a till sells while it comes in
    fresh.run()
    assert fresh.store.end.closing is not None
    assert fresh.store.end.closing.code == "snapshot_again"
    assert "held_lane" not in fresh.centre.cases()
    fresh.cut()
    fresh.connect()
    assert fresh.agree()
    assert sums(fresh.store.db)["sold:NEW"] == 1


def test_digests_that_differ_at_the_same_cut_open_one_case() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    with sqlite.writing(pair.store.db):
        pair.store.db.execute("UPDATE toy SET value = value + 1")
    for _ in range(40):
        pair.tick(19_000)
        pair.run()
    assert pair.centre.cases() == ["digest"]


def test_a_digest_case_that_is_closed_brings_a_snapshot_and_no_loop() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    with sqlite.writing(pair.store.db):
        pair.store.db.execute("UPDATE toy SET value = value + 1")
    for _ in range(17):
        pair.tick(19_000)
        pair.run()
    assert pair.centre.cases() == ["digest"]
    close_cases(pair, "digest")
    for _ in range(5):
        pair.tick(19_000)
        pair.run()
    pair.cut()
    pair.connect()
    assert pair.agree()
    pair.log.clear()
    pair.cut()
    pair.connect()
    assert not seen(pair, "down", frames.SnapshotPart)
