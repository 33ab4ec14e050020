"""The shelf: counts, deliveries, transfers, corrections."""

from __future__ import annotations

from typing import Any

from tests.simulation.chain import SKUS
from tests.simulation.people.hands import Hands, Moves


class Shelf(Hands):
    def count(self) -> None:
        world, roll, box = self.world, self.world.roll, self._box()
        tasks = box.db.execute("SELECT sku FROM task WHERE state = 'open' AND kind = 'count'").fetchall()
        sku = tasks[0][0] if tasks and roll.random() < 0.8 else roll.choice(SKUS)
        found = max(0, self._place(box).shelf[sku])
        if roll.random() < world.mix.miscount:
            found = max(0, found + roll.choice((-1, 1)))
            world.reached["miscounted"] += 1
        world.do(box, world.command(box, "count", {"sku": sku, "found": found}, self._who(), moves=None))

    def receive(self) -> None:
        world, roll, box = self.world, self.world.roll, self._box()
        floor, place = world.floor, self._place(box)
        coming = [one for one in floor.trucks if one[1] == box.code]
        if coming and roll.random() < 0.8:
            truck = coming[0]
            floor.trucks.remove(truck)
            document, _, sku, qty = truck
            if roll.random() < 0.1:
                qty += 1  # the driver brings one that is not on the paper
        else:
            document, sku, qty = f"D{world.step_no}", roll.choice(SKUS), roll.choice((1, 2, 4))
        place.shelf[sku] += qty
        moves: Moves = {}

        def done(result: dict[str, Any]) -> None:
            moves["good", sku] = qty

        args = {"code": sku, "qty": qty, "document": document}
        world.do(box, world.command(box, "receive", args, self._who(), moves=moves, done=done))

    def transfer(self) -> None:
        world, roll, box = self.world, self.world.roll, self._box()
        place, sku = self._place(box), roll.choice(SKUS)
        others = [code for code in world.codes if code != box.code]
        if place.shelf[sku] < 1 or not others:
            return
        to = roll.choice(others)
        place.shelf[sku] -= 1
        moves: Moves = {}

        def done(result: dict[str, Any]) -> None:
            moves["good", sku] = -1
            world.floor.trucks.append((result["transfer"], to, sku, 1))
            world.reached["sent to another store"] += 1

        def refused() -> None:
            place.shelf[sku] += 1

        args = {"to": to, "rows": [[sku, 1]]}
        cmd = world.command(box, "send_transfer", args, "L", moves=moves, done=done, refused=refused)
        world.do(box, cmd)

    def adjust(self) -> None:
        world, roll, box = self.world, self.world.roll, self._box()
        place, sku, qty = self._place(box), roll.choice(SKUS), roll.choice((1, 1, 2))
        if place.shelf[sku] < qty:
            return
        place.shelf[sku] -= qty
        moves: Moves = {}

        def done(result: dict[str, Any]) -> None:
            place.damaged[sku] += qty
            moves["good", sku], moves["damaged", sku] = -qty, qty

        def refused() -> None:
            place.shelf[sku] += qty

        args = {"sku": sku, "qty": qty, "reason": "wet", "to": "damaged"}
        cmd = world.command(box, "adjust", args, "L", moves=moves, done=done, refused=refused)
        world.do(box, cmd)

    def read_scan(self) -> None:
        """Somebody scans something and wants to know what it is."""
        box = self._box()
        args = {"code": self.world.roll.choice((*SKUS, "NOTHING"))}
        self.world.do(box, self.world.command(box, "scan", args, "A", moves={}))
