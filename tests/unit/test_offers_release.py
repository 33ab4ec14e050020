"""Goods that left: in order, by override, under an old fence, twice, against a cancellation, taken back."""

from __future__ import annotations

import pytest

from server.routing.map import map_of
from sync.wire import facts as f
from tests.kit_orders import HOUR, MINUTE, Centre, problems


@pytest.fixture
def c() -> Centre:
    centre = Centre(3)
    for store in ("S001", "S002", "S003"):
        centre.stock(store, "A", 5)
    return centre


def test_a_release_by_its_owner_ends_the_turn_and_the_order(c: Centre):
    placed = c.order(("A", 2), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    assert c.fact("S001", f.HandedOver(((1, 2),), "code"), fence=1).name == "applied"
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S001") == (3, 0, 3)
    assert c.rows("SELECT state, ended_reason FROM assignment") == [("released", "done")]
    assert c.cases() == []
    assert problems(c.tx) == []


def test_what_the_shopper_refuses_goes_back_and_nobody_brings_it_again(c: Centre):
    placed = c.order(("A", 2), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.fact("S001", f.HandedOver(((1, 1),), "code", refused=((1, 1, "too small"),)), fence=1)
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S001") == (4, 1, 3)
    assert c.one("SELECT state FROM assignment") == "put_back"
    c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.pool("S001") == (4, 0, 4)
    assert c.one("SELECT count(*) FROM fulfilment_order") == 1
    assert "refused" in c.events(placed.order_no)
    assert problems(c.tx) == []


def test_everything_refused_is_no_release(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.fact("S001", f.HandedOver((), "code", refused=((1, 1, "changed mind"),)), fence=1)
    assert c.order_state(placed.order_no) == "cancelled"
    c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.pool("S001") == (5, 0, 5)
    assert problems(c.tx) == []


def test_what_is_taken_back_is_reserved_for_its_shopper_and_pays_nobodys_debt(c: Centre):
    c.order(("A", 2), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.fact("S001", f.HandedOver(((1, 2),), "code"), fence=1)
    c.fact("S001", f.Sold("A", 4, share=0, debt=4, sale="T1/1"))  # three are there
    assert c.one("SELECT debt FROM stock WHERE store = 'S001' AND sku = 'A'") == 1
    c.fact("S001", f.HandoverUndone(((1, 2),)), fence=1)
    assert c.pool("S001") == (1, 2, 0)
    assert c.one("SELECT debt FROM stock WHERE store = 'S001' AND sku = 'A'") == 1, "the till's, as before"
    assert problems(c.tx) == []


def test_a_hand_over_taken_back_is_reserved_again_and_can_be_done_again(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.fact("S001", f.HandedOver(((1, 1),), "code"), fence=1)
    assert c.fact("S001", f.HandoverUndone(((1, 1),)), fence=1).name == "applied"
    assert c.order_state(placed.order_no) == "open"
    assert c.fo(placed.parts[0].fo) == ("owned", "S001", 1)
    assert c.pool("S001") == (5, 1, 4)
    assert problems(c.tx) == []
    c.fact("S001", f.HandedOver(((1, 1),), "code"), fence=1)
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S001") == (4, 0, 4)
    assert problems(c.tx) == []


def test_a_release_under_an_old_fence_is_kept_and_the_newer_offer_is_withdrawn(c: Centre):
    placed = c.order(("A", 1))
    c.later(30 * MINUTE)
    assert c.fo(placed.parts[0].fo) == ("offered", "S002", 2)
    c.work("S001", 1)
    verdict = c.fact("S001", f.Shipped(((1, 1),), "M", "SF", override_by="boss"), fence=1)
    assert verdict.name == "stale"
    assert c.order_state(placed.order_no) == "done"
    assert [body.reason for body in c.told("S002", "withdrawn")] == ["released_elsewhere"]
    assert (c.pool("S001"), c.pool("S002")) == ((4, 0, 4), (5, 0, 5))
    assert c.cases() == ["released_stale"]
    assert ("S001", "shipped") in c.evidence("released_stale")
    assert problems(c.tx) == []


def test_the_case_of_a_stale_release_names_the_facts_of_both_stores(c: Centre):
    """The newer store owns it and is picking: it is asked to stop, and puts back what it has."""
    placed = c.order(("A", 1))
    c.later(30 * MINUTE)
    c.work("S002", 2, "picked")
    c.work("S001", 1)
    verdict = c.fact("S001", f.Shipped(((1, 1),), "M", "SF", override_by="boss"), fence=1)
    assert verdict.case
    named = c.evidence("released_stale")
    assert named[0] == ("S001", "shipped")
    assert {store for store, _ in named} == {"S001", "S002"}
    assert c.one("SELECT remedy FROM open_case") == "contact_shopper"
    assert c.one("SELECT withdraw_requested_at FROM assignment WHERE fence = 2") == c.now
    c.fact("S002", f.WithdrawalTaken("picked", 1), fence=2)
    c.fact("S002", f.PutBack(1, 1), fence=2)
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S002") == (5, 0, 5)
    assert c.one("SELECT count(*) FROM assignment") == 2, "no third shipment"
    assert problems(c.tx) == []


@pytest.mark.parametrize("first", ["S001", "S002"])
def test_when_both_stores_ship_both_facts_stand_with_a_case_and_both_stocks_are_less(c: Centre, first: str):
    """Fault 56, whichever fact the centre hears first."""
    placed = c.order(("A", 1))
    c.later(30 * MINUTE)
    c.work("S002", 2)
    c.work("S001", 1)
    fences = {"S001": 1, "S002": 2}
    for store in (first, *(set(fences) - {first})):
        c.fact(store, f.Shipped(((1, 1),), "M", "SF", override_by="boss"), fence=fences[store])
    assert (c.pool("S001"), c.pool("S002")) == ((4, 0, 4), (4, 0, 4))
    assert "released_twice" in c.cases()
    assert {("S001", "shipped"), ("S002", "shipped")} <= set(c.evidence("released_twice"))
    assert c.order_state(placed.order_no) == "done"
    assert c.one("SELECT count(*) FROM assignment") == 2
    assert problems(c.tx) == []


def test_goods_released_after_a_cancellation_are_a_case_and_the_order_is_not_cancelled_any_more(c: Centre):
    placed = c.order(("A", 1))
    c.cancel(placed.order_no)
    assert c.order_state(placed.order_no) == "cancelled"
    c.work("S001", 1)
    assert c.fact("S001", f.Shipped(((1, 1),), "M", "SF"), fence=1).name == "stale"
    assert c.order_state(placed.order_no) == "done"
    assert c.cases() == ["released_cancelled"]
    assert c.pool("S001") == (4, 0, 4)
    assert problems(c.tx) == []


def test_an_override_by_the_owner_is_flagged_and_counts(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    verdict = c.fact("S001", f.HandedOver(((1, 1),), "override", override_by="boss"), fence=1)
    assert verdict.name == "forced"
    assert c.cases() == ["forced_release"]
    assert c.order_state(placed.order_no) == "done"


def test_a_release_without_any_acceptance_counts_and_is_a_case(c: Centre):
    placed = c.order(("A", 1))
    assert c.fact("S001", f.Shipped(((1, 1),), "M", "SF"), fence=1).name == "forced"
    assert c.cases() == ["forced_release"]
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S001") == (4, 0, 4)
    assert problems(c.tx) == []


def test_an_old_store_ships_what_was_divided_among_others_since(c: Centre):
    """S001 lapsed with 5 units; S002 and S003 have parts of them now. Neither brings them any more."""
    for store in ("S002", "S003"):
        c.tx.execute("UPDATE stock SET on_hand = 3, pool = 3 WHERE store = ?", (store,))
    for sku in "A":
        map_of(c.tx).read_again(sku)
    placed = c.order(("A", 5))
    c.later(30 * MINUTE)
    parts = c.rows("SELECT fo, state, store FROM fulfilment_order ORDER BY fo")
    assert [row[1:] for row in parts] == [("offered", "S002"), ("offered", "S003")]
    c.work("S002", 2, "accepted")
    c.work("S001", 1)
    c.fact("S001", f.Shipped(((1, 5),), "M", "SF", override_by="boss"), fence=1)
    assert problems(c.tx) == []
    c.fact("S002", f.WithdrawalTaken("accepted", 0), fence=2)
    assert c.order_state(placed.order_no) == "done"
    assert (c.pool("S002"), c.pool("S003")) == ((3, 0, 3), (3, 0, 3))
    assert c.cases() == ["released_stale"]
    assert problems(c.tx) == []


def test_a_stale_release_of_a_part_leaves_the_rest_to_be_brought(c: Centre):
    placed = c.order(("A", 3))
    c.later(30 * MINUTE)
    c.work("S001", 1)
    c.fact("S001", f.Shipped(((1, 2),), "M", "SF", override_by="boss"), fence=1)
    state, store, fence = c.fo(placed.parts[0].fo)
    assert (state, fence) == ("offered", 3)
    assert c.rows("SELECT sku, qty FROM assignment_line WHERE fence = 3") == [("A", 1)]
    c.work(store, 3)
    c.fact(store, f.Shipped(((1, 1),), "M", "SF"), fence=3)
    assert c.order_state(placed.order_no) == "done"
    assert problems(c.tx) == []


def test_a_stale_release_taken_back_at_the_counter_lets_the_order_go_on(c: Centre):
    placed = c.order(("A", 1))
    c.later(30 * MINUTE)
    c.work("S001", 1)
    c.fact("S001", f.Shipped(((1, 1),), "M", "SF", override_by="boss"), fence=1)
    c.fact("S001", f.HandoverUndone(((1, 1),)), fence=1)
    assert c.order_state(placed.order_no) == "open"
    assert c.fo(placed.parts[0].fo)[0] == "offered"
    assert c.one("SELECT state FROM assignment WHERE fence = 1") == "put_back"
    assert c.pool("S001") == (5, 1, 4)
    assert problems(c.tx) == []


def test_events_and_messages_tell_the_orders_story_once(c: Centre):
    c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.fact("S001", f.HandedOver(((1, 1),), "code"), fence=1)
    told = [row[0] for row in c.rows("SELECT kind FROM outgoing ORDER BY event_id")]
    assert told == [
        "placed",
        "offered",
        "accepted",
        "pick_started",
        "line_picked",
        "picked",
        "packed",
        "ready",
        "handed_over",
    ]


def test_facts_long_after_everything_ended_change_nobodys_rights(c: Centre):
    placed = c.order(("A", 1))
    c.later(30 * MINUTE)
    c.work("S002", 2)
    c.fact("S002", f.Shipped(((1, 1),), "M", "SF"), fence=2)
    c.later(72 * HOUR)
    assert {v.name for v in c.work("S001", 1)} == {"late"}
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S001") == (5, 1, 4)
    c.fact("S001", f.WithdrawalTaken("staged", 1), fence=1)
    c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.pool("S001") == (5, 0, 5)
    assert problems(c.tx) == []


def test_what_left_under_a_turn_lost_with_a_backup_is_brought_by_nobody_else(c: Centre):
    """S002 had the order, shipped, and the centre was put back to the day when it was offered to S001."""
    placed = c.order(("A", 2))
    gone = f.Shipped(((1, 2),), "M", "SF", goods=(("A", 2),), order=placed.order_no)
    assert c.fact("S002", gone, fence=77).name == "stale"
    assert c.order_state(placed.order_no) == "done"
    assert [one.reason for one in c.told("S001", "withdrawn")] == ["released_elsewhere"]
    assert (c.pool("S001"), c.pool("S002")) == ((5, 0, 5), (3, 0, 3))
    assert c.one("SELECT order_no FROM open_case WHERE kind = 'unknown_fence'") == placed.order_no
    assert problems(c.tx) == []


def test_what_an_owner_holds_of_it_is_asked_back_and_a_part_that_left_leaves_the_rest(c: Centre):
    placed = c.order(("A", 3))
    c.work("S001", 1, "picked")
    gone = f.Shipped(((1, 2),), "M", "SF", goods=(("A", 2),), order=placed.order_no)
    c.fact("S002", gone, fence=77)
    assert [one.reason for one in c.told("S001", "withdrawn")] == ["reassigned"]
    c.fact("S001", f.WithdrawalTaken("picked", 3), fence=1)
    assert c.order_state(placed.order_no) == "open"
    assert c.one("SELECT sum(qty) FROM assignment_line JOIN assignment USING (fence) WHERE ended_at = 0") == 1
    assert problems(c.tx) == []


def test_a_lost_hand_over_that_was_undone_is_wanted_again(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    gone = f.HandedOver(((1, 1),), "code", goods=(("A", 1),), order=placed.order_no)
    c.fact("S001", gone, fence=77)
    assert c.order_state(placed.order_no) == "done"
    back = f.HandoverUndone(((1, 1),), (("A", 1),), placed.order_no)
    assert c.fact("S001", back, fence=77).name == "stale"
    assert c.order_state(placed.order_no) == "open"
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S001")
    assert problems(c.tx) == []


def test_an_override_is_flagged_also_where_the_code_was_right(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    verdict = c.fact("S001", f.HandedOver(((1, 1),), "code", override_by="amy"), fence=1)
    assert (verdict.name, verdict.note) == ("forced", "override")
    assert (c.cases(), c.order_state(placed.order_no)) == (["forced_release"], "done")
