"""Goods that are not for sale, on both sides: on a truck, not graded, damaged, waiting to be put back."""

from __future__ import annotations

import pytest

from server.api.availability import available
from server.stock.transfers import in_transit
from sync.replica import read
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_orders import Centre, problems
from tests.kit_replica import Shop


@pytest.fixture
def centre() -> Centre:
    """Two stores with 4 units of A each: 1 share, 3 pool."""
    made = Centre(2)
    for store in ("S001", "S002"):
        made.stock(store, "A", 4, share=1)
    return made


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.stock(TEE_M=(4, 2))
    return made


def sees(centre: Centre) -> int:
    found, _ = available(centre.tx, "web", ["A"], centre.now, by_store=False)
    return found[0].available


def everything(centre: Centre) -> int:
    return int(centre.one("SELECT sum(on_hand + damaged + hold) FROM stock WHERE sku = 'A'"))


def sell(shop: Shop, units: int) -> None:
    shop.ok("till_sale", "till", sale=f"T-{shop.commands}", rows=[["TEE-M", units]])


# --- on a truck ------------------------------------------------------------------------------


def test_units_on_a_truck_are_on_nobodys_hand_and_nobody_can_promise_them(centre: Centre) -> None:
    centre.fact("S001", f.TransferSent("T1", "S002", "A", 3, 1, 2))
    assert centre.rows("SELECT store, on_hand FROM stock ORDER BY store") == [("S001", 1), ("S002", 4)]
    assert everything(centre) == 5
    assert sees(centre) == 4, "two of them were the pool's, and paid the debt"
    assert [(row["receiver"], row["on_the_way"]) for row in in_transit(centre.tx)] == [("S002", 3)]
    centre.fact("S002", f.Received("A", 2, share=1, pool=1, document="T1"))
    assert everything(centre) == 7
    assert [row["on_the_way"] for row in in_transit(centre.tx)] == [1]
    assert problems(centre.tx) == []


def test_the_receiving_store_sells_none_of_it_before_it_is_in(shop: Shop) -> None:
    shop.decide(d.TransferAnnounced("T-1", "S002", (("TEE-M", 5),)))
    assert (shop.units("TEE-M")["on_hand"], shop.units("TEE-M")["share"]) == (4, 2)
    shop.line_up = False
    assert not shop.do("till_sale", "till", sale="T-9", rows=[["TEE-M", 3]]).ok
    shop.ok("receive", code="TEE-M", qty=5, document="T-1")
    assert shop.units("TEE-M")["on_hand"] == 9


def test_the_sending_store_has_it_no_more_the_moment_it_is_sent(shop: Shop) -> None:
    shop.ok("send_transfer", to="S002", rows=[["TEE-M", 2]])
    assert (shop.units("TEE-M")["on_hand"], shop.units("TEE-M")["share"]) == (2, 0)


# --- taken back, not graded ------------------------------------------------------------------


def test_what_came_back_is_for_sale_only_once_graded_for_the_shelf(centre: Centre) -> None:
    centre.fact("S001", f.SaleReturned("A", 2, sale="T-1/1", return_id="R1"))
    assert centre.rows("SELECT on_hand, share, pool, hold FROM stock WHERE store = 'S001'") == [(4, 1, 3, 2)]
    assert sees(centre) == 6
    centre.fact("S001", f.Graded("R1", "A", 1, "A", "restock", share=0, pool=1))
    assert sees(centre) == 7
    centre.fact("S001", f.Graded("R1", "A", 1, "C", "damaged"))
    assert sees(centre) == 7
    assert centre.rows("SELECT on_hand, damaged, hold FROM stock WHERE store = 'S001'") == [(5, 1, 0)]
    assert problems(centre.tx) == []


def test_the_till_cannot_sell_what_waits_to_be_graded(shop: Shop) -> None:
    sell(shop, 2)
    sale = shop.facts("sold")[-1][1]
    assert isinstance(sale, f.Sold)
    shop.ok("till_return", "till", sale=sale.sale.split("/")[0], sku="TEE-M", qty=2, return_id="R1")
    assert (shop.units("TEE-M")["hold"], shop.units("TEE-M")["on_hand"], shop.units("TEE-M")["share"]) == (
        2,
        2,
        0,
    )
    shop.line_up = False
    assert not shop.do("till_sale", "till", sale="T-9", rows=[["TEE-M", 1]]).ok


# --- damaged ---------------------------------------------------------------------------------


def test_damaged_units_are_in_the_store_and_in_nobodys_rights(centre: Centre) -> None:
    centre.fact("S001", f.Adjusted("A", 2, share=1, debt=1, reason="broken"))
    assert centre.rows("SELECT on_hand, share, pool, damaged FROM stock WHERE store = 'S001'") == [
        (2, 0, 2, 2)
    ]
    assert everything(centre) == 8
    assert sees(centre) == 5
    assert problems(centre.tx) == []


def test_a_damaged_unit_leaves_the_share_before_the_promises(shop: Shop) -> None:
    shop.ok("adjust", "amy", sku="TEE-M", qty=1, reason="broken")
    assert shop.units("TEE-M") | {"suppressed": 0} == {
        "on_hand": 3, "share": 1, "debt": 0, "damaged": 1, "hold": 0, "suppressed": 0,
    }  # fmt: skip


# --- waiting to be put back ------------------------------------------------------------------


def test_what_is_to_be_put_back_is_nobodys_until_it_is_scanned_back(centre: Centre) -> None:
    placed = centre.order(("A", 2))
    part = placed.parts[0]
    centre.work(part.store, part.fence)
    centre.cancel(placed.order_no)
    centre.fact(part.store, f.WithdrawalTaken("staged", 2), fence=part.fence)
    assert centre.one("SELECT state FROM assignment WHERE fence = ?", part.fence) == "put_back"
    assert centre.pool(part.store) == (4, 2, 1)
    assert sees(centre) == 4
    centre.fact(part.store, f.PutBack(1, 1), fence=part.fence)
    assert sees(centre) == 5
    centre.fact(part.store, f.PutBack(1, 1), fence=part.fence)
    assert sees(centre) == 6
    assert problems(centre.tx) == []


def test_the_store_does_not_count_what_is_to_be_put_back_as_free(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 2)])
    shop.decide(d.Withdrawn("cancelled"), fence)
    shelf = read.shelf(shop.db, "TEE-M")
    assert (shelf.on_hand, shelf.promised, shelf.stranded, shelf.free, shelf.there) == (4, 0, 2, 2, 2)
    # Goods that come in now are split by what is free, not by what lies in a tote.
    shop.ok("receive", code="TEE-M", qty=2)
    assert shop.units("TEE-M")["share"] == 2
    shop.ok("put_back", fence=fence, line=1, qty=2)
    shelf = read.shelf(shop.db, "TEE-M")
    assert (shelf.stranded, shelf.free, shelf.there) == (0, 6, 6)
