"""The parts of a replay that are not the product: reading, cutting, chance, virtual time, lines."""

from __future__ import annotations

import pytest

from server.replay.baskets import LONGEST, demand
from server.replay.clock import Clock
from server.replay.dice import Chance
from server.replay.line import Line
from server.replay.lines import Line as Row
from server.replay.outages import Outages
from server.replay.places import Weighted, read_cities

HOUR = 3_600_000
NOON = 1_314_700_000_000


def row(
    invoice: str, sku: str, *, qty: int = 4, kind: str = "sale", customer: str = "1", at: int = NOON
) -> Row:
    return Row(invoice, at, sku, f"Thing {sku}", qty, 125, customer, "United Kingdom", kind)


def long_invoice(invoice: str, lines: int) -> list[Row]:
    return [row(invoice, f"{10000 + number}") for number in range(lines)]


def test_an_invoice_is_cut_into_baskets_of_one_to_six_lines_and_nothing_is_lost() -> None:
    found = demand(long_invoice("500001", 57), Chance(1))
    sizes = [len(basket.rows) for basket in found.baskets]
    assert min(sizes) >= 1
    assert max(sizes) <= LONGEST
    assert sum(sizes) == 57


def test_a_line_is_one_unit_unless_more_are_asked_for() -> None:
    assert demand(long_invoice("1", 9), Chance(1)).units["10003"] == 1
    assert demand(long_invoice("1", 9), Chance(1), most_units=3).units["10003"] == 3


def test_a_repeated_line_of_one_basket_is_one_row() -> None:
    found = demand([row("1", "10001"), row("1", "10001")], Chance(3), most_units=12)
    assert sum(qty for basket in found.baskets for _, qty, _ in basket.rows) == 8
    for basket in found.baskets:
        skus = [sku for sku, _, _ in basket.rows]
        assert len(skus) == len(set(skus))


def test_a_days_batch_becomes_small_orders_over_the_hours_before() -> None:
    lines = [*long_invoice("1", 60), row("1", "DOT", kind="fee", customer="")]
    found = demand(lines, Chance(1))
    assert max(len(basket.rows) for basket in found.baskets) <= LONGEST // 2
    assert all(NOON - 8 * HOUR <= basket.at <= NOON for basket in found.baskets)
    assert found.fees == 1


def test_ways_have_their_shares() -> None:
    lines = [row(str(500_000 + number), "10001") for number in range(4000)]
    ways = [basket.way for basket in demand(lines, Chance(1)).baskets]
    assert ways.count("till") / len(ways) == pytest.approx(0.6, abs=0.03)
    assert ways.count("pickup") / len(ways) == pytest.approx(0.2, abs=0.03)
    assert ways.count("same_day") > 0


def test_cancellations_come_back_and_adjustments_correct_the_shelf() -> None:
    found = demand(
        [
            row("1", "10001"),
            row("C2", "10001", qty=-6, kind="cancellation"),
            row("3", "10002", qty=-9, kind="adjustment"),
        ],
        Chance(1),
    )
    assert [(back.sku, back.qty) for back in found.comebacks] == [("10001", 1)]
    assert [(shrink.sku, shrink.qty) for shrink in found.shrinks] == [("10002", -3)]


def test_a_basket_is_the_same_whatever_else_is_in_the_file() -> None:
    alone = demand(long_invoice("7", 20), Chance(5)).baskets
    among = demand([*long_invoice("6", 33), *long_invoice("7", 20)], Chance(5)).baskets
    assert [b for b in among if b.name.startswith("7-")] == alone


def test_virtual_time_does_deeds_in_order_and_never_goes_back() -> None:
    clock, done = Clock(100), []
    clock.at(300, lambda: done.append(("late", clock.now)))
    clock.at(50, lambda: done.append(("past", clock.now)))
    clock.at(200, lambda: clock.after(0, lambda: done.append(("then", clock.now))))
    while clock.step():
        pass
    assert done == [("past", 100), ("then", 200), ("late", 300)]


def a_line(clock: Clock) -> tuple[Line, list[bytes]]:
    heard: list[bytes] = []
    line = Line(clock, 50, heard.extend, heard.extend)
    line.restore()
    return line, heard


def test_a_line_keeps_the_order_and_takes_its_time() -> None:
    clock = Clock(0)
    line, heard = a_line(clock)
    line.send("up", [b"1", b"2"])
    line.send("up", [b"3"])
    assert heard == []
    while clock.step():
        pass
    assert (heard, clock.now) == ([b"1", b"2", b"3"], 50)


def test_what_is_under_way_when_a_line_is_cut_is_lost_even_if_it_comes_back_at_once() -> None:
    clock = Clock(0)
    line, heard = a_line(clock)
    line.send("up", [b"1"])
    line.cut()
    line.restore()
    line.send("up", [b"2"])
    while clock.step():
        pass
    assert heard == [b"2"]
    assert line.lost == 1


def test_a_dying_line_breaks_under_its_next_frame() -> None:
    clock = Clock(0)
    line, heard = a_line(clock)
    line.die_soon(line.cut)
    line.send("down", [b"1"])
    while clock.step():
        pass
    assert heard == []
    assert not line.up


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_lines_are_down_for_the_share_that_was_asked_for(share: float) -> None:
    clock = Clock(0)
    down: dict[str, int] = {}
    total = 0

    def restore(store: str) -> None:
        nonlocal total
        total += clock.now - down.pop(store)

    outages = Outages(
        clock, Chance(1), share, 2 * HOUR, lambda store: down.update({store: clock.now}), restore
    )
    for number in range(50):
        outages.begin(f"S{number}")
    while clock.next_at is not None and clock.next_at < 1000 * HOUR:
        clock.step()
    total += sum(clock.now - since for since in down.values())
    assert total / (50 * clock.now) == pytest.approx(share, rel=0.1)


def test_weights_are_drawn_in_proportion() -> None:
    weighted = Weighted([3.0, 1.0])
    assert [weighted.index(draw) for draw in (0.0, 0.74, 0.76, 0.999)] == [0, 0, 1, 1]
    assert read_cities(None)[0].name == "London"
