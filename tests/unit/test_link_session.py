"""Who is at the other end of the line, and when a conversation is over."""

from __future__ import annotations

import msgspec
import pytest

from server.link.decide import publish
from sync import sqlite
from sync.link.proof import token_hash
from sync.wire import codec, frames
from tests.kit_link import Pair, ToyCentre, ToyStore, seen, sums


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
