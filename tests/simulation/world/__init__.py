"""One chain, one seed, one thread, virtual time: centre, boxes, the network between them, and what breaks.

A history is a list of numbered steps. Each step draws from its own dice (seed and number), so a step that is
left out does not move the dice of any other: that is what makes a failing history shrink.
"""

from __future__ import annotations

from server.policy.read import set_policy
from server.stock.load import load_stock
from sync.sqlite import writing
from tests.simulation.chain import SKUS, chain
from tests.simulation.floor import Floor
from tests.simulation.world.commands import Commands
from tests.simulation.world.time import Time


class World(Time, Commands):
    def __init__(
        self,
        seed: int,
        stores: int = 3,
        hours: float = 10.0,
        mood: str | None = None,
        substitutes: float = 0.0,
    ) -> None:
        made = chain(stores)
        super().__init__(seed, hours, mood, made)
        self.substitutes = substitutes
        """How often a picker who misses something offers another article, where the order lets them."""
        self.floor = Floor(made.codes, SKUS)
        self._open()

    def _open(self) -> None:
        roll, tx = self.roll, self.centre.db
        opening = {code: [(sku, roll.choice(self.mix.opening)) for sku in SKUS] for code in self.codes}

        with writing(tx):
            for name, value in self.mix.policies.items():
                set_policy(tx, name, value)
            for code, rows in opening.items():
                given = [{"sku": sku, "qty": qty} for sku, qty in rows if qty]
                load_stock(tx, given, store=code, document="opening", now=self.now)
        tx.touched.clear()
        for code, rows in opening.items():
            for sku, qty in rows:
                self.floor.stores[code].shelf[sku] += qty
        self.centre.backups.append((self.now, self.centre.image()))

    def close(self) -> None:
        self.centre.close()
        for box in self.boxes.values():
            box.close()
            for copy in box.copies:
                copy.close()
        for _, image in self.centre.backups:
            image.close()
