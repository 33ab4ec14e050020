"""A store's box: the real replica, the real commands, the real end of the link, wired as in a node."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from sync import sqlite
from sync.agent.applier import ReplicaApplier
from sync.ids import new_id
from sync.link.clock import LinkClock, Reading
from sync.link.ending import Ending
from sync.link.store_end import StoreEnd
from sync.replica import log, timers
from sync.replica.commands import Outcome, perform
from sync.replica.context import Context
from tests.simulation.chain import NINE, replica_copy
from tests.simulation.machine import Machine

if TYPE_CHECKING:
    from tests.simulation.wire import Wire

_OWN_ROLES = {"till": "till", "node": "node"}


@dataclass
class Cmd:
    """What a handheld or a till asks for. The id is made before the first try and kept over all of them."""

    id: str
    name: str
    args: dict[str, Any]
    person: str
    device: str
    done: Callable[[dict[str, Any]], None] | None = None
    """What the person's hands do, once: when the node has it on disk."""
    refused: Callable[[], None] | None = None
    moves: dict[tuple[str, str], int] = field(default_factory=dict)
    """What a camera over the floor would have seen of it, for the auditor."""
    tries: int = 0


class Box(Machine[sqlite.Connection]):
    def __init__(
        self, code: str, db: sqlite.Connection, key: str, rng: Random, now: Callable[[], int]
    ) -> None:
        super().__init__(db, replica_copy)
        self.code = code
        self.key = key
        self.host = f"box-{code}"
        self.dice: Random = rng
        self.line: Wire | None = None
        self.connect_at = 0
        self.suspended_until = 0
        self.down_until = 0
        self.full_until = 0
        self.partition_until = 0
        self.next_tick = 0
        self.boots = 0
        self.boot_at = NINE - 1_000_000
        self.drift = rng.choice((0, 0, 0, 0.0006, -0.0006))
        self.wall_offset = rng.choice((0, 0, 0, 90_000, -90_000, 25 * 3_600_000, -400 * 86_400_000))
        self.disturbed = False
        """Restored, replaced or told by a restored centre: its books may lack what no disk has any more."""
        self.copies: list[sqlite3.Connection] = []
        self.trouble: list[str] = []
        self._now = now
        self.start()

    # -- the machine ------------------------------------------------------------------------

    def reading(self) -> Reading:
        now = self._now()
        mono = int((now - self.boot_at) * (1 + self.drift)) + 5_000
        return Reading(mono=mono, wall=now + self.wall_offset, boot=f"{self.code}:{self.boots}")

    def start(self, *, reboot: bool = False) -> None:
        """A new process; with `reboot` the machine's own clock starts over as well."""
        if reboot:
            self.boots += 1
            self.boot_at = self._now()
        standing = log.ReplicaLog().standing(self.db)
        self.applier = ReplicaApplier(self.new_id)
        self.end = StoreEnd(
            self.code,
            log.ReplicaLog(),
            self.applier,
            key=self.key,
            new_incarnation=self.new_id,
            clock=LinkClock(standing.clock),
            host=self.host,
            jitter=lambda: self.dice.random(),
        )
        self.end.acked, self.end.prunable = standing.acked, standing.prunable
        self.running = True

    def new_id(self) -> str:
        return new_id(self._now() + self.wall_offset, self.dice.randbytes)

    @property
    def lacks_a_base(self) -> bool:
        """A snapshot is under way, or to be asked for."""
        row = self.db.execute("SELECT value FROM meta WHERE key = 'needs_snapshot'").fetchone()
        return row is not None and str(row[0]) == "1"

    @property
    def awake(self) -> bool:
        return self.running and self.suspended_until <= self._now()

    # -- what the node does, each in one transaction; frames are sent after the commit ----------

    def job(self, work: Callable[[sqlite.Connection], list[bytes]], fate: str) -> list[bytes]:
        def whole(tx: sqlite.Connection) -> list[bytes]:
            before = tx.total_changes
            frames = work(tx)
            if tx.total_changes != before:
                self.end.keep(tx, self.reading())
                frames += self.end.recorded(tx, self.reading())
            return frames

        return self.write(whole, fate, self.dice)

    def failed(self) -> None:
        """Nothing of it is on disk; the conversation may be ahead of the disk, so it starts over."""
        self.end.closing = Ending("trouble")
        self.end.disconnected()

    def perform(self, cmd: Cmd, fate: str) -> tuple[Outcome, list[bytes]]:
        answer: list[Outcome] = []

        def work(tx: sqlite.Connection) -> list[bytes]:
            with sqlite.savepoint(tx, "job"):
                answer.append(perform(tx, cmd.name, cmd.args, self._context(tx, cmd)))
            return []

        try:
            frames = self.job(work, fate)
        except BaseException as trouble:
            if answer and getattr(trouble, "committed", False):
                trouble.answer = answer[-1]  # type: ignore[attr-defined]  # goes along with any trouble
            raise
        return answer[-1], frames

    def heard(self, data: bytes, fate: str) -> list[bytes]:
        return self.job(lambda tx: self.end.received(tx, self.reading(), data), fate)

    def tick(self, fate: str) -> list[bytes]:
        def work(tx: sqlite.Connection) -> list[bytes]:
            now = self.reading()
            frames = self.end.tick(tx, now)
            moment = self.end.clock.moment(now)
            timers.run_due(tx, self.applier.context(moment, f"auto:{self.new_id()}"))
            return frames

        return self.job(work, fate)

    def _context(self, tx: sqlite.Connection, cmd: Cmd) -> Context:
        role = _OWN_ROLES.get(cmd.person, "")
        if not role:
            row = tx.execute("SELECT role FROM person WHERE id = ? AND active = 1", (cmd.person,)).fetchone()
            role = str(row[0]) if row is not None else ""
        return Context(
            moment=self.end.clock.moment(self.reading()),
            person=cmd.person,
            role=role,
            device=cmd.device,
            command=cmd.id,
            line_up=self.end.up,
            new_id=self.new_id,
        )
