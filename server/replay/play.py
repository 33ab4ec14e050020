"""Puts the chain, its people and its lines together and lets virtual time run.

`Play.run` goes through the file's days, then lets everything settle: lines come up,
what is open is worked off, deadlines pass. Every hundredth step the auditor looks at
what is new; at the end a fresh one looks at everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from server import timers
from server.audit import Audit, Auditor, audit
from server.policy.read import set_policy
from server.replay import adapters, world
from server.replay.baskets import Demand
from server.replay.clock import Clock
from server.replay.dice import Chance
from server.replay.habits import DAY, HOUR, MINUTE, SECOND, Habits
from server.replay.headquarters import Headquarters
from server.replay.line import Line
from server.replay.outages import Outages
from server.replay.places import City, by_people
from server.replay.report import report
from server.replay.shop import Deed, Shop
from server.replay.shoppers import Shoppers
from server.replay.staff import Staff
from server.replay.witness import Witness
from server.stores.load import new_token
from sync.link.proof import token_hash
from sync.replica import read
from sync.sqlite import writing

LOOK_EVERY = 100
TIMERS_AT_MOST = 15 * MINUTE
SETTLE_AT_MOST = 12 * DAY


@dataclass(frozen=True)
class Wishes:
    stores: int = 20
    offline: float = 0.1
    mean_outage_h: float = 2.0
    seed: int = 1
    habits: Habits = field(default_factory=Habits)
    look_every: int = LOOK_EVERY
    stop_at_violation: bool = False


class Violated(Exception):
    """A rule was broken on the way; the run stops where it can be looked at."""

    def __init__(self, found: Audit, now: int, steps: int) -> None:
        super().__init__(f"step {steps}, {now}: " + "; ".join(found.details[:10]))
        self.found = found


class Play:
    def __init__(
        self, wishes: Wishes, demand: Demand, cities: list[City], ean: dict[str, str], folder: Path
    ) -> None:
        self.began = time.perf_counter()
        self.cpu_began = time.process_time()
        self.wishes = wishes
        self.demand = demand
        self.chance = Chance(wishes.seed)
        self.witness = Witness()
        self.clock = Clock(demand.begins_at - 2 * HOUR)
        self.chain = world.make_chain(cities, wishes.stores, demand)
        self.folder = folder
        self.ean = ean
        self.steps = 0
        self.over = False
        self.looks = 0
        self.worst = Audit()
        self.hq = Headquarters(adapters.centre(folder / "centre.db"), self.clock, self.chance.bytes)
        self.shops: dict[str, Shop] = {}
        self.lines: dict[str, Line] = {}
        self.staff: dict[str, Staff] = {}
        self._open()
        self.outages = Outages(
            self.clock,
            self.chance,
            wishes.offline,
            wishes.mean_outage_h * HOUR,
            cut=self._break,
            restore=self._restore,
        )
        self.shoppers = Shoppers(
            list(self.shops.values()),
            self.hq,
            self.clock,
            self.chance,
            wishes.habits,
            self.witness,
            nearness=self.chain.nearness,
            homes=cities,
            home_of=by_people(cities),
            ean=ean,
        )
        self.auditor = Auditor(
            folder / "centre.db", {code: folder / f"{code}.db" for code in self.shops}, slack_ms=2 * MINUTE
        )

    # -- before the first shopper --------------------------------------------------------------

    def _open(self) -> None:
        now, dice, habits = self.clock.now, self.chance.bytes, self.wishes.habits
        tx = self.hq.db
        stock = world.opening_stock(self.chain, self.demand, habits, self.chance)
        with writing(tx):
            world.load_chain(tx, self.chain, self.demand, self.ean, habits, now=now, dice=dice)
            # The simulated centre looks at its deadlines every quarter of an hour, which is no outage.
            set_policy(tx, "outage_s", 3 * TIMERS_AT_MOST // SECOND)
            # New stock wakes what waits at once; the timer is for the rest, and may be slow here.
            set_policy(tx, "retry_s", 12 * HOUR // SECOND)
            # A pickup that its store let lie may go to the next town; farther, a person decides.
            set_policy(tx, "may_move_km", habits.may_move_km)
            keys = {}
            for code in self.chain.codes:
                token = new_token(tx, code, dice)
                assert token is not None
                keys[code] = token_hash(token)
            world.load_opening(tx, stock, now=now)
        for code in self.chain.codes:
            self._open_shop(code, keys[code])

    def _open_shop(self, code: str, key: str) -> None:
        db, log, applier = adapters.replica(
            self.folder / f"{code}.db", code, lambda: self.clock.now, self.chance.bytes
        )
        shop = Shop(
            code, db, log, applier, key=key, clock=self.clock, dice=self.chance.bytes, witness=self.witness
        )
        line = Line(
            self.clock,
            self.wishes.habits.latency,
            deliver_up=lambda frames: self._deliver(code, lambda: self.hq.take(code, frames)),
            deliver_down=lambda frames: self._deliver(code, lambda: shop.take(frames)),
        )
        shop.send = lambda frames: line.send("up", frames)
        self.hq.send[code] = lambda frames: line.send("down", frames)
        self.shops[code], self.lines[code] = shop, line
        self.staff[code] = Staff(
            shop,
            self.clock,
            self.chance,
            self.wishes.habits,
            self.witness,
            self.ean,
            was_told=self.hq.was_told,
        )

    def _break(self, code: str) -> None:
        """Half of all outages begin under a frame, which is lost together with its answer."""
        if self.chance.share("breaks", code, self.clock.now) < 0.5:
            self._cut(code)
            return
        cuts = self.lines[code].cuts

        def cut() -> None:
            if self.lines[code].cuts == cuts and not self.outages.over:
                self._cut(code)

        self.lines[code].die_soon(cut)
        self.clock.after(2 * MINUTE, cut)

    def _cut(self, code: str) -> None:
        self.lines[code].cut()
        self.shops[code].line_down()
        self.hq.line_down(code)

    def _restore(self, code: str) -> None:
        if not self.lines[code].up:
            self.lines[code].restore()
            self.shops[code].line_up()
            self.hq.line_up(code)

    # -- the run ----------------------------------------------------------------------------

    def run(self, progress: Callable[[float], None] = lambda done: None) -> dict[str, Any]:
        for code in self.shops:
            self._restore(code)
        self._until(self.clock.now + 30 * MINUTE)
        self._plan()
        begins, ends = self.clock.now, self.demand.ends_at + HOUR
        while self.clock.next_at is not None and self.clock.next_at <= ends:
            self._step()
            if self.steps % 200 == 0:
                progress(0.95 * (self.clock.now - begins) / (ends - begins))
        self._settle()
        progress(0.98)
        found = self._judge()
        progress(1.0)
        return self._report(found)

    def _plan(self) -> None:
        for basket in self.demand.baskets:
            self.clock.at(basket.at, partial(self.shoppers.buy, basket))
        for back in self.demand.comebacks:
            self.clock.at(back.at, partial(self.shoppers.bring_back, back))
        for shrink in self.demand.shrinks:
            self.clock.at(shrink.at, partial(self.shoppers.correct, shrink))
        self._timers()
        for number, code in enumerate(self.shops):
            staff = self.staff[code]
            self.outages.begin(code)
            staff.every_day(self.wishes.habits.courier_hour, staff.courier)
            staff.every_day(self.wishes.habits.closes_at_hour - 0.5, staff.evening)
            staff.every_day(7.5, partial(self._delivery, number, code))
            self.clock.after(number * SECOND, partial(self._tick, code))

    def _step(self) -> None:
        self.clock.step()
        self.steps += 1
        if self.wishes.look_every and self.steps % self.wishes.look_every == 0:
            self._look()

    def _until(self, when: int) -> None:
        while self.clock.next_at is not None and self.clock.next_at <= when:
            self._step()
        self.clock.now = max(self.clock.now, when)

    def _look(self) -> None:
        self.looks += 1
        found = self.auditor.look(now=self.clock.now)
        if not found.ok:
            for rule, count in found.rules.items():
                self.worst.rules[rule] += count
            self.worst.details += [f"step {self.steps}: {detail}" for detail in found.details]
            if self.wishes.stop_at_violation:
                raise Violated(found, self.clock.now, self.steps)

    def _timers(self) -> None:
        """What is due at the centre, within seconds of its time."""
        now = self.clock.now
        if self.over:
            return
        self.hq.write(lambda tx: timers.run_due(tx, now))
        due = timers.next_due(self.hq.db)
        latest = now + TIMERS_AT_MOST
        self.clock.at(latest if due is None else min(latest, max(due, now + 5 * SECOND)), self._timers)

    def _tick(self, code: str) -> None:
        if self.lines[code].up:
            self.hq.tick(code)
            self.shops[code].tick()
            self._mind_ends(code)
        self.clock.after(HOUR, lambda: self._tick(code))

    def _deliver(self, code: str, take: Callable[[], None]) -> None:
        take()
        self._mind_ends(code)

    def _mind_ends(self, code: str) -> None:
        """An end that wants to close the session gets a new one, as the agent does."""
        ending = self.shops[code].end.closing or self.hq.closing(code)
        if ending is not None:
            self.witness.counts[f"sessions closed: {ending.code}"] += 1
            self._cut(code)
            self.clock.after(SECOND, lambda: self._restore(code))

    def _delivery(self, number: int, code: str) -> None:
        """Monday's lorry brings what the shelf ran out of. HQ orders by the books of Sunday night."""
        day = int(self.clock.now // DAY + 3) % 7  # the first of January 1970 was a Thursday
        if day != 0:
            return
        shop, habits = self.shops[code], self.wishes.habits
        deeds = []
        for sku in sorted(self.demand.units):
            full = world.full_shelf(self.chain, number, sku, habits, self.chance)
            there = max(0, read.shelf(shop.db, sku).there)
            if 2 * there > full:
                continue
            units = self.chance.rounded(full - there, "delivery", code, sku, self.clock.now // DAY)
            if units > 0:
                args = {
                    "code": self.ean.get(sku) or sku,
                    "qty": units,
                    "document": f"W{self.clock.now // DAY}-{code}",
                }
                deeds.append(Deed("receive", args, "B"))
        for at in range(0, len(deeds), 50):
            batch = deeds[at : at + 50]
            self.clock.after(at * 10 * SECOND, partial(shop.all, batch))

    # -- the end ----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Lines come up and stay up; people work off what is open; deadlines do the rest."""
        self.outages.over = True
        for code in self.shops:
            self._restore(code)
        last = self.clock.now + SETTLE_AT_MOST
        while self.clock.now < last:
            self._until(self.clock.now + 6 * HOUR)
            if not self._open_work():
                break
        for staff in self.staff.values():
            staff.evening()
        self._until(self.clock.now + 5 * MINUTE)
        # The centre goes on moving rights for ever; it is stopped so that its last word can arrive.
        self.over = True
        self._until(self.clock.now + MINUTE)

    def _open_work(self) -> int:
        (open_parts,) = self.hq.db.execute(
            "SELECT COUNT(*) FROM fulfilment_order f WHERE f.state IN ('offered', 'owned')"
            " OR (f.state = 'waiting' AND NOT EXISTS"
            " (SELECT 1 FROM open_case c WHERE c.order_no = f.order_no AND c.state = 'open'))"
        ).fetchone()
        return int(open_parts)

    def _judge(self) -> Audit:
        """The whole of both sides, by a fresh auditor; what was found on the way counts too."""
        self.auditor.close()
        found = audit(
            self.folder / "centre.db",
            {code: self.folder / f"{code}.db" for code in self.shops},
            now=self.clock.now,
            settled=True,
            slack_ms=2 * MINUTE,
            told=self.witness.told,
        )
        for rule, count in self.worst.rules.items():
            found.rules[rule] += count
        found.details = self.worst.details[:100] + found.details
        return found

    def _report(self, found: Audit) -> dict[str, Any]:
        return report(
            self.hq.db,
            self.demand,
            self.witness,
            self.lines.values(),
            found,
            looks=self.looks,
            steps=self.steps,
            commits={"centre": self.hq.commits, "stores": sum(shop.commits for shop in self.shops.values())},
            wall_s=time.perf_counter() - self.began,
            cpu_s=time.process_time() - self.cpu_began,
        ) | {
            "stores": len(self.shops),
            "offline": self.wishes.offline,
            "mean_outage_h": self.wishes.mean_outage_h,
            "seed": self.wishes.seed,
        }
