"""What the people of one store do, and when.

They act through commands only, as the pages do, and look at the replica as a page
would show it. A refusal is part of the play: they read it and do the sensible thing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from server.replay.clock import Clock
from server.replay.dice import Chance
from server.replay.habits import DAY, HOUR, MINUTE, Habits
from server.replay.lines import SHOP_TIME
from server.replay.shop import PIN, Deed, Shop
from server.replay.witness import Bought, Witness
from sync.replica import read
from sync.wire.decisions import Decision, body_of

DECLINES = (("no_time", 0.5), ("not_found", 0.8), ("display_worn", 0.9), ("damaged", 1.0))


class Staff:
    def __init__(
        self,
        shop: Shop,
        clock: Clock,
        chance: Chance,
        habits: Habits,
        witness: Witness,
        ean: dict[str, str],
        was_told: Callable[[str, int], bool],
    ) -> None:
        self.shop = shop
        self.missing: dict[str, int] = {}
        """Units that the books have and the shelf does not: what a count will find."""
        self._clock = clock
        self._chance = chance
        self._habits = habits
        self._witness = witness
        self._ean = ean
        self._was_told = was_told
        shop.news = self.hears

    # -- when -------------------------------------------------------------------------------

    def _soon(self, wait_ms: float, deed: Any, *args: Any) -> None:
        self._clock.at(self._in_hours(self._clock.now + wait_ms), lambda: deed(*args))

    def _in_hours(self, when: float) -> float:
        """Work that falls into the night waits for the morning, spread over its first half hour."""
        local = datetime.fromtimestamp(when / 1000, SHOP_TIME)
        opens, closes = self._habits.opens_at_hour, self._habits.closes_at_hour
        if opens <= local.hour < closes:
            return when
        morning = local.replace(hour=opens, minute=0, second=0, microsecond=0).timestamp() * 1000
        if local.hour >= closes:
            morning += DAY
        return morning + self._chance.share("morning", self.shop.code, int(when)) * 30 * MINUTE

    def every_day(self, hour: float, deed: Any) -> None:
        """From now on, each day at this hour of local time."""
        local = datetime.fromtimestamp(self._clock.now / 1000, SHOP_TIME)
        first = local.replace(hour=int(hour), minute=int(hour % 1 * 60), second=0, microsecond=0)
        at = first.timestamp() * 1000
        if at <= self._clock.now:
            at += DAY

        def again() -> None:
            deed()
            self._clock.after(DAY, again)

        self._clock.at(at, again)

    # -- what the centre says ---------------------------------------------------------------

    def hears(self, decision: Decision) -> None:
        fence = decision.fence
        if decision.kind == "offered":
            if self._chance.share("never sees", fence) < self._habits.never_sees:
                self._witness.counts["offers nobody looked at"] += 1
                return
            self._soon(self._chance.around(self._habits.sees_offer, 0.7, "sees", fence), self.answer, fence)
        elif decision.kind == "withdrawn":
            self._soon(self._chance.around(self._habits.puts_back, 0.5, "back", fence), self.put_back, fence)
        elif decision.kind == "confirmed":
            body = body_of(decision)
            until = getattr(body, "owner_until", 0)
            if until:
                self._clock.at(until + 5_000, self.look_at_holds)
        elif decision.kind == "count_asked":
            body = body_of(decision)
            sku = getattr(body, "sku", "")
            self._soon(
                self._chance.around(self._habits.counts, 0.5, "count", sku, decision.at), self.count, sku
            )

    # -- offers and picking -----------------------------------------------------------------

    def _row(self, fence: int) -> sqlite3.Row | None:
        return read.assignment(self.shop.db, fence)

    def answer(self, fence: int) -> None:
        row = self._row(fence)
        if row is None or row["state"] != "offered":
            return
        if self._chance.share("declines", fence) < self._habits.declines:
            draw = self._chance.share("why", fence)
            reason = next(code for code, upto in DECLINES if draw < upto)
            self.shop.do("decline", {"fence": fence, "reason": reason})
            return
        if self.shop.do("accept", {"fence": fence}).ok:
            self._soon(self._chance.around(self._habits.starts_pick, 0.6, "pick", fence), self.pick, fence)

    def pick(self, fence: int) -> None:
        row = self._row(fence)
        if row is None or row["state"] not in ("accepted", "picking"):
            return
        started = self.shop.do("start_wave", {"fences": [fence]})
        if not started.ok:
            return
        deeds: list[Deed] = []
        for line in read.lines(self.shop.db, fence):
            deeds += self._line_deeds(fence, line)
        outcomes = self.shop.all(deeds)
        for deed, outcome in zip(deeds, outcomes, strict=True):
            if deed.name == "short" and outcome.ok and deed.args["reason"] == "not_found":
                sku = next(
                    r["sku"] for r in read.lines(self.shop.db, fence) if r["line"] == deed.args["line"]
                )
                self.missing[sku] = self.missing.get(sku, 0) + 1
                self._soon(self._chance.around(self._habits.counts, 0.5, "own", fence, sku), self.count, sku)
        wait = self._habits.per_line * max(1, len(deeds)) + self._habits.packs
        self._clock.after(wait, lambda: self.pack(fence))

    def _line_deeds(self, fence: int, line: sqlite3.Row) -> list[Deed]:
        sku, number = line["sku"], line["line"]
        code = self._ean.get(sku) or sku
        deeds: list[Deed] = []
        for unit in range(line["picked"] + line["short"], line["qty"]):
            name = (fence, number, unit)
            draw = self._chance.share("found", *name)
            if draw < self._habits.not_found:
                deeds.append(Deed("short", {"fence": fence, "line": number, "qty": 1, "reason": "not_found"}))
                continue
            if draw < self._habits.not_found + self._habits.found_broken:
                deeds.append(Deed("short", {"fence": fence, "line": number, "qty": 1, "reason": "damaged"}))
                continue
            if self._chance.share("wrong", *name) < self._habits.wrong_scan:
                deeds.append(Deed("scan", {"fence": fence, "code": "9999999999994"}))
            deeds.append(Deed("scan", {"fence": fence, "code": code}))
            if self._chance.share("undo", *name) < self._habits.undoes_pick:
                deeds.append(Deed("undo_pick", {"fence": fence, "line": number, "qty": 1}))
                deeds.append(Deed("pick", {"fence": fence, "line": number, "qty": 1}))
        return deeds

    def pack(self, fence: int) -> None:
        row = self._row(fence)
        if row is None or row["state"] != "picked":
            return
        deeds = [Deed("pack", {"fence": fence})]
        if row["kind"] == "pickup":
            shelf = f"P{fence % 40 + 1:02d}"
            deeds.append(Deed("stage", {"fence": fence, "location": shelf}))
        if not self.shop.all(deeds)[-1].ok:
            return
        if row["kind"] == "pickup":
            if self._chance.share("collects", row["fo"]) < self._habits.never_collects:
                self._witness.counts["pickups nobody came for"] += 1
                return
            wait = self._chance.exponential(self._habits.collects, "wait", row["fo"])
            self._soon(20 * MINUTE + min(wait, 60 * HOUR), self.collect, fence, 0)
        elif row["kind"] == "same_day":
            self._soon(self._chance.around(25 * MINUTE, 0.4, "rider", fence), self.courier, "rider", fence)

    # -- goods leave ------------------------------------------------------------------------

    def collect(self, fence: int, tries: int) -> None:
        """The shopper is at the counter."""
        row = self._row(fence)
        if row is None or row["fo"] in self._witness.collected:
            return
        if not self._comes(row):
            if row["state"] in ("packed", "staged"):
                self._soon(HOUR, self.collect, fence, tries)
            return
        args: dict[str, Any] = {"fence": fence, "code": self._witness.codes.get(row["order_no"], "")}
        lines = [r for r in read.lines(self.shop.db, fence) if r["picked"] > r["released"] + r["put_back"]]
        refused = [
            [r["line"], 1, "not_wanted"]
            for r in lines
            if self._chance.share("refuses", row["fo"], r["line"]) < self._habits.refuses_line
        ]
        if refused and len(lines) > 1:
            args["refused"] = refused[: len(lines) - 1]
        if self._chance.share("proxy", row["fo"]) < 0.05:
            args |= {"collector": "a friend", "proxy": True}
        outcome = self.shop.do("hand_over", args)
        if not outcome.ok:
            outcome = self._at_the_counter(row, args, outcome, tries)
        if outcome is None or not outcome.ok:
            return
        if self._chance.share("undone", row["fo"], tries) < self._habits.undone_hand_over:
            self.shop.do("undo_hand_over", {"fence": fence})
            self._clock.after(90_000, lambda: self.collect(fence, tries + 1))
            return
        self._left(row)
        if args.get("refused"):
            self._soon(30 * MINUTE, self.put_back, fence)

    def _comes(self, row: sqlite3.Row) -> bool:
        """Most shoppers come when they were told that it is ready; some just come."""
        untold = self._chance.share("comes untold", row["fo"]) < self._habits.comes_untold
        return untold or self._was_told(row["order_no"], row["fence"])

    def _at_the_counter(self, row: sqlite3.Row, args: dict[str, Any], outcome: Any, tries: int) -> Any:
        """The page said no: a lead may take it upon herself, or the shopper comes again."""
        fence = row["fence"]
        unconfirmed = row["ownership"] == "provisional" and row["state"] in ("packed", "staged")
        if unconfirmed and self._chance.share("override", fence) < self._habits.override:
            self._witness.counts["releases by override"] += 1
            lead = {"person": f"{self.shop.code}-L", "pin": PIN, "reason": "shopper is waiting"}
            without = {k: v for k, v in args.items() if k != "code"}
            return self.shop.do("hand_over", without | {"override": lead})
        if unconfirmed and tries < 5:
            self._soon(2 * HOUR, self.collect, fence, tries + 1)
        else:
            self._witness.counts["shoppers sent away"] += 1
        return None

    def _left(self, row: sqlite3.Row) -> None:
        self._witness.collected.add(row["fo"])
        for line in read.lines(self.shop.db, row["fence"]):
            for _ in range(line["released"]):
                order = row["order_no"]
                unit = Bought(
                    self.shop.code, self._witness.customers.get(order, ""), order, line["order_line"]
                )
                self._witness.bought[line["sku"]].append(unit)

    def courier(self, courier: str = "parcel van", fence: int = 0) -> None:
        """Everything packed goes; what the page does not let go stays for the next time."""
        waiting = self.shop.db.execute(
            "SELECT fence, fo, order_no FROM assignment WHERE state IN ('packed', 'staged') AND kind = ?"
            " AND (? = 0 OR fence = ?) ORDER BY fence",
            ("same_day" if fence else "shipment", fence, fence),
        ).fetchall()
        if not waiting:
            return
        opened = self.shop.do("open_manifest", {"courier": courier})
        if not opened.ok:
            return
        manifest = opened.result["manifest"]
        outcomes = self.shop.all([Deed("load", {"manifest": manifest, "fence": r["fence"]}) for r in waiting])
        loaded = [row for row, outcome in zip(waiting, outcomes, strict=True) if outcome.ok]
        if loaded and self.shop.do("ship", {"manifest": manifest}).ok:
            for row in loaded:
                self._left(row)
        if fence and not loaded:
            self._soon(HOUR, self.courier, courier, fence)

    # -- goods come back --------------------------------------------------------------------

    def put_back(self, fence: int) -> None:
        row = self._row(fence)
        if row is None or row["state"] != "put_back":
            return
        self.shop.all(
            [
                Deed("put_back", {"fence": fence, "line": line, "qty": qty})
                for line, _sku, qty in read.to_put_back(self.shop.db, fence)
            ]
        )

    def look_at_holds(self) -> None:
        if self.shop.timers():
            for row in self._in_state("put_back"):
                self._soon(
                    self._chance.around(self._habits.puts_back, 0.5, "hold", row["fence"]),
                    self.put_back,
                    row["fence"],
                )

    def evening(self) -> None:
        """Before closing: what was forgotten, and what waits to be put back or graded."""
        self.look_at_holds()
        for row in self._in_state("put_back"):
            self.put_back(row["fence"])
        for row in self._in_state("accepted") + self._in_state("picking"):
            self.pick(row["fence"])
        for row in self._in_state("picked"):
            self.pack(row["fence"])
        for row in self._in_state("packed"):
            if row["kind"] == "pickup":
                self.shop.do("stage", {"fence": row["fence"], "location": "P00"})
        self.grade()

    def _in_state(self, state: str) -> list[sqlite3.Row]:
        return self.shop.db.execute(
            "SELECT fence, kind FROM assignment WHERE state = ? ORDER BY fence", (state,)
        ).fetchall()

    def count(self, sku: str) -> None:
        tasks = read.count_tasks(self.shop.db, sku)
        # Nobody counts what they themselves did not find.
        by = "B" if any(task["not_by"].endswith("-A") for task in tasks) else "A"
        there = read.shelf(self.shop.db, sku).there
        found = max(0, there - self.missing.pop(sku, 0))
        args: dict[str, Any] = {"sku": sku, "found": found}
        if tasks:
            args["task"] = tasks[0]["id"]
        counted = self.shop.do("count", args, by)
        if counted.ok and counted.result.get("waits"):
            self.shop.do("confirm_variances", {"skus": [sku]}, "L")

    def grade(self) -> None:
        for row in self.shop.db.execute(
            "SELECT id, sku, qty - graded AS qty FROM goods_return WHERE graded < qty"
            " ORDER BY received_at, id"
        ).fetchall():
            draw = self._chance.share("grade", row["id"])
            grade, disposition = "A", "restock"
            if draw >= self._habits.restock:
                grade, disposition = ("C", "damaged") if draw < 0.95 else ("C", "vendor")
            args = {"return_id": row["id"], "qty": row["qty"], "grade": grade, "disposition": disposition}
            self.shop.do("grade", args, "L")
