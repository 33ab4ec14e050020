"""A till asks the centre through the line."""

from __future__ import annotations

from sync import sqlite
from sync.wire import codec, frames
from tests.kit_link import Pair, seen, sums


def test_a_till_that_asks_has_its_answer_after_what_was_granted_is_applied() -> None:
    pair = Pair().connect()
    pair.centre.stock = {"A": 2}
    question, frames_up = pair.store.end.ask([("A", 2), ("B", 1)])
    assert not pair.store.end.answered(question)
    pair.to_centre(frames_up)
    pair.run()
    assert pair.store.end.answered(question)
    assert sums(pair.store.db) == {"granted:A": 2}
    assert [(one.g, one.u) for one in seen(pair, "down", frames.Wanted)] == [(1, 1)]


def test_a_till_without_a_line_asks_nobody_and_an_old_centre_says_nothing() -> None:
    pair = Pair()
    assert pair.store.end.ask([("A", 1)]) == (0, [])
    pair.connect()
    question, _lost = pair.store.end.ask([("A", 1)])
    pair.run()
    assert not pair.store.end.answered(question)
    pair.cut()
    pair.connect()
    assert not pair.store.end.answered(question), "an answer of another session would be somebody else's"


def test_what_a_till_sold_is_known_before_it_is_granted_more() -> None:
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
