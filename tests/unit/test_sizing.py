"""Shares sized unit by unit: the closed form is the handing out, hysteresis holds still."""

from __future__ import annotations

import math
import random

import pytest

from sync.rules import sizing
from sync.rules.rights import Rights, givable, grantable, promise, settle
from sync.rules.sizing import Need
from sync.rules.stock import Move, half_target


def handed_out(free: int, need: Need) -> int:
    """The definition: one unit at a time to the side that values its next one more, the till at a tie."""
    share = pool = 0
    till, online = sizing.chance_of_more(need.till), sizing.chance_of_more(need.online)
    for _ in range(free):
        if need.favour * till ** (share + 1) >= online ** (pool + 1):
            share += 1
        else:
            pool += 1
    return share


def test_the_closed_form_hands_out_exactly_as_one_unit_at_a_time():
    dice = random.Random(3)
    for _ in range(2_000):
        need = Need(10 ** dice.uniform(-3, 1.5), 10 ** dice.uniform(-3, 1.5), dice.choice((1.0, 2.0, 20.0)))
        free = dice.randrange(0, 40)
        assert sizing.share_of(free, need) == handed_out(free, need), (free, need)


def test_where_nobody_is_known_to_want_more_it_is_half_and_the_odd_unit_is_the_tills():
    for free in range(-2, 20):
        assert sizing.share_of(free, Need(0, 0, favour=1.0)) == half_target(free)
        assert sizing.target(free, None) == half_target(free)


def test_the_last_unit_belongs_to_whoever_is_likelier_to_want_it():
    assert sizing.share_of(1, Need(till=0.4, online=0.1)) == 1
    assert sizing.share_of(1, Need(till=0.1, online=0.4)) == 0
    assert sizing.share_of(10, Need(till=3.0, online=0.05)) > sizing.share_of(10, Need(till=0.05, online=3.0))


def test_the_share_grows_with_demand_and_with_stock_and_never_passes_what_is_free():
    dice = random.Random(4)
    for _ in range(500):
        free, need = dice.randrange(0, 30), Need(dice.uniform(0, 5), dice.uniform(0, 5))
        share = sizing.share_of(free, need)
        assert 0 <= share <= max(free, 0)
        assert sizing.share_of(free, Need(need.till * 2, need.online)) >= share
        assert share <= sizing.share_of(free + 1, need) <= share + 1


def test_outages_four_times_longer_or_shorter_than_thought_move_few_units():
    for free in range(1, 12):
        right = sizing.share_of(free, Need(0.3, 0.1))
        for wrong in (0.25, 4.0):
            assert abs(sizing.share_of(free, Need(0.3 * wrong, 0.1 * wrong)) - right) <= 1


def test_a_split_that_is_nearly_right_is_left_alone_and_a_wrong_one_is_mended_at_once():
    near = Need(0.30, 0.29, favour=1.0)
    assert sizing.share_of(4, near) == 2
    assert sizing.change(4, 1, near) != 0
    assert sizing.change(1, 0, near) == 0, "one unit, nearly the same use on both sides: not worth a message"
    assert sizing.change(6, 0, Need(2.0, 0.01)) == sizing.share_of(6, Need(2.0, 0.01))
    assert sizing.change(6, 6, Need(0.01, 2.0)) == sizing.share_of(6, Need(0.01, 2.0)) - 6


def test_units_that_hardly_anybody_asks_for_stay_where_they_are():
    assert sizing.share_of(1, Need(0.0001, 0.004)) == 0
    assert sizing.change(1, 1, Need(0.0001, 0.004)) == 0, "one outage in 250 would want it in the pool"
    assert sizing.change(1, 1, Need(0.0001, 0.4)) == -1


def test_after_a_change_there_is_nothing_left_to_change():
    dice = random.Random(5)
    for _ in range(500):
        free, need = dice.randrange(0, 25), Need(dice.uniform(0, 3), dice.uniform(0, 3))
        share = dice.randrange(0, free + 1)
        change = sizing.change(free, share, need)
        assert 0 <= share + change <= free
        assert not change or sizing.change(free, share + change, need) == 0


def test_where_a_till_may_insist_more_of_the_stock_is_its_own():
    polite, insisting = Need(3.0, 3.0), Need(3.0, 3.0, sizing.FAVOUR_WARN)
    shares = [(sizing.share_of(n, polite), sizing.share_of(n, insisting)) for n in range(20)]
    assert all(more >= less for less, more in shares)
    assert sum(more for _, more in shares) > sum(less for less, _ in shares)


def test_a_shipment_counts_for_a_store_only_as_far_as_nobody_else_can_send_it():
    assert sizing.online_need(0.1, 0.5, elsewhere=0) == pytest.approx(0.6)
    assert sizing.online_need(0.1, 0.5, elsewhere=20) == pytest.approx(0.1, abs=1e-6)
    assert sizing.online_need(0.1, 0.0, elsewhere=0) == 0.1


def test_a_rate_counts_days_in_stock_only_and_leans_on_what_is_known_while_it_knows_little():
    assert sizing.rate(14, 28, prior=9.0, weight=0) == 0.5
    assert sizing.rate(0, 0, prior=0.3, weight=28) == 0.3
    assert 0.3 < sizing.rate(7, 7, prior=0.3, weight=28) < 1.0


def test_a_store_without_outages_is_thought_usual_and_one_with_many_is_what_it_is():
    assert sizing.outage_hours(0, 0) == sizing.USUAL_OUTAGE_H
    assert sizing.outage_hours(800, 100) == pytest.approx(8, rel=0.05)


def test_an_outage_is_worth_the_hours_it_is_likely_to_cover():
    flat = sizing.hours_worth(sizing.EVEN_HOURS, 5, 6.0)
    assert flat == pytest.approx(6 / 24)
    day = tuple(1 / 10 if 9 <= hour < 19 else 0.0 for hour in range(24))
    assert sizing.hours_worth(day, 9, 2.0) > 3 * sizing.hours_worth(day, 20, 2.0)
    by_minutes = sum(
        math.exp(-minute / 60 / 3.0) * day[(9 + minute // 60) % 24] / 60 for minute in range(60 * 24 * 10)
    )
    assert sizing.hours_worth(day, 9, 3.0) == pytest.approx(by_minutes, rel=0.01)


def test_what_an_outage_in_trading_hours_is_worth_is_the_mean_over_those_hours():
    dice = random.Random(8)
    for mean_h in (0.1, 2.0, 30.0):
        day = tuple(dice.random() if 8 <= hour < 20 else 0.0 for hour in range(24))
        by_hour = sum(part * sizing.hours_worth(day, hour, mean_h) for hour, part in enumerate(day)) / sum(
            day
        )
        assert sizing.usual_worth(day, mean_h) == pytest.approx(by_hour)
    assert sizing.usual_worth((0.0,) * 24, 6.0) == pytest.approx(6 / 24)


def test_a_need_is_news_only_where_a_store_would_split_a_few_units_otherwise():
    told = Need(0.5, 0.2)
    assert not sizing.is_news(told, Need(0.55, 0.22))
    assert not sizing.is_news(told, Need(1.0, 0.4)), "twice as much of both is split alike"
    assert sizing.is_news(told, Need(0.2, 0.5))
    assert sizing.is_news(None, Need(3.0, 0.01)), "half and half would not do"
    assert not sizing.is_news(None, Need(0.3, 0.3))


def test_rights_always_add_up_whatever_is_reported():
    dice = random.Random(6)
    rights = Rights()
    for _ in range(5_000):
        on_hand, share, debt = dice.randrange(-3, 5), dice.randrange(-3, 3), dice.randrange(-2, 3)
        move = Move("A", on_hand=on_hand, share=share, debt=debt)
        rights = settle(rights, move, reserved=dice.randrange(-2, 3)).rights
        assert rights.on_hand + rights.debt == rights.reserved + rights.share + rights.pool
        assert min(rights.reserved, rights.share, rights.pool) >= 0
        promised = promise(rights, 1)
        assert (promised is None) == (rights.pool < 1)
        rights = promised or rights
        assert 0 <= grantable(rights, dice.randrange(-2, 9)) <= rights.pool
        assert 0 <= givable(rights.share, dice.randrange(-2, 9)) <= rights.share


def test_what_an_outage_is_worth_does_not_follow_the_clock_and_lies_between_its_hours():
    day = tuple(1 / 10 if 9 <= hour < 19 else 0.0 for hour in range(24))
    by_hour = [sizing.hours_worth(day, hour, 2.0) for hour in range(9, 19)]
    assert min(by_hour) < sizing.usual_worth(day, 2.0) < max(by_hour)
    assert sizing.usual_worth(tuple([0.0] * 24), 6.0) == pytest.approx(6 / 24)
