"""One chain, one seed, one thread, virtual time: centre, boxes, the network between them, and what breaks.

A history is a list of numbered steps. Each step draws from its own dice (seed and number), so a step that is
left out does not move the dice of any other: that is what makes a failing history shrink.
"""

from __future__ import annotations

import hashlib
import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from server import timers
from server.db import Tx
from server.link.logs import close_all_sessions
from server.link.serve import new_end
from server.policy.read import set_policy
from server.stock.load import load_stock
from sync.link.centre_end import Manners
from sync.link.clock import Reading
from sync.link.shelf import SnapshotShelf
from sync.replica import timers as replica_timers
from tests.simulation.auditor import Auditor
from tests.simulation.box import Box, Cmd
from tests.simulation.chain import NINE, SKUS, centre_copy, chain, replica_copy
from tests.simulation.floor import Floor
from tests.simulation.machine import Died, Machine
from tests.simulation.mix import Mix
from tests.simulation.wire import Sky, Wire

T = TypeVar("T")

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
TICK = 20 * MINUTE
"""Of machines that have nothing due."""
MANNERS = Manners(
    heartbeat=15 * MINUTE, digest_every=30 * MINUTE, recheck_every=30 * MINUTE, looks_apart=True
)
"""Quiet lines: real heartbeats would be most of a history."""


class Roll(Random):
    """Dice that are changed under everybody's hands at the beginning of each step."""

    def now_of(self, seed: int, step: object) -> None:
        self.seed(f"{seed}:{step}")


@dataclass(frozen=True)
class Broken:
    rule: str
    step: int
    at: int
    text: str


class Centre(Machine[Tx]):
    def __init__(self, db: Tx) -> None:
        super().__init__(db, centre_copy)
        self.shelf = SnapshotShelf()
        self.wires: list[Wire] = []
        self.down_until = 0
        self.full_until = 0
        self.backups: list[tuple[int, sqlite3.Connection]] = []
        self.next_tick = 0


class World:
    def __init__(
        self,
        seed: int,
        stores: int = 3,
        hours: float = 10.0,
        mood: str | None = None,
        substitutes: float = 0.0,
    ) -> None:
        self.seed, self.hours = seed, hours
        self.substitutes = substitutes
        """How often a picker who misses something offers another article, where the order lets them."""
        self.roll = Roll()
        self.roll.now_of(seed, "begin")
        self.mix = Mix(self.roll, mood)
        self.now = NINE
        self.step_no = 0
        self.calm = False
        self.reached: Counter[str] = Counter()
        self.broken: list[Broken] = []
        self.script: list[str] = []
        self._trace = hashlib.blake2b(digest_size=16)
        self.sky = Sky()
        self.wire_count = 0
        self._interrupted = False
        """A base goes out: people do something now, not after their wait."""
        self.commands = 0
        made = chain(stores)
        self.centre = Centre(centre_copy(made.centre))
        self.boxes = {
            code: Box(code, replica_copy(made.replicas[code]), made.keys[code], self.roll, lambda: self.now)
            for code in made.codes
        }
        self.codes = made.codes
        self.floor = Floor(made.codes, SKUS)
        self.auditor = Auditor(made.codes, self.fail)
        self.retries: list[tuple[int, Box, Cmd]] = []
        self.done: set[str] = set()
        self._unseen: set[str] = set()
        """Who wrote since the auditor looked: store codes, and '' for the centre."""
        self._open()

    def _open(self) -> None:
        roll, tx = self.roll, self.centre.db
        opening = {code: [(sku, roll.choice(self.mix.opening)) for sku in SKUS] for code in self.codes}

        def job(tx: Tx) -> None:
            for name, value in self.mix.policies.items():
                set_policy(tx, name, value)
            for code, rows in opening.items():
                load_stock(
                    tx,
                    [{"sku": sku, "qty": qty} for sku, qty in rows if qty],
                    store=code,
                    document="opening",
                    now=self.now,
                )

        with self._plain(tx):
            job(tx)
        tx.touched.clear()
        for code, rows in opening.items():
            for sku, qty in rows:
                self.floor.stores[code].shelf[sku] += qty
        self.centre.backups.append((self.now, self.centre.image()))

    @staticmethod
    def _plain(tx: Tx) -> Any:
        from sync.sqlite import writing

        return writing(tx)

    # -- saying what happened -----------------------------------------------------------------

    def note(self, text: str) -> None:
        line = f"{self.step_no:4d} {(self.now - NINE) / MINUTE:8.2f}m {text}"
        self.script.append(line)
        self._trace.update(line.encode())

    def fail(self, rule: str, text: str) -> None:
        self.broken.append(Broken(rule, self.step_no, self.now, text))

    @property
    def trace(self) -> str:
        return self._trace.hexdigest()

    def look(self) -> None:
        """The auditor looks at everything that was written since it looked last."""
        unseen, self._unseen = self._unseen, set()
        if not unseen:
            return
        self.auditor.centre_wrote(self.centre.db)
        for code in sorted(unseen - {""}):
            self.auditor.store_wrote(code, self.boxes[code].db, self.boxes[code].disturbed)

    # -- time -----------------------------------------------------------------------------------

    def advance(self, ms: int) -> None:
        target = self.now + ms
        for _ in range(20_000):
            if self.broken:
                return
            due = self._next_due()
            if due > target or (self._interrupted and not self.calm):
                break
            self.now = max(self.now, due)
            arrived = self.sky.pop(self.now)
            if arrived is not None:
                self._deliver(*arrived)
            else:
                self._tick()
        else:
            self.fail("progress", "the world never comes to the next moment")
        if self._interrupted and not self.calm:
            self._interrupted = False
            return
        self.now = max(self.now, target)

    def _next_due(self) -> int:
        due = [self.centre.next_tick if self.centre.running else max(self.centre.down_until, self.now)]
        for box in self.boxes.values():
            if not box.running:
                due.append(box.down_until)
            else:
                awake = max(box.suspended_until, self.now)
                due.append(max(box.next_tick, awake))
                if box.line is None:
                    due.append(max(box.connect_at, awake))
        if self.sky.next_due is not None:
            due.append(self.sky.next_due)
        return min(due)

    def _tick(self) -> None:
        centre = self.centre
        if not centre.running:
            if self.now >= centre.down_until:
                self._start_centre()
        elif self.now >= centre.next_tick:
            self._tick_centre()
        for box in self.boxes.values():
            if not box.running:
                if self.now >= box.down_until:
                    box.start()
                    box.next_tick = self.now
                    self.note(f"{box.code} starts")
                continue
            if not box.awake:
                continue
            if self.now >= box.next_tick:
                self._tick_box(box)
            if box.running and box.line is None and self.now >= box.connect_at:
                self._connect(box)

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

    # -- the centre -------------------------------------------------------------------------------

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
        with self._plain(self.centre.db):
            close_all_sessions(self.centre.db, self.now)
        self.centre.next_tick = self.now
        self.auditor.centre_again(self.centre.db)

    # -- the boxes ---------------------------------------------------------------------------------

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

    # -- the network ---------------------------------------------------------------------------------

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

    def _latency(self) -> int:
        return int(self.roll.choice(self.mix.latencies))

    def _deliver(self, wire: Wire, way: str, data: bytes | None) -> None:
        if way == "up":
            self._deliver_up(wire, data)
        else:
            self._deliver_down(wire, data)

    def _deliver_up(self, wire: Wire, data: bytes | None) -> None:
        if not self.centre.running or not wire.centre_open:
            return
        if data is None:
            wire.centre_open = False
            self.centre.wires.remove(wire)
            self.at_centre(lambda tx: wire.end.disconnected(tx, self.centre_reading()))
            return
        end, now = wire.end, self.centre_reading()
        newer = any(w.store == wire.store and w.number > wire.number and w.end.up for w in self.centre.wires)
        superseded = end.up and newer  # before the frame: a late hello makes its connection the newest
        if superseded:
            self.reached["frame of an old connection"] += 1
        if end.needs_no_transaction(data):
            self.send(wire, "down", end.received(None, now, data))
            if end.down == "snapshot" or b'"l":"bulk"' in data or b'"l":"snapshot"' in data:
                self._look(wire)
        else:
            changes = self.centre.db.total_changes
            self.talk(wire, lambda tx: end.received(tx, now, data))
            if superseded and self.centre.running and self.centre.db.total_changes != changes:
                # Closing the old session writes nothing either: it is not the store's newest.
                self.fail("sessions", f"an older connection of {wire.store} wrote after {data[:80]!r}")

    def _deliver_down(self, wire: Wire, data: bytes | None) -> None:
        box = self.boxes[wire.store]
        if box.line is not wire or not box.running:
            return
        if box.suspended_until > self.now:
            self.sky.put(box.suspended_until, wire, "down", data)
            return
        if data is None:
            self.close_store_side(box, silently=True)
            return
        waited = box.lacks_a_base
        self.box_job(box, lambda fate: box.heard(data, fate))
        if waited and box.running and not box.lacks_a_base:
            self._count_snapshot(box)

    def _count_snapshot(self, box: Box) -> None:
        """A new base came in. Was there work of the store's own on top that the centre has not heard of?"""
        head, incarnation = box.db.execute(
            "SELECT (SELECT coalesce(max(number), 0) FROM fact),"
            " (SELECT value FROM meta WHERE key = 'incarnation')"
        ).fetchone()
        known = self.centre.db.execute(
            "SELECT applied FROM replica WHERE store = ? AND incarnation = ?", (box.code, incarnation)
        ).fetchone()
        above = head > (known[0] if known else 0)
        self.reached["snapshot under unsent facts" if above else "snapshot"] += 1

    # -- commands ----------------------------------------------------------------------------------

    def command(
        self, box: Box, name: str, args: dict[str, Any], person: str, *, device: str = "", **more: Any
    ) -> Cmd:
        self.commands += 1
        return Cmd(
            f"{box.code}-{self.step_no}-{self.commands}",
            name,
            args,
            person if person in ("till", "node") else f"{box.code}-{person}",
            device or f"{box.code}-pda-{person}",
            **more,
        )

    def do(self, box: Box, cmd: Cmd) -> Any:
        """One try of a command. The outcome when the person was told, else None and it is tried again."""
        if not box.awake or (self.chance(self.mix.no_wifi) and cmd.tries == 0):
            self._again(box, cmd)
            return None
        cmd.tries += 1
        answer: list[Any] = []

        def job(fate: str) -> list[bytes]:
            outcome, frames = box.perform(cmd, fate)
            answer.append(outcome)
            return frames

        before = box.commits
        try:
            stays = self.box_job(box, lambda fate: self._caught(job, fate, answer))
        finally:
            committed = box.commits > before
        outcome = answer[-1] if answer and committed else None
        if outcome is not None:
            self._hands(box, cmd, outcome)
        if not stays:
            self._again(box, cmd)
            return None
        assert outcome is not None
        why = "" if outcome.ok else f" refused {outcome.refusal.reason}"
        self.note(f"{box.code} {cmd.person} {cmd.name} {cmd.args}{why}")
        if outcome.ok:
            self.look()
            self.auditor.told(box.code, box.db, cmd.id, cmd.moves, cmd.name)
        else:
            self.reached[f"refused {outcome.refusal.reason}"] += 1
        if self.chance(self.mix.repeat_command):
            self.reached["command repeated"] += 1
            self._again(box, cmd)
        return outcome

    @staticmethod
    def _caught(job: Callable[[str], list[bytes]], fate: str, answer: list[Any]) -> list[bytes]:
        try:
            return job(fate)
        except Died as died:
            if died.committed and hasattr(died, "answer"):
                answer.append(died.answer)
            raise

    def _hands(self, box: Box, cmd: Cmd, outcome: Any) -> None:
        if cmd.id in self.done:
            return
        self.done.add(cmd.id)
        if outcome.ok:
            if cmd.done is not None:
                cmd.done(outcome.result)
        elif cmd.refused is not None:
            cmd.refused()

    def _again(self, box: Box, cmd: Cmd) -> None:
        if cmd.tries < 6:
            wait = self.roll.choice((SECOND, 20 * SECOND, 5 * MINUTE, 40 * MINUTE))
            self.retries.append((self.now + wait, box, cmd))

    def retry_due(self) -> None:
        due = [one for one in self.retries if one[0] <= self.now and one[1].awake]
        if due:
            self.retries = [one for one in self.retries if one not in due]
            for _, box, cmd in due:
                if not self.broken:
                    self.do(box, cmd)

    # -- chance ------------------------------------------------------------------------------------

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

    def chance(self, odds: float) -> bool:
        return not self.calm and odds > 0 and self.roll.random() < odds

    def _fate(self, machine: Machine[Any], odds: float, full: bool = False) -> str:
        if self.calm:
            return ""
        if full and self.roll.random() < 0.3:
            return "full"
        if self.chance(odds):
            return self.roll.choice(("before", "middle", "after"))
        return ""

    def close(self) -> None:
        self.centre.close()
        for box in self.boxes.values():
            box.close()
            for copy in box.copies:
                copy.close()
        for _, image in self.centre.backups:
            image.close()
