"""The obligations of the conversation, one by one, on a line that does what the test wants."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import pytest

from server.link.decide import publish
from server.link.logs import release_held
from sync import sqlite
from sync.link.proof import token_hash
from sync.replica import log
from sync.rules.moment import Moment
from sync.wire import codec, frames
from sync.wire.chain import next_chain
from sync.wire.facts import Fact
from tests.kit_link import NINE_AM, Pair, ToyCentre, ToyStore, centre_copy, copy_of, sums

F = TypeVar("F", bound=frames.Frame)


def seen(pair: Pair, way: str, kind: type[F]) -> list[F]:
    return [f for w, raw in pair.log if w == way and isinstance(f := codec.decode(raw), kind)]


def test_a_fact_reaches_the_centre_and_a_decision_comes_back() -> None:
    pair = Pair().connect()
    for _ in range(3):
        pair.sell()
    pair.run()
    assert pair.centre.sums() == {"sold:A": 3, "granted:A": 1}
    assert pair.agree()
    assert pair.store.end.acked == 3


def test_what_was_recorded_without_a_line_arrives_when_the_line_comes() -> None:
    pair = Pair()
    for _ in range(450):
        pair.sell()
    pair.connect()
    assert pair.centre.sums()["sold:A"] == 450
    assert len(seen(pair, "up", frames.Facts)) == 3
    assert pair.agree()


def test_a_fact_sent_twice_is_acknowledged_twice_and_applied_once() -> None:
    pair = Pair().connect()
    pair.sell()
    again = pair.up[-1]
    pair.run()
    pair.to_centre([again])
    pair.run()
    acks = seen(pair, "down", frames.Ack)
    assert [a.n for a in acks] == [1, 1]
    assert pair.centre.sums() == {"sold:A": 1}
    assert pair.centre_end.closing is None


def test_a_gap_is_never_applied() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.up.clear()
    pair.sell()
    pair.run()
    assert pair.centre.sums() == {}
    assert pair.centre_end.closing is not None
    assert pair.centre_end.closing.code == "gap"
    pair.cut()
    pair.connect()
    assert pair.centre.sums() == {"sold:A": 2}


def test_the_same_number_with_other_bytes_is_an_alarm_and_holds_the_store() -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    forged = msgspec.json.encode(Fact(kind="sold", command="x", person="p", device="d", at=1))
    frame = frames.Facts(n=1, i=(msgspec.Raw(forged),), h=next_chain("0" * 16, forged))
    pair.to_centre([codec.encode(frame)])
    pair.run()
    assert pair.centre.sums() == {"sold:A": 1}
    assert pair.centre.cases() == ["other_bytes"]
    assert pair.centre_end.closing is not None
    assert pair.centre_end.closing.code == "held"


def test_one_fact_that_raises_is_parked_and_ninety_nine_are_applied() -> None:
    pair = Pair()
    pair.centre.poison = {"BAD"}
    for n in range(100):
        pair.sell("BAD" if n == 40 else "A")
    pair.connect()
    assert pair.store.end.acked == 100
    assert pair.centre.sums()["sold:A"] == 99
    assert "sold:BAD" not in pair.centre.sums()
    parked = pair.centre.db.execute("SELECT number, note FROM fact WHERE verdict = 'parked'").fetchall()
    assert [(row[0], row[1]) for row in parked] == [(41, "KeyError: 'BAD'")]
    assert pair.centre.cases() == ["parked_fact"]
    assert sums(pair.store.db)["verdicts"] == 1


@pytest.mark.parametrize(
    "raw",
    [
        b'{"k":"no_such_kind","c":"c1","p":"p","d":"d","t":1}',
        b'{"k":"sold","c":"c1","p":"p","d":"d","t":1e400}',
        b'{"k":"sold","c":"\xff\xfe","p":"p","d":"d","t":1}',
        b"[1,2,3]",
        b'{"k":"sold","c":"c1","p":"p","d":"d","t":1,"b":{"sku":7}}',
        b'{"k":"sold","c":"c1","p":"p","d":"d","t":99999999999999999999999,"f":99999999999999999999}',
    ],
)
def test_an_unknown_or_unreadable_fact_is_parked_and_the_log_goes_on(raw: bytes) -> None:
    pair = Pair().connect()
    good = msgspec.json.encode(
        Fact(
            kind="sold",
            command="c2",
            person="p",
            device="d",
            at=NINE_AM,
            body=msgspec.Raw(b'{"sku":"A","qty":1,"share":1}'),
        )
    )
    chain = next_chain(next_chain("0" * 16, raw), good)
    pair.to_centre([codec.encode(frames.Facts(n=1, i=(msgspec.Raw(raw), msgspec.Raw(good)), h=chain))])
    pair.run()
    rows = pair.centre.db.execute("SELECT number, verdict, raw FROM fact ORDER BY number").fetchall()
    assert [(row[0], row[1]) for row in rows] == [(1, "parked"), (2, "applied")]
    assert bytes(rows[0][2]) == raw
    assert pair.centre_end.closing is None
    assert "parked_fact" in pair.centre.cases()


def test_wrong_credentials_are_refused_and_nothing_is_taken() -> None:
    pair = Pair(ToyStore(token="another"))
    pair.sell()
    pair.connect()
    assert pair.store.end.closing is not None
    assert pair.store.end.closing.code == "authenticate"
    assert pair.store.end.closing.todo == "authenticate"
    assert pair.centre.sums() == {}
    assert pair.store.head() == 1


def test_the_token_never_travels_and_a_recorded_hello_is_refused() -> None:
    pair = Pair().connect()
    text = b"".join(raw for _, raw in pair.log)
    assert pair.store.token.encode() not in text
    assert token_hash(pair.store.token).encode() not in text
    hello = next(raw for way, raw in pair.log if way == "up")
    replay = pair.centre.new_end()
    replay.connected(None, pair.at())
    with sqlite.writing(pair.centre.db):
        replay.received(pair.centre.db, pair.at(), hello)
    assert replay.closing is not None
    assert replay.closing.code == "authenticate"


def test_a_store_cannot_speak_for_another_store() -> None:
    centre = ToyCentre(("S001", "S002"))
    with sqlite.writing(centre.db):
        centre.db.execute("UPDATE store SET token_hash = ? WHERE code = 'S002'", (token_hash("other"),))
    pair = Pair(ToyStore("S002"), centre).connect()
    assert pair.store.end.closing is not None
    assert pair.store.end.closing.code == "authenticate"


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


@pytest.mark.parametrize(
    "late",
    [
        frames.Digest(facts=1, decisions=0, sums=msgspec.Raw(b'{"other":1}')),
        frames.Held(lane="u", number=1, kind="granted", why="old"),
    ],
    ids=["digest", "held"],
)
def test_what_an_older_session_says_late_opens_no_case(late: frames.Frame) -> None:
    pair = Pair().connect()
    pair.sell()
    pair.run()
    old = pair.centre_end
    pair.store.start()
    pair.connect()
    with sqlite.writing(pair.centre.db):
        assert old.received(pair.centre.db, pair.at(), codec.encode(late)) == []
    assert pair.centre.cases() == []


def test_a_late_frame_of_an_older_session_never_writes() -> None:
    pair = Pair().connect()
    pair.sell()
    late, old = pair.up.pop(), pair.centre_end
    pair.store.start()
    pair.connect()
    assert pair.centre.sums() == {"sold:A": 1}
    with sqlite.writing(pair.centre.db):
        assert old.received(pair.centre.db, pair.at(), late) == []
    assert old.closing is not None
    assert old.closing.code == "superseded"
    assert pair.centre.sums() == {"sold:A": 1}


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


def test_a_revoked_store_s_facts_are_kept_for_review_and_nothing_goes_down() -> None:
    pair = Pair()
    pair.sell()
    with sqlite.writing(pair.centre.db):
        pair.centre.db.execute("UPDATE store SET active = 0")
        pair.centre.grant("S001", "A", 3)
    pair.connect()
    assert pair.centre.db.execute("SELECT verdict, note FROM fact").fetchone()[:] == ("parked", "revoked")
    assert pair.centre.sums() == {"granted:A": 3}
    assert sums(pair.store.db) == {"sold:A": 1}


def test_a_credential_that_is_withdrawn_ends_a_running_session() -> None:
    pair = Pair().connect()
    with sqlite.writing(pair.centre.db):
        pair.centre.db.execute("UPDATE store SET token_hash = ?", (token_hash("a new one"),))
    for _ in range(9):
        pair.tick(19_000)
        pair.run()
    assert pair.centre_end.closing is not None
    assert pair.centre_end.closing.code == "authenticate"


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


def test_a_newer_peer_s_unknown_frame_is_passed_over() -> None:
    pair = Pair().connect()
    pair.to_centre([b'{"f":"weather","rain":true}'])
    pair.to_store([b'{"f":"weather"}'])
    pair.sell()
    pair.run()
    assert pair.centre.sums() == {"sold:A": 1}


def test_a_protocol_that_is_too_old_is_told_to_upgrade_but_its_facts_are_taken_while_it_is_near() -> None:
    centre = ToyCentre()
    centre.manners = type(centre.manners)(protocols=(1, 3), bulk_from=2)
    with sqlite.writing(centre.db):
        publish(centre.db, "catalogue", "TEE", {})
    pair = Pair(ToyStore(), centre)
    pair.sell()
    pair.connect()
    assert centre.sums() == {"sold:A": 1}
    assert pair.store.db.execute("SELECT count(*) FROM toy_row").fetchone()[0] == 0
    welcome = seen(pair, "down", frames.Welcome)[0]
    assert welcome.upgrade
    assert welcome.protocol == 1
    pair.cut()
    centre.manners = type(centre.manners)(protocols=(4, 6))
    pair.store.start()
    pair.connect()
    assert pair.store.end.closing is not None
    assert (pair.store.end.closing.code, pair.store.end.closing.todo) == ("protocol", "upgrade")


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


def test_silence_and_facts_that_nobody_takes_both_end_a_session() -> None:
    pair = Pair().connect()
    pair.now += 61_000
    with sqlite.writing(pair.store.db):
        pair.store.end.tick(pair.store.db, pair.at())
    assert pair.store.end.closing is not None
    assert pair.store.end.closing.code == "silent"
    pair = Pair().connect()
    pair.sell()
    pair.up.clear()
    for _ in range(5):
        pair.tick(15_000)
        pair.run()
    assert pair.store.end.closing is not None
    assert pair.store.end.closing.code == "stuck", "pongs alone are no progress"


def test_the_first_acknowledgement_always_lost_loses_and_doubles_nothing() -> None:
    pair = Pair()
    for _ in range(20):
        pair.sell()
        pair.connect()
        pair.sell()
        while pair.up:
            frame = pair.up.pop(0)
            with sqlite.writing(pair.centre.db):
                pair.centre_end.received(pair.centre.db, pair.at(), frame)  # its answer is lost
        pair.cut()
        pair.store.start()
    pair.connect()
    assert pair.centre.sums()["sold:A"] == 40
    assert pair.agree()


def close_cases(pair: Pair, kind: str) -> None:
    """A person has decided."""
    with sqlite.writing(pair.centre.db):
        pair.centre.db.execute("UPDATE open_case SET state = 'closed' WHERE kind = ?", (kind,))


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


def test_a_till_that_asks_has_its_answer_after_what_was_granted_is_applied():
    pair = Pair().connect()
    pair.centre.stock = {"A": 2}
    question, frames_up = pair.store.end.ask([("A", 2), ("B", 1)])
    assert not pair.store.end.answered(question)
    pair.to_centre(frames_up)
    pair.run()
    assert pair.store.end.answered(question)
    assert sums(pair.store.db) == {"granted:A": 2}
    assert [(one.g, one.u) for one in seen(pair, "down", frames.Wanted)] == [(1, 1)]


def test_a_till_without_a_line_asks_nobody_and_an_old_centre_says_nothing():
    pair = Pair()
    assert pair.store.end.ask([("A", 1)]) == (0, [])
    pair.connect()
    question, _lost = pair.store.end.ask([("A", 1)])
    pair.run()
    assert not pair.store.end.answered(question)
    pair.cut()
    pair.connect()
    assert not pair.store.end.answered(question), "an answer of another session would be somebody else's"


def test_what_a_till_sold_is_known_before_it_is_granted_more():
    pair = Pair().connect()
    pair.centre.stock = {"A": 1}
    pair.store.sell("A")
    with sqlite.writing(pair.store.db):
        pair.to_centre(pair.store.end.recorded(pair.store.db, pair.at()))
    question, frames_up = pair.store.end.ask([("A", 1)])
    pair.to_centre(frames_up)
    pair.run()
    assert pair.store.end.answered(question)
    kinds = [codec.tag_of(raw) for way, raw in pair.log if way == "down"]
    assert kinds.index("ack") < kinds.index("wanted")
