"""What tills tell late, at the centre: applied by plain addition, and a person where nobody can book it."""

from __future__ import annotations

from server.link.snapshot import SALES_FOR, snapshot
from sync.wire import facts as f
from sync.wire.snapshot import SnapSale
from tests.kit_facts import centre


def test_a_sale_that_a_count_had_found_moves_nothing() -> None:
    c = centre({("S001", "TEE"): 4})
    before = c.rights("S001", "TEE")
    assert c.report("S001", f.Sold("TEE", 2, 0, 0, "T1/1", sold_at=1, counted=2)).name == "applied"
    assert c.rights("S001", "TEE") == before
    assert c.report("S001", f.Sold("TEE", 2, 1, 0, "T1/2", counted=0)).note == "split_wrong"


def test_a_voided_sale_gives_back_what_it_took_debt_first() -> None:
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.Sold("TEE", 2, 2, 0, "T1/1"))
    assert c.report("S001", f.SaleVoided("T1/1~1", "TEE", 2, "T1/1", 0, 1, 1)).name == "applied"
    assert c.rights("S001", "TEE") == (4, 0, 1, 3, 0)
    assert c.report("S001", f.SaleVoided("T1/1~2", "TEE", 2, "T1/1", 0, 1, 0)).note == "split_wrong"


def test_a_code_that_nobody_knows_is_a_case_that_closes_when_the_store_has_booked_it() -> None:
    c = centre({("S001", "TEE"): 4})
    told = f.TillUnclear("sale:T1/1", "sale", "unknown_code", "690999", 1, "T1", 1, "T1;690999;1")
    assert c.report("S001", told).name == "applied"
    c.report("S001", told)
    [case] = c.cases("till_unclear")
    assert (case["sku"], case["state"]) == ("690999", "open")
    c.report("S001", f.Sold("TEE", 1, 1, 0, "T1/1", sold_at=1, cleared="690999"))
    assert c.tx.execute("SELECT state, outcome FROM open_case").fetchone()[:] == ("closed", "booked")


def test_goods_that_do_not_fit_their_sale_are_taken_and_looked_at() -> None:
    c = centre({("S001", "TEE"): 4})
    back = f.SaleReturned("TEE", 1, "T404", "S001:R1", doubt="unknown_sale")
    assert c.report("S001", back).name == "applied"
    [case] = c.cases("till_return")
    assert case["sku"] == "TEE"
    assert c.tx.execute("SELECT hold FROM stock WHERE store = 'S001' AND sku = 'TEE'").fetchone()[0] == 1


def test_a_store_that_lost_its_box_is_told_what_its_tills_have_sold_and_taken_back() -> None:
    c = centre({("S001", "TEE"): 4, ("S002", "TEE"): 4})
    c.report("S001", f.Sold("TEE", 2, 2, 0, "T1/1", sold_at=c.now - 5))
    c.report("S001", f.SaleVoided("T1/1~1", "TEE", 1, "T1/1", 0, 1, 0))
    c.report("S001", f.Sold("TEE", 1, 1, 0))
    c.report("S002", f.Sold("TEE", 1, 1, 0, "T9/1"))
    at = c.now
    assert snapshot(c.tx, "S001", now=at).sales == (SnapSale("T1/1", "TEE", 2, at - 5, (("T1/1~1", 1, at),)),)
    assert snapshot(c.tx, "S001", now=at + SALES_FOR + 1).sales == ()
