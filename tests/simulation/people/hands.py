"""What everybody in a store has: eyes for its tables and its shelf, a name, a colleague who may override."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tests.simulation.box import Box
from tests.simulation.chain import PIN
from tests.simulation.floor import Place

if TYPE_CHECKING:
    from tests.simulation.world import World

Moves = dict[tuple[str, str], int]


class Hands:
    def __init__(self, world: World) -> None:
        self.world = world

    # -- who and where -----------------------------------------------------------------------------

    def _box(self) -> Box:
        return self.world.somewhere()

    def _place(self, box: Box) -> Place:
        return self.world.floor.stores[box.code]

    def _who(self) -> str:
        return self.world.roll.choice(("A", "B", "B", "L"))

    def _lead(self) -> dict[str, str]:
        world = self.world
        wrong = world.roll.random() < world.mix.wrong_pin
        return {"pin": "1111" if wrong else PIN, "reason": "the shopper is here"}

    def _override(self, box: Box) -> dict[str, str]:
        return {"person": f"{box.code}-L", **self._lead()}

    # -- looking -----------------------------------------------------------------------------------

    def _rows(self, box: Box, where: str) -> list[sqlite3.Row]:
        return box.db.execute(f"SELECT * FROM assignment WHERE {where} ORDER BY fence").fetchall()

    def _lines(self, box: Box, fence: int) -> list[sqlite3.Row]:
        return box.db.execute(
            "SELECT * FROM assignment_line WHERE fence = ? ORDER BY line", (fence,)
        ).fetchall()

    def _loose(self, box: Box, fence: int) -> list[tuple[int, str, int]]:
        return [
            (line["line"], line["sku"], line["picked"] - line["released"] - line["put_back"])
            for line in self._lines(box, fence)
            if line["picked"] > line["released"] + line["put_back"]
        ]
