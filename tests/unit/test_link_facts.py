"""Facts go up: each one once, in order, none refused, whatever the line does."""

from __future__ import annotations

import msgspec
import pytest

from sync import sqlite
from sync.wire import codec, frames
from sync.wire.chain import next_chain
from sync.wire.facts import Fact
from tests.kit_link import NINE_AM, Pair, seen, sums


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
