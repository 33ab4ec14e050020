"""What shoppers bring back, and what becomes of it."""

from __future__ import annotations

from typing import Any

from tests.simulation.people.hands import Hands, Moves


class Returns(Hands):
    def bring_back(self) -> None:
        world, roll = self.world, self.world.roll
        had = [one for one in world.floor.orders.values() if one.got.total() > 0]
        box = self._box()
        if not had or not box.running:
            return
        bought = roll.choice(had)
        sku = roll.choice(sorted(sku for sku, units in bought.got.items() if units > 0))
        moves: Moves = {}
        place = self._place(box)

        def done(result: dict[str, Any]) -> None:
            moves["hold", sku] = 1
            place.desk[result["return_id"]] = (sku, 1)
            world.reached["returned"] += 1

        if roll.random() < 0.15:
            args: dict[str, Any] = {"sku": sku, "qty": 1, "reason": "no receipt", "lead": self._override(box)}
            world.do(box, world.command(box, "blind_return", args, "A", moves=moves, done=done))
            return
        # Nothing stops a shopper from coming twice, to two stores that cannot hear each other.
        args = {"order": bought.no, "sku": sku, "qty": 1, "reason": "too small", "elsewhere": True}
        world.do(box, world.command(box, "take_return", args, "A", moves=moves, done=done))

    def grade(self) -> None:
        world, roll, box = self.world, self.world.roll, self._box()
        place = self._place(box)
        if not place.desk:
            return
        name = roll.choice(sorted(place.desk))
        sku, qty = place.desk[name]
        to = roll.choice(("restock", "restock", "damaged", "destroy", "vendor"))
        moves: Moves = {}

        def done(result: dict[str, Any]) -> None:
            place.desk.pop(name, None)
            moves["hold", sku] = -qty
            if to == "restock":
                place.shelf[sku] += qty
                moves["good", sku] = qty
            elif to == "damaged":
                place.damaged[sku] += qty
                moves["damaged", sku] = qty

        args: dict[str, Any] = {"return_id": name, "qty": qty, "grade": "A", "disposition": to}
        if roll.random() < 0.5:
            args["lead"] = self._override(box)
        world.do(box, world.command(box, "grade", args, roll.choice(("B", "L")), moves=moves, done=done))
