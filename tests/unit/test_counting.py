"""Counts of many things at the store: lists, areas, a moving shelf, and a second person for what differs."""

from __future__ import annotations

from typing import Any

import pytest

from sync.replica.counting import sheet
from sync.rules.counting import Look, Shift, difference
from sync.rules.reasons import LOST_RIGHTS
from sync.rules.refusals import Why
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_replica import PIN, Shop

AMY = {"person": "amy", "pin": PIN["amy"]}
FLOOR, BACK = "Shop floor", "Back room"


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(20, 10), JEANS=(6, 3), SOCKS=(3, 1))
    shop.line_up = False
    return shop


def full(shop: Shop, *areas: str, **more: Any) -> str:
    return str(shop.ok("open_sheet", "amy", kind="full", areas=areas or (FLOOR, BACK), **more)["sheet"])


def enter(shop: Shop, of: str, area: str, sku: str, found: int, person: str = "lin", **more: Any) -> None:
    shop.ok("enter_count", person, sheet=of, area=area, sku=sku, found=found, **more)


def finish(shop: Shop, of: str, *areas: str, person: str = "lin") -> None:
    for area in areas or (FLOOR, BACK):
        shop.ok("finish_area", person, sheet=of, area=area)


def sell(shop: Shop, sku: str, qty: int) -> None:
    shop.ok("till_sale", "till", sale=f"S{shop.commands}", rows=[[sku, qty]], insist=True)


# --- the rule ----------------------------------------------------------------------------


def test_found_is_compared_with_the_book_of_the_moment_in_which_the_gate_was_looked_at() -> None:
    looks = [Look("gate", 4, 10, 7), Look("back", 6, 9, 9)]
    found = difference(looks, "gate", {"gate": 11, "back": 12}, [Shift(8, -1)], 9)
    assert found is not None
    assert (found.expected, found.found, found.units, found.moved) == (10, 10, 0, True)


def test_what_comes_and_goes_after_the_last_look_changes_nothing_and_casts_no_doubt() -> None:
    looks = [Look("gate", 4, 10, 7), Look("back", 5, 10, 9)]
    found = difference(looks, "gate", {"gate": 11, "back": 12}, [Shift(10, -3), Shift(13, 2)], 9)
    assert found is not None
    assert (found.units, found.moved) == (-1, False)


def test_an_area_without_an_entry_held_none_when_it_was_finished() -> None:
    found = difference([Look("back", 2, 5, 3)], "gate", {"gate": 6, "back": 9}, [Shift(5, -1)], 4)
    assert found is not None
    assert (found.expected, found.found, found.moved) == (4, 2, True)
    assert difference([], "gate", {"gate": 6}, [Shift(8, -1)], 4) is not None


def test_a_count_in_between_takes_the_place_of_older_looks() -> None:
    assert difference([Look("a", 2, 5, 3)], "a", {"a": 4}, [Shift(6, -3, counted=True)], 2) is None


@pytest.mark.parametrize("shift", [Shift(9, -1, corrects=True)])
def test_a_correction_of_the_past_doubts_the_difference(shift: Shift) -> None:
    found = difference([Look("a", 4, 5, 3)], "a", {"a": 4}, [shift], 4)
    assert found is not None
    assert found.moved


def test_stock_that_the_centre_loaded_meanwhile_doubts_the_difference() -> None:
    found = difference([Look("a", 4, 5, 3)], "a", {"a": 4}, [], 9)
    assert found is not None
    assert found.moved


# --- a list ------------------------------------------------------------------------------


def test_a_list_of_the_centre_is_one_task_per_sku_and_closes_with_its_last(shop: Shop) -> None:
    for sku in ("TEE-M", "JEANS"):
        shop.decide(d.CountAsked(sku, "asked", sheet="C1", name="Monday", blind=False))
    at = sheet(shop.db, "C1")
    assert at is not None
    assert (at.kind, at.name, at.blind, at.state) == ("list", "Monday", False, "open")
    shop.ok("count", sku="TEE-M", found=19)
    body = shop.last()[1]
    assert isinstance(body, f.Counted)
    assert body.sheet == "C1"
    shop.ok("count", sku="JEANS", found=6)
    assert (at := sheet(shop.db, "C1")) is not None
    assert at.state == "closed"


def test_a_list_that_the_centre_takes_back_asks_for_nothing_more(shop: Shop) -> None:
    shop.decide(d.CountAsked("TEE-M", "asked", sheet="C1"))
    shop.decide(d.CountAsked("", "asked", sheet="C1", cancelled=True))
    assert shop.count("SELECT count(*) FROM task WHERE state = 'open'") == 0


def test_a_lead_opens_a_list_with_the_line_cut_and_an_associate_may_not(shop: Shop) -> None:
    shop.refused(Why.NOT_ALLOWED, "open_sheet", kind="list", skus=["TEE-M"])
    made = shop.ok("open_sheet", "amy", kind="list", skus=["6901234567892", "SOCKS", "SOCKS"])["sheet"]
    assert shop.count("SELECT count(*) FROM task WHERE sheet = ? AND state = 'open'", made) == 2
    shop.refused(Why.UNKNOWN_CODE, "open_sheet", "amy", kind="list", skus=["NOTHING"])
    shop.refused(Why.BAD_QUANTITY, "open_sheet", "amy", kind="list", skus=[])


# --- a full count ------------------------------------------------------------------------


def test_two_people_count_two_areas_while_the_till_sells_and_nothing_differs(shop: Shop) -> None:
    of = full(shop)
    enter(shop, of, FLOOR, "TEE-M", 8)
    sell(shop, "TEE-M", 3)  # off the shop floor, where 5 are left
    enter(shop, of, BACK, "TEE-M", 12, "wei")
    enter(shop, of, BACK, "JEANS", 6, "wei")
    enter(shop, of, FLOOR, "SOCKS", 3)
    sell(shop, "SOCKS", 1)
    finish(shop, of)
    assert shop.ok("close_sheet", "amy", sheet=of) == {"booked": 0, "waiting": 0, "left": 0}
    assert shop.units("TEE-M")["on_hand"] == 17
    assert [fact.kind for fact, _ in shop.facts()][-1] == "sheet_closed"


def test_a_small_difference_that_did_not_move_is_booked_at_once_and_names_who_counted(shop: Shop) -> None:
    of = full(shop)
    enter(shop, of, FLOOR, "TEE-M", 7)
    enter(shop, of, BACK, "TEE-M", 12, "wei")
    finish(shop, of)
    sell(shop, "TEE-M", 2)
    shop.ok("close_sheet", "amy", sheet=of, unseen="leave")
    body = next(b for _, b in shop.facts("counted"))
    assert isinstance(body, f.Counted)
    assert (body.expected, body.found, body.by, body.sheet) == (20, 19, ("lin", "wei"), of)
    assert shop.units("TEE-M")["on_hand"] == 17


def test_a_difference_of_goods_that_moved_while_they_were_counted_waits_for_a_person(shop: Shop) -> None:
    of = full(shop)
    enter(shop, of, FLOOR, "TEE-M", 7)
    sell(shop, "TEE-M", 1)
    enter(shop, of, BACK, "TEE-M", 12, "wei")
    finish(shop, of)
    assert shop.ok("close_sheet", "amy", sheet=of, unseen="leave")["waiting"] == 1
    assert shop.units("TEE-M")["on_hand"] == 19
    shop.ok("confirm_variances", "amy", skus=["TEE-M"])
    assert shop.units("TEE-M")["on_hand"] == 18


def test_goods_picked_into_a_tote_are_not_on_the_shelf_and_not_missing(shop: Shop) -> None:
    fence = shop.owned([("TEE-M", 2)])
    of = full(shop, FLOOR)
    shop.ok("pick", fence=fence, line=1, qty=2)
    enter(shop, of, FLOOR, "TEE-M", 18)
    finish(shop, of, FLOOR)
    shop.ok("pack", fence=fence)
    shop.ok("stage", fence=fence, location="W-1")
    shop.ok("hand_over", fence=fence, code="428913")
    shop.ok("close_sheet", "amy", sheet=of, unseen="leave")
    assert not shop.facts("counted")
    assert shop.units("TEE-M")["on_hand"] == 18


def test_goods_nobody_saw_are_none_only_after_a_clear_answer(shop: Shop) -> None:
    of = full(shop, FLOOR)
    enter(shop, of, FLOOR, "TEE-M", 20)
    shop.refused(Why.AREAS_OPEN, "close_sheet", "amy", sheet=of)
    finish(shop, of, FLOOR)
    assert shop.refused(Why.GOODS_UNSEEN, "close_sheet", "amy", sheet=of)["skus"] == 2
    sell(shop, "SOCKS", 1)  # after the area was finished: one was there, then
    shop.ok("close_sheet", "amy", sheet=of, unseen="zero")
    assert shop.units("JEANS")["on_hand"] == 0
    assert shop.units("SOCKS")["on_hand"] == -1  # what was sold had been there: the next count finds it
    assert shop.units("TEE-M")["on_hand"] == 20


def test_goods_nobody_saw_stay_in_the_books_if_people_say_so(shop: Shop) -> None:
    of = full(shop, FLOOR)
    finish(shop, of, FLOOR)
    shop.ok("close_sheet", "amy", sheet=of, unseen="leave")
    assert not shop.facts("counted")


def test_a_second_entry_in_an_area_adds_and_one_instead_replaces(shop: Shop) -> None:
    of = full(shop, FLOOR)
    enter(shop, of, FLOOR, "TEE-M", 8)
    enter(shop, of, FLOOR, "TEE-M", 4)
    enter(shop, of, FLOOR, "TEE-M", 7, instead=True)
    enter(shop, of, FLOOR, "TEE-M", 13)
    finish(shop, of, FLOOR)
    shop.ok("close_sheet", "amy", sheet=of, unseen="leave")
    assert not shop.facts("counted")


def test_a_part_of_the_store_is_counted_by_its_shelves(shop: Shop) -> None:
    of = full(shop, FLOOR, scope="A-1")
    shop.refused(Why.NOT_IN_COUNT, "enter_count", sheet=of, area=FLOOR, sku="JEANS", found=6)
    finish(shop, of, FLOOR)
    assert shop.refused(Why.GOODS_UNSEEN, "close_sheet", "amy", sheet=of)["skus"] == 1
    shop.ok("close_sheet", "amy", sheet=of, unseen="zero")
    assert (shop.units("TEE-M")["on_hand"], shop.units("JEANS")["on_hand"]) == (20, 6)  # 20 wait


def test_a_finished_area_takes_nothing_until_it_is_opened_again(shop: Shop) -> None:
    of = full(shop)
    finish(shop, of, BACK)
    shop.refused(Why.AREA_FINISHED, "enter_count", sheet=of, area=BACK, sku="TEE-M", found=1)
    shop.ok("finish_area", sheet=of, area=BACK, again=True)
    enter(shop, of, BACK, "TEE-M", 20)
    shop.refused(Why.UNKNOWN_SHEET, "enter_count", sheet=of, area="Cellar", sku="TEE-M", found=1)


def test_one_full_count_at_a_time_and_a_dropped_one_counts_nothing(shop: Shop) -> None:
    of = full(shop, title="Sunday")
    assert shop.refused(Why.COUNT_GOES_ON, "open_sheet", "amy", kind="full", areas=["x"])["name"] == "Sunday"
    enter(shop, of, FLOOR, "TEE-M", 1)
    shop.ok("close_sheet", "amy", sheet=of, unseen="cancel")
    assert shop.units("TEE-M")["on_hand"] == 20
    full(shop)


def test_a_count_by_itself_in_between_is_newer_than_the_sheet(shop: Shop) -> None:
    of = full(shop, FLOOR)
    enter(shop, of, FLOOR, "TEE-M", 15)
    shop.ok("count", "wei", sku="TEE-M", found=18)
    finish(shop, of, FLOOR)
    shop.ok("close_sheet", "amy", sheet=of, unseen="leave")
    assert shop.units("TEE-M")["on_hand"] == 18


def test_stock_loaded_by_the_centre_while_goods_were_unseen_is_not_wiped_without_a_look(shop: Shop) -> None:
    of = full(shop, FLOOR)
    enter(shop, of, FLOOR, "TEE-M", 20)
    enter(shop, of, FLOOR, "JEANS", 6)
    finish(shop, of, FLOOR)
    shop.decide(d.StockLoaded("D9", (("SOCKS", 2, 1),)))
    assert shop.ok("close_sheet", "amy", sheet=of, unseen="zero")["waiting"] == 1
    assert shop.units("SOCKS")["on_hand"] == 5


# --- a second person ---------------------------------------------------------------------


def test_a_large_difference_waits_and_whoever_counted_may_not_confirm_it(shop: Shop) -> None:
    assert shop.ok("count", "amy", sku="TEE-M", found=5)["waits"]
    assert shop.units("TEE-M")["on_hand"] == 20
    facts = shop.refused(Why.OWN_COUNT, "confirm_variances", "amy", skus=["TEE-M"])
    assert facts["person"] == "Amy"
    shop.refused(Why.NEEDS_LEAD, "confirm_variances", "wei", skus=["TEE-M"])
    shop.refused(Why.OWN_COUNT, "confirm_variances", "wei", skus=["TEE-M"], lead=AMY)


def test_a_lead_confirms_with_the_pin_on_the_associates_handheld(shop: Shop) -> None:
    shop.ok("count", sku="TEE-M", found=5)
    sell(shop, "TEE-M", 1)
    shop.refused(Why.WRONG_PIN, "confirm_variances", skus=["TEE-M"], lead={"person": "amy", "pin": "000000"})
    assert shop.ok("confirm_variances", skus=["TEE-M"], lead=AMY)["by"] == "amy"
    fact, body = shop.last()
    assert isinstance(body, f.Counted)
    assert (fact.person, body.by, body.allowed_by, body.expected, body.found) == ("lin", (), "amy", 20, 5)
    assert shop.units("TEE-M")["on_hand"] == 4
    shop.refused(Why.NO_VARIANCE, "confirm_variances", "amy", skus=["TEE-M"])


def test_the_limit_is_in_units_or_in_money(shop: Shop) -> None:
    shop.rows(
        "policy", [("count_review_units", {"value": "100"}), ("count_review_value_fen", {"value": "9900"})]
    )
    assert not shop.ok("count", sku="TEE-M", found=19)["waits"]
    assert shop.ok("count", sku="TEE-M", found=17)["waits"]


def test_a_doubted_difference_is_counted_again_by_somebody_else(shop: Shop) -> None:
    shop.decide(d.CountAsked("TEE-M", "not_found", not_by="wei"))
    first = f"count:{shop.number}"
    shop.ok("count", sku="TEE-M", found=5)
    shop.ok("recount", "wei", sku="TEE-M")
    shop.refused(Why.OWN_FINDING, "count", sku="TEE-M", found=5)
    shop.ok("count", "wei", sku="TEE-M", found=19)
    body = shop.last()[1]
    assert isinstance(body, f.Counted)
    assert first in body.count.split()
    assert shop.units("TEE-M")["on_hand"] == 19
    assert shop.count("SELECT count(*) FROM variance WHERE state <> 'applied'") == 0


def test_a_sku_that_was_not_found_stays_suppressed_until_its_difference_is_confirmed(shop: Shop) -> None:
    fence = shop.owned([("TEE-M", 1)])
    shop.ok("short", fence=fence, line=1, qty=1, reason="not_found")
    assert shop.units("TEE-M")["suppressed"] == 1
    shop.ok("count", "wei", sku="TEE-M", found=2)
    assert shop.units("TEE-M")["suppressed"] == 1
    shop.ok("confirm_variances", "amy", skus=["TEE-M"])
    assert shop.units("TEE-M")["suppressed"] == 0


def test_a_newer_count_takes_the_place_of_a_difference_that_waits(shop: Shop) -> None:
    shop.ok("count", sku="TEE-M", found=5)
    shop.ok("count", "wei", sku="TEE-M", found=19)
    assert shop.units("TEE-M")["on_hand"] == 19
    shop.refused(Why.NO_VARIANCE, "confirm_variances", "amy", skus=["TEE-M"])


def test_after_a_loss_the_books_are_low_on_purpose_so_what_is_found_needs_no_second_person(
    shop: Shop,
) -> None:
    shop.decide(d.CountAsked("TEE-M", LOST_RIGHTS))
    assert not shop.ok("count", sku="TEE-M", found=60)["waits"]
    shop.decide(d.CountAsked("JEANS", LOST_RIGHTS))
    shop.rows("policy", [("count_review_units", {"value": "2"})])
    assert shop.ok("count", sku="JEANS", found=1)["waits"]


def test_a_correction_of_the_books_doubts_a_difference_that_waits(shop: Shop) -> None:
    for correct in (
        lambda: shop.ok("adjust", "amy", sku="TEE-M", qty=1, reason="stolen", to="gone"),
        lambda: shop.decide(d.StockLoaded("D7", (("TEE-M", 2, 1),))),
    ):
        shop.ok("count", sku="TEE-M", found=0)
        assert shop.count("SELECT moved FROM variance WHERE sku = 'TEE-M'") == 0
        shop.ok("till_sale", "till", sale=f"S{shop.commands}", rows=[["TEE-M", 1]], insist=True)
        assert shop.count("SELECT moved FROM variance WHERE sku = 'TEE-M'") == 0
        correct()
        assert shop.count("SELECT moved FROM variance WHERE sku = 'TEE-M'") == 1
