"""Recorded conversations that both ends have to repeat word by word, and the wire's diary.

YIPAN_WRITE_VECTORS=1 writes them anew, after a change that the diary tells of.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.link.decide import publish
from sync import sqlite
from sync.wire import codec
from sync.wire.diary import DIARY, schema_hash
from tests.kit_link import Pair, copy_of

HERE = Path(__file__).parent


def test_the_wire_is_what_its_diary_says() -> None:
    assert schema_hash() == DIARY[-1].schema, (
        "something that travels has changed: add an entry to sync/wire/diary.py (hash "
        f"{schema_hash()}) that says what, and whether older peers still understand"
    )


def first_contact(pair: Pair) -> None:
    pair.connect()


def a_day_in_small(pair: Pair) -> None:
    with sqlite.writing(pair.centre.db):
        publish(pair.centre.db, "catalogue", "TEE", {"name_en": "Tee", "name_zh": "T恤"})
    pair.connect()
    for sku in ("TEE", "TEE", "BAD", "JEANS"):
        pair.sell(sku)
        pair.run()
    pair.grant("TEE", 4)
    pair.run()


def a_till_asks(pair: Pair) -> None:
    pair.connect()
    pair.centre.stock = {"TEE": 1}
    for sku in ("TEE", "TEE"):
        _, frames = pair.store.end.ask([(sku, 1)])
        pair.to_centre(frames)
        pair.run()


def a_key_is_signed(pair: Pair) -> None:
    pair.connect()
    _, frames = pair.store.end.certify("a-key")
    pair.to_centre(frames)
    pair.run()


def an_old_copy(pair: Pair) -> None:
    pair.connect()
    pair.sell("A")
    pair.run()
    old = copy_of(pair.store.db)
    pair.sell("B")
    pair.run()
    pair.cut()
    pair.store.db = old
    pair.store.start()
    pair.connect()


def a_wrong_token(pair: Pair) -> None:
    pair.store.token = "wrong"
    pair.store.start()
    pair.connect()


CONVERSATIONS: tuple[Callable[[Pair], None], ...] = (
    first_contact,
    a_day_in_small,
    a_till_asks,
    a_key_is_signed,
    an_old_copy,
    a_wrong_token,
)


def spoken(play: Callable[[Pair], None]) -> list[dict[str, Any]]:
    pair = Pair()
    pair.centre.poison = {"BAD"}
    play(pair)
    return [{"way": way, "frame": readable(raw)} for way, raw in pair.log]


def readable(raw: bytes) -> Any:
    frame = codec.decode(raw)
    assert not isinstance(frame, codec.Unknown)
    return json.loads(codec._encode(frame))


@pytest.mark.parametrize("play", CONVERSATIONS, ids=lambda one: one.__name__)
def test_both_ends_say_word_by_word_what_was_recorded(play: Callable[[Pair], None]) -> None:
    path = HERE / f"link_{play.__name__}.json"
    said = spoken(play)
    if os.environ.get("YIPAN_WRITE_VECTORS"):
        path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n")
    assert said == json.loads(path.read_text())


@pytest.mark.parametrize("path", sorted(HERE.glob("link_*.json")), ids=lambda one: one.stem)
def test_every_recorded_frame_is_read_and_written_without_change(path: Path) -> None:
    for step in json.loads(path.read_text()):
        raw = json.dumps(step["frame"], ensure_ascii=False, separators=(",", ":")).encode()
        frame = codec.decode(raw)
        assert not isinstance(frame, codec.Unknown)
        assert codec._encode(frame) == raw
