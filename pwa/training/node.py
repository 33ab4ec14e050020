"""The node of a training: the product's own record, commands and rules, and nobody on the other side.

It has no line, no token, no address of a centre and no printer: there is nothing by which a fact could leave
it. What the centre would say (an offer, a confirmation, a lapse) is decided here, at once, on made-up
orders. Its record lies in a folder of its own and is thrown away with it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pwa.training import orders
from sync import sqlite
from sync.agent import machine
from sync.agent.config import LineStatus
from sync.agent.listeners import Listeners
from sync.agent.writer import NodeWriter
from sync.ids import Dice, new_id
from sync.readers import Readers
from sync.replica import commands, timers
from sync.replica.commands import Outcome
from sync.replica.context import Context, Moment
from sync.replica.decisions import apply_decision, apply_rows
from sync.replica.open import open_replica
from sync.sqlite import Connection
from sync.wire import decisions as d

T = TypeVar("T")
ON_HAND = 20
FIRST_OFFERS = 3
OPEN_OFFERS = 4
"""So many wait at most: a training that nobody looks at fills no list."""
NEXT_MS = 60_000

Rows = dict[str, list[tuple[str, dict[str, Any]]]]
"""By stream, as the centre sends them: people, goods, shelves, stores, policies."""


class TrainingNode:
    """`rows`: what a training needs to know of the real store (pwa/training/school.py)."""

    def __init__(
        self,
        folder: Path,
        store: str,
        rows: Rows,
        *,
        clock: Callable[[], int] = lambda: machine.reading().wall,
        dice: Dice = os.urandom,
    ) -> None:
        self.folder, self.store, self.rows = folder, store, rows
        self.path = folder / "replica.db"
        self._clock, self._dice = clock, dice
        self._number = 0
        self._offers = 0
        self._last_offer = 0
        self._since = clock()
        self._goods = [key for key, _ in rows["catalogue"]]
        self._hints: set[str] = set()
        self.listeners = Listeners(self._since)
        self._readers = Readers(lambda: sqlite.connect(self.path, read_only=True), 2, "training-reader")
        self._writer = NodeWriter(
            self._open,
            before_commit=self._before_commit,
            after_commit=self._after_commit,
            failed=lambda trouble: self._hints.clear(),
        )

    # -- life

    async def start(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._writer.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._writer.stop)
        self._readers.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self) -> Connection:
        db = open_replica(self.path, self.store, self._dice, self._clock())
        with sqlite.writing(db):
            for stream, rows in self.rows.items():
                apply_rows(db, stream, [{"key": key, "body": body} for key, body in rows])
            opening = tuple((sku, ON_HAND, ON_HAND) for sku in self._goods)
            self._decide(db, orders.decision(d.StockLoaded("training", opening), 0, self._clock()))
            for _ in range(FIRST_OFFERS):
                self._offer(db)
            self._answer(db)
        return db

    # -- what pages use

    async def perform(
        self, name: str, args: dict[str, Any], *, command_id: str, person: str, device: str
    ) -> Outcome:
        def job(tx: Connection) -> Outcome:
            outcome = commands.perform(tx, name, args, self._context(tx, person, device, command_id))
            self._hints |= outcome.hints
            return outcome

        return await self.write(job)

    async def ask_share(self, rows: Sequence[tuple[str, int]]) -> bool:
        return False

    async def read(self, fn: Callable[[Connection], T]) -> T:
        return await self._readers.read(fn)

    def look(self, fn: Callable[[Connection], T]) -> T:
        return self._readers.look(fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        return await asyncio.shield(asyncio.wrap_future(self._writer.submit(fn)))

    def status(self) -> LineStatus:
        """A line that is always up: how it looks when it is not, the real pages show soon enough."""
        now = self._clock()
        return LineStatus(True, self._since, now, 0, 0, Moment(now, now, now))

    def adopt(self, before: TrainingNode) -> None:
        """Take over from a record that is thrown away: whoever listened to it listens to this one."""
        self.listeners = before.listeners
        self.listeners.tell({"all", "line"})

    # -- what the centre would do

    async def more(self) -> None:
        """One more order, now."""
        await self.write(self._offer)

    async def tick(self) -> None:
        """Offers come by themselves while there is room for them, and go when nobody answers."""
        now = self._clock()

        def work(tx: Connection) -> None:
            for row in tx.execute(
                "SELECT fence FROM assignment WHERE state = 'offered' AND accept_by <= ?", (now,)
            ).fetchall():
                self._decide(tx, orders.lapse(row[0], now))
            waiting = tx.execute("SELECT count(*) FROM assignment WHERE state = 'offered'").fetchone()[0]
            if waiting < OPEN_OFFERS and now - self._last_offer >= NEXT_MS:
                self._offer(tx)
            if timers.run_due(tx, self._context(tx, "node", "node", f"auto:{self._new_id()}")):
                self._hints |= {"all", "notice"}

        await self.write(work)

    def _offer(self, tx: Connection) -> None:
        self._offers += 1
        self._last_offer = self._clock()
        if self._goods:
            self._decide(tx, orders.offer(self._offers, self._goods, self._dice, self._last_offer))

    def _decide(self, tx: Connection, decision: d.Decision) -> None:
        self._number += 1
        ctx = self._context(tx, "node", "node", f"auto:{self._number}")
        self._hints |= apply_decision(tx, self._number, decision, ctx)

    def _answer(self, tx: Connection) -> None:
        """Facts are acknowledged where they stand, acceptances confirmed: nothing waits to be sent."""
        asked = "SELECT DISTINCT fence FROM fact WHERE kind = 'accepted' AND verdict = ''"
        for row in tx.execute(asked).fetchall():
            self._decide(tx, orders.confirmation(row[0], self._clock()))
        tx.execute("UPDATE fact SET verdict = 'applied' WHERE verdict = ''")
        tx.execute(
            "INSERT OR REPLACE INTO meta (key, value)"
            " SELECT 'facts_acked', CAST(coalesce(max(number), 0) AS TEXT) FROM fact"
        )

    # -- the writer's thread

    def _before_commit(self, tx: Connection, wrote: bool) -> None:
        if wrote:
            self._answer(tx)

    def _after_commit(self) -> None:
        hints, self._hints = self._hints, set()
        if hints and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.listeners.tell, hints)

    def _context(self, tx: Connection, person: str, device: str, command: str) -> Context:
        row = tx.execute("SELECT role FROM person WHERE id = ? AND active = 1", (person,)).fetchone()
        role = "node" if person == "node" else str(row[0]) if row is not None else ""
        now = self._clock()
        return Context(Moment(now, now, now), person, role, device, command, True, self._new_id)

    def _new_id(self) -> str:
        return new_id(self._clock(), self._dice)
