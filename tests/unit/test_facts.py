"""Facts at the centre, kind by kind: one effect, one verdict, never refused and never dropped."""

from __future__ import annotations

import json

import pytest

from server.cases.book import close_case, open_case
from server.cases.kinds import KINDS, REMEDIES, remedies, sentence
from server.catalogue.load import load_items
from server.stock import book
from server.stock.transfers import in_transit, next_overdue
from server.timers import next_due, run_due
from sync.texts import translator
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_facts import NOW, Centre, centre, offer


def accepted_and_released(c: Centre, store: str, fence: int, sku: str, qty: int) -> str:
    """An order that a store worked to the end; its number."""
    offer(c, store, fence, [(sku, qty)])
    steps: list[f.Body] = [
        f.Accepted(),
        f.PickStarted("W1", "A"),
        f.Picked(1, qty),
        f.Packed((f.Parcel(f"P{fence}", ((1, qty),)),)),
        f.Shipped(((1, qty),), "M1", "SF"),
    ]
    for step in steps:
        assert c.report(store, step, fence=fence).name == "applied", step
    return f"YP-{fence:06d}"


# --- tills ---------------------------------------------------------------------------------


def test_a_sale_out_of_the_share_leaves_the_pool_alone():
    c = centre({("S001", "TEE"): 4})
    assert c.report("S001", f.Sold("TEE", 1, share=1, sale="T1/1")).name == "applied"
    assert c.rights("S001", "TEE") == (3, 0, 1, 2, 0)


def test_a_sale_of_what_is_promised_moves_the_open_offer_and_says_why():
    c = centre({("S001", "TEE"): 2, ("S002", "TEE"): 4})
    offer(c, "S001", 1, [("TEE", 1)])
    verdict = c.report("S001", f.Sold("TEE", 2, share=1, debt=1, sale="T1/1"))
    assert verdict.name == "applied"
    assert c.rights("S001", "TEE") == (0, 0, 0, 0, 0)
    row = c.tx.execute("SELECT ended_reason FROM assignment WHERE fence = 1").fetchone()
    assert row["ended_reason"] == "debt"
    assert c.rights("S002", "TEE") == (4, 1, 2, 1, 0), "the order found another store at once"
    assert not c.cases("debt")


def test_a_sale_that_no_offer_can_pay_for_is_a_case_naming_the_fact():
    c = centre({("S001", "TEE"): 2})
    offer(c, "S001", 1, [("TEE", 1)])
    assert c.report("S001", f.Accepted(), fence=1).name == "applied"
    c.report("S001", f.Sold("TEE", 2, share=1, debt=1, sale="T1/1"))
    [case] = c.cases("debt")
    assert json.loads(case["evidence"]) == [
        {"store": "S001", "incarnation": "S001-i1", "number": 2, "kind": "sold"}
    ]
    assert "S001 owes 1 of TEE" in sentence(case, str)


def test_a_till_return_goes_into_the_hold_and_not_on_sale():
    c = centre({("S001", "TEE"): 2})
    c.report("S001", f.SaleReturned("TEE", 1, sale="T1/1", return_id="R1"))
    assert c.stock("S001", "TEE")["hold"] == 1
    assert c.rights("S001", "TEE") == (2, 0, 1, 1, 0)
    kept = c.tx.execute("SELECT state, sale FROM goods_return WHERE id = 'R1'").fetchone()
    assert tuple(kept) == ("held", "T1/1")


# --- counts, losses, receipts --------------------------------------------------------------


def test_a_count_up_and_a_count_down_are_relative_to_what_was_expected():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.Counted("TEE", expected=4, found=6, share=1, pool=1))
    assert c.rights("S001", "TEE") == (6, 0, 3, 3, 0)
    c.report("S001", f.Counted("TEE", expected=6, found=2, share=3, debt=1))
    assert c.rights("S001", "TEE") == (2, 0, 0, 2, 0)


def test_only_a_count_lets_a_missing_sku_be_promised_again():
    c = centre({("S001", "TEE"): 4})
    book.suppress(c.tx, "S001", "TEE", now=NOW)
    c.report("S001", f.Received("TEE", 2, share=1, pool=1))
    assert book.is_suppressed(c.tx, "S001", "TEE")
    c.report("S001", f.Counted("TEE", expected=6, found=6))
    assert not book.is_suppressed(c.tx, "S001", "TEE")


def test_not_found_while_picking_suppresses_until_counted():
    c = centre({("S001", "TEE"): 4})
    offer(c, "S001", 1, [("TEE", 1)])
    c.report("S001", f.Accepted(), fence=1)
    c.report("S001", f.Shorted(1, 1, "not_found"), fence=1)
    assert book.is_suppressed(c.tx, "S001", "TEE")
    assert not book.promise(c.tx, "S001", [("TEE", 1)], fence=9, now=NOW)
    c.report("S001", f.Counted("TEE", expected=4, found=3, share=1))
    assert c.stock("S001", "TEE")["suppressed"] == 0
    assert book.promise(c.tx, "S001", [("TEE", 1)], fence=9, now=NOW)


def test_damaged_units_leave_the_good_stock():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.Adjusted("TEE", 1, share=1, to="damaged", reason="torn"))
    assert c.stock("S001", "TEE")["damaged"] == 1
    c.report("S001", f.Adjusted("TEE", 1, share=1, to="gone", reason="theft"))
    assert c.stock("S001", "TEE")["damaged"] == 1
    assert c.rights("S001", "TEE") == (2, 0, 0, 2, 0)


def test_a_receipt_pays_debt_first():
    c = centre({("S001", "TEE"): 2})
    offer(c, "S001", 1, [("TEE", 1)])
    c.report("S001", f.Accepted(), fence=1)
    c.report("S001", f.Sold("TEE", 2, share=1, debt=1))
    assert c.rights("S001", "TEE") == (0, 1, 0, 0, 1)
    c.report("S001", f.Received("TEE", 3, paid=1, share=1, pool=1))
    assert c.rights("S001", "TEE") == (3, 1, 1, 1, 0)
    assert [case["state"] for case in c.cases("debt")] == ["closed"]


def test_what_a_store_gives_can_be_promised_once_it_has_arrived():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.Gave("TEE", 2))
    assert c.rights("S001", "TEE") == (4, 0, 0, 4, 0)


def test_a_paused_store_is_asked_for_nothing_new():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.StorePaused(True, "flood"))
    row = c.tx.execute("SELECT paused, pause_reason FROM store WHERE code = 'S001'").fetchone()
    assert tuple(row) == (1, "flood")
    c.report("S001", f.StorePaused(False))
    row = c.tx.execute("SELECT paused, pause_reason FROM store WHERE code = 'S001'").fetchone()
    assert tuple(row) == (0, "")
    kinds = [row[0] for row in c.tx.execute("SELECT kind FROM event ORDER BY id")]
    assert kinds == ["store_paused", "store_resumed"]


# --- beyond rights, forged, not understood -------------------------------------------------


def test_a_phantom_sale_is_applied_forced_and_never_crashes():
    c = centre({("S001", "TEE"): 4})
    verdict = c.report("S001", f.Sold("TEE", 50, share=50))
    assert verdict.name == "forced"
    assert verdict.case
    assert c.rights("S001", "TEE") == (-46, 0, 0, 0, 46)
    assert c.ledger_adds_up()


def test_a_credit_for_a_debt_that_was_never_paid_twice_is_flagged():
    c = centre({("S001", "TEE"): 4})
    verdict = c.report("S001", f.Credited("TEE", 10))
    assert (verdict.name, verdict.note) == ("forced", "beyond_rights")
    c.stock("S001", "TEE")
    assert len(c.cases("beyond_rights")) == 1


def test_a_gift_of_a_share_that_was_never_given_is_flagged_and_frees_nothing():
    c = centre({("S001", "TEE"): 4})
    assert c.report("S001", f.Gave("TEE", 100)).name == "forced"
    assert c.rights("S001", "TEE") == (4, 0, 0, 4, 0)


IMPOSSIBLE = [
    f.Sold("TEE", -5, share=-5),
    f.Sold("TEE", 1, share=0, debt=0),
    f.Sold("TEE", 0, share=0),
    f.Received("TEE", 1, share=1000),
    f.Received("TEE", 10**12, pool=10**12),
    f.Counted("TEE", expected=4, found=-1, debt=5),
    f.Counted("TEE", expected=4, found=5, share=-2, pool=3),
    f.Counted("TEE", expected=4, found=3, debt=2),
    f.Gave("TEE", -3),
    f.Credited("TEE", 0),
    f.TransferSent("X1", "S002", "TEE", 2, share=3, debt=-1),
    f.Graded("R1", "TEE", 1, "A", "restock", share=9),
    f.Returned("R1", "TEE", -1),
]


@pytest.mark.parametrize("body", IMPOSSIBLE, ids=lambda body: type(body).__name__)
def test_numbers_that_cannot_be_are_parked_and_move_nothing(body: f.Body):
    c = centre({("S001", "TEE"): 4})
    verdict = c.report("S001", body)
    assert verdict.name == "parked"
    assert verdict.case
    assert c.rights("S001", "TEE") == (4, 0, 2, 2, 0)
    assert c.tx.execute("SELECT count(*) FROM fact").fetchone()[0] == 1, "it is kept"


def test_an_unknown_kind_is_parked_and_blocks_nobody():
    c = centre({("S001", "TEE"): 4})
    verdict = c.report("S001", "levitated")
    assert (verdict.name, verdict.note) == ("parked", "unknown_kind")
    assert c.report("S001", f.Sold("TEE", 1, share=1)).name == "applied"
    [case] = c.cases("parked_fact")
    assert "levitated" in sentence(case, str)


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"sku": 7, "qty": 1, "share": 1}', b"[]", b"null", b'{"sku":"TEE"}']
)
def test_a_body_that_is_not_of_its_kind_is_parked(raw: bytes):
    c = centre({("S001", "TEE"): 4})
    assert c.report("S001", "sold", raw_body=raw).note == "unreadable"


def test_an_unknown_sku_waits_for_the_catalogue_and_is_then_applied():
    c = centre()
    verdict = c.report("S001", f.Received("NEW", 3, share=2, pool=1))
    assert (verdict.name, verdict.note) == ("parked", "unknown_sku")
    c.report("S001", f.Sold("NEW", 1, share=1))
    assert len(c.cases("unknown_sku")) == 1, "one piece of work, not one per fact"
    assert load_items(c.tx, [{"sku": "NEW", "name_en": "New"}], now=NOW).good == 1
    assert c.rights("S001", "NEW") == (2, 0, 1, 1, 0)
    assert [row[0] for row in c.tx.execute("SELECT verdict FROM fact ORDER BY number")] == ["applied"] * 2
    assert [case["state"] for case in c.cases("unknown_sku")] == ["closed"]
    verdicts = [body for body in c.decisions("S001") if isinstance(body, d.VerdictGiven)]
    assert [(body.number, body.verdict) for body in verdicts] == [(1, "applied"), (2, "applied")]


def test_a_short_that_names_an_unknown_sku_still_moves_the_order_on():
    c = centre({("S001", "TEE"): 4})
    offer(c, "S001", 1, [("TEE", 1)])
    c.report("S001", f.Accepted(), fence=1)
    assert c.report("S001", f.Shorted(1, 1, "label_mismatch", instead="GHOST"), fence=1).name == "applied"
    assert len(c.cases("unknown_sku")) == 1
    assert c.rights("S001", "TEE")[0] == 3


FENCED: list[f.Body] = [
    f.Accepted(),
    f.Declined("no_time"),
    f.PickStarted(),
    f.Picked(1),
    f.PickUndone(1),
    f.Shorted(1, 1, "not_found"),
    f.Packed((f.Parcel("P1", ((1, 1),)),)),
    f.Staged("A1"),
    f.HandedOver(((1, 1),), "code"),
    f.HandoverUndone(((1, 1),)),
    f.Shipped(((1, 1),), "M", "SF"),
    f.PutBack(1, 1),
    f.WithdrawalTaken("offered"),
    f.HoldExpired("staged"),
    f.OwnedBefore(0),
]


@pytest.mark.parametrize("body", FENCED, ids=lambda body: type(body).__name__)
def test_a_store_cannot_speak_for_another_stores_assignment(body: f.Body):
    c = centre({("S001", "TEE"): 4, ("S002", "TEE"): 4})
    offer(c, "S001", 1, [("TEE", 1)])
    tables = ("stock", "assignment", "assignment_line", "fulfilment_order", "shop_order", "decision")
    before = {table: [tuple(r) for r in c.tx.execute(f"SELECT * FROM {table}")] for table in tables}
    verdict = c.report("S002", body, fence=1)
    assert (verdict.name, verdict.note) == ("parked", "other_store")
    assert {table: [tuple(r) for r in c.tx.execute(f"SELECT * FROM {table}")] for table in tables} == before
    [case] = c.cases("forged_fact")
    assert case["store"] == "S002"
    assert "S001" in sentence(case, str)


@pytest.mark.parametrize("body", FENCED, ids=lambda body: type(body).__name__)
def test_an_assignment_that_the_centre_does_not_know_is_for_a_person(body: f.Body):
    c = centre()
    verdict = c.report("S001", body, fence=77)
    assert (verdict.name, verdict.note) == ("parked", "unknown_fence")
    assert c.cases("unknown_fence")[0]["fence"] == 77


def test_goods_that_left_under_a_turn_lost_with_a_backup_leave_the_books_once():
    c = centre({("S001", "TEE"): 4})
    left = f.HandedOver(((1, 2),), "code", goods=(("TEE", 2),))
    verdict = c.report("S001", left, fence=77)
    assert (verdict.name, verdict.note) == ("stale", "unknown_fence")
    assert c.cases("unknown_fence")[0]["fence"] == 77, "a person asks the store whose they were"
    assert c.stock("S001", "TEE")["on_hand"] == 2
    back = f.HandoverUndone(((1, 2),), (("TEE", 2),))
    assert c.report("S001", back, fence=77).name == "stale"
    assert c.stock("S001", "TEE")["on_hand"] == 4
    assert c.report("S001", back, fence=77).name == "parked", "nothing is minted by a second undo"
    assert c.report("S002", f.HandoverUndone(((1, 2),), (("TEE", 2),)), fence=77).name == "parked"
    assert c.stock("S001", "TEE")["on_hand"] == 4
    assert c.ledger_adds_up()


def test_goods_that_could_not_be_picked_under_a_lost_turn_are_off_the_books_and_not_promised():
    c = centre({("S001", "TEE"): 4})
    verdict = c.report("S001", f.Shorted(1, 1, "damaged", sku="TEE"), fence=77)
    assert (verdict.name, verdict.note) == ("stale", "unknown_fence")
    stock = c.stock("S001", "TEE")
    assert (stock["on_hand"], stock["damaged"], stock["suppressed"]) == (3, 1, 0)
    c.report("S001", f.Shorted(1, 1, "not_found", sku="TEE"), fence=77)
    assert (c.stock("S001", "TEE")["on_hand"], c.stock("S001", "TEE")["suppressed"]) == (3, 1)
    assert c.report("S001", f.Shorted(1, 1, "damaged"), fence=77).name == "parked", "it does not say of what"
    assert c.report("S001", f.Shorted(1, 1, "damaged", sku="NO-SUCH"), fence=77).name == "parked"
    assert c.ledger_adds_up()


def test_a_lost_release_whose_goods_do_not_add_up_moves_nothing():
    c = centre({("S001", "TEE"): 4})
    verdict = c.report("S001", f.Shipped(((1, 2),), "M1", "SF", goods=(("TEE", 3),)), fence=77)
    assert (verdict.name, verdict.note) == ("parked", "split_wrong")
    assert c.report("S001", f.Shipped(((1, 2),), "M1", "SF"), fence=77).name == "parked"
    assert c.stock("S001", "TEE")["on_hand"] == 4


def test_a_store_that_nobody_knows_is_parked():
    c = centre()
    from server.facts.apply import apply_fact

    fact = f.Fact(kind="sold", command="c", person="p", device="d", at=NOW)
    assert apply_fact(c.tx, "S404", "i", 1, fact, now=NOW).note == "unknown_store"


# --- returns -------------------------------------------------------------------------------


def test_a_return_is_held_graded_and_only_then_on_sale():
    c = centre({("S001", "TEE"): 4})
    order = accepted_and_released(c, "S001", 1, "TEE", 1)
    before = c.rights("S001", "TEE")
    assert c.report("S001", f.Returned("R1", "TEE", 1, order=order, line=1)).name == "applied"
    assert c.rights("S001", "TEE") == before
    assert c.stock("S001", "TEE")["hold"] == 1
    assert c.report("S001", f.Graded("R1", "TEE", 1, "A", "restock", share=1)).name == "applied"
    assert c.stock("S001", "TEE")["hold"] == 0
    assert c.rights("S001", "TEE")[0] == before[0] + 1
    assert c.tx.execute("SELECT state FROM goods_return").fetchone()[0] == "graded"
    kinds = [row[0] for row in c.tx.execute("SELECT kind FROM event WHERE order_no = ?", (order,))]
    assert kinds[-2:] == ["return_received", "return_graded"]


def test_one_line_returned_at_two_stores_is_taken_twice_and_flagged_once():
    c = centre({("S001", "TEE"): 4})
    order = accepted_and_released(c, "S001", 1, "TEE", 1)
    first = c.report("S001", f.Returned("R1", "TEE", 1, order=order, line=1))
    second = c.report("S002", f.Returned("R2", "TEE", 1, order=order, line=1, bought_elsewhere=True))
    assert (first.name, first.case) == ("applied", "")
    assert (second.name, second.note) == ("applied", "over_returned")
    assert c.stock("S001", "TEE")["hold"] + c.stock("S002", "TEE")["hold"] == 2, "both are physically there"
    states = [row[0] for row in c.tx.execute("SELECT state FROM goods_return ORDER BY id")]
    assert states == ["held", "flagged"]
    [case] = c.cases("over_returned")
    stores = [fact["store"] for fact in json.loads(case["evidence"])]
    assert stores == ["S001", "S002"]
    assert sentence(case, str).startswith(f"2 of TEE came back for {order}; 1 were sold")
    assert d.ReturnKnown(order, ((1, "TEE", 0),)) in c.decisions("S001"), "the seller learns what is left"


def test_a_return_that_arrives_before_the_hand_over_it_follows_is_not_flagged():
    c = centre({("S001", "TEE"): 4})
    offer(c, "S001", 1, [("TEE", 1)])
    assert c.report("S002", f.Returned("R1", "TEE", 1, order="YP-000001", line=1)).note == ""


def test_a_return_for_an_order_nobody_knows_is_taken_and_told():
    c = centre()
    verdict = c.report("S001", f.Returned("R1", "TEE", 1, order="YP-999999", line=1))
    assert (verdict.name, verdict.note) == ("applied", "unknown_order")
    assert c.stock("S001", "TEE")["hold"] == 1


def test_a_return_without_receipt_is_simply_held():
    c = centre()
    assert c.report("S001", f.Returned("R1", "TEE", 1)).name == "applied"
    assert not c.cases()


def test_more_graded_than_came_back_is_kept_and_told():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.Returned("R1", "TEE", 1))
    assert c.report("S001", f.Graded("R1", "TEE", 3, "B", "damaged")).name == "forced"
    assert c.report("S001", f.Graded("R404", "TEE", 1, "B", "damaged")).name == "forced"
    assert c.stock("S001", "TEE")["damaged"] == 4


# --- transfers -----------------------------------------------------------------------------


def test_goods_between_two_stores_are_on_nobodys_hand():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.TransferSent("X1", "S002", "TEE", 2, share=2))
    assert c.rights("S001", "TEE") == (2, 0, 0, 2, 0)
    assert [tuple(row)[:7] for row in in_transit(c.tx, "S002")] == [("X1", "TEE", "S001", "S002", 2, 0, 2)]
    assert d.TransferAnnounced("X1", "S001", (("TEE", 2),)) in c.decisions("S002")
    c.report("S002", f.Received("TEE", 2, share=1, pool=1, document="X1"))
    assert c.rights("S002", "TEE") == (2, 0, 1, 1, 0)
    assert not in_transit(c.tx)
    assert not c.cases()


def test_a_receipt_heard_before_its_sender_adds_up_all_the_same():
    c = centre({("S001", "TEE"): 4})
    c.report("S002", f.Received("TEE", 2, share=1, pool=1, document="X1"))
    c.report("S001", f.TransferSent("X1", "S002", "TEE", 2, share=2))
    assert not in_transit(c.tx)
    assert not c.cases()


def test_more_received_than_sent_is_a_case():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.TransferSent("X1", "S002", "TEE", 1, share=1))
    verdict = c.report("S002", f.Received("TEE", 2, share=1, pool=1, document="X1"))
    assert (verdict.name, verdict.note) == ("applied", "transfer_difference")
    assert "1 of TEE were sent, 2 were received" in sentence(c.cases("transfer_difference")[0], str)


VAN = 72 * 3_600_000


def test_goods_that_do_not_arrive_in_time_are_a_case_with_both_ends_facts_once():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.TransferSent("X1", "S002", "TEE", 2, share=2))
    c.report("S002", f.Received("TEE", 1, share=1, document="X1"))
    assert next_overdue(c.tx) == NOW + VAN
    assert (next_due(c.tx) or 0) <= NOW + VAN
    run_due(c.tx, NOW + VAN - 1)
    assert not c.cases()
    for _ in range(3):
        run_due(c.tx, NOW + VAN)
    [case] = c.cases()
    assert (case["kind"], case["store"], case["sku"]) == ("transfer_short", "S002", "TEE")
    assert [(one["store"], one["kind"]) for one in json.loads(case["evidence"])] == [
        ("S001", "transfer_sent"),
        ("S002", "received"),
    ]
    assert sentence(case, str) == "Transfer X1 from S001 to S002: 2 of TEE were sent, 1 arrived."
    c.report("S002", f.Received("TEE", 1, pool=1, document="X1"))
    assert c.cases()[0]["state"] == "closed", "what was looked for has arrived"


def test_a_receiver_that_cannot_be_heard_has_longer_to_say_that_the_goods_came():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.TransferSent("X1", "S002", "TEE", 2, share=2))
    c.tx.execute(
        "INSERT INTO store_session (store, number, heard_at, closed_at) VALUES ('S002', 1, ?1, ?1)",
        (NOW + 60_000,),
    )
    run_due(c.tx, NOW + VAN)
    assert not c.cases()
    run_due(c.tx, NOW + VAN + 24 * 3_600_000)
    assert [case["kind"] for case in c.cases()] == ["transfer_short"]


def test_goods_sent_to_a_place_nobody_knows_left_all_the_same():
    c = centre({("S001", "TEE"): 4})
    assert c.report("S001", f.TransferSent("X1", "MOON", "TEE", 1, share=1)).note == "unknown_place"
    assert c.rights("S001", "TEE")[0] == 3
    run_due(c.tx, NOW + 2 * VAN)
    assert len(c.cases()) == 1, "that is looked for already"


# --- cases ---------------------------------------------------------------------------------


def test_a_case_is_closed_once_by_a_person_with_an_outcome():
    c = centre()
    case = open_case(c.tx, "unroutable", now=NOW, order_no="YP-000001", fo="YP-000001-1")
    assert close_case(c.tx, case, now=NOW, by="mei", outcome="refunded")
    assert not close_case(c.tx, case, now=NOW, by="lin", outcome="again")
    assert c.cases()[0]["closed_by"] == "mei"


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_case_is_told_in_a_whole_sentence(kind: str, language: str):
    c = centre()
    open_case(c.tx, kind, now=NOW, store="S001", order_no="YP-1", fo="YP-1-1", fence=3, sku="TEE")
    translate = translator(language)
    text = sentence(c.cases()[0], translate)
    assert "{" not in text
    chosen = remedies(c.cases()[0], translate)
    assert chosen
    assert all(code in REMEDIES and "{" not in words for code, words in chosen)
    if language == "zh":
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text), text


def test_a_kind_that_nobody_described_still_shows():
    c = centre()
    open_case(c.tx, "comet", now=NOW)
    assert "comet" in sentence(c.cases()[0], str)
    assert remedies(c.cases()[0], str)


def test_a_count_before_the_store_heard_of_a_stock_file_is_done_again():
    c = centre({("S001", "TEE"): 4})
    c.report("S001", f.Counted("TEE", 0, 4, share=2, pool=2), seen=0)
    assert c.stock("S001", "TEE")["suppressed"], "four on the shelf, eight in the books: nothing is promised"
    (asked,) = [one for one in c.decisions("S001") if isinstance(one, d.CountAsked)]
    assert (asked.sku, asked.reason) == ("TEE", "loaded_meanwhile")
    c.report("S001", f.Counted("TEE", 8, 4, share=4))
    assert not c.stock("S001", "TEE")["suppressed"]
    assert c.rights("S001", "TEE") == (4, 0, 0, 4, 0)
