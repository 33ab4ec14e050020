"""Rights follow demand: learnt from the ledger, moved in the background, never at a store without a line."""

from __future__ import annotations

from typing import Any

import pytest

from server.link.decide import publish
from server.policy.read import set_policy
from server.stock import book, demand, rebalance
from server.stock.marks import marks_of
from server.timers import run_due
from sync.rules.sizing import USUAL_OUTAGE_H
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_orders import HOUR, MINUTE, Centre, problems

DAY = 24 * HOUR


def with_line(centre: Centre, *stores: str, closed_at: int = 0) -> None:
    for store in stores:
        centre.tx.execute(
            "INSERT OR REPLACE INTO store_session (store, number, closed_at, heard_at) VALUES (?, 1, ?, ?)",
            (store, closed_at, centre.now),
        )


def share(centre: Centre, store: str, sku: str = "A") -> tuple[Any, ...]:
    """(share, pool)"""
    return centre.rows("SELECT share, pool FROM stock WHERE store = ? AND sku = ?", store, sku)[0]


def run(centre: Centre, ms: int = MINUTE) -> None:
    """Time passes and the timers run, minute by minute as far as it matters."""
    centre.now += ms
    run_due(centre.tx, centre.now)


def a_busy_till(centre: Centre, days: int = 10, a_day: int = 6) -> None:
    """S001 sells A at its till, S002 hardly ever; both have had plenty of it."""
    centre.stock("S001", "A", 200, share=a_day * days + 2)
    centre.stock("S002", "A", 200, share=199)
    run(centre)
    for day in range(days):
        for _ in range(a_day):
            centre.fact("S001", f.Sold("A", 1, 1))
            run(centre, DAY // a_day)
        if day % 5 == 0:
            centre.fact("S002", f.Sold("A", 1, 1))
    run(centre, 20 * MINUTE)


@pytest.fixture
def centre() -> Centre:
    return Centre()


def test_a_rate_is_learnt_from_sales_and_a_quiet_store_leans_on_the_chain(centre: Centre):
    a_busy_till(centre)
    busy = demand.rates(centre.tx, "S001", "A", centre.now)
    quiet = demand.rates(centre.tx, "S002", "A", centre.now)
    new = demand.rates(centre.tx, "S003", "A", centre.now)
    assert busy is not None
    assert quiet is not None
    assert new is not None
    assert 4 < busy.till < 8
    assert quiet.till < busy.till * 0.6
    assert quiet.till < new.till < busy.till
    assert demand.rates(centre.tx, "S001", "nobody knows it", centre.now) is None


def test_days_without_stock_do_not_lower_the_rate(centre: Centre):
    a_busy_till(centre, days=5)
    before = demand.rates(centre.tx, "S001", "A", centre.now)
    left = sum(share(centre, "S001"))
    own, pool = share(centre, "S001")
    centre.fact("S001", f.Adjusted("A", left, own, pool, "gone", "fire"))
    for _ in range(5):
        run(centre, DAY)
    assert sum(share(centre, "S001")) == 0
    after = demand.rates(centre.tx, "S001", "A", centre.now)
    assert before is not None
    assert after is not None
    assert after.till > before.till * 0.75


def test_each_order_counts_once_however_many_stores_were_asked(centre: Centre):
    centre.stock("S001", "A", 9)
    centre.stock("S002", "A", 9)
    run(centre)
    for _ in range(4):
        centre.order(("A", 1))
    centre.order(("A", 1), kind="pickup", pickup_store="S002")
    run(centre, 31 * MINUTE)  # nobody answers: they go to the next store
    run(centre, 11 * MINUTE)
    row = centre.rows("SELECT shipment, pickup FROM demand WHERE store = '' AND sku = 'A'")[0]
    assert row == pytest.approx((4, 1), rel=0.01)


def test_units_move_to_the_share_of_a_busy_till_and_to_the_pool_of_a_quiet_one(centre: Centre):
    set_policy(centre.tx, "rebalance", 0)
    a_busy_till(centre)
    set_policy(centre.tx, "rebalance", 1)
    with_line(centre, "S001", "S002")
    demand.learn(centre.tx, centre.now)
    before = share(centre, "S001")
    for _ in range(5):
        run(centre)
    assert share(centre, "S001")[0] > before[0]
    assert sum(share(centre, "S001")) == sum(before), "rights moved; units did not"
    granted = [one for one in centre.told("S001") if isinstance(one, d.Granted)]
    assert sum(one.qty for one in granted) == share(centre, "S001")[0] - before[0]


def test_a_store_is_asked_for_what_its_share_has_too_much_and_only_once_while_the_answer_is_under_way(
    centre: Centre,
):
    a_busy_till(centre)
    centre.stock("S003", "A", 4, share=4)
    for _ in range(8):
        centre.order(("A", 1), kind="pickup", pickup_store="S003")
    with_line(centre, "S003")
    centre.tx.execute("UPDATE demand SET till = 0.01, pickup = 40 WHERE sku = 'A' AND store <> 'S001'")
    rebalance.rebalance(centre.tx, centre.now + MINUTE)
    run(centre, 2 * MINUTE)
    asked = centre.told("S003", "asked")
    assert asked
    assert share(centre, "S003") == (4, 0), "nothing is promised before the store has given"
    run(centre, 10_000)
    assert len(centre.told("S003", "asked")) == len(asked)


def test_nothing_moves_at_a_store_without_a_line_until_it_is_back(centre: Centre):
    set_policy(centre.tx, "rebalance", 0)
    a_busy_till(centre)
    set_policy(centre.tx, "rebalance", 1)
    with_line(centre, "S001", closed_at=centre.now)
    for _ in range(5):
        run(centre)
    assert not centre.told("S001", "granted")
    assert marks_of(centre.tx).away["S001"] == {"A"}
    with_line(centre, "S001")
    centre.fact("S001", f.Sold("A", 1, 1))
    for _ in range(3):
        run(centre)
    assert centre.told("S001", "granted")


def test_at_rest_nothing_moves_to_and_fro(centre: Centre):
    a_busy_till(centre)
    with_line(centre, "S001", "S002")
    answered = dict.fromkeys(("S001", "S002"), 0)

    def a_minute() -> None:
        run(centre)
        for store in answered:
            asked = centre.told(store, "asked")
            for one in asked[answered[store] :]:
                centre.fact(store, f.Gave("A", min(one.qty, share(centre, store)[0]), 1))
            answered[store] = len(asked)

    for _ in range(5):
        a_minute()
    before = len(centre.told("S001")), len(centre.told("S002"))
    for _ in range(20):
        a_minute()
    assert (len(centre.told("S001")), len(centre.told("S002"))) == before


def test_a_store_hears_what_its_stock_is_for_and_only_when_it_is_news(centre: Centre):
    a_busy_till(centre)
    with_line(centre, "S001")
    for _ in range(5):
        run(centre)
    rows = centre.rows("SELECT key, seq, body FROM stream_row WHERE stream = 'needs:S001'")
    assert [row[0] for row in rows] == ["A"]
    for _ in range(5):
        run(centre)
    assert centre.rows("SELECT key, seq, body FROM stream_row WHERE stream = 'needs:S001'") == rows


def test_a_share_that_nobody_can_ask_for_is_no_help_to_a_shipment(centre: Centre):
    centre.stock("S002", "A", 5, share=3)
    centre.stock("S003", "A", 4, share=4)
    needs = demand.Needs(centre.tx, centre.now)
    assert needs.elsewhere("S001", "A", {"S001", "S002", "S003"}) == 9
    assert needs.elsewhere("S001", "A", {"S001", "S002"}) == 5
    assert needs.elsewhere("S002", "A", set()) == 0


def test_what_lies_still_is_looked_at_once_a_week_all_the_same(centre: Centre):
    a_busy_till(centre)
    with_line(centre, "S001", "S002")
    for _ in range(5):
        run(centre)
    looked = marks_of(centre.tx).round_at
    run(centre, HOUR)
    assert marks_of(centre.tx).round_at == looked
    before = len(centre.told("S002"))
    centre.tx.execute("UPDATE demand SET till = 0.01, pickup = 400 WHERE sku = 'A' AND store <> 'S001'")
    run(centre, HOUR)
    assert len(centre.told("S002")) == before
    run(centre, 7 * DAY)
    assert marks_of(centre.tx).round_at > looked
    assert len(centre.told("S002")) > before


def test_where_tills_block_the_pool_is_less_afraid_of_forced_sales(centre: Centre):
    a_busy_till(centre)
    warned = demand.Needs(centre.tx, centre.now).of("S001", "A", 0)
    publish(centre.tx, "policy", "till_mode", {"value": "block"})
    blocked = demand.Needs(centre.tx, centre.now).of("S001", "A", 0)
    assert warned is not None
    assert blocked is not None
    assert warned.favour > blocked.favour


def test_a_store_knows_its_own_outages_and_short_breaks_are_none(centre: Centre):
    assert demand.mean_outage_h(centre.tx, "S001") == USUAL_OUTAGE_H
    for _ in range(40):
        demand.note_outage(centre.tx, "S001", 8 * HOUR)
        demand.note_outage(centre.tx, "S002", 5_000)
    assert demand.mean_outage_h(centre.tx, "S001") > 6
    assert demand.mean_outage_h(centre.tx, "S002") == USUAL_OUTAGE_H


def test_an_order_without_pool_asks_a_connected_store_and_is_offered_when_units_arrive(centre: Centre):
    centre.stock("S001", "A", 1, share=1)
    centre.stock("S002", "A", 2, share=2)
    with_line(centre, "S002")
    placed = centre.order(("A", 2))
    fo = placed.order_no + "-1"
    assert centre.fo(fo)[0] == "waiting"
    assert centre.told("S002", "asked") == [d.Asked("A", 2)]
    assert not centre.told("S001"), "a store without a line cannot answer"
    assert not centre.one("SELECT count(*) FROM open_case"), "nobody is troubled while the store is asked"
    centre.fact("S002", f.Gave("A", 2, 1))
    run(centre, 1_000)
    assert centre.fo(fo)[:2] == ("offered", "S002")


def test_a_pickup_at_a_store_without_a_line_takes_the_unit_of_a_parcel_that_another_store_can_send(
    centre: Centre,
):
    centre.stock("S001", "A", 1)
    with_line(centre, "S001", closed_at=centre.now)
    with_line(centre, "S002")
    parcel = centre.order(("A", 1)).order_no + "-1"
    assert centre.fo(parcel)[:2] == ("offered", "S001")
    alone = centre.order(("A", 1), kind="pickup", pickup_store="S001").order_no + "-1"
    assert centre.fo(alone)[0] == "waiting", "nobody else has the parcel's unit: what was promised stays"
    centre.cancel(alone.removesuffix("-1"))
    centre.stock("S002", "A", 1)
    pickup = centre.order(("A", 1), kind="pickup", pickup_store="S001").order_no + "-1"
    assert centre.fo(pickup)[:2] == ("offered", "S001")
    assert centre.fo(parcel)[:2] == ("offered", "S002")
    assert [type(one).__name__ for one in centre.told("S001")] == ["Offered", "Withdrawn", "Offered"]
    assert problems(centre.tx) == []


def test_a_parcel_that_its_store_may_have_heard_of_makes_no_room(centre: Centre):
    centre.stock("S001", "A", 1)
    parcel = centre.order(("A", 1)).order_no + "-1"
    with_line(centre, "S001", closed_at=centre.now + 1)
    centre.stock("S002", "A", 1)
    centre.now += MINUTE
    pickup = centre.order(("A", 1), kind="pickup", pickup_store="S001").order_no + "-1"
    assert centre.fo(pickup)[0] == "waiting"
    assert centre.fo(parcel)[:2] == ("offered", "S001")


def test_a_store_that_declined_an_order_is_not_asked_to_give_units_for_what_another_lacks(centre: Centre):
    for store in ("S001", "S002"):
        centre.stock(store, "A", 1)
        centre.stock(store, "B", 1)
    centre.stock("S003", "A", 1)
    placed = centre.order(("A", 1), ("B", 1))
    with_line(centre, "S001", "S002", "S003")
    centre.fact("S001", f.Declined("no_time"), fence=1)
    assert book.grant(centre.tx, "S001", "B", 1, now=centre.now) == 1  # as the background might
    # The one who comes next cannot find B: what is left of the order goes to a store that has A alone.
    centre.fact("S002", f.Declined("not_found", sku="B"), fence=2)
    assert centre.fo(placed.order_no + "-1")[:2] == ("offered", "S003")
    assert centre.fo(placed.order_no + "-2")[0] == "waiting"
    assert not centre.told("S001", "asked")


def test_a_store_that_does_not_answer_leaves_the_order_to_a_person(centre: Centre):
    centre.stock("S002", "A", 2, share=2)
    with_line(centre, "S002")
    centre.order(("A", 2))
    run(centre, 6_000)
    assert centre.one("SELECT kind FROM open_case") == "unroutable"


def test_a_till_is_granted_what_the_pool_has_row_by_row_and_never_more(centre: Centre):
    centre.stock("S001", "A", 3)
    centre.stock("S001", "B", 1)
    assert rebalance.want(centre.tx, "S001", [("A", 2), ("B", 2), ("C", 1)], centre.now) == 1
    assert share(centre, "S001", "A") == (2, 1)
    assert share(centre, "S001", "B") == (0, 1)
    assert centre.told("S001", "granted") == [d.Granted("A", 2)]


def test_a_shipment_comes_from_the_store_that_needs_the_goods_least_within_the_margin(centre: Centre):
    a_busy_till(centre)  # S001 is nearest to the shopper and busy, S002 is quiet
    placed = centre.order(("A", 1))
    assert centre.fo(placed.order_no + "-1")[1] == "S002"
    set_policy(centre.tx, "ship_margin_km", 0)
    placed = centre.order(("A", 1))
    assert centre.fo(placed.order_no + "-1")[1] == "S001"


def test_a_store_whose_pool_has_it_is_not_asked_for_its_share(centre: Centre):
    """It was passed over for another reason: it let the offer lapse, or the SKU is left out there."""
    centre.stock("S001", "A", 6, share=3)
    with_line(centre, "S001")
    assert rebalance.pull(centre.tx, [("A", 2)], centre.now) == 0
    assert rebalance.pull(centre.tx, [("A", 5)], centre.now) == 1
    marks_of(centre.tx).asked.clear()
    centre.tx.execute("INSERT INTO left_out VALUES ('S001', 'A', ?, 'not_found')", (centre.now + HOUR,))
    assert rebalance.pull(centre.tx, [("A", 5)], centre.now) == 0


def test_what_routing_remembers_of_shares_is_what_the_tables_say(centre: Centre):
    from server.routing.map import map_of

    a_busy_till(centre)
    centre.order(("A", 1))  # reads what is needed of A
    centre.fact("S001", f.Sold("A", 1, 1))
    centre.fact("S002", f.Gave("A", 3))
    book_rows = dict(centre.rows("SELECT store, share FROM stock WHERE sku = 'A' AND share > 0"))
    assert map_of(centre.tx).shares["A"] == book_rows
