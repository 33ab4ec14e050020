"""Goods leave, or come off the counter again: hand-overs, parcels, put back. Releases are judged here."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

from tests.simulation.box import Box
from tests.simulation.people.hands import Hands


class Leaving(Hands):
    def collect(self) -> None:
        box = self._box()
        rows = self._rows(box, "state IN ('packed', 'staged') AND kind <> 'shipment'")
        if rows and box.running:
            self._hand_over(box, self.world.roll.choice(rows))

    def again(self) -> None:
        """At the other counter somebody tries to hand over what has left already."""
        box = self._box()
        rows = self._rows(box, "released_at > 0 AND kind <> 'shipment'")
        if rows and box.running:
            row = rows[-1]
            bought = self.world.floor.orders.get(row["order_no"])
            args = {"fence": row["fence"], "code": bought.code if bought else "", "collector": "Wang"}
            self.world.do(box, self.world.command(box, "hand_over", args, "B", moves={}))

    def force(self) -> None:
        """A supervisor lets goods go that the rules hold back: not confirmed, withdrawn, expired."""
        box, world = self._box(), self.world
        rows = self._rows(
            box,
            "(state IN ('packed', 'staged') AND ownership <> 'confirmed') OR (state = 'put_back' "
            "AND released_at = 0 AND progress IN ('packed', 'staged'))",
        )
        if not rows or not box.running:
            return
        row = world.roll.choice(rows)
        if row["kind"] == "shipment":
            self._ship(box, row, forced=True)
        else:
            self._hand_over(box, row, forced=True)

    def _hand_over(self, box: Box, row: sqlite3.Row, *, forced: bool = False) -> None:
        world, roll = self.world, self.world.roll
        bought = world.floor.orders.get(row["order_no"])
        args: dict[str, Any] = {"fence": row["fence"], "collector": "Wang"}
        # A shopper without a code, whom a supervisor knows.
        codeless = row["kind"] == "pickup" and not world.calm and roll.random() < 0.06
        forced = forced or codeless
        code = bought.code if bought is not None else ""
        if row["kind"] == "pickup":
            args["code"] = "000000" if roll.random() < 0.08 and not world.calm else code
        if forced:
            args["override"] = self._override(box)
            if codeless or roll.random() < 0.5:
                args["code"] = ""
        refused: list[list[Any]] = []
        loose = self._loose(box, row["fence"])
        if roll.random() < 0.1 and len(loose) > 1 and not forced:
            number, _sku, units = loose[0]
            refused = [[number, units, "too small"]]
            args["refused"] = refused
        self._release(box, row, "hand_over", args, loose, {number for number, *_ in refused}, forced)

    def _ship(self, box: Box, row: sqlite3.Row, *, forced: bool = False) -> None:
        world = self.world
        if row["state"] == "put_back":
            return  # it is not on a manifest; only parcels that are still waiting go with the courier
        manifest = row["manifest"]
        opened = (
            manifest
            and box.db.execute(
                "SELECT 1 FROM manifest WHERE code = ? AND state = 'open'", (manifest,)
            ).fetchone()
        )
        if not opened:
            at_door = box.db.execute("SELECT code FROM manifest WHERE state = 'open' LIMIT 1").fetchone()
            if at_door is None:
                outcome = world.do(box, world.command(box, "open_manifest", {"courier": "SF"}, "A", moves={}))
                if outcome is None or not outcome.ok:
                    return
                manifest = outcome.result["manifest"]
            else:
                manifest = at_door[0]
            args: dict[str, Any] = {"manifest": manifest, "fence": row["fence"]}
            world.do(box, world.command(box, "load", args, "A", moves={}))
            return
        args = {"manifest": manifest}
        if forced:
            args["override"] = self._override(box)
        fences = [r["fence"] for r in self._rows(box, f"manifest = '{manifest}'")]
        loose = [one for fence in fences for one in self._loose(box, fence)]
        by_fence = [(fence, *one) for fence in fences for one in self._loose(box, fence)]
        if any(self._place(box).tote(fence)[n] < units for fence, n, _sku, units in by_fence):
            world.do(box, world.command(box, "unload", {"fence": row["fence"]}, "A", moves={}))
            return
        self._leave(box, "ship", args, by_fence, forced, loose)

    def _release(
        self,
        box: Box,
        row: sqlite3.Row,
        name: str,
        args: dict[str, Any],
        loose: list[tuple[int, str, int]],
        stays: set[int],
        forced: bool,
    ) -> None:
        tote = self._place(box).tote(row["fence"])
        if any(tote[number] < units for number, _sku, units in loose):
            return  # the parcel is not there: nobody hands over air
        leaving = [(row["fence"], n, sku, units) for n, sku, units in loose if n not in stays]
        self._leave(box, name, args, leaving, forced, loose)

    def _leave(
        self,
        box: Box,
        name: str,
        args: dict[str, Any],
        leaving: list[tuple[int, int, str, int]],
        forced: bool,
        loose: list[tuple[int, str, int]],
    ) -> None:
        world, moves = self.world, dict[tuple[str, str], int]()
        place = self._place(box)

        def done(result: dict[str, Any]) -> None:
            # As it stands when the answer comes: where the command was tried again, a right may be longer by
            # then, and another parcel lie on the courier's cart.
            seen = {one[0] for one in leaving}
            more = [fence for fence in result.get("fences", ()) if fence not in seen]
            loaded = [
                (fence, line["line"], line["sku"], line["released"])
                for fence in more
                for line in self._lines(box, fence)
                if line["released"]
            ]
            fences = ", ".join(map(str, [*seen, *more])) or "0"
            now = {row["fence"]: row for row in self._rows(box, f"fence IN ({fences})")}
            for fence, number, sku, was_there in [*leaving, *loaded]:
                units = min(was_there, place.tote(fence)[number])
                if not units:
                    continue  # somebody has put it back on the shelf meanwhile
                place.tote(fence)[number] -= units
                moves["good", sku] = moves.get(("good", sku), 0) - units
                row = now[fence]
                # Of a cart's parcels the override is for those that need one.
                needed = row["withdrawn"] or not row["confirmed"] or world.now >= row["owner_until"]
                self._left(box, cmd.id, row, sku, units, forced and bool(name != "ship" or needed))

        cmd = world.command(box, name, args, self._who(), moves=moves, done=done)
        world.do(box, cmd)

    def _left(self, box: Box, command: str, row: sqlite3.Row, sku: str, units: int, forced: bool) -> None:
        """Goods are out of the door. The rule about releases is judged here, by true time."""
        world = self.world
        bought = world.floor.orders.get(row["order_no"])
        if forced:
            world.reached["released by an override"] += 1
        elif row["withdrawn"]:
            world.fail("one release", f"{box.code} let {row['fo']} go after it was withdrawn")
        elif not row["confirmed"]:
            world.fail("one release", f"{box.code} let {row['fo']} go before it was confirmed")
        elif world.now >= row["owner_until"]:
            world.fail("one release", f"{box.code} let {row['fo']} go after its time")
        elif self._taken_away(row["fence"]):
            world.fail("one release", f"{box.code} let {row['fo']} go, which the centre had given up on")
        if bought is None:
            world.floor.early.setdefault(row["order_no"], Counter())[sku] += units
            return
        bought.got[sku] += units
        world.floor.left.setdefault(command, []).append((bought, sku, units))
        if forced:
            bought.forced[sku] += units
        elif bought.got[sku] - bought.forced[sku] - bought.unknown[sku] > bought.want[sku]:
            world.fail(
                "one release",
                f"{bought.no} {sku}: {bought.got[sku]} left, {bought.want[sku]} wanted,"
                f" {bought.forced[sku]} forced",
            )
        if bought.told_cancelled and not forced:
            world.reached["handed over what was told as cancelled"] += 1

    def _taken_away(self, fence: int) -> bool:
        """The centre has ended this turn and may have promised its goods to others, or paid them back."""
        if self.world.auditor.disasters:
            return False  # what a restored centre cannot know any more it cannot wait for
        row = self.world.centre.db.execute(
            "SELECT 1 FROM assignment WHERE fence = ? AND ended_at > 0 AND ended_reason <> 'done'", (fence,)
        ).fetchone()  # done: by this store's own release, which it has taken back since
        return row is not None

    def _undo_hand_over(self, box: Box, row: sqlite3.Row) -> None:
        world = self.world
        bought = world.floor.orders.get(row["order_no"])
        lines = [(li["line"], li["sku"], li["released"]) for li in self._lines(box, row["fence"])]
        if bought is None or any(bought.got[sku] < n for _, sku, n in lines):
            return
        tote, moves = self._place(box).tote(row["fence"]), dict[tuple[str, str], int]()

        def done(result: dict[str, Any]) -> None:
            for number, sku, units in lines:
                tote[number] += units
                bought.got[sku] -= units
                bought.forced[sku] = min(bought.forced[sku], bought.got[sku])
                if units:
                    moves["good", sku] = moves.get(("good", sku), 0) + units
            world.reached["hand-over undone"] += 1

        cmd = world.command(box, "undo_hand_over", {"fence": row["fence"]}, "A", moves=moves, done=done)
        world.do(box, cmd)

    def put_back(self, box: Box | None = None) -> None:
        world, box = self.world, box or self._box()
        rows = self._rows(box, "state = 'put_back'")
        if not rows or not box.running:
            return
        row = world.roll.choice(rows)
        loose = self._loose(box, row["fence"])
        if not loose:
            return
        number, sku, units = world.roll.choice(loose)
        place, tote = self._place(box), self._place(box).tote(row["fence"])
        units = min(units, tote[number])
        if units <= 0:
            return

        def done(result: dict[str, Any]) -> None:
            tote[result["line"]] -= units
            place.shelf[sku] += units
            world.reached["put back"] += 1

        args = {"fence": row["fence"], "line": number, "qty": units}
        world.do(box, world.command(box, "put_back", args, self._who(), moves={}, done=done))
