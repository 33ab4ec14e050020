"""The boxes of the simulated stores: their writers, their ends of the lines, their crashes."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable

from server.link.serve import new_end
from sync.link.centre_end import Manners
from sync.replica import timers as replica_timers
from tests.simulation.box import Box
from tests.simulation.chain import Chain, replica_copy
from tests.simulation.machine import Died
from tests.simulation.mix import MINUTE, SECOND
from tests.simulation.wire import Wire
from tests.simulation.world.centre import TICK, CentreSide

MANNERS = Manners(
    heartbeat=15 * MINUTE, digest_every=30 * MINUTE, recheck_every=30 * MINUTE, looks_apart=True
)
"""Quiet lines: real heartbeats would be most of a history."""


class Boxes(CentreSide):
    def __init__(self, seed: int, hours: float, mood: str | None, made: Chain) -> None:
        super().__init__(seed, hours, mood, made)
        self.wire_count = 0
        self.boxes = {
            code: Box(code, replica_copy(made.replicas[code]), made.keys[code], self.roll, lambda: self.now)
            for code in made.codes
        }
        self.codes = made.codes

    def box_job(self, box: Box, job: Callable[[str], list[bytes]]) -> bool:
        """A job of the node's writer. False: it is not on disk, or the process died."""
        changes = box.db.total_changes
        try:
            frames = job(self._fate(box, self.mix.crash_box, box.full_until > self.now))
        except Died as died:
            self.box_died(box, died)
            return False
        except Exception as trouble:
            full = isinstance(trouble, sqlite3.OperationalError) and "full" in str(trouble)
            if full:
                self.reached["disk full"] += 1
            else:
                self.fail("trouble", f"{box.code} raised\n" + traceback.format_exc())
            box.failed()
            self.close_store_side(box)
            return False
        if box.db.total_changes != changes:
            self._unseen.add(box.code)
        if box.line is not None:
            self.send(box.line, "up", frames)
        if box.end.closing is not None:
            self.close_store_side(box)
        return True

    def _tick_box(self, box: Box) -> None:
        box.next_tick = self.now + TICK
        if box.full_until and self.now >= box.full_until:
            box.full_until = 0
            box.fill_disk(False)
        self.box_job(box, lambda fate: box.tick(fate))
        if box.running:
            due = replica_timers.next_due(box.db)
            if due is not None:
                behind = box.end.clock.moment(box.reading()).latest
                box.next_tick = min(box.next_tick, max(self.now + MINUTE, self.now + due - behind))

    def look(self) -> None:
        """The auditor looks at everything that was written since it looked last."""
        unseen, self._unseen = self._unseen, set()
        if not unseen:
            return
        self.auditor.centre_wrote(self.centre.db)
        for code in sorted(unseen - {""}):
            self.auditor.store_wrote(code, self.boxes[code].db, self.boxes[code].disturbed)

    def somewhere(self) -> Box:
        """A store; the first is busier than the others where the mix says so, and the one whose base is
        being swapped is looked at by everybody."""
        draw = self.roll.random()
        swapped = self.base_under_way
        if swapped and draw < 0.6:
            return self.boxes[swapped]
        return self.boxes[self.codes[0] if draw < self.mix.busy else self.roll.choice(self.codes)]

    @property
    def base_under_way(self) -> str:
        """A store to which a snapshot is on its way; empty for none."""
        for wire in self.centre.wires:
            if wire.end.down == "snapshot" and self.boxes[wire.store].line is wire:
                return wire.store
        return ""

    # -- crashes and lines -------------------------------------------------------------------------

    def box_died(self, box: Box, died: Died, *, reboot: bool | None = None) -> None:
        self.reached["box crashed after its commit" if died.committed else "box crashed"] += 1
        self.note(f"{box.code} dies ({died})")
        if died.committed:
            self._unseen.add(box.code)
            self.look()
        self.stop_box(box, self.roll.choice((2 * SECOND, 20 * SECOND, 2 * MINUTE, 20 * MINUTE)))
        if box.restart():
            self.reached["unsynced pages lost"] += 1
        self.auditor.store_again(box.code, box.db, box.disturbed)
        if self.roll.random() < 0.5 if reboot is None else reboot:
            box.boots += 1
            box.boot_at = self.now
            self.reached["rebooted"] += 1

    def stop_box(self, box: Box, away: int) -> None:
        box.running = False
        box.down_until = self.now + away
        box.full_until = 0
        if box.line is not None:
            wire, box.line = box.line, None
            wire.store_open = False
            if self.chance(0.5):
                self.sky.put(self.now + self._latency(), wire, "up", None)
        box.connect_at = box.down_until + self.roll.randrange(5 * SECOND)

    def close_store_side(self, box: Box, *, silently: bool = False) -> None:
        ending = box.end.closing
        box.end.disconnected()
        wire = box.line
        if wire is None:
            return
        box.line = None
        wire.store_open = False
        if not silently and "up" not in wire.holes:
            self.sky.put(self.now + self._latency(), wire, "up", None)
        wait = self.roll.randrange(SECOND, 40 * SECOND)
        if ending is not None and ending.longest:
            wait = min(max(wait, ending.shortest), 10 * MINUTE)
        box.connect_at = self.now + wait

    def _connect(self, box: Box) -> None:
        if box.partition_until > self.now:
            box.connect_at = min(box.partition_until, self.now + 2 * MINUTE)
            return
        if not self.centre.running:
            box.connect_at = self.now + self.roll.randrange(2 * SECOND, 60 * SECOND)
            return
        self.wire_count += 1
        end = new_end(self.roll.randbytes, now=self.now, shelf=self.centre.shelf, manners=MANNERS)
        wire = Wire(self.wire_count, box.code, end)
        self.centre.wires.append(wire)
        box.line = wire
        self.box_job(box, lambda fate: box.job(lambda tx: box.end.connected(tx, box.reading()), ""))
        self.send(wire, "down", end.connected(None, self.centre_reading()))
