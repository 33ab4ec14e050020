"""Offers and picking: accept or decline, pick, short, pick back."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from tests.simulation.box import Box
from tests.simulation.chain import SKUS
from tests.simulation.people.hands import Moves
from tests.simulation.people.leaving import Leaving

REASONS = ("not_found", "damaged", "sold_to_walk_in", "display_worn", "label_mismatch")
DECLINES = ("no_time", "not_found", "damaged", "shopper_cancelled", "store_closing")


class Picking(Leaving):
    """The step after the last pick is a way out of the store."""

    def answer(self, box: Box | None = None) -> None:
        world, box = self.world, box or self._box()
        rows = self._rows(box, "state = 'offered'")
        if not rows or not box.running:
            return
        row = world.roll.choice(rows)
        if not world.calm and world.roll.random() < 0.12:
            args = {"fence": row["fence"], "reason": world.roll.choice(DECLINES)}
            world.do(box, world.command(box, "decline", args, self._who(), moves=None))
            return
        cmd = world.command(box, "accept", {"fence": row["fence"]}, self._who(), moves={})
        outcome = world.do(box, cmd)
        if outcome is not None and outcome.ok and outcome.result["provisional"]:
            world.reached["accepted with the line down"] += 1

    def work(self, box: Box | None = None) -> None:
        """The next step of one open task."""
        world, box = self.world, box or self._box()
        if not box.running:
            return
        rows = self._rows(box, "state IN ('accepted', 'picking', 'picked', 'packed', 'staged')")
        if not rows:
            self.answer(box)
            return
        row = world.roll.choice(rows)
        state = row["state"]
        if state in ("accepted", "picking"):
            self._pick(box, row)
        elif state == "picked":
            world.do(box, world.command(box, "pack", {"fence": row["fence"]}, self._who(), moves={}))
        elif state == "packed" and row["kind"] != "shipment":
            args = {"fence": row["fence"], "location": "W-1"}
            world.do(box, world.command(box, "stage", args, self._who(), moves={}))
        elif row["kind"] == "shipment":
            self._ship(box, row)
        elif row["kind"] == "same_day" or world.roll.random() < 0.35:
            self._hand_over(box, row)

    def _pick(self, box: Box, row: sqlite3.Row) -> None:
        world, roll = self.world, self.world.roll
        fence, who = row["fence"], row["picker"].rpartition("-")[2] or self._who()
        if not world.calm and roll.random() < 0.06:
            who = self._who()  # a colleague who does not know that it is taken
        if row["state"] == "accepted" and roll.random() < 0.6:
            world.do(box, world.command(box, "start_wave", {"fences": [fence]}, who, moves={}))
            return
        lines = self._lines(box, fence)
        todo = [line for line in lines if line["picked"] + line["short"] < line["qty"]]
        if not todo:
            return
        line = roll.choice(todo)
        place = self._place(box)
        left = line["qty"] - line["picked"] - line["short"]
        qty = left if roll.random() < 0.6 else 1
        in_tote = max(0, place.tote(fence)[line["line"]] - line["picked"])
        there = place.shelf[line["sku"]] + in_tote
        if there < qty:
            qty = min(qty, there)
        missed = not world.calm and roll.random() < 0.05
        if qty <= 0 or missed or world.chance(world.substitutes / 3):
            self._short(box, row, line, who)
            return
        need = max(0, qty - in_tote)
        sku, number = line["sku"], line["line"]
        # Taken from the shelf now; the command may come to the node much later.
        place.shelf[sku] -= need
        tote = place.tote(fence)

        def done(result: dict[str, Any]) -> None:
            tote[number] += need

        def refused() -> None:
            place.shelf[sku] += need

        if roll.random() < 0.3 and qty == 1:
            todo_same = [one for one in todo if one["sku"] == sku]
            if todo_same[0]["line"] == number:
                args: dict[str, Any] = {"code": sku, "fence": fence}
                world.do(box, world.command(box, "scan", args, who, moves={}, done=done, refused=refused))
                return
        args = {"fence": fence, "line": number, "qty": qty}
        world.do(box, world.command(box, "pick", args, who, moves={}, done=done, refused=refused))

    def _short(self, box: Box, row: sqlite3.Row, line: sqlite3.Row, who: str) -> None:
        world, roll = self.world, self.world.roll
        place, sku = self._place(box), line["sku"]
        left = line["qty"] - line["picked"] - line["short"]
        reason = "not_found" if place.shelf[sku] < left else roll.choice(REASONS)
        moves: Moves = {}
        args: dict[str, Any] = {"fence": row["fence"], "line": line["line"], "qty": left, "reason": reason}
        instead = ""
        if reason == "label_mismatch":
            instead = roll.choice([one for one in SKUS if one != sku])
            args["instead"] = instead
        other = self._offers_another(row, line)
        if other:
            tapped = line["substitutes"] and roll.random() < 0.5
            args |= {"chosen" if tapped else "substitute": other, "agreed_by": "Wang Li"}

        def done(result: dict[str, Any]) -> None:
            if other and row["order_no"] in world.floor.orders:
                bought = world.floor.orders[row["order_no"]]
                bought.want[other] += left
                bought.swapped += left
                world.reached["another instead"] += 1
            if reason in ("damaged", "sold_to_walk_in", "label_mismatch"):
                place.shelf[sku] -= left
                moves["good", sku] = -left
            if reason == "damaged":
                place.damaged[sku] += left
                moves["damaged", sku] = left
            if instead:
                place.shelf[instead] += left
                moves["good", instead] = left

        world.reached[f"short: {reason}"] += 1
        world.do(box, world.command(box, "short", args, who, moves=moves, done=done))

    def _offers_another(self, row: sqlite3.Row, line: sqlite3.Row) -> str:
        if not self.world.substitutes or not row["substitution"]:
            return ""
        others = [one for one in SKUS if one != line["sku"]]
        if line["substitutes"] and self.world.roll.random() < 0.8:  # else whatever is at hand
            others = json.loads(line["substitutes"])
        return self.world.roll.choice(others) if self.world.chance(self.world.substitutes) else ""

    def undo(self) -> None:
        world, box = self.world, self._box()
        if world.roll.random() < 0.5:
            rows = self._rows(box, "state IN ('picking', 'picked')")
            lines = [(r, li) for r in rows for li in self._lines(box, r["fence"]) if li["picked"] > 0]
            if not lines:
                return
            row, line = world.roll.choice(lines)
            place, tote = self._place(box), self._place(box).tote(row["fence"])
            if tote[line["line"]] < 1:
                return
            who = row["picker"].rpartition("-")[2] or "A"

            def back(result: dict[str, Any]) -> None:
                tote[line["line"]] -= 1
                place.shelf[line["sku"]] += 1

            args = {"fence": row["fence"], "line": line["line"], "qty": 1}
            world.do(box, world.command(box, "undo_pick", args, who, moves={}, done=back))
            return
        rows = self._rows(box, "released_at > 0 AND kind <> 'shipment'")
        if rows:
            self._undo_hand_over(box, rows[-1])
