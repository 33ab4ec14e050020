"""Turns: in time, late, declined, short, lapsed, given back; and every fact in every state."""

from __future__ import annotations

import itertools

import pytest

from server.offers import doubt
from server.offers.confirm import go_on_without
from server.offers.sweep import extend_deadlines, next_due, sweep
from server.offers.turn import end_turn, hand_to
from server.policy.read import set_policy
from sync.rules.reasons import REASONS
from sync.rules.refusals import Refused, Why
from sync.rules.states import NEXT, OPEN, State, Step
from sync.wire import facts as f
from tests.kit_orders import HOUR, MINUTE, Centre, problems


@pytest.fixture
def c() -> Centre:
    centre = Centre(3)
    for store in ("S001", "S002", "S003"):
        centre.stock(store, "A", 5)
    return centre


# -- accepting ----------------------------------------------------------------------------------


def test_an_acceptance_in_time_is_confirmed_and_owns_for_the_hold(c: Centre):
    placed = c.order(("A", 1))
    assert c.fact("S001", f.Accepted(), fence=1).name == "applied"
    assert c.told("S001", "confirmed")[0].owner_until == c.now + 48 * HOUR
    assert c.fo(placed.parts[0].fo) == ("owned", "S001", 1)
    c.later(31 * MINUTE)
    assert c.fo(placed.parts[0].fo) == ("owned", "S001", 1)


def test_a_provisional_acceptance_that_is_back_in_time_is_confirmed(c: Centre):
    c.order(("A", 1))
    done_at = c.now + 10 * MINUTE
    c.later(29 * MINUTE)
    assert [v.name for v in c.work("S001", 1, at=done_at)] == ["applied"] * 5
    assert len(c.told("S001", "confirmed")) == 1
    assert c.one("SELECT accepted_at FROM assignment") == done_at


def test_nobody_accepts_so_at_30_minutes_it_moves_to_the_next_store_and_not_before(c: Centre):
    placed = c.order(("A", 1))
    c.later(30 * MINUTE - 1)
    assert c.fo(placed.parts[0].fo) == ("offered", "S001", 1)
    assert next_due(c.tx) == c.now + 1
    c.later(1)
    assert c.fo(placed.parts[0].fo) == ("offered", "S002", 2)
    (withdrawn,) = c.told("S001", "withdrawn")
    assert (withdrawn.reason, withdrawn.to_store) == ("lapsed", "S002")
    assert (c.pool("S001"), c.pool("S002")) == ((5, 0, 5), (5, 1, 4))
    assert problems(c.tx) == []


def test_a_late_acceptance_is_told_who_has_it_now_and_what_was_picked_goes_back(c: Centre):
    """Offline at 10 minutes, back at 50, reassigned at 30; the new store has packed (faults 54, 55)."""
    placed = c.order(("A", 2))
    c.later(30 * MINUTE)
    c.work("S002", 2, "packed")
    accepted_at = c.now
    c.later(20 * MINUTE)
    verdicts = c.work("S001", 1, "packed", at=c.now - 40 * MINUTE)
    assert {v.name for v in verdicts} == {"late"}
    last = c.told("S001", "withdrawn")[-1]
    assert (last.reason, last.to_store, last.accepted_at) == ("late", "S002", accepted_at)
    assert c.pool("S001") == (5, 2, 3), "not sellable until scanned back"
    assert c.fo(placed.parts[0].fo) == ("owned", "S002", 2)
    c.fact("S001", f.WithdrawalTaken("packed", 2), fence=1)
    c.fact("S001", f.PutBack(1, 2), fence=1)
    assert c.pool("S001") == (5, 0, 5)
    assert c.one("SELECT state FROM assignment WHERE fence = 1") == "closed"
    assert problems(c.tx) == []


def test_late_picks_reserve_no_more_than_the_pool_still_has(c: Centre):
    c.order(("A", 4))
    c.later(30 * MINUTE)
    c.order(("A", 3))  # S001 has 5 again, 3 of them are promised now
    verdicts = [c.fact("S001", f.Accepted(True), fence=1), c.fact("S001", f.Picked(1, 4), fence=1)]
    assert {v.name for v in verdicts} == {"late"}
    assert c.pool("S001") == (5, 5, 0)
    c.fact("S001", f.PickUndone(1, 4), fence=1)
    assert c.pool("S001") == (5, 3, 2)
    assert problems(c.tx) == []


@pytest.mark.parametrize("order", ["accept first", "sweep first"])
def test_of_acceptance_and_lapse_in_the_same_millisecond_exactly_one_wins(c: Centre, order: str):
    placed = c.order(("A", 1))
    c.now += 30 * MINUTE
    if order == "accept first":
        assert c.fact("S001", f.Accepted(), fence=1).name == "applied"
        sweep(c.tx, c.now)
        assert c.fo(placed.parts[0].fo) == ("owned", "S001", 1)
    else:
        sweep(c.tx, c.now)
        assert c.fact("S001", f.Accepted(), fence=1).name == "late"
        assert c.fo(placed.parts[0].fo) == ("offered", "S002", 2)
    assert sum(c.pool(store)[1] for store in ("S001", "S002", "S003")) == 1


def test_a_store_that_let_it_lapse_or_declined_is_not_asked_again_for_this_order(c: Centre):
    placed = c.order(("A", 1))
    c.later(30 * MINUTE)
    c.fact("S002", f.Declined("no_time"), fence=2)
    assert c.fo(placed.parts[0].fo)[1] == "S003"
    c.later(30 * MINUTE)
    assert c.fo(placed.parts[0].fo)[0] == "waiting"
    assert c.cases() == ["unroutable"]
    assert c.order(("A", 1)).parts[0].store == "S001"  # other orders go there all the same


# -- declining and shorting ------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [r for r in REASONS if REASONS[r].for_decline])
def test_a_decline_does_what_its_reason_says(c: Centre, reason: str):
    placed = c.order(("A", 1))
    other = c.order(("A", 1))
    assert c.fact("S001", f.Declined(reason, sku="A"), fence=1).name == "applied"
    rule = REASONS[reason]
    suppressed = bool(c.one("SELECT suppressed FROM stock WHERE store = 'S001'"))
    assert suppressed == rule.suppresses_sku
    left_out = c.one("SELECT until FROM left_out WHERE store = 'S001' AND sku = 'A'")
    assert left_out == (c.now + rule.leaves_store_out_h * HOUR if rule.leaves_store_out_h else None)
    assert bool(c.one("SELECT paused FROM store WHERE code = 'S001'")) == rule.pauses_store
    assert c.fo(other.parts[0].fo)[1] == ("S002" if rule.pauses_store else "S001")
    if reason == "shopper_cancelled":
        assert c.order_state(placed.order_no) == "cancelled"
    else:
        assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S002")
    assert problems(c.tx) == []


@pytest.mark.parametrize("reason", [r for r in REASONS if REASONS[r].for_short])
def test_a_short_does_what_its_reason_says_and_the_missing_units_go_elsewhere(c: Centre, reason: str):
    c.stock("S001", "B", 0)
    placed = c.order(("A", 3))
    waiting = c.order(("A", 1))
    c.work("S001", 1, "accepted")
    body = f.Shorted(1, 1, reason, instead="B" if reason == "label_mismatch" else "")
    assert c.fact("S001", body, fence=1).name == "applied"
    on_hand, reserved, pool = c.pool("S001")
    gone = reason in ("damaged", "sold_to_walk_in", "label_mismatch")
    kept_offer = 0 if reason in ("not_found", "sold_to_walk_in") else 1
    assert (on_hand, reserved) == (5 - gone, 2 + kept_offer)
    assert pool == on_hand - reserved
    assert c.one("SELECT damaged FROM stock WHERE store = 'S001' AND sku = 'A'") == (reason == "damaged")
    if reason == "label_mismatch":
        assert c.pool("S001", "B") == (1, 0, 1)
    parts = c.rows(
        "SELECT fo, state, store FROM fulfilment_order WHERE order_no = ? ORDER BY fo", placed.order_no
    )
    if reason == "shopper_cancelled":
        assert len(parts) == 1
    else:
        assert parts[1][1:] == ("offered", "S002")
    assert c.fo(waiting.parts[0].fo)[1] == ("S001" if kept_offer else "S002")
    assert bool(c.one("SELECT suppressed FROM stock WHERE store = 'S001' AND sku = 'A'")) == (
        REASONS[reason].suppresses_sku
    )
    assert problems(c.tx) == []


def test_everything_short_ends_the_turn_and_the_order_goes_on_elsewhere(c: Centre):
    placed = c.order(("A", 2))
    c.work("S001", 1, "accepted")
    c.fact("S001", f.Shorted(1, 2, "not_found"), fence=1)
    assert c.fo(placed.parts[0].fo)[0] == "cancelled"
    assert c.rows("SELECT state, ended_reason FROM assignment WHERE fence = 1") == [("closed", "short")]
    assert c.fo(f"{placed.order_no}-2")[:2] == ("offered", "S002")
    c.work("S002", 2)
    c.fact("S002", f.Shipped(((1, 2),), "M", "SF"), fence=2)
    assert c.order_state(placed.order_no) == "done"
    assert problems(c.tx) == []


def test_a_short_pickup_stays_with_what_there_is_and_a_person_decides_about_the_rest(c: Centre):
    placed = c.order(("A", 3), kind="pickup", pickup_store="S001")
    c.work("S001", 1, "accepted")
    c.fact("S001", f.Shorted(1, 1, "damaged"), fence=1)
    assert c.fo(f"{placed.order_no}-2")[0] == "person"
    assert c.cases() == ["pickup_stuck"]
    c.fact("S001", f.Picked(1, 2), fence=1)
    assert c.one("SELECT state FROM assignment WHERE fence = 1") == "picked"
    set_policy(c.tx, "may_move_km", 20)
    other = c.order(("A", 3), kind="pickup", pickup_store="S002")
    c.work("S002", 2, "accepted")
    c.fact("S002", f.Shorted(1, 1, "damaged"), fence=2)
    # S001 is nearer, but found its own broken a moment ago and is left out for a day.
    assert c.fo(f"{other.order_no}-2")[:2] == ("offered", "S003"), "policy lets the shopper go there"
    assert "moved" in c.events(other.order_no)
    assert problems(c.tx) == []


def test_a_person_chooses_a_store_for_what_is_stuck(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.fact("S001", f.Declined("no_time"), fence=1)
    fo = placed.parts[0].fo
    assert c.fo(fo)[0] == "person"
    with pytest.raises(Refused) as told:
        hand_to(c.tx, fo, "S999", c.now, person="rm")
    assert told.value.refusal.reason is Why.UNKNOWN_STORE
    assert hand_to(c.tx, fo, "S003", c.now, person="rm") == 2
    assert c.cases() == []
    assert problems(c.tx) == []


# -- deadlines --------------------------------------------------------------------------------------


def test_after_an_outage_of_the_centre_no_offer_is_taken_away_for_it():
    """500 open offers, 45 minutes without a centre (fault 60)."""
    c = Centre(2)
    c.stock("S001", "A", 500)
    c.stock("S002", "A", 500)
    for _ in range(500):
        c.order(("A", 1))
    c.later(1000)
    started = c.now
    c.tx.execute("UPDATE meta SET value = ? WHERE key = 'last_seen_at'", (str(started),))
    from server.offers import sweep as module

    module._AWAKE.discard(c.tx)  # the process is a new one
    c.later(45 * MINUTE)
    assert c.one("SELECT count(*) FROM assignment WHERE ended_at > 0") == 0
    assert c.one("SELECT min(accept_by) FROM assignment") == started - 1000 + 75 * MINUTE
    assert len(c.told("S001", "extended")) == 500
    assert c.later(31 * MINUTE) > 0
    assert c.one("SELECT count(*) FROM assignment WHERE ended_reason = 'lapsed'") > 0


def test_an_offer_made_after_the_outage_is_not_extended(c: Centre):
    c.order(("A", 1))
    c.now += HOUR
    c.order(("A", 1))
    assert extend_deadlines(c.tx, c.now - 45 * MINUTE, c.now) == 1


def test_a_dead_region_is_moved_on_a_few_at_a_time_and_every_offer_keeps_a_true_deadline():
    """80 offers lapse at once (fault 61)."""
    c = Centre(2)
    c.stock("S001", "A", 100)
    c.stock("S002", "A", 100)
    set_policy(c.tx, "region_reassign_per_min", 30)
    for _ in range(80):
        c.order(("A", 1))
    c.later(30 * MINUTE)
    assert c.one("SELECT count(*) FROM assignment WHERE ended_reason = 'lapsed'") == 30
    assert c.one("SELECT count(*) FROM assignment WHERE ended_at = 0 AND accept_by <= ?", c.now) == 0
    assert len(c.told("S001", "extended")) == 50
    c.later(MINUTE)
    assert c.one("SELECT count(*) FROM assignment WHERE ended_reason = 'lapsed'") == 60
    c.later(MINUTE)
    assert c.one("SELECT count(*) FROM assignment WHERE ended_reason = 'lapsed'") == 80


def test_after_as_many_turns_as_policy_allows_a_person_decides():
    c = Centre(8)
    for n in range(1, 9):
        c.stock(f"S{n:03d}", "A", 5)
    set_policy(c.tx, "max_attempts", 3)
    placed = c.order(("A", 1))
    for _ in range(3):
        c.later(31 * MINUTE)
    assert c.fo(placed.parts[0].fo) == ("person", "", 0)
    assert c.cases() == ["too_many_attempts"]
    c.later(5 * HOUR)
    assert c.one("SELECT count(*) FROM assignment") == 3


def test_policy_may_differ_by_channel_and_kind_of_order(c: Centre):
    set_policy(c.tx, "accept_s", 600, channel="express", kind="same_day")
    set_policy(c.tx, "accept_s", 900, kind="same_day")
    fast = c.order(("A", 1), kind="same_day", channel="express")
    other = c.order(("A", 1), kind="same_day")
    plain = c.order(("A", 1))
    spans = [one.parts[0].accept_by - c.now for one in (fast, other, plain)]
    assert spans == [10 * MINUTE, 15 * MINUTE, 30 * MINUTE]
    with pytest.raises(KeyError):
        set_policy(c.tx, "acept_s", 1)


def test_an_offer_to_a_closed_store_waits_for_its_doors():
    c = Centre(0)
    c.store("S001", opening_hours='{"mon": ["10:00", "22:00"]}')
    c.stock("S001", "A", 1)
    from server.routing.map import map_of

    opens = map_of(c.tx).stores["S001"].hours.opens_at(c.now)
    assert opens > c.now
    assert c.order(("A", 1)).parts[0].accept_by == opens + 30 * MINUTE


def test_a_pickup_that_is_not_collected_within_its_hold_goes_back(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.later(20 * MINUTE)
    c.work("S001", 1)
    until = c.told("S001", "confirmed")[0].owner_until
    assert c.one("SELECT owner_until FROM assignment") == until == c.now + 48 * HOUR
    c.later(48 * HOUR - 1)
    assert c.order_state(placed.order_no) == "open"
    c.later(1)
    assert c.order_state(placed.order_no) == "cancelled"
    assert "no_show" in c.events(placed.order_no)
    assert c.pool("S001") == (5, 1, 4), "on the waiting shelf until it is scanned back"
    c.fact("S001", f.HoldExpired("staged", 1), fence=1)
    c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.pool("S001") == (5, 0, 5)
    assert problems(c.tx) == []


def test_the_hold_is_counted_from_when_the_shopper_was_told(c: Centre):
    c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1, "packed")
    c.later(5 * HOUR)
    c.fact("S001", f.Staged("K1"), fence=1)
    assert c.told("S001", "extended")[0].owner_until == c.now + 48 * HOUR
    c.fact("S001", f.Staged("K2"), fence=1)
    assert len(c.told("S001", "extended")) == 1, "moved to another shelf, no second hold"


def test_the_stores_own_clock_may_end_the_hold_first(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.later(47 * HOUR)
    assert c.fact("S001", f.HoldExpired("staged", 1), fence=1).name == "applied"
    assert c.order_state(placed.order_no) == "cancelled"
    assert problems(c.tx) == []


def test_a_unit_that_is_told_of_twice_by_an_older_copy_is_one_unit(c: Centre):
    c.order(("A", 1))
    c.work("S001", 1, "picked")
    c.fact("S001", f.Picked(1, 1), fence=1)
    assert c.rows("SELECT picked, reserved FROM assignment_line") == [(1, 1)]
    c.fact("S001", f.Packed((f.Parcel("P", ((1, 1),)),)), fence=1)
    c.later(48 * HOUR)
    c.later(5 * HOUR)
    assert c.one("SELECT state FROM assignment WHERE fence = 1") == "put_back"
    for _ in range(2):
        c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.rows("SELECT picked, put_back, reserved FROM assignment_line WHERE fence = 1") == [(1, 1, 0)]
    assert problems(c.tx) == []


def line(c: Centre, store: str, *, heard_at: int, unsent: int = 0, closed_at: int = 0) -> None:
    c.tx.execute(
        "INSERT INTO store_session (store, number, heard_at, unsent, closed_at) VALUES (?1, 1, ?2, ?3, ?4)"
        " ON CONFLICT (store) DO UPDATE SET heard_at = ?2, unsent = ?3, closed_at = ?4",
        (store, heard_at, unsent, closed_at),
    )


def test_a_hold_is_not_over_while_the_store_may_have_handed_over_in_time_and_not_told_it(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    line(c, "S001", heard_at=c.now)  # the line counts as up; it died without a word
    c.later(48 * HOUR + 10 * MINUTE)
    assert c.order_state(placed.order_no) == "open"
    line(c, "S001", heard_at=c.now, unsent=3)  # it is back, and begins with what was done without it
    c.later(1)
    assert c.order_state(placed.order_no) == "open"
    line(c, "S001", heard_at=c.now, unsent=2, closed_at=c.now)
    c.later(MINUTE)
    assert c.order_state(placed.order_no) == "open", "it went down again before it had told everything"
    verdict = c.fact("S001", f.HandedOver(c.everything(1), "code", "Wang"), fence=1, at=c.now - HOUR)
    assert (verdict.name, c.order_state(placed.order_no), c.cases()) == ("applied", "done", [])
    assert problems(c.tx) == []


def test_a_hold_is_over_when_the_store_was_heard_after_it_and_has_nothing_more_to_tell(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    until = c.told("S001", "confirmed")[0].owner_until
    c.now = until + 59_999
    line(c, "S001", heard_at=c.now)
    c.later(HOUR)
    assert c.order_state(placed.order_no) == "open", "what it sent in time may have been under way"
    line(c, "S001", heard_at=until + 60_000)
    c.later(0)
    assert c.order_state(placed.order_no) == "cancelled"


def test_a_person_asks_a_store_that_never_tells_the_rest(c: Centre):
    c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.now = c.told("S001", "confirmed")[0].owner_until + 5 * MINUTE
    line(c, "S001", heard_at=c.now, unsent=1, closed_at=c.now)
    c.later(24 * HOUR)
    assert c.cases() == ["store_silent"]


def put_back(c: Centre, *stores: str) -> None:
    """This centre was put back from a backup a minute from now, and these stores have called before."""
    for store in stores:
        line(c, store, heard_at=c.now, closed_at=c.now)
    c.now += MINUTE
    doubt.begin(c.tx, c.now)


def test_after_a_restore_no_offer_moves_on_before_its_store_has_told_what_was_lost(c: Centre):
    """The acceptance, and the hand-over, may be among the facts that the backup does not hold."""
    placed = c.order(("A", 1))
    put_back(c, "S001")
    c.later(2 * HOUR)
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S001")
    later = c.order(("A", 1))
    c.later(31 * MINUTE)
    assert c.fo(later.parts[0].fo)[1] == "S002", "what was offered since moves on as always"
    c.work("S001", 1)
    assert c.fo(placed.parts[0].fo)[:2] == ("owned", "S001")
    assert problems(c.tx) == []


@pytest.mark.parametrize("left", [True, False])
def test_after_a_restore_a_cancellation_waits_for_the_store_that_may_have_accepted(c: Centre, left: bool):
    placed = c.order(("A", 1))
    put_back(c, "S001")
    c.now += MINUTE
    assert c.cancel(placed.order_no).state == "cancel_requested", "the parcel may be with the courier"
    if left:
        c.fact("S001", f.Accepted(), fence=1)
        c.fact("S001", f.Shipped(((1, 1),), "M1", "SF"), fence=1)
    else:
        c.fact("S001", f.WithdrawalTaken("offered"), fence=1)
    doubt.heard(c.tx, "S001", c.now)
    assert c.fo(placed.parts[0].fo)[0] == ("released" if left else "cancelled")
    c.later(0)
    assert c.order_state(placed.order_no) == ("done" if left else "cancelled")
    assert problems(c.tx) == []
    later = c.order(("A", 1))
    assert c.cancel(later.order_no).state == "cancelled", "what was offered since is in no doubt"


def test_after_a_restore_a_person_asks_the_store_that_stays_silent_and_one_that_had_nothing_to_tell_lapses(
    c: Centre,
):
    placed = c.order(("A", 1))
    put_back(c, "S001")
    c.later(14 * MINUTE)
    assert c.cases() == []
    c.later(17 * MINUTE)
    assert c.cases() == ["unheard_store"]
    doubt.heard(c.tx, "S001", c.now)
    assert c.rows("SELECT state, outcome FROM open_case") == [("closed", "heard")]
    c.later(1000)
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S002")


def test_after_a_restore_a_person_goes_on_without_a_store_and_its_offers_lapse(c: Centre):
    placed = c.order(("A", 1))
    put_back(c, "S001")
    c.later(25 * HOUR)
    assert go_on_without(c.tx, "S001", c.now, person="hq")
    assert c.rows("SELECT state, closed_by, outcome FROM open_case") == [("closed", "hq", "went_without")]
    c.later(0)
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S002")


def test_going_on_without_a_store_ends_a_cancellation_that_waited_for_it(c: Centre):
    placed = c.order(("A", 1))
    put_back(c, "S001")
    assert c.cancel(placed.order_no).state == "cancel_requested"
    c.later(25 * HOUR)
    assert go_on_without(c.tx, "S001", c.now, person="hq")
    c.later(0)
    assert c.order_state(placed.order_no) == "cancelled"
    assert problems(c.tx) == []


# -- an order that moved in the time that a restore lost; tests/simulation/test_lost_turn.py plays it whole --


def test_after_a_restore_an_acceptance_gives_no_right_to_release_before_every_other_store_was_heard(
    c: Centre,
):
    placed = c.order(("A", 1))
    put_back(c, "S001", "S002", "S003")
    c.work("S001", 1, "packed")
    assert c.rows("SELECT state, ownership, owner_until FROM assignment") == [("packed", "provisional", 0)]
    assert (c.told("S001", "confirmed"), c.fo(placed.parts[0].fo)[0]) == ([], "offered")
    doubt.heard(c.tx, "S001", c.now)
    doubt.heard(c.tx, "S003", c.now)
    c.later(5 * HOUR)
    assert c.told("S001", "confirmed") == [], "S002 may be shipping it"
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S001"), (
        "and it is not taken from who accepted it in time"
    )
    doubt.heard(c.tx, "S002", c.now)
    assert next_due(c.tx) == 0
    c.later(0)
    assert c.told("S001", "confirmed")[0].owner_until == c.now + 48 * HOUR
    assert c.fo(placed.parts[0].fo)[0] == "owned"
    assert problems(c.tx) == []


def test_what_a_silent_store_shipped_in_the_lost_time_is_shipped_by_nobody_else(c: Centre):
    placed = c.order(("A", 1))
    put_back(c, "S001", "S002")
    c.work("S001", 1, "packed")
    doubt.heard(c.tx, "S001", c.now)
    lost = f.Shipped(((1, 1),), "M1", "SF", order=placed.order_no, goods=(("A", 1),))
    assert c.fact("S002", lost, fence=99).name == "stale"
    doubt.heard(c.tx, "S002", c.now)
    c.later(0)
    assert c.told("S001", "confirmed") == []
    assert [one.reason for one in c.told("S001", "withdrawn")] == ["released_elsewhere"]
    c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.order_state(placed.order_no) == "done"
    assert problems(c.tx) == []


def test_after_a_restore_orders_placed_since_are_confirmed_at_once(c: Centre):
    put_back(c, "S001", "S002")
    c.order(("A", 1))
    c.work("S001", 1)
    assert c.one("SELECT ownership FROM assignment") == "confirmed"


def test_who_is_the_only_silent_store_is_confirmed_itself_because_nobody_else_could_have_it(c: Centre):
    c.order(("A", 1))
    put_back(c, "S001")
    c.work("S001", 1)
    assert c.one("SELECT ownership FROM assignment") == "confirmed"


def test_what_left_by_right_in_the_lost_time_is_no_case_though_another_store_is_silent(c: Centre):
    placed = c.order(("A", 1))
    put_back(c, "S001", "S002")
    c.work("S001", 1, "packed")
    assert c.fact("S001", f.Shipped(((1, 1),), "M1", "SF"), fence=1).name == "applied"
    assert (c.cases(), c.fo(placed.parts[0].fo)[0]) == ([], "released")


@pytest.mark.parametrize("word", ["in time", "too old", "of a box that was put back"])
def test_what_was_confirmed_in_the_lost_time_is_confirmed_again_though_others_are_silent(
    c: Centre, word: str
):
    c.order(("A", 1))
    put_back(c, "S001", "S002")
    c.tx.execute("INSERT INTO meta (key, value) VALUES ('restored_at', ?)", (str(c.now),))
    opened_at = c.now + (1 if word == "of a box that was put back" else -HOUR)
    c.tx.execute("INSERT INTO replica (store, incarnation, opened_at) VALUES ('S001', 'I1', ?)", (opened_at,))
    c.later(MINUTE)
    c.work("S001", 1)
    until = c.now + (-2 * MINUTE if word == "too old" else HOUR)
    assert c.fact("S001", f.OwnedBefore(until), fence=1).name == "applied"
    assert len(c.told("S001", "confirmed")) == (word == "in time")
    assert problems(c.tx) == []


def test_a_pickup_that_waits_for_a_silent_store_is_called_ready_when_it_is_sure(c: Centre):
    c.order(("A", 1), kind="pickup", pickup_store="S001")
    put_back(c, "S001", "S002")
    c.work("S001", 1)
    assert c.one("SELECT count(*) FROM event WHERE kind = 'ready'") == 0
    c.later(HOUR)
    doubt.heard(c.tx, "S002", c.now)
    c.later(0)
    assert c.one("SELECT count(*) FROM event WHERE kind = 'ready'") == 1
    assert c.one("SELECT owner_until FROM assignment") == c.now + 48 * HOUR


@pytest.mark.parametrize("left", [True, False])
def test_after_a_restore_no_order_is_called_cancelled_while_a_silent_store_may_hand_it_over(
    c: Centre, left: bool
):
    placed = c.order(("A", 1))
    put_back(c, "S001", "S002")
    doubt.heard(c.tx, "S001", c.now)
    assert c.cancel(placed.order_no).state == "cancel_requested"
    assert c.pool("S001") == (5, 0, 5), "nothing is kept back for it"
    again = c.cancel(placed.order_no)
    assert (again.state, again.waiting_for) == ("cancel_requested", ("S002",))
    c.later(HOUR)
    if left:
        c.fact("S002", f.HandedOver(((1, 1),), "code", order=placed.order_no, goods=(("A", 1),)), fence=99)
    doubt.heard(c.tx, "S002", c.now)
    c.later(0)
    assert c.order_state(placed.order_no) == ("done" if left else "cancelled")
    assert c.rows("SELECT released, cancelled FROM fulfilment_line") == [(1, 0) if left else (0, 1)]
    assert next_due(c.tx) != 0
    assert problems(c.tx) == []


def test_a_person_is_asked_once_for_each_store_for_which_others_wait_and_only_then(c: Centre):
    put_back(c, "S001", "S002", "S003")
    c.later(25 * HOUR)
    assert c.cases() == [], "nothing waits"
    c.now -= 26 * HOUR
    c.order(("A", 1))
    c.now += 26 * HOUR
    c.work("S001", 1)
    c.later(MINUTE)
    c.later(MINUTE)
    assert c.rows("SELECT kind, store FROM open_case ORDER BY store") == [
        ("unheard_store", "S002"), ("unheard_store", "S003"),
    ]  # fmt: skip
    go_on_without(c.tx, "S002", c.now, person="hq")
    c.later(MINUTE)
    assert c.told("S001", "confirmed") == []
    c.tx.execute("UPDATE store SET active = 0 WHERE code = 'S003'")
    c.later(MINUTE)
    c.later(0)
    assert len(c.told("S001", "confirmed")) == 1, "a store that is closed for good is waited for no more"


def test_started_work_is_given_longer_before_the_stores_own_clock_ends_it(c: Centre):
    c.order(("A", 1))
    c.work("S001", 1, "packed")
    until = c.told("S001", "confirmed")[0].owner_until
    line(c, "S001", heard_at=c.now)
    c.now = until - 5 * MINUTE
    c.later(0)
    c.later(1000)
    assert [one.owner_until for one in c.told("S001", "extended")] == [until + 4 * HOUR], "once"


def test_started_shipments_are_left_with_their_store_as_long_as_policy_says(c: Centre):
    placed = c.order(("A", 1))
    idle = c.order(("A", 1))
    c.work("S001", 1, "packed")
    c.work("S001", 2, "accepted")
    c.later(48 * HOUR)
    assert c.fo(placed.parts[0].fo)[:2] == ("owned", "S001")
    assert c.told("S001", "extended")[0].owner_until == c.now + 4 * HOUR
    assert c.fo(idle.parts[0].fo)[:2] == ("offered", "S002")
    c.later(4 * HOUR)
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S002")
    assert problems(c.tx) == []


def test_a_debt_breaks_an_offer_and_routes_it_again(c: Centre):
    placed = c.order(("A", 5))
    c.fact("S001", f.Sold("A", 1, share=0, debt=1, sale="T1"))
    state, store, _ = c.fo(placed.parts[0].fo)
    assert (state, store) == ("offered", "S002")
    assert c.one("SELECT debt FROM stock WHERE store = 'S001'") == 0
    assert problems(c.tx) == []


def test_ending_a_turn_of_an_owner_asks_and_does_not_take(c: Centre):
    placed = c.order(("A", 1))
    c.work("S001", 1, "accepted")
    assert end_turn(c.tx, 1, "reassigned", c.now) == 0
    assert c.fo(placed.parts[0].fo) == ("owned", "S001", 1)
    assert c.pool("S002") == (5, 0, 5)
    c.fact("S001", f.WithdrawalTaken("accepted", 0), fence=1)
    assert c.fo(placed.parts[0].fo) == ("offered", "S002", 2)
    assert problems(c.tx) == []


# -- every fact in every state ------------------------------------------------------------------------

BODIES: dict[str, tuple[f.Body, Step | None]] = {
    "accepted": (f.Accepted(), Step.ACCEPT),
    "declined": (f.Declined("no_time"), Step.DECLINE),
    "pick_started": (f.PickStarted(), Step.START),
    "picked": (f.Picked(1, 1), Step.PICK),
    "pick_undone": (f.PickUndone(1, 1), Step.UNDO_PICK),
    "shorted": (f.Shorted(1, 1, "damaged"), Step.SHORT),
    "packed": (f.Packed((f.Parcel("P", ((1, 2),)),)), Step.PACK),
    "staged": (f.Staged("K"), Step.STAGE),
    "handed_over": (f.HandedOver(((1, 2),), "code"), Step.RELEASE),
    "shipped": (f.Shipped(((1, 2),), "M", "SF"), Step.RELEASE),
    "handover_undone": (f.HandoverUndone(((1, 2),)), Step.UNDO_RELEASE),
    "put_back": (f.PutBack(1, 1), None),
    "withdrawal_taken": (f.WithdrawalTaken("x", 0), None),
    "hold_expired": (f.HoldExpired("x", 0), None),
    "owned_before": (f.OwnedBefore(0), None),
}


BOOKED_ANYHOW = ("put_back", "withdrawal_taken", "hold_expired", "owned_before")


def brought_to(state: State, over: str) -> Centre:
    """Fence 1 at S001 in this state; `over`: no, asked back, ended, or ended and with another store."""
    c = Centre(3)
    for store in ("S001", "S002", "S003"):
        c.stock(store, "A", 5)
    placed = c.order(("A", 2), kind="pickup" if over == "cancelled" else "shipment", pickup_store="S001")
    if state is not State.OFFERED:
        c.fact("S001", f.Accepted(), fence=1)
    if state in (State.PICKING, State.PICKED, State.PACKED, State.STAGED, State.RELEASED):
        c.fact("S001", f.Picked(1, 1), fence=1)
    if state in (State.PICKED, State.PACKED, State.STAGED, State.RELEASED):
        c.fact("S001", f.Picked(1, 1), fence=1)
    if state in (State.PACKED, State.STAGED, State.RELEASED):
        c.fact("S001", f.Packed((f.Parcel("P", ((1, 2),)),)), fence=1)
    if state in (State.STAGED, State.RELEASED):
        c.fact("S001", f.Staged("K"), fence=1)
    if state is State.RELEASED:
        c.fact("S001", f.Shipped(((1, 2),), "M", "SF"), fence=1)
    if over == "asked":
        end_turn(c.tx, 1, "reassigned", c.now)
    elif over == "cancelled":
        c.cancel(placed.order_no)
    elif over == "moved":
        end_turn(c.tx, 1, "reassigned", c.now)
        if c.one("SELECT ended_at FROM assignment WHERE fence = 1") == 0:
            c.fact("S001", f.WithdrawalTaken(str(state), 0), fence=1)
    return c


@pytest.mark.parametrize("over", ["no", "asked", "cancelled", "moved"])
@pytest.mark.parametrize("state", [*sorted(OPEN), State.RELEASED])
def test_every_fact_has_its_effect_in_every_state_and_the_rules_hold(state: State, over: str):
    for kind, (body, step) in BODIES.items():
        c = brought_to(state, over)
        before = c.one("SELECT state FROM assignment WHERE fence = 1")
        current = over == "no" and state is not State.RELEASED
        verdict = c.fact("S001", body, fence=1)
        minted = kind == "handover_undone" and state is not State.RELEASED
        assert verdict.name in (("parked",) if minted else ("applied", "late", "stale", "forced")), verdict
        said = (kind, str(state), over, verdict)
        assert problems(c.tx) == [], said
        if current and step is not None and (State(before), step) in NEXT and kind != "declined":
            after = c.one("SELECT state FROM assignment WHERE fence = 1")
            wanted = {str(NEXT[State(before), step])}
            if kind in ("picked", "shorted"):
                wanted.add("picked")  # the last unit
            if kind in ("handed_over", "shipped") or step is Step.SHORT:
                wanted |= {"released", "put_back"}
            assert after in wanted, said
        if over == "moved" and state is not State.RELEASED:
            assert verdict.name != "applied" or kind in BOOKED_ANYHOW, said


def test_two_facts_after_another_never_break_the_rules_either():
    for (_, (first, _a)), (_, (second, _b)) in itertools.product(BODIES.items(), repeat=2):
        for over in ("no", "moved"):
            c = brought_to(State.PICKING, over)
            c.fact("S001", first, fence=1)
            c.fact("S001", second, fence=1)
            assert problems(c.tx) == [], (first, second, over)
