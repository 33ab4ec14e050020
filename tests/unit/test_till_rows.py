"""What a till tells after it happened: never refused, booked once, and not twice with a count in between."""

from __future__ import annotations

from typing import Any

import pytest

from sync import sqlite
from sync.replica import notices, timers
from sync.replica.commands import perform
from sync.replica.commands.till_rows import CLOCKS_MS, TillRow
from sync.replica.rebase import rebase
from sync.replica.till import stands
from sync.rules.refusals import Why
from sync.texts import translator
from sync.wire import facts as f
from sync.wire.snapshot import SnapReturn, SnapSale, Snapshot, StockRow
from tests.kit_replica import HOUR, MINUTE, Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3))
    return shop


def row(shop: Shop, sale: str, code: str, qty: int = 1, **more: Any) -> TillRow:
    given = {"what": "sale", "line": "1", "at": shop.now - HOUR, "till": "T1"} | more
    return TillRow(sale=sale, code=code, qty=qty, **given)


def told(shop: Shop, *rows: TillRow) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = shop.ok("till_rows", "till", rows=list(rows))["rows"]
    return taken


def test_a_sale_told_late_keeps_the_tills_time_and_the_time_it_was_heard(shop: Shop) -> None:
    told(shop, row(shop, "A-1", "6901234567892", 2, price_fen=8800))
    fact, body = shop.last()
    assert body == f.Sold("TEE-M", 2, 2, 0, "A-1/1", 8800, sold_at=shop.now - HOUR)
    assert (fact.at, fact.device, fact.person) == (shop.now, "T1", "till")


def test_the_same_row_again_books_nothing_whatever_the_command(shop: Shop) -> None:
    again = row(shop, "A-1", "TEE-M", 2)
    assert [one["state"] for one in told(shop, again, again)] == ["booked", "repeated"]
    assert told(shop, again)[0]["state"] == "repeated"
    assert shop.units("TEE-M")["on_hand"] == 8


def test_a_sale_that_the_till_had_asked_for_is_not_booked_again_by_its_file(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 1], ["JEANS", 1]])
    states = told(shop, row(shop, "A-1", "TEE-M"), row(shop, "A-1", "JEANS", line="2"))
    assert [one["state"] for one in states] == ["repeated", "repeated"]
    assert shop.units("TEE-M")["on_hand"] == 9


def test_beyond_the_share_it_is_debt_that_names_the_row_even_where_tills_block(shop: Shop) -> None:
    shop.rows("policy", [("till_mode", {"value": "block"})])
    shop.offer([("TEE-M", 6)])
    [taken] = told(shop, row(shop, "A-7", "TEE-M", 5, line="3"))
    assert (taken["debt"], list(taken["promised_to"])) == (1, ["YP-000001-1"])
    body = shop.last()[1]
    assert isinstance(body, f.Sold)
    assert (body.share, body.debt, body.sale) == (4, 1, "A-7/3")


def test_a_sale_before_a_count_is_in_the_count_already(shop: Shop) -> None:
    sold_at = shop.now
    shop.now += HOUR
    shop.ok("count", sku="TEE-M", found=8)  # two had been sold and nobody had told
    shop.now += HOUR
    before = shop.units("TEE-M")
    [taken] = told(shop, row(shop, "A-1", "TEE-M", 2, at=sold_at))
    assert (taken["state"], taken["counted"]) == ("booked", 2)
    assert shop.last()[1] == f.Sold("TEE-M", 2, 0, 0, "A-1/1", 9900, sold_at=sold_at, counted=2)
    assert shop.units("TEE-M") == before
    [taken] = told(shop, row(shop, "A-2", "TEE-M", 1, at=shop.now - MINUTE * 30))
    assert taken["state"] == "booked"
    assert shop.units("TEE-M")["on_hand"] == 7


@pytest.mark.parametrize(("at", "within"), [(CLOCKS_MS // 2, 0), (-CLOCKS_MS // 2, 0), (-5 * HOUR, 9 * HOUR)])
def test_where_nobody_can_say_which_was_first_it_is_booked_and_counted_again(
    shop: Shop, at: int, within: int
) -> None:
    counted_at = shop.now
    shop.ok("count", sku="TEE-M", found=10)
    shop.now += 6 * HOUR
    [taken] = told(shop, row(shop, "A-1", "TEE-M", 1, at=counted_at + at, within=within))
    assert taken["doubt"]
    assert shop.units("TEE-M")["on_hand"] == 9
    [task] = shop.db.execute("SELECT sku, reason FROM task WHERE state = 'open'").fetchall()
    assert tuple(task) == ("TEE-M", "late_sale")


def test_an_unknown_code_is_a_fact_that_moves_nothing_and_is_booked_when_the_catalogue_knows_it(
    shop: Shop,
) -> None:
    shop.ok("till_rows", "till", rows=[row(shop, "A-1", "6909999999996", 2, said="A-1;6909999999996;2")])
    body = shop.last()[1]
    assert isinstance(body, f.TillUnclear)
    assert (body.reason, body.code, body.qty, body.row) == (
        "unknown_code",
        "6909999999996",
        2,
        "sale:A-1/1",
    )
    assert told(shop, row(shop, "A-1", "6909999999996", 2))[0]["state"] == "unclear"
    assert len(shop.facts("till_unclear")) == 1
    with sqlite.writing(shop.db):
        shop.rows(
            "catalogue",
            [("HAT", {"name_en": "Hat", "name_zh": "帽子", "gtins": ["6909999999996"], "price_fen": 500})],
        )
        shop.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('stream_catalogue', '9')")
        timers.run_due(shop.db, shop.context("node", command="auto:1"))
    sold = shop.last()[1]
    assert isinstance(sold, f.Sold)
    assert (sold.sku, sold.qty, sold.debt, sold.cleared) == ("HAT", 2, 2, "6909999999996")
    assert told(shop, row(shop, "A-1", "6909999999996", 2))[0]["state"] == "repeated"


def test_a_number_used_before_for_other_goods_is_a_persons(shop: Shop) -> None:
    told(shop, row(shop, "A-1", "TEE-M", 1))
    [taken] = told(shop, row(shop, "A-1", "JEANS", 1))
    assert (taken["state"], taken["reason"]) == ("unclear", "number_used")
    told(shop, row(shop, "A-1", "JEANS", 1))
    assert len(shop.facts("till_unclear")) == 1
    assert shop.units("JEANS")["on_hand"] == 6


def test_weighed_goods_are_found_by_their_bare_number_and_parts_of_units_are_a_persons(shop: Shop) -> None:
    item = {"name_en": "Ham", "name_zh": "火腿", "gtins": ["2012345000001"], "price_fen": 1}
    with sqlite.writing(shop.db):
        shop.rows("catalogue", [("HAM", item)])
    found = stands(shop.db, "2012345017504")
    assert found is not None
    assert found.sku == "HAM"
    [taken] = told(shop, row(shop, "A-1", "2012345017504", 1, problem="not_whole"))
    assert taken["reason"] == "not_whole"


def test_a_void_puts_the_units_back_debt_first_and_only_once(shop: Shop) -> None:
    told(shop, row(shop, "A-1", "TEE-M", 6), row(shop, "A-1", "JEANS", 1, line="2"))
    assert shop.units("TEE-M")["debt"] == 2
    whole = row(shop, "A-1", "", 0, what="void", line="")
    assert told(shop, whole)[0]["state"] == "booked"
    assert (shop.units("TEE-M")["on_hand"], shop.units("TEE-M")["debt"]) == (10, 0)
    assert shop.units("JEANS")["on_hand"] == 6
    assert told(shop, whole)[0]["state"] == "repeated"
    assert shop.ok("till_void", "till", sale="A-1")["repeated"] is True
    shop.refused(Why.NOTHING_TO_VOID, "till_void", "till", sale="A-9")


def test_a_void_before_a_count_is_in_the_count_already(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 2]])
    voided_at = shop.now + MINUTE
    shop.now += HOUR
    shop.ok("count", sku="TEE-M", found=10)
    told(shop, row(shop, "A-1", "", 0, what="void", line="", at=voided_at))
    assert shop.units("TEE-M")["on_hand"] == 10


def test_a_void_of_a_sale_nobody_knows_waits_for_it(shop: Shop) -> None:
    void = row(shop, "A-5", "", 0, what="void", line="")
    assert told(shop, void)[0]["reason"] == "unknown_sale"
    told(shop, row(shop, "A-5", "TEE-M", 1))
    assert told(shop, void)[0]["state"] == "booked"
    assert shop.units("TEE-M")["on_hand"] == 10


def test_goods_that_came_back_are_taken_whatever_the_papers_say(shop: Shop) -> None:
    told(shop, row(shop, "A-1", "TEE-M", 2))
    back = row(shop, "R-1", "TEE-M", 1, what="return", of="A-1")
    assert [one["state"] for one in told(shop, back, back)] == ["booked", "repeated"]
    told(shop, row(shop, "R-2", "TEE-M", 5, what="return", of="A-1"))
    told(shop, row(shop, "R-3", "TEE-M", 1, what="return", of="A-404"))
    told(shop, row(shop, "R-4", "TEE-M", 1, what="return", of="B-1", store="S002"))
    told(shop, row(shop, "R-5", "TEE-M", 1, what="return"))
    doubts = [body.doubt for _, body in shop.facts("sale_returned") if isinstance(body, f.SaleReturned)]
    assert doubts == ["", "too_many", "unknown_sale", "", ""]
    assert shop.units("TEE-M")["hold"] == 9


def test_an_exchange_is_done_whole_or_not_at_all(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 1]])
    swap = {"rows": [["JEANS", 9]], "back": [{"code": "TEE-M", "sale": "A-1"}]}
    shop.refused(Why.NO_SHARE, "till_sale", "till", sale="A-2", **swap)
    assert shop.units("TEE-M")["hold"] == 0
    result = shop.ok("till_sale", "till", sale="A-2", **(swap | {"rows": [["JEANS", 1]]}))
    assert (result["rows"][0]["sku"], result["back"][0]["hold"]) == ("JEANS", 1)


def test_a_return_that_is_asked_for_names_another_store_or_insists(shop: Shop) -> None:
    shop.refused(Why.UNKNOWN_SALE, "till_return", "till", sale="", sku="TEE-M", qty=1)
    shop.refused(Why.UNKNOWN_STORE, "till_return", "till", sale="B-1", sku="TEE-M", qty=1, store="S404")
    assert shop.ok("till_return", "till", sale="B-1", sku="TEE-M", qty=1, store="S002")["hold"] == 1
    assert shop.ok("till_return", "till", sale="", sku="TEE-M", qty=1, insist=True)["hold"] == 2


def test_a_store_may_have_a_mode_of_its_own(shop: Shop) -> None:
    shop.rows("policy", [("till_mode", {"value": "block"}), ("till_mode:S001", {"value": "warn"})])
    found = stands(shop.db, "TEE-M")
    assert found is not None
    assert not found.blocked


def test_the_tills_figures_are_those_of_the_shelf(shop: Shop) -> None:
    from sync.replica import read

    fence = shop.owned([("TEE-M", 3)])
    wave = shop.ok("start_wave", fences=[fence])["wave"]
    shop.ok("scan", code="TEE-M", wave=wave)
    shelf, found = read.shelf(shop.db, "TEE-M"), stands(shop.db, "6901234567892")
    assert found is not None
    assert (found.sku, found.on_hand, found.share) == ("TEE-M", shelf.on_hand, shelf.share)
    assert (found.there, found.free, found.promised) == (shelf.there, shelf.free, shelf.promised)


def test_a_file_that_needs_somebody_is_told_to_staff(shop: Shop) -> None:
    args = {"name": "tag.csv", "digest": "d", "report": {"broken": 2, "unclear": 1}}
    with sqlite.writing(shop.db):
        assert perform(shop.db, "till_file", args, shop.context("till", command="c-file")).ok
    [notice] = notices.open_notices(shop.db, translator("en"), shop.now)
    assert notice.sentence == "tag.csv: 2 lines could not be read, 1 could not be booked."


def test_an_empty_box_knows_from_the_centre_what_tills_have_sold_and_books_none_of_it_again(
    shop: Shop,
) -> None:
    sales = (SnapSale("A-1/1", "TEE-M", 2, shop.now), SnapSale("A-2/1", "TEE-M", 3, shop.now, (("v", 1, 5),)))
    back = SnapReturn("S001:A-3/1", "TEE-M", 1, received_at=shop.now, sale="A-1")
    stock = (StockRow("TEE-M", 10, 4), StockRow("JEANS", 6, 3))
    told_before = Snapshot(
        store="S001", made_at=shop.now, decisions=9, stock=stock, sales=sales, returns=(back,)
    )
    with sqlite.writing(shop.db):
        rebase(shop.db, told_before, shop.context("node", command="auto:r"))
    before = shop.units("TEE-M")
    assert shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 2]])["repeated"] is True
    again = told(
        shop,
        row(shop, "A-1", "TEE-M", 2),
        row(shop, "A-2", "TEE-M", 3),
        row(shop, "A-3", "TEE-M", 1, what="return", of="A-1"),
    )
    assert [one["state"] for one in again] == ["repeated", "repeated", "repeated"]
    assert told(shop, row(shop, "A-2", "TEE-M", 3, what="void"))[0]["state"] == "unclear", "one went back"
    assert shop.units("TEE-M") == before
