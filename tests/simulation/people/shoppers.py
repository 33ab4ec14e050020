"""Shoppers and their channels: orders, orders sent twice, second thoughts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from server.orders.cancel import cancel
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from sync.rules.refusals import Refused
from tests.simulation.chain import BUNDLE, PARTS, SKUS
from tests.simulation.floor import Bought
from tests.simulation.people.hands import Hands

if TYPE_CHECKING:
    from tests.simulation.world import World


class Shoppers(Hands):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.orders = 0

    def order(self) -> None:
        world, roll = self.world, self.world.roll
        self.orders += 1
        kind = roll.choice(world.mix.kinds)
        names = roll.sample([*SKUS, BUNDLE], roll.choice((1, 1, 1, 2, 3)))
        lines = tuple(NewLine(name, roll.choice((1, 1, 1, 2))) for name in names)
        mode = self._may_differ(kind)
        if mode and roll.random() < 0.5:
            lines = tuple(msgspec.structs.replace(one, substitutes=self._listed(one.sku)) for one in lines)
        new = NewOrder(
            channel="web",
            external_id=f"W{world.step_no}",
            kind=kind,
            lines=lines,
            pickup_store=world.somewhere().code if kind == "pickup" else "",
            lat=roll.choice((31.2, 30.2, 32.0)),
            lon=roll.choice((121.4, 120.1, 118.8)),
            name="Wang Li",
            phone="13800004821",
            address="1 Bund" if kind != "pickup" else "",
            substitution=mode,
        )
        self._place_order(new)

    def _may_differ(self, kind: str) -> str:
        """Whether this shopper takes another article. Asked only where histories are about that."""
        if not self.world.substitutes:
            return ""
        return self.world.roll.choice(("", "allowed", "ask" if kind == "pickup" else "allowed"))

    def _listed(self, name: str) -> tuple[str, ...]:
        """What this shopper takes instead of one article; for a bundle nothing can be listed."""
        others = [one for one in SKUS if one != name]
        return () if name == BUNDLE else tuple(self.world.roll.sample(others, self.world.roll.choice((1, 2))))

    def repeat_order(self) -> None:
        """A channel that had no answer sends again what it sent."""
        unanswered = self.world.floor.unanswered
        if unanswered:
            self._place_order(unanswered.pop(0))

    def _place_order(self, new: Any) -> None:
        world = self.world
        placed = world.at_centre(lambda tx: place(tx, new, now=world.now, dice=world.roll.randbytes))
        if placed is None:
            if len(world.floor.unanswered) < 5:
                world.floor.unanswered.append(new)
            return
        want: Counter[str] = Counter()
        for line in new.lines:
            for sku, each in PARTS.get(line.sku, ((line.sku, 1),)):
                want[sku] += each * line.qty
        if world.chance(world.mix.repeat_command) and len(world.floor.unanswered) < 5:
            world.floor.unanswered.append(new)  # it is placed, and its channel does not know
        if placed.order_no in world.floor.orders:
            world.reached["order sent twice"] += 1
        world.floor.orders.setdefault(
            placed.order_no, Bought(placed.order_no, new.external_id, new.kind, want, placed.pickup_code)
        )
        world.floor.orders[placed.order_no].got += world.floor.early.pop(placed.order_no, Counter())
        world.note(f"order {placed.order_no} {new.kind} {new.pickup_store} {dict(want)}")

    def cancel(self) -> None:
        world = self.world
        open_ones = [
            one for one in world.floor.orders.values() if not one.told_cancelled and not one.got.total()
        ]
        if not open_ones:
            return
        bought = world.roll.choice(open_ones)

        def job(tx: Any) -> Any:
            try:
                return cancel(tx, bought.no, now=world.now, by="web")
            except Refused:
                assert world.auditor.disasters, "an order that was placed is not known"
                return None

        answer = world.at_centre(job)
        if answer is not None:
            bought.told_cancelled = answer.state == "cancelled"
            world.reached[f"cancel answered {answer.state}"] += 1
            world.note(f"cancel {bought.no}: {answer.state}")
