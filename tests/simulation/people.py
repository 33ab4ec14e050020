"""What shoppers, staff, tills and headquarters do, one deed a step. They look at the store's pages (its
tables), at what really lies on the shelf, and then do what people do: mostly the right thing."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from server.orders.cancel import cancel
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.stock import book
from server.stock.load import load_stock
from sync.rules.refusals import Refused
from tests.simulation.box import Box
from tests.simulation.chain import BUNDLE, PARTS, PIN, SKUS
from tests.simulation.floor import Bought, Place

if TYPE_CHECKING:
    from tests.simulation.world import World

Moves = dict[tuple[str, str], int]
REASONS = ("not_found", "damaged", "sold_to_walk_in", "display_worn", "label_mismatch")
DECLINES = ("no_time", "not_found", "damaged", "shopper_cancelled", "store_closing")


class People:
    def __init__(self, world: World) -> None:
        self.world = world
        self.orders = 0

    def deed(self, name: str) -> None:
        getattr(self, name)()

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

    # -- shoppers ----------------------------------------------------------------------------------

    def order(self) -> None:
        world, roll = self.world, self.world.roll
        self.orders += 1
        kind = roll.choice(world.mix.kinds)
        names = roll.sample([*SKUS, BUNDLE], roll.choice((1, 1, 1, 2, 3)))
        lines = tuple(NewLine(name, roll.choice((1, 1, 1, 2))) for name in names)
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
            substitution=self._may_differ(kind),
        )
        self._place_order(new)

    def _may_differ(self, kind: str) -> str:
        """Whether this shopper takes another article. Asked only where histories are about that."""
        if not self.world.substitutes:
            return ""
        return self.world.roll.choice(("", "allowed", "ask" if kind == "pickup" else "allowed"))

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

    # -- offers and picking ------------------------------------------------------------------------

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
        other = self._offers_another(row, sku)
        if other:
            args |= {"substitute": other, "agreed_by": "Wang Li"}

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

    def _offers_another(self, row: sqlite3.Row, sku: str) -> str:
        if not self.world.substitutes or not row["substitution"]:
            return ""
        others = [one for one in SKUS if one != sku]
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

    # -- goods leave -------------------------------------------------------------------------------

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

    # -- tills -------------------------------------------------------------------------------------

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

    # -- the shelf ---------------------------------------------------------------------------------

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

    # -- returns -----------------------------------------------------------------------------------

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

    # -- headquarters ------------------------------------------------------------------------------

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
