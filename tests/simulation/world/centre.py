"""The centre of the simulated chain: its writer, its ends of the lines, its crashes."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from typing import TypeVar

from server import timers
from server.db import Tx
from server.link.logs import close_all_sessions
from sync.link.clock import Reading
from sync.link.shelf import SnapshotShelf
from sync.sqlite import writing
from tests.simulation.auditor import Auditor
from tests.simulation.chain import NINE, Chain, centre_copy
from tests.simulation.machine import Died, Machine
from tests.simulation.mix import MINUTE, SECOND
from tests.simulation.wire import Sky, Wire
from tests.simulation.world.story import Story

T = TypeVar("T")

TICK = 20 * MINUTE
"""Of machines that have nothing due."""


class Centre(Machine[Tx]):
    def __init__(self, db: Tx) -> None:
        super().__init__(db, centre_copy)
        self.shelf = SnapshotShelf()
        self.wires: list[Wire] = []
        self.down_until = 0
        self.full_until = 0
        self.backups: list[tuple[int, sqlite3.Connection]] = []
        self.next_tick = 0


class CentreSide(Story):
    def __init__(self, seed: int, hours: float, mood: str | None, made: Chain) -> None:
        super().__init__(seed, hours, mood)
        self.sky = Sky()
        self._interrupted = False
        """A base goes out: people do something now, not after their wait."""
        self.centre = Centre(centre_copy(made.centre))
        self.auditor = Auditor(made.codes, self.fail)
        self._unseen: set[str] = set()
        """Who wrote since the auditor looked: store codes, and '' for the centre."""

    def centre_reading(self) -> Reading:
        return Reading(mono=self.now - NINE + 1_000_000, wall=self.now, boot="centre")

    def at_centre(self, job: Callable[[Tx], T]) -> T | None:
        """One job of the centre's writer, one commit; then what it decided goes out. None: it failed."""
        centre = self.centre
        if not centre.running:
            return None
        try:
            result = centre.write(job, self._fate(centre, self.mix.crash_centre), self.roll)
        except Died as died:
            self.centre_died(died)
            return None
        except sqlite3.OperationalError as trouble:
            if "full" in str(trouble):
                self.reached["centre disk full"] += 1
                return None
            raise
        self._unseen.add("")
        self._wake()
        return result

    def talk(self, wire: Wire, say: Callable[[Tx], list[bytes]]) -> None:
        """A turn of one connection's end at the centre."""
        try:
            frames = self.at_centre(say)
        except Exception:
            self.fail("trouble", "the centre's end raised\n" + traceback.format_exc())
            return
        if not self.centre.running:
            return
        if frames is None:
            self._close_centre_side(wire)  # a full disk: the session ends, the store comes again
            return
        self.send(wire, "down", frames)
        if wire.end.down == "snapshot" and not wire.looked:
            self._interrupted = True
        if wire.end.down == "snapshot" or (wire.end.up and not wire.looked):
            wire.looked = True
            self._look(wire)
        if wire.end.closing is not None:
            self.reached[f"ended {wire.end.closing.code}"] += 1
            self._close_centre_side(wire)

    def _look(self, wire: Wire, *, rows: bool = True) -> None:
        """Look at the log for this store, as the centre does beside its writer. Rows of bulk streams are
        looked for only now and then: here hardly anybody publishes any, and looking costs."""
        end = wire.end
        if end.up and end.closing is None:
            bulk, end.bulk = end.bulk, end.bulk and rows
            self.send(wire, "down", end.woken(self.centre.db, self.centre_reading()))
            end.bulk = bulk

    def _close_centre_side(self, wire: Wire) -> None:
        if not wire.centre_open:
            return
        wire.centre_open = False
        self.centre.wires.remove(wire)
        self.sky.put(self.now + self._latency(), wire, "down", None)
        self.at_centre(lambda tx: wire.end.disconnected(tx, self.centre_reading()))

    def _wake(self) -> None:
        touched, self.centre.db.touched = self.centre.db.touched, set()
        for wire in list(self.centre.wires):
            if f"store:{wire.end.store}" in touched and wire.end.up:
                if self.chance(self.mix.hintless):
                    continue
                self._look(wire, rows=False)

    def _tick_centre(self) -> None:
        centre = self.centre
        wires = list(centre.wires)

        def job(tx: Tx) -> list[list[bytes]]:
            # What a line has last said is written first: it may be what an offer waited for.
            frames = [wire.end.tick(tx, self.centre_reading()) for wire in wires]
            timers.run_due(tx, self.now)
            return frames

        done = self.at_centre(job)
        if not centre.running:
            return
        for wire, frames in zip(wires, done or (), strict=False):
            self.send(wire, "down", frames)
            self._look(wire)
            if wire.end.closing is not None:
                self.reached[f"ended {wire.end.closing.code}"] += 1
                self._close_centre_side(wire)
            if not centre.running:
                return
        due = timers.next_due(centre.db)
        centre.next_tick = min(self.now + TICK, max(due or self.now + TICK, self.now + SECOND))
        if done is None:
            centre.next_tick = self.now + 20 * SECOND
        else:
            self.auditor.on_time(centre.db, self.now)

    # -- crashes -----------------------------------------------------------------------------------

    def centre_died(self, died: Died, away: int = 0) -> None:
        centre = self.centre
        self.reached["centre crashed after its commit" if died.committed else "centre crashed"] += 1
        self.note(f"the centre dies ({died})")
        self.stop_centre(away or self.roll.choice((SECOND, 5 * SECOND, 30 * SECOND, 3 * MINUTE)))
        centre.restart()

    def stop_centre(self, away: int) -> None:
        centre = self.centre
        centre.running = False
        centre.down_until = self.now + away
        for wire in centre.wires:
            wire.centre_open = False
            if not self.chance(0.3):
                self.sky.put(self.now + self._latency(), wire, "down", None)
        centre.wires.clear()
        centre.shelf = SnapshotShelf()

    def _start_centre(self) -> None:
        self.centre.running = True
        self._begin_centre()
        self.note("the centre starts")

    def _begin_centre(self) -> None:
        with writing(self.centre.db):
            close_all_sessions(self.centre.db, self.now)
        self.centre.next_tick = self.now
        self.auditor.centre_again(self.centre.db)

    # -- frames on their way -----------------------------------------------------------------------

    def send(self, wire: Wire, way: str, frames: list[bytes]) -> None:
        for frame in frames:
            self._trace.update(frame)
            if way in wire.holes:
                continue
            if self.chance(self.mix.lose):
                self.reached["frame lost"] += 1
                continue
            wire.last.append((way, frame))
            del wire.last[:-6]
            swapped = self.chance(self.mix.swap)
            self.sky.put(self.now + self._latency(), wire, way, frame, in_order=not swapped)
            if self.chance(self.mix.repeat):
                self.reached["frame repeated"] += 1
                self.sky.put(self.now + self._latency() * 3, wire, way, frame, in_order=False)
