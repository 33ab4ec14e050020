"""Routing: complete > nearest > priority, split as last resort; and a map that cannot make it unsafe."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from server.routing.choice import (
    Need,
    Plan,
    StoreFacts,
    Supply,
    Wish,
    choose,
    distance_m,
    vector_of,
)
from server.routing.hours import Hours
from server.routing.map import PoolMap, forget, map_of
from sync import sqlite
from tests.kit_orders import HOUR, NINE, Centre

ALWAYS = "{}"


def store(code: str, lat: float = 31.0, lon: float = 121.0, rank: int = 100, **more: Any) -> StoreFacts:
    hours = Hours(str(more.pop("hours", ALWAYS)), str(more.pop("zone", "UTC")))
    return StoreFacts(code, "R1", vector_of(lat, lon), rank, hours, **more)


def supply(stores: list[StoreFacts], pools: dict[str, dict[str, int]], **more: Any) -> Supply:
    return Supply(
        {one.code: one for one in stores},
        lambda sku: pools.get(sku, {}),
        lambda *_: True,
        **more,
    )


def wish(*needs: tuple[str, int], kind: str = "shipment", **more: Any) -> Wish:
    lines = tuple(Need(n, sku, qty) for n, (sku, qty) in enumerate(needs, start=1))
    return Wish(kind, lines, vector_of(31.0, 121.0), **more)


def chosen(plan: Plan) -> list[str]:
    return [share.store for share in plan.shares]


NEAR, MIDDLE, FAR = store("S1", 31.01), store("S2", 31.1), store("S3", 32.0)
THREE = [NEAR, MIDDLE, FAR]


def test_a_far_store_that_has_the_whole_order_comes_before_a_near_one_that_has_half():
    pools = {"A": {"S1": 5, "S3": 5}, "B": {"S3": 1}}
    assert chosen(choose(wish(("A", 1), ("B", 1)), supply(THREE, pools), NINE)) == ["S3"]


def test_of_stores_that_have_it_all_the_nearest_is_chosen():
    assert chosen(choose(wish(("A", 1)), supply(THREE, {"A": {"S3": 9, "S2": 9, "S1": 1}}), NINE)) == ["S1"]


def test_at_the_same_distance_the_lower_rank_and_then_the_code_decides():
    same = [store("S3", rank=2), store("S1", rank=5), store("S2", rank=2)]
    assert chosen(choose(wish(("A", 1)), supply(same, {"A": {"S1": 1, "S2": 1, "S3": 1}}), NINE)) == ["S2"]


def test_two_lines_of_one_sku_need_the_sum_of_both():
    plan = choose(wish(("A", 2), ("A", 2)), supply(THREE, {"A": {"S1": 3, "S2": 4}}), NINE)
    assert chosen(plan) == ["S2"]


def test_only_when_nobody_has_it_all_the_order_is_split_and_the_biggest_part_comes_first():
    pools = {"A": {"S1": 1}, "B": {"S3": 1, "S2": 1}, "C": {"S3": 1}}
    plan = choose(wish(("A", 1), ("B", 1), ("C", 1)), supply(THREE, pools), NINE)
    assert [(s.store, s.lines) for s in plan.shares] == [("S3", ((2, 1), (3, 1))), ("S1", ((1, 1),))]
    assert plan.missing == ()


def test_a_line_is_divided_when_no_store_has_all_units_and_what_nobody_has_is_missing():
    plan = choose(wish(("A", 10)), supply(THREE, {"A": {"S1": 3, "S2": 5}}), NINE)
    assert [(s.store, s.lines) for s in plan.shares] == [("S2", ((1, 5),)), ("S1", ((1, 3),))]
    assert plan.missing == ((1, 2),)


def test_half_a_bundle_is_not_sent():
    needs = (Need(1, "A", 1, bundle=7), Need(2, "B", 1, bundle=7), Need(3, "C", 1))
    plan = choose(Wish("shipment", needs), supply(THREE, {"A": {"S1": 1}, "C": {"S1": 1}}), NINE)
    assert [(s.store, s.lines) for s in plan.shares] == [("S1", ((3, 1),))]
    assert plan.missing == ((1, 1), (2, 1))


def test_excluded_paused_full_and_unable_stores_are_not_asked():
    stores = [
        store("S1"),
        store("S2", asked=False),
        store("S3", kinds=frozenset({"pickup"})),
        store("S4", capacity=1),
        store("S5", 33.0),
    ]
    pools = {"A": {one.code: 1 for one in stores}}
    looked = supply(stores, pools)
    full = Supply(looked.stores, looked.pool_of, lambda one, now: one.code != "S4")
    assert chosen(choose(wish(("A", 1), excluded=frozenset({"S1"})), full, NINE)) == ["S5"]


def test_a_store_left_out_for_a_sku_is_asked_for_others_and_again_when_the_time_is_over():
    one = supply(THREE, {"A": {"S1": 1, "S2": 1}, "B": {"S1": 1}}, left_out={("S1", "A"): NINE + HOUR})
    assert chosen(choose(wish(("A", 1)), one, NINE)) == ["S2"]
    assert chosen(choose(wish(("B", 1)), one, NINE)) == ["S1"]
    assert chosen(choose(wish(("A", 1)), one, NINE + HOUR)) == ["S1"]


def test_a_closed_store_comes_after_every_open_one_and_its_time_begins_when_it_opens():
    night = store("S1", hours='{"mon": ["10:00", "22:00"], "tue": ["10:00", "22:00"]}')
    monday_3am = int(datetime(2026, 11, 23, 3, tzinfo=UTC).timestamp() * 1000)
    pools = {"A": {"S1": 1, "S3": 1}}
    assert chosen(choose(wish(("A", 1)), supply([night, FAR], pools), monday_3am)) == ["S3"]
    only = choose(wish(("A", 1)), supply([night], pools), monday_3am)
    assert only.shares[0].opens_at == monday_3am + 7 * HOUR


def test_after_a_lapse_stores_that_can_hear_come_before_nearer_ones_without_a_line():
    pools = {"A": {"S1": 1, "S3": 1}}
    assert chosen(choose(wish(("A", 1), down=frozenset({"S1"})), supply(THREE, pools), NINE)) == ["S3"]


def test_a_pickup_goes_to_the_shoppers_store_and_moves_only_as_far_as_policy_says():
    pools = {"A": {"S1": 1, "S2": 1, "S3": 1}}
    at_s2 = {"kind": "pickup", "pickup_store": "S2"}
    assert chosen(choose(wish(("A", 1), **at_s2), supply(THREE, pools), NINE)) == ["S2"]
    away = {**at_s2, "excluded": frozenset({"S2"})}
    assert choose(wish(("A", 1), **away), supply(THREE, pools), NINE).missing == ((1, 1),)
    assert chosen(choose(wish(("A", 1), **away, may_move_m=15_000), supply(THREE, pools), NINE)) == ["S1"]
    assert choose(wish(("A", 1), **away, may_move_m=5_000), supply(THREE, pools), NINE).missing == ((1, 1),)


def test_a_pickup_starts_with_what_its_store_has_and_the_rest_is_missing():
    plan = choose(
        wish(("A", 1), ("B", 1), kind="pickup", pickup_store="S1"), supply(THREE, {"A": {"S1": 1}}), NINE
    )
    assert [(s.store, s.lines) for s in plan.shares] == [("S1", ((1, 1),))]
    assert plan.missing == ((2, 1),)


def test_the_choice_is_the_same_as_a_slow_and_obvious_one_for_random_baskets(rng: random.Random):
    for _ in range(300):
        stores = [
            store(f"S{n:02d}", round(rng.uniform(30, 32), 2), 121.0 + n / 10, rng.randint(1, 3))
            for n in range(12)
        ]
        pools = {
            sku: {one.code: rng.randint(1, 3) for one in stores if rng.random() < 0.5} for sku in "ABCDEF"
        }
        basket = wish(*[(rng.choice("ABCDEF"), rng.randint(1, 2)) for _ in range(rng.randint(1, 4))])
        totals: dict[str, int] = {}
        for need in basket.needs:
            totals[need.sku] = totals.get(need.sku, 0) + need.qty
        able = [s for s in stores if all(pools[k].get(s.code, 0) >= q for k, q in totals.items())]
        plan = choose(basket, supply(stores, pools), NINE)
        if able:
            best = min(able, key=lambda s: (distance_m(basket.at, s.vector), s.rank, s.code))
            assert chosen(plan) == [best.code]
        given: dict[tuple[str, str], int] = {}
        done: dict[int, int] = dict(plan.missing)
        for share in plan.shares:
            for line, qty in share.lines:
                sku = basket.needs[line - 1].sku
                given[share.store, sku] = given.get((share.store, sku), 0) + qty
                done[line] = done.get(line, 0) + qty
        assert all(qty <= pools[sku].get(code, 0) for (code, sku), qty in given.items())
        assert done == {need.line: need.qty for need in basket.needs}


@pytest.mark.parametrize(
    ("zone", "local", "is_open"),
    [
        ("Asia/Shanghai", "2026-11-23 10:00", True),
        ("Asia/Shanghai", "2026-11-23 21:59", True),
        ("Asia/Shanghai", "2026-11-23 22:00", False),
        ("Europe/London", "2026-11-23 09:59", False),
        ("America/New_York", "2026-11-01 12:00", True),  # clocks went back that night
    ],
)
def test_opening_hours_are_the_stores_own(zone: str, local: str, is_open: bool):
    from zoneinfo import ZoneInfo

    week = json.dumps({day: ["10:00", "22:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")})
    now = int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    assert Hours(week, zone).is_open(now) is is_open


def test_hours_past_midnight_and_closed_days_are_understood_and_broken_ones_mean_open():
    late = Hours('{"fri": ["18:00", "02:00"]}', "UTC")
    friday = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp() * 1000)
    assert not late.is_open(friday + 12 * HOUR)
    assert late.opens_at(friday + 12 * HOUR) == friday + 18 * HOUR
    assert late.is_open(friday + 25 * HOUR)
    assert not late.is_open(friday + 26 * HOUR)
    assert Hours('{"fri": "whenever"}', "Nowhere/Land").is_open(friday)


def test_choosing_for_an_order_asks_the_database_nothing():
    c = Centre(20)
    for n in range(1, 21):
        for sku in "ABC":
            c.stock(f"S{n:03d}", sku, 5)
    c.tx.execute("UPDATE store SET capacity_per_day = 50")
    forget(c.tx)
    pools = map_of(c.tx)
    pools.load_all()
    pools.choose(wish(("A", 1), ("B", 1)), c.now)  # counts today's offers of the nearest store, once a day
    asked: list[str] = []
    c.tx.set_trace_callback(asked.append)
    plan = map_of(c.tx).choose(wish(("A", 1), ("B", 1), ("C", 1)), c.now)
    c.tx.set_trace_callback(None)
    assert chosen(plan) == ["S001"]
    assert [sql for sql in asked if "SELECT" in sql.upper()] == []


def test_the_map_follows_every_movement_of_the_book():
    c = Centre(2)
    c.stock("S001", "A", 3)
    pools = map_of(c.tx)
    assert pools.pool_of("A") == {"S001": 3}
    c.order(("A", 2))
    assert pools.pool_of("A") == {"S001": 1}
    c.order(("A", 1))
    assert pools.pool_of("A") == {}
    c.stock("S002", "A", 4)
    assert pools.pool_of("A") == {"S002": 4}


def taken_back(c: Centre, job: Callable[[], object]) -> None:
    """The job does its work, then something later in the transaction fails."""
    try:
        with sqlite.savepoint(c.tx):
            job()
            raise InterruptedError
    except InterruptedError:
        pass


def test_a_map_left_wrong_by_a_rollback_neither_oversells_nor_hides_stock():
    c = Centre(2)
    c.stock("S001", "A", 1)
    c.stock("S002", "B", 1)
    taken_back(c, lambda: c.order(("A", 1)))
    assert map_of(c.tx).pool_of("A") == {}  # wrong now
    assert c.order(("A", 1)).parts[0].store == "S001"
    assert map_of(c.tx).pool_of("B") == {"S002": 1}
    taken_back(c, lambda: c.stock("S001", "B", 5))
    assert map_of(c.tx).pool_of("B")["S001"] == 5  # wrong now, and nearer
    assert c.order(("B", 1)).parts[0].store == "S002"


def test_what_another_connection_wrote_is_seen(tmp_path):
    from server.db import open_centre
    from server.schema import fresh

    path = tmp_path / "centre.db"
    c = Centre(1)
    c.tx = fresh(path)
    c.tx.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R1', 'N', 'N')")
    c.store("S001")
    assert map_of(c.tx).pool_of("A") == {}
    other = Centre(1)
    other.tx = open_centre(path)
    other.stock("S001", "A", 2)
    assert map_of(c.tx).pool_of("A") == {"S001": 2}


def test_a_basket_over_a_thousand_stores_is_routed_well_within_the_need(rng: random.Random):
    stores = [store(f"S{n:04d}", rng.uniform(22, 45), rng.uniform(75, 130)) for n in range(1000)]
    pools = {f"K{k}": {one.code: 3 for one in stores if rng.random() < 0.8} for k in range(40)}
    looked = supply(stores, pools)
    baskets = [wish(*[(f"K{rng.randrange(40)}", 1) for _ in range(rng.randint(1, 6))]) for _ in range(100)]
    began = time.process_time()
    for basket in baskets:
        choose(basket, looked, NINE)
    spent = time.process_time() - began
    assert spent < 0.5, f"{len(baskets) / spent:.0f} orders/s; 1,000 stores need 28, in bursts 300"


def test_a_map_does_not_keep_its_connection_alive():
    import gc
    import weakref

    c = Centre(1)
    assert isinstance(map_of(c.tx), PoolMap)
    seen = weakref.ref(c.tx)
    assert isinstance(c.tx, sqlite3.Connection)
    c.tx.close()
    del c
    gc.collect()
    assert seen() is None
