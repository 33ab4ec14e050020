"""The centre's clock: whatever somebody does to the machine's, no deadline moves by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from server.app import _take_step
from server.clock import SteadyClock
from sync.link.clock import DRIFT_PER_MILLE, LinkClock, Reading
from sync.wire import facts as f
from tests.kit_orders import HOUR, MINUTE, NINE, Centre


class Machine:
    """A machine's two clocks, in nanoseconds."""

    def __init__(self) -> None:
        self.wall, self.own = NINE * 1_000_000, 5_000_000_000
        self.clock = SteadyClock(lambda: self.wall, lambda: self.own)

    def passes(self, ms: int) -> int:
        self.wall += ms * 1_000_000
        self.own += ms * 1_000_000
        return self.clock()

    def is_set(self, ms: int) -> None:
        self.wall += ms * 1_000_000


def test_a_wall_clock_that_is_set_back_is_waited_for() -> None:
    machine = Machine()
    machine.is_set(-HOUR)
    times = [machine.passes(MINUTE) for _ in range(60)]
    assert times == sorted(times)
    assert 0 <= NINE + HOUR - times[-1] <= HOUR // 1000, "an hour is an hour"
    assert machine.clock.ahead() == 0


def test_a_small_difference_is_made_up_slower_than_stores_allow_for() -> None:
    machine = Machine()
    store = LinkClock()
    store.heard(0, Reading(0, 0), machine.clock())
    machine.is_set(20_000)
    for minute in range(1, 12 * 60):
        now = machine.passes(MINUTE)
        bounds = store.moment(Reading(minute * MINUTE, minute * MINUTE))
        assert bounds.earliest <= now <= bounds.latest
    assert now > NINE + 12 * HOUR - MINUTE + 19_000, "made up in the end"
    assert DRIFT_PER_MILLE == 1


class OneWriter:
    def __init__(self, centre: Centre) -> None:
        self.centre = centre

    async def do(self, job: Callable[[Any], Any]) -> Any:
        return job(self.centre.tx)


def test_a_wall_clock_that_is_set_forward_ends_no_offer_and_no_hold() -> None:
    """Faults 49 and 65."""
    machine, c = Machine(), Centre(2)
    c.stock("S001", "A", 5)
    c.now = machine.clock()
    c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    machine.passes(10 * MINUTE)
    machine.is_set(72 * HOUR)
    assert machine.clock.ahead() == 72 * HOUR
    asyncio.run(_take_step(OneWriter(c), machine.clock, told_s=0))  # type: ignore[arg-type]  # stands for the writer
    assert machine.clock.ahead() == 0
    c.now = machine.passes(1000)
    assert c.now == NINE + 72 * HOUR + 10 * MINUTE + 1000
    c.later(0)
    assert c.one("SELECT count(*) FROM assignment WHERE ended_at > 0") == 0
    c.now = machine.passes(20 * MINUTE)
    c.later(0)
    assert c.rows("SELECT fence, ended_reason FROM assignment WHERE ended_at > 0") == [(2, "lapsed")]
    assert c.fact("S001", f.HandedOver(c.everything(1), "code"), fence=1).name == "applied"
