"""Stock by hand: receipts, counts, tills, transfers, returns. Debt first, half the free units stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync import sqlite
from sync.replica import notices, till
from sync.rules.refusals import Why
from sync.texts import translator
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_replica import PIN, Shop

AMY = {"person": "amy", "pin": PIN["amy"]}


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3))
    return shop


def add_up(shop: Shop, sku: str) -> int:
    """The centre's part; it moves only by the centre's acts, by releases and by what is given to it."""
    row = shop.units(sku)
    return row["on_hand"] + row["debt"] - row["share"]


def test_a_receipt_fills_the_share_to_half_of_what_is_free_and_gives_the_rest(shop: Shop) -> None:
    shop.ok("receive", code="6901234567892", qty=10, document="D-1")
    # 20 on hand, nothing promised: target 10, share was 4.
    assert shop.last()[1] == f.Received("TEE-M", 10, 0, 6, 4, "D-1")
    assert shop.units("TEE-M") == {
        "on_hand": 20,
        "share": 10,
        "debt": 0,
        "damaged": 0,
        "hold": 0,
        "suppressed": 0,
    }


def test_promised_units_are_not_free_so_they_lower_the_target(shop: Shop) -> None:
    shop.offer([("TEE-M", 8)])
    shop.ok("receive", code="TEE-M", qty=2)
    # 12 on hand, 8 promised: target 2, and the store holds 4 already.
    assert shop.last()[1] == f.Received("TEE-M", 2, 0, 0, 2, "")


def test_debt_is_paid_before_the_share_grows(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 7]], insist=True)
    assert shop.units("TEE-M")["debt"] == 3
    shop.ok("receive", code="TEE-M", qty=5)
    assert shop.last()[1] == f.Received("TEE-M", 5, 3, 2, 0, "")
    assert shop.units("TEE-M")["debt"] == 0


def test_a_count_up_is_split_like_a_receipt_and_a_count_down_like_a_loss(shop: Shop) -> None:
    up = shop.ok("count", sku="TEE-M", found=12)
    assert (up["expected"], up["difference"]) == (10, 2)
    assert shop.last()[1] == f.Counted("TEE-M", 10, 12, 0, 2, 0)
    shop.ok("count", sku="TEE-M", found=2)
    assert shop.last()[1] == f.Counted("TEE-M", 12, 2, share=6, debt=4)
    assert shop.units("TEE-M")["debt"] == 4


def test_goods_in_totes_and_on_the_waiting_shelf_are_not_counted_on_the_shelf(shop: Shop) -> None:
    shop.picked([("TEE-M", 2)])
    fence = shop.staged([("TEE-M", 1)])
    result = shop.ok("count", sku="TEE-M", found=7)
    assert (result["expected"], result["difference"]) == (7, 0)
    shop.decide(d.Withdrawn("cancelled"), fence)
    assert shop.ok("count", sku="TEE-M", found=7)["difference"] == 0  # not back on the shelf yet
    shop.ok("put_back", fence=fence, line=1)
    assert shop.ok("count", sku="TEE-M", found=8)["difference"] == 0


def test_a_directed_count_is_not_for_the_person_who_caused_it(shop: Shop) -> None:
    shop.decide(d.CountAsked("TEE-M", "not_found", not_by="lin"))
    task = f"count:{shop.number}"
    assert shop.refused(Why.OWN_FINDING, "count", sku="TEE-M", found=10, task=task)["person"] == "Lin"
    shop.refused(Why.UNKNOWN_TASK, "count", "wei", sku="JEANS", found=6, task=task)
    assert shop.ok("count", "wei", sku="TEE-M", found=10, task=task)["tasks"] == [task]
    body = shop.last()[1]
    assert isinstance(body, f.Counted)
    assert body.count == task


def test_a_count_that_leaves_too_few_names_the_newest_orders(shop: Shop) -> None:
    shop.offer([("TEE-M", 3)])
    shop.offer([("TEE-M", 2)])
    shop.ok("count", sku="TEE-M", found=4)
    [notice] = notices.open_notices(shop.db, translator("en"), shop.now)
    assert notice.sentence == "1 of T-shirt M (TEE-M) are missing. They were promised to YP-000002."


def test_a_till_sells_from_the_share_without_asking(shop: Shop) -> None:
    result = shop.ok("till_sale", "till", sale="A-1", rows=[["6901234567892", 3], ["JEANS", 1]])
    assert result["debt"] == 0
    assert [b for _, b in shop.facts("sold")] == [
        f.Sold("TEE-M", 3, 3, 0, "A-1/1", 9900),
        f.Sold("JEANS", 1, 1, 0, "A-1/2", 9900),
    ]
    assert add_up(shop, "TEE-M") == 6


def test_a_till_sale_of_what_is_promised_names_whom_and_insisting_makes_debt(shop: Shop) -> None:
    shop.offer([("TEE-M", 6)])
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 4]])
    facts = shop.refused(Why.PROMISED, "till_sale", "till", sale="A-2", rows=[["TEE-M", 1]])
    assert (facts["promised"], facts["orders"], facts["may_insist"]) == (["YP-000001-1"], ["YP-000001"], True)
    result = shop.ok("till_sale", "till", sale="A-2", rows=[["TEE-M", 1]], insist=True)
    assert (result["debt"], result["rows"][0]["promised_to"]) == (1, ["YP-000001-1"])
    assert shop.units("TEE-M")["debt"] == 1
    assert add_up(shop, "TEE-M") == 6


def test_a_till_that_blocks_refuses_even_if_somebody_insists(shop: Shop) -> None:
    shop.rows("policy", [("till_mode", {"value": "block"})])
    facts = shop.refused(Why.NO_SHARE, "till_sale", "till", sale="A-1", rows=[["TEE-M", 5]], insist=True)
    assert facts["may_insist"] is False


def test_a_basket_is_sold_whole_or_not_at_all(shop: Shop) -> None:
    shop.refused(Why.NO_SHARE, "till_sale", "till", sale="A-1", rows=[["TEE-M", 1], ["JEANS", 9]])
    shop.refused(Why.UNKNOWN_CODE, "till_sale", "till", sale="A-1", rows=[["TEE-M", 1], ["NOPE", 1]])
    assert shop.units("TEE-M")["on_hand"] == 10


def test_a_sale_is_booked_once_whatever_its_command_id(shop: Shop) -> None:
    rows = [["TEE-M", 1], ["TEE-M", 2]]
    assert shop.ok("till_sale", "till", sale="A-1", rows=rows)["repeated"] is False
    assert shop.ok("till_sale", "till", sale="A-1", rows=rows)["repeated"] is True
    shop.refused(Why.SALE_DIFFERS, "till_sale", "till", sale="A-1", rows=[["TEE-M", 9]])
    assert shop.units("TEE-M")["on_hand"] == 7


@pytest.mark.parametrize(
    ("qty", "says"),
    [(4, till.Says.YES), (5, till.Says.ASK), (8, till.Says.PROMISED), (60, till.Says.PROMISED)],
)
def test_the_tills_question_is_answered_from_the_stores_own_rights(
    shop: Shop, qty: int, says: till.Says
) -> None:
    shop.offer([("TEE-M", 3)])
    assert till.question(shop.db, "6901234567892", qty).says is says


def test_the_tills_question_about_nothing(shop: Shop) -> None:
    assert till.question(shop.db, "NOPE").says is till.Says.UNKNOWN
    answer = till.question(shop.db, "SOCKS")
    assert (answer.says, answer.may_insist) == (till.Says.NONE, True)


def test_a_till_return_waits_in_a_hold_and_never_exceeds_its_sale(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 2]])
    shop.ok("till_return", "till", sale="A-1", sku="TEE-M", qty=1)
    assert shop.units("TEE-M")["hold"] == 1
    assert (
        shop.refused(Why.RETURN_TOO_MANY, "till_return", "till", sale="A-1", sku="TEE-M", qty=2)["left"] == 1
    )
    shop.refused(Why.UNKNOWN_SALE, "till_return", "till", sale="A-2", sku="TEE-M", qty=1)


def test_a_transfer_takes_free_units_only_and_debt_is_what_the_pool_lent(shop: Shop) -> None:
    shop.offer([("TEE-M", 3)])
    shop.refused(Why.UNKNOWN_STORE, "send_transfer", to="S009", rows=[["TEE-M", 1]])
    shop.refused(Why.UNKNOWN_STORE, "send_transfer", to="S001", rows=[["TEE-M", 1]])
    shop.refused(Why.PROMISED, "send_transfer", to="S002", rows=[["TEE-M", 8]])
    shop.refused(Why.LESS_THAN_THERE, "send_transfer", to="S002", rows=[["TEE-M", 11]])
    result = shop.ok("send_transfer", to="S002", rows=[["TEE-M", 6], ["JEANS", 1]])
    assert [b for _, b in shop.facts("transfer_sent")] == [
        f.TransferSent(result["transfer"], "S002", "TEE-M", 6, 4, 2),
        f.TransferSent(result["transfer"], "S002", "JEANS", 1, 1, 0),
    ]
    assert add_up(shop, "TEE-M") == 6


def test_an_announced_transfer_is_received_bit_by_bit(shop: Shop) -> None:
    shop.decide(d.TransferAnnounced("T-9", "S002", (("TEE-M", 5),)))
    shop.ok("receive", code="TEE-M", qty=2, document="T-9")
    result = shop.ok("receive", code="TEE-M", qty=2, document="T-9")
    assert (result["announced"], result["received"]) == (5, 4)


def test_taking_goods_out_of_sale_needs_a_lead_above_the_limit(shop: Shop) -> None:
    shop.ok("adjust", sku="TEE-M", qty=2, reason="torn", to="damaged")
    assert shop.units("TEE-M")["damaged"] == 2
    shop.refused(Why.NEEDS_LEAD, "adjust", sku="TEE-M", qty=5, reason="stolen", to="gone")
    shop.ok("adjust", sku="TEE-M", qty=5, reason="stolen", to="gone", lead=AMY)
    assert shop.last()[1] == f.Adjusted("TEE-M", 5, 2, 3, "gone", "stolen", "amy")
    shop.ok("adjust", "amy", sku="TEE-M", qty=3, reason="stolen", to="gone")
    shop.refused(Why.LESS_THAN_THERE, "adjust", "amy", sku="TEE-M", qty=1, reason="stolen", to="gone")
    shop.refused(Why.NOT_UNDERSTOOD, "adjust", sku="TEE-M", qty=1, reason="x", to="home")


def test_goods_of_an_order_handed_over_here_come_back_once(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 2)])
    shop.ok("hand_over", fence=fence, code="428913")
    result = shop.ok("take_return", order="yp-000001", sku="6901234567892", qty=1, reason="too small")
    assert (result["line"], shop.units("TEE-M")["hold"]) == (1, 1)
    assert (
        shop.refused(Why.RETURN_TOO_MANY, "take_return", order="YP-000001", sku="TEE-M", qty=2, reason="x")[
            "left"
        ]
        == 1
    )
    shop.refused(Why.RETURN_TOO_MANY, "take_return", order="YP-000001", sku="JEANS", qty=1, reason="x")


def test_an_order_bought_elsewhere_is_taken_on_the_persons_word_or_by_the_centres(shop: Shop) -> None:
    shop.refused(Why.ORDER_NOT_HERE, "take_return", order="YP-77", sku="TEE-M", qty=1, reason="x")
    shop.ok("take_return", order="YP-77", sku="TEE-M", qty=1, reason="x", elsewhere=True)
    body = shop.last()[1]
    assert isinstance(body, f.Returned)
    assert body.bought_elsewhere
    shop.now += 1000
    shop.decide(d.ReturnKnown("YP-77", ((2, "TEE-M", 1),)))
    shop.now += 1000
    assert shop.ok("take_return", order="YP-77", sku="TEE-M", qty=1, reason="x", elsewhere=True)["line"] == 2
    shop.refused(
        Why.RETURN_TOO_MANY, "take_return", order="YP-77", sku="TEE-M", qty=1, reason="x", elsewhere=True
    )


def test_a_return_without_receipt_needs_another_persons_pin(shop: Shop) -> None:
    shop.refused(Why.NEEDS_LEAD, "blind_return", sku="TEE-M", qty=1, reason="x")
    shop.refused(Why.NEEDS_LEAD, "blind_return", "amy", sku="TEE-M", qty=1, reason="x")
    shop.ok("blind_return", sku="TEE-M", qty=1, reason="x", lead=AMY)
    body = shop.last()[1]
    assert isinstance(body, f.Returned)
    assert (body.order, body.allowed_by) == ("", "amy")


def returned(shop: Shop, person: str = "lin", qty: int = 2) -> str:
    result: dict[str, Any] = shop.ok(
        "take_return", person, order="YP-77", sku="TEE-M", qty=qty, reason="x", elsewhere=True
    )
    return str(result["return_id"])


def test_units_leave_the_hold_by_grading_and_only_restocked_ones_are_for_sale(shop: Shop) -> None:
    goods = returned(shop)
    shop.ok("grade", goods and "wei", return_id=goods, qty=1, grade="C", disposition="damaged")
    shop.ok("grade", "amy", return_id=goods, qty=1, grade="A", disposition="restock")
    assert shop.last()[1] == f.Graded(goods, "TEE-M", 1, "A", "restock", share=1)
    assert shop.units("TEE-M") == {
        "on_hand": 11,
        "share": 5,
        "debt": 0,
        "damaged": 1,
        "hold": 0,
        "suppressed": 0,
    }
    shop.refused(Why.UNKNOWN_RETURN, "grade", "amy", return_id=goods, qty=1, grade="A", disposition="restock")


def test_nobody_releases_for_sale_what_they_took_in_themselves(shop: Shop) -> None:
    goods = returned(shop, "amy", 1)
    again: dict[str, Any] = {"return_id": goods, "qty": 1, "grade": "A", "disposition": "restock"}
    shop.refused(Why.OWN_RECEIPT, "grade", "amy", **again)
    shop.refused(Why.NEEDS_LEAD, "grade", "wei", **again)
    shop.refused(Why.TOO_MANY, "grade", "wei", **again | {"qty": 2})
    shop.ok("grade", "wei", lead=AMY, **again)


def test_units_asked_for_are_given_from_the_share_and_nothing_is_also_an_answer(shop: Shop) -> None:
    shop.decide(d.Asked("TEE-M", 3))
    assert shop.last()[1] == f.Gave("TEE-M", 3, shop.number)
    shop.decide(d.Asked("TEE-M", 3))
    assert shop.last()[1] == f.Gave("TEE-M", 1, shop.number)
    shop.decide(d.Asked("SOCKS", 3))
    assert shop.last()[1] == f.Gave("SOCKS", 0, shop.number)
    assert shop.units("TEE-M")["share"] == 0


def test_debt_paid_on_both_sides_becomes_share_again(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 6]], insist=True)
    shop.ok("receive", code="TEE-M", qty=2)
    shop.decide(d.DebtPaid("TEE-M", 2))
    assert shop.last()[1] == f.Credited("TEE-M", 2)
    assert shop.units("TEE-M")["debt"] == 0
    assert shop.units("TEE-M")["share"] == 2


def test_grants_and_uploads_add_up(shop: Shop) -> None:
    shop.decide(d.Granted("TEE-M", 2))
    shop.stock(TEE_M=(5, 3))
    assert (shop.units("TEE-M")["on_hand"], shop.units("TEE-M")["share"]) == (15, 9)


def test_only_a_lead_pauses_the_store(shop: Shop) -> None:
    shop.refused(Why.NOT_ALLOWED, "pause", paused=True, reason="flood")
    shop.ok("pause", "amy", paused=True, reason="flood")
    assert shop.db.execute("SELECT value FROM meta WHERE key = 'pause'").fetchone()[0] == "flood"
    shop.ok("pause", "amy", paused=False)
    assert shop.db.execute("SELECT value FROM meta WHERE key = 'pause'").fetchone()[0] == ""
    shop.refused(Why.UNKNOWN_NOTICE, "dismiss_notice", id="nope")


def test_a_command_that_fails_half_way_leaves_nothing_but_its_answer(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db")
    shop.stock(TEE_M=(10, 4))
    outcome = shop.do("till_sale", "till", sale="A-1", rows=[["TEE-M", 2], ["JEANS", 1]], command="t-1")
    assert not outcome.ok
    shop.db.close()
    shop.db = sqlite.connect(tmp_path / "s.db")
    assert shop.count("SELECT count(*) FROM fact WHERE kind = 'sold'") == 0
    assert shop.count("SELECT count(*) FROM till_sale") == 0
    assert shop.count("SELECT share FROM stock WHERE sku = 'TEE-M'") == 4
    assert (
        shop.do("till_sale", "till", sale="A-1", rows=[["TEE-M", 2]], command="t-1").refusal
        == outcome.refusal
    )
