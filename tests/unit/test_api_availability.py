"""Availability for channels: thousands in one call, and a feed that misses nothing and re-tells nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from server.api.availability import available, changes
from server.stock import book
from tests.kit_orders import Centre


def see(centre: Centre, *names: str, by_store: bool = False) -> dict[str, Any]:
    found, _ = available(centre.tx, "web", names, centre.now, by_store=by_store)
    return {one.sku: one.stores if by_store else one.available for one in found}


def moved(centre: Centre, after: int, stores: str = "") -> Any:
    return changes(centre.tx, "web", after, stores, centre.now)


@pytest.fixture
def centre() -> Centre:
    made = Centre()
    made.stock("S001", "A", 5, share=2)
    made.stock("S002", "A", 4)
    made.stock("S001", "B", 3)
    made.tx.execute("INSERT INTO sellable (code, name_en, name_zh) VALUES ('SET', 'Set', '套装')")
    made.tx.execute("INSERT INTO sellable_part (sellable, sku, qty) VALUES ('SET', 'A', 2), ('SET', 'B', 1)")
    made.tx.execute("INSERT INTO channel (code, name) VALUES ('web', 'web')")
    made.tx.execute("INSERT INTO listing (channel, external_sku, sellable) VALUES ('web', 'W-SET', 'SET')")
    return made


def test_one_call_answers_items_bundles_and_listings_in_the_order_asked(centre: Centre):
    found, unknown = available(centre.tx, "web", ["W-SET", "B", "NONE", "A", "B"], centre.now, by_store=False)
    assert [(one.sku, one.available) for one in found] == [("W-SET", 3), ("B", 3), ("A", 7)]
    assert unknown == ["NONE"]
    assert see(centre, "A", "SET", by_store=True) == {"A": {"S001": 3, "S002": 4}, "SET": {"S001": 1}}


def test_ten_thousand_skus_over_a_chain_are_answered_in_a_moment(centre: Centre):
    skus = [f"K{n:05d}" for n in range(10_000)]
    centre.tx.executemany("INSERT INTO item (sku, name_en, name_zh) VALUES (?, '', '')", [(s,) for s in skus])
    for store in ("S001", "S002", "S003"):
        centre.tx.executemany(
            "INSERT INTO stock (store, sku, on_hand, pool) VALUES (?, ?, 2, 2)", [(store, s) for s in skus]
        )
    statements: list[str] = []
    centre.tx.set_trace_callback(statements.append)
    began = time.perf_counter()
    found = see(centre, *skus)
    took = time.perf_counter() - began
    centre.tx.set_trace_callback(None)
    assert set(found.values()) == {6}
    assert len(statements) <= 6, "a number of statements that does not grow with the question"
    assert took < 3.0


def test_the_feed_tells_what_moved_and_all_that_hangs_on_it(centre: Centre):
    start = moved(centre, 0)
    assert start.reread
    assert not start.items
    assert moved(centre, start.next, start.stores).items == []
    centre.order(("B", 1))
    news = moved(centre, start.next, start.stores)
    assert {one.sku: one.available for one in news.items} == {"B": 2, "SET": 2, "W-SET": 2}
    assert not news.reread
    assert not news.more
    assert moved(centre, news.next, news.stores).items == []


def test_a_till_sale_from_the_share_is_no_news_for_channels(centre: Centre):
    from sync.wire import facts as f

    start = moved(centre, 0)
    centre.fact("S001", f.Sold("A", 1, 1))
    assert moved(centre, start.next, start.stores).items == []


def test_goods_that_were_not_found_and_goods_that_were_counted_again_are_news(centre: Centre):
    from sync.wire import facts as f

    start = moved(centre, 0)
    book.suppress(centre.tx, "S002", "A", now=centre.now)
    gone = moved(centre, start.next, start.stores)
    assert {one.sku: one.available for one in gone.items}["A"] == 3
    centre.fact("S002", f.Counted("A", 4, 4))
    back = moved(centre, gone.next, gone.stores)
    assert {one.sku: one.available for one in back.items}["A"] == 7


def test_when_a_store_pauses_or_the_cursor_is_of_another_time_everything_is_to_be_read_again(centre: Centre):
    start = moved(centre, 0)
    centre.tx.execute("UPDATE store SET paused = 1 WHERE code = 'S002'")
    assert moved(centre, start.next, start.stores).reread
    fresh = moved(centre, start.next, moved(centre, 0).stores)
    assert not fresh.reread
    assert moved(centre, start.next + 1_000, fresh.stores).reread, "a centre restored from a backup"


def test_a_long_feed_comes_in_pieces_and_ends(centre: Centre, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.api.availability.FEED_ROWS", 3)
    start = moved(centre, 0)
    for n in range(10):
        centre.stock("S003", f"N{n}", 1)
    seen: set[str] = set()
    after, pieces = start.next, 0
    while True:
        piece = moved(centre, after, start.stores)
        seen |= {one.sku for one in piece.items}
        after, pieces = piece.next, pieces + 1
        if not piece.more:
            break
    assert seen == {f"N{n}" for n in range(10)}
    assert pieces == 4
