"""An order moved to another store in the time that a restore of the centre lost, and that store keeps silent.

Played whole: boxes, the link, the restore. Both stores have accepted the order and packed it, the second one
was told that it is theirs, the first one would be. It may leave one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.offers.confirm import go_on_without
from server.orders.cancel import cancel
from server.orders.new import NewLine, NewOrder
from server.policy.read import set_policy
from server.stock.load import load_stock
from tests.simulation.box import Box
from tests.simulation.chain import SKUS
from tests.simulation.faults import Faults
from tests.simulation.history import _calm
from tests.simulation.mix import HOUR, MINUTE
from tests.simulation.people import People
from tests.simulation.world import World

SKU = SKUS[0]


class Story:
    """Told up to the moment when the centre is back, the first store has called and the second has not."""

    def __init__(self, *, moves: bool = True) -> None:
        """`moves`: the centre gives the order to a second store. Otherwise the first one is confirmed."""
        world = self.world = World(41_000, 3, 10, "")
        world.mix.__dict__.update(
            lose=0.0, swap=0.0, repeat=0.0, hintless=0.0, crash_box=0.0, crash_centre=0.0, no_wifi=0.0,
            repeat_command=0.0, miscount=0.0, wrong_pin=0.0, latencies=(50,),
        )  # fmt: skip
        world.mix.policies |= {"unheard_s": 24 * 3600, "hold_s": 48 * 3600, "max_attempts": 5}
        self.people, self.faults = People(world), Faults(world)
        world.centre.backups.clear()

        def stock(tx: object) -> None:
            for name, value in world.mix.policies.items():
                set_policy(world.centre.db, name, value)
            for code in world.codes:
                rows = [{"sku": SKU, "qty": 9}]
                load_stock(world.centre.db, rows, store=code, document="more", now=world.now)

        world.at_centre(stock)
        for code in world.codes:
            world.floor.stores[code].shelf[SKU] += 9
        self.wait(5 * MINUTE)
        lines = (NewLine(SKU, 1),)
        self.people._place_order(
            NewOrder(
                channel="web",
                external_id="W1",
                kind="shipment",
                lines=lines,
                lat=31.2,
                lon=121.4,
                name="Wang Li",
                phone="13800004821",
                address="1 Bund",
            )
        )
        (self.no,) = world.floor.orders
        self.first = self.holder()
        self.wait(MINUTE)
        self.faults.backup(self.first)
        if moves:
            # Nobody hears the first store: it accepts by itself, and the centre gives the order to a second.
            self.cut(self.first, 40 * MINUTE)
        self.until(self.first, "packed")
        self.wait(32 * MINUTE)
        self.second = self.holder() if moves else self.another()
        assert self.second is not self.first
        if moves:
            self.until(self.second, "packed")
            self.wait(MINUTE)
        assert self.mine(self.second if moves else self.first) == ("packed", "confirmed")
        self.cut(self.second, 90 * 24 * HOUR)
        world.auditor.max_fence += 1  # put back by the command, not by a file that was copied by hand
        self.faults.restore_centre(self.first)
        self.wait(HOUR)
        assert (self.first.end.up, self.second.end.up, world.centre.running) == (True, False, True)

    def wait(self, ms: int) -> None:
        """The world stops when a base goes out, for people to get in its way. Here nobody does."""
        until = self.world.now + ms
        while self.world.now < until and not self.world.broken:
            self.world.advance(until - self.world.now)

    def one(self, sql: str, *args: object) -> str:
        return str(self.world.centre.db.execute(sql, args).fetchone()[0])

    def holder(self) -> Box:
        return self.world.boxes[self.one("SELECT store FROM fulfilment_order")]

    def another(self) -> Box:
        return next(box for box in self.world.boxes.values() if box is not self.first)

    def state(self) -> str:
        return self.one("SELECT state FROM shop_order")

    def cases(self) -> list[str]:
        rows = self.world.centre.db.execute("SELECT kind FROM open_case WHERE state = 'open' ORDER BY kind")
        return [row[0] for row in rows]

    def mine(self, box: Box) -> tuple[str, str]:
        """How the store itself sees its newest turn."""
        return tuple(box.db.execute("SELECT state, ownership FROM assignment ORDER BY fence DESC").fetchone())

    def cut(self, box: Box, ms: int) -> None:
        box.partition_until = self.world.now + ms
        self.world.close_store_side(box, silently=True)

    def mend(self, box: Box) -> None:
        box.partition_until = 0
        box.connect_at = self.world.now
        self.wait(HOUR)

    def until(self, box: Box, state: str) -> None:
        for _ in range(40):
            if self.mine(box)[0] == state:
                return
            self.people.work(box)
        raise AssertionError(f"{box.code} never came to {state}: {self.mine(box)}")

    def try_to_ship(self, box: Box) -> int:
        """The courier is at the door; how many units the shopper gets in all after that."""
        for _ in range(3):
            self.people.work(box)
        self.wait(MINUTE)
        return self.world.floor.orders[self.no].got.total()

    def ends_well(self) -> bool:
        well = _calm(self.world, self.people)
        assert not self.world.broken, self.world.broken
        return well


@pytest.fixture
def told() -> Iterator[Story]:
    story = Story()
    yield story
    story.world.close()


def test_an_order_that_moved_in_the_lost_time_leaves_one_store_though_one_is_silent(
    told: Story,
) -> None:
    assert told.mine(told.first) == ("packed", "provisional"), "its work is kept, nobody has taken it away"
    assert told.try_to_ship(told.first) == 0, "the second store may ship it at any moment"
    assert told.try_to_ship(told.second) == 1, "and does: it was confirmed, and has no line"
    assert told.try_to_ship(told.first) == 1
    told.mend(told.second)
    assert told.mine(told.first)[0] == "put_back"
    assert told.try_to_ship(told.first) == 1
    assert told.state() == "done"
    assert "released_twice" not in told.cases()
    assert told.ends_well()


def test_who_was_confirmed_in_the_lost_time_ships_at_once_whoever_else_is_silent() -> None:
    told = Story(moves=False)
    assert told.mine(told.first) == ("packed", "confirmed")
    assert told.one("SELECT count(*) FROM unheard") == "1"
    assert told.try_to_ship(told.first) == 1
    assert told.ends_well()
    told.world.close()


def test_it_leaves_the_first_store_when_the_silent_one_is_heard_and_has_not_shipped(told: Story) -> None:
    told.mend(told.second)
    assert told.mine(told.second)[0] == "put_back", "its turn is lost: the goods go back to its shelf"
    assert told.mine(told.first) == ("packed", "confirmed")
    assert told.try_to_ship(told.second) == 0
    assert told.try_to_ship(told.first) == 1
    assert told.ends_well()
    assert told.state() == "done"


def test_a_person_goes_on_without_the_silent_store_when_it_stays_silent(told: Story) -> None:
    told.wait(22 * HOUR)
    assert told.cases() == []
    told.wait(3 * HOUR)
    assert told.cases() == ["unheard_store"]
    now = told.world.now
    told.world.at_centre(lambda tx: go_on_without(tx, told.second.code, now, person="hq"))
    told.wait(HOUR)
    assert told.mine(told.first) == ("packed", "confirmed")
    assert told.try_to_ship(told.first) == 1
    assert told.ends_well()


def test_the_shopper_is_not_told_that_it_is_cancelled_while_the_silent_store_may_ship(told: Story) -> None:
    asked = told.world.at_centre(lambda tx: cancel(tx, told.no, now=told.world.now, by="web"))
    assert getattr(asked, "state", "") == "cancel_requested"
    told.wait(HOUR)
    assert told.state() == "cancel_requested"
    assert told.try_to_ship(told.second) == 1
    told.mend(told.second)
    assert told.state() == "done"
    assert told.try_to_ship(told.first) == 1
    assert told.ends_well()
