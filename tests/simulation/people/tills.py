"""Tills: they sell what lies there, whatever the node says, and take it back."""

from __future__ import annotations

from typing import Any

from tests.simulation.box import Box
from tests.simulation.chain import SKUS
from tests.simulation.floor import Place
from tests.simulation.people.hands import Hands, Moves


class Tills(Hands):
    def sell(self) -> None:
        world, roll, box = self.world, self.world.roll, self._box()
        place, sku, qty = self._place(box), roll.choice(SKUS), roll.choice((1, 1, 1, 2))
        if place.sales and roll.random() < 0.12:
            self._till_return(box)
            return
        if place.sales and roll.random() < 0.08:
            # The till lost its answer and asks under another id: the number of the sale says that it is one.
            sale, sku, qty = place.sales[-1]
            args: dict[str, Any] = {"sale": sale, "rows": [[sku, qty]], "insist": True}
            outcome = world.do(
                box, world.command(box, "till_sale", args, "till", moves={} if not box.disturbed else None)
            )
            if outcome is not None and outcome.ok:
                world.reached["sale told twice"] += 1
            return
        if place.shelf[sku] < qty or not box.running:
            return
        args = {"sale": f"T{world.step_no}", "rows": [[sku, qty]]}
        outcome = self._sell(box, place, args, sku, qty)
        if outcome is not None and not outcome.ok and roll.random() < world.mix.insist:
            self._sell(box, place, {**args, "insist": True}, sku, qty)

    def _sell(self, box: Box, place: Place, args: dict[str, Any], sku: str, qty: int) -> Any:
        world, moves = self.world, dict[tuple[str, str], int]()
        place.shelf[sku] -= qty

        def done(result: dict[str, Any]) -> None:
            moves["good", sku] = -qty
            place.sales.append((args["sale"], sku, qty))
            if result["debt"]:
                world.reached["sold beyond the share"] += 1

        def refused() -> None:
            place.shelf[sku] += qty

        cmd = world.command(box, "till_sale", args, "till", moves=moves, done=done, refused=refused)
        return world.do(box, cmd)

    def _till_return(self, box: Box) -> None:
        world, place = self.world, self._place(box)
        sale, sku, qty = place.sales.pop(world.roll.randrange(len(place.sales)))
        moves: Moves = {}

        def done(result: dict[str, Any]) -> None:
            moves["hold", sku] = qty
            place.desk[result["return_id"]] = (sku, qty)

        args = {"sale": sale, "sku": sku, "qty": qty}
        world.do(box, world.command(box, "till_return", args, "till", moves=moves, done=done))
