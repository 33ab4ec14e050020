"""Headquarters and the store lead: loads, grants, questions, a store that pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.stock import book
from server.stock.load import load_stock
from tests.simulation.chain import SKUS
from tests.simulation.people.hands import Hands


class Headquarters(Hands):
    def pause(self) -> None:
        box = self._box()
        paused = box.db.execute("SELECT value FROM meta WHERE key = 'pause'").fetchone()
        args = {"paused": not (paused and paused[0]), "reason": "stock-taking"}
        self.world.do(box, self.world.command(box, "pause", args, "L", moves={}))

    def load(self) -> None:
        """HQ says that goods came (and they did), or takes some off the books (and they are taken away)."""
        world, roll, box = self.world, self.world.roll, self._box()
        place, sku, qty = self._place(box), roll.choice(SKUS), roll.choice((1, 2, 3, -1))
        if place.shelf[sku] + qty < 0:
            return
        document = f"HQ{world.step_no}"
        rows = [{"sku": sku, "qty": qty}]
        if world.at_centre(
            lambda tx: load_stock(tx, rows, store=box.code, document=document, now=world.now) or True
        ):
            place.shelf[sku] += qty
            world.note(f"HQ loads {qty} {sku} at {box.code}")

    def grant(self) -> None:
        self._rights(lambda tx, code, sku: book.grant(tx, code, sku, 1, now=self.world.now))

    def ask(self) -> None:
        self._rights(lambda tx, code, sku: book.ask(tx, code, sku, 1, now=self.world.now))

    def _rights(self, act: Callable[[Any, str, str], int]) -> None:
        code, sku = self.world.roll.choice(self.world.codes), self.world.roll.choice(SKUS)
        self.world.at_centre(lambda tx: act(tx, code, sku))
