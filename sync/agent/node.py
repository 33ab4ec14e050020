"""The running store node without its web face: the record, its one writer, the line, the timers.

A command is answered when it is on this machine's disk, line or no line. Facts go up after
that commit. The conversation with the centre runs on the writer's thread, so it sees the
same transactions and needs no lock of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import structlog

from sync import sqlite
from sync.agent import machine
from sync.agent.applier import ReplicaApplier
from sync.agent.backoff import Backoff
from sync.agent.ballast import Ballast
from sync.agent.config import LineStatus, NodeConfig
from sync.agent.line import Line
from sync.agent.listeners import Listeners
from sync.agent.salvage import open_or_salvage
from sync.agent.writer import NodeTrouble, NodeWriter
from sync.ids import Dice, new_id
from sync.link.clock import LinkClock, Reading
from sync.link.ending import Ending
from sync.link.proof import token_hash
from sync.link.store_end import StoreEnd
from sync.readers import Readers
from sync.replica import commands, log, till, timers
from sync.replica.commands import Outcome
from sync.replica.context import Context
from sync.sqlite import Connection
from sync.wire.frames import Certified

_log = structlog.get_logger("yipan.node")

T = TypeVar("T")
SOFTWARE = "0.1.0"
ASK_LIMIT_S = 0.3
"""How long a shopper at the till waits for the centre."""
CERTIFY_LIMIT_S = 20.0
PRUNE_EVERY = 3_600
NEW_WORK = frozenset(
    ("accept", "start_wave", "open_manifest", "send_transfer", "receive", "count", "open_sheet")
)
"""Not begun while the disk is full; what is under way can still be finished."""
_OWN_ROLES = {"till": "till", "node": "node"}
"""Callers that are no people: the till's interface and the node itself."""


class StoreNode:
    def __init__(
        self,
        config: NodeConfig,
        *,
        clocks: Callable[[], Reading] = machine.reading,
        dice: Dice = os.urandom,
    ) -> None:
        self.config = config
        self.path = Path(config.data_dir) / "replica.db"
        self.line: Line | None = None
        self._clocks = clocks
        self._dice = dice
        self._applier = ReplicaApplier(self._new_id)
        self._end: StoreEnd | None = None
        self._frames: list[bytes] = []
        self._hints: set[str] = set()
        self._up = False
        self._since = 0
        self._opened = 0
        self._unsent = (0, 0)
        self._trouble = ""
        self._ticks = 0
        self._ballast = Ballast(Path(config.data_dir) / "ballast")
        self._asking: dict[int, asyncio.Future[None]] = {}
        self.listeners = Listeners(clocks().wall)
        self._tasks: list[asyncio.Task[None]] = []
        self._lock: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.readers = Readers(lambda: sqlite.connect(self.path, read_only=True), 3, "replica-reader")
        self._writer = NodeWriter(
            self._open,
            before_commit=self._before_commit,
            after_commit=self._after_commit,
            failed=self._failed,
        )

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the record and keep the line from now on. NodeTrouble if another process holds it."""
        Path(self.config.data_dir).mkdir(parents=True, exist_ok=True)
        self._lock = _lock(Path(self.config.data_dir) / "node.lock")
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._writer.start)
        except BaseException:
            self._unlock()
            raise
        self._ballast.put()
        self._since = self.end.clock.moment(self._clocks()).now
        self.line = Line(
            self.config.centre_url,
            Backoff(self.config.reconnect_base_s, self.config.reconnect_cap_s, self._dice),
            send_limit_s=self.config.send_limit_s,
            opened=self._line_opened,
            heard=self._line_heard,
            lost=self._line_lost,
        )
        self._tasks = [asyncio.create_task(self.line.keep()), asyncio.create_task(self._keep_time())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await asyncio.to_thread(self._writer.stop)
        self.readers.close()
        self._unlock()

    # -- what pages use ----------------------------------------------------------------------

    async def perform(
        self, name: str, args: dict[str, Any], *, command_id: str, person: str, device: str
    ) -> Outcome:
        """Do a command once; the answer is given when it is on disk. A repeat gets the first answer."""
        if self._ballast.thrown and name in NEW_WORK:
            raise NodeTrouble("disk_full", "the disk of the store's box is full")

        def job(tx: Connection) -> Outcome:
            outcome = commands.perform(tx, name, args, self._context(tx, person, device, command_id))
            self._hints |= outcome.hints
            return outcome

        return await self._do(job)

    async def ask_share(self, rows: Sequence[tuple[str, int]]) -> bool:
        """A till is about to sell (code, quantity): ask the centre for what the share lacks of it.

        Waits for the answer, but not for long: the sale is then decided by what is here. True: answered.
        """
        if not self._up:
            return False
        lacking = self.look(lambda db: till.lacking(db, rows))
        if not lacking:
            return False

        def job(tx: Connection) -> int:
            question, frames = self.end.ask(lacking)
            self._frames += frames
            return question

        question = await self._do(job)
        if not question:
            return False
        if self.end.answered(question):
            return True
        heard = self._asking[question] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(heard, ASK_LIMIT_S)
            return True
        except TimeoutError:
            return False
        finally:
            del self._asking[question]

    async def certify(self, request: str) -> Certified | None:
        """Ask the centre to sign a key for this node's pages. None: no line, or no answer in time."""

        def job(tx: Connection) -> int:
            question, frames = self.end.certify(request)
            self._frames += frames
            return question

        question = await self._do(job) if self._up else 0
        if not question:
            return None
        heard = self._asking[question] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(heard, CERTIFY_LIMIT_S)
        except TimeoutError:
            return None
        finally:
            del self._asking[question]
        found = self.end.certified
        return found if found is not None and found.n == question else None

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a read-only connection, in one snapshot, beside the writer."""
        return await self.readers.read(fn)

    def look(self, fn: Callable[[Connection], T]) -> T:
        """One short question at once: a till does not wait for a thread."""
        return self.readers.look(fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in the writer's next group: for what is the node's own (sessions, PIN counts)."""
        return await self._do(fn)

    def status(self) -> LineStatus:
        end = self.end
        return LineStatus(
            up=self._up,
            since=self._since,
            heard_at=end.heard_at,
            unsent=self._unsent[0],
            oldest_unsent_at=self._unsent[1],
            moment=end.clock.moment(self._clocks()),
            trouble="" if self._up else self._trouble,
            held=next(iter(end.held.values()), ""),
        )

    async def cut(self, cut: bool) -> None:
        """Demonstrations and tests: drop the line and keep it down, or let it come back."""
        assert self.line is not None, "the node has not been started"
        self.line.set_cut(cut)

    @property
    def end(self) -> StoreEnd:
        assert self._end is not None, "the node has not been started"
        return self._end

    @property
    def commits(self) -> int:
        """Durable commits so far."""
        return self._writer.commits

    # -- on the writer's thread ----------------------------------------------------------------

    def _open(self) -> Connection:
        now = self._clocks()
        db = open_or_salvage(self.path, self.config.store, self._dice, now.wall)
        store_log = log.ReplicaLog()
        standing = store_log.standing(db)
        self._end = StoreEnd(
            self.config.store,
            store_log,
            self._applier,
            key=token_hash(self.config.token),
            new_incarnation=self._new_id,
            clock=LinkClock(standing.clock),
            host=self.config.host or machine.fingerprint(Path(self.config.data_dir)),
            software=SOFTWARE,
            jitter=lambda: self._dice(1)[0] / 255,
        )
        self._end.acked, self._end.prunable = standing.acked, standing.prunable
        self._count_unsent(db)
        return db

    def _before_commit(self, tx: Connection, wrote: bool) -> None:
        if wrote:
            now = self._clocks()
            self.end.keep(tx, now)
            self._frames += self.end.recorded(tx, now)
        self._count_unsent(tx)

    def _count_unsent(self, tx: Connection) -> None:
        end = self.end
        end.head = log.head(tx)[0]
        unsent = max(0, end.head - end.acked)
        if not unsent and self._unsent[0]:
            self._hints.add("line")  # the pages say "0 to send" at once, not at their next beat
        self._unsent = (unsent, log.ReplicaLog().recorded_at(tx, end.acked + 1) if unsent else 0)

    def _after_commit(self) -> None:
        """Only now may anybody hear of it: frames to the centre, hints to the pages."""
        frames, self._frames = self._frames, []
        hints, self._hints = self._hints | self._applier.hints, set()
        self._applier.hints = set()
        if self.end.up != self._up:
            self._up, self._trouble = self.end.up, ""
            self._since = self.end.clock.moment(self._clocks()).now
            hints.add("line")
        ending = self.end.closing
        loop = self._loop
        if loop is not None and (frames or hints or ending) and not loop.is_closed():
            loop.call_soon_threadsafe(self._committed, frames, hints, ending)

    def _failed(self, trouble: BaseException) -> None:
        """The group is not on disk. The conversation may be ahead of the disk, so it starts over."""
        self._frames, self._hints, self._applier.hints = [], set(), set()
        self.end.closing = Ending("trouble")
        self.end.disconnected()
        if isinstance(trouble, sqlite3.Error) and "full" in str(trouble):
            self._ballast.throw()
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._committed, [], {"line"}, self.end.closing)

    def _context(self, tx: Connection, person: str, device: str, command: str) -> Context:
        role = _OWN_ROLES.get(person, "")
        if not role:
            row = tx.execute("SELECT role FROM person WHERE id = ? AND active = 1", (person,)).fetchone()
            role = str(row[0]) if row is not None else ""
        return Context(
            moment=self.end.clock.moment(self._clocks()),
            person=person,
            role=role,
            device=device,
            command=command,
            line_up=self.end.up,
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        return new_id(self._clocks().wall, self._dice)

    # -- on the loop ---------------------------------------------------------------------------

    def _submit(self, job: Callable[[Connection], T]) -> Future[T]:
        return self._writer.submit(job)

    async def _do(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.shield(asyncio.wrap_future(self._submit(job)))

    def _committed(self, frames: list[bytes], hints: set[str], ending: Ending | None) -> None:
        if self.line is not None:
            self.line.send(frames)
            if ending is not None:
                self.line.end(ending)
        self.listeners.tell(hints)

    async def _line_opened(self) -> None:
        self._opened = self._clocks().mono

        def job(tx: Connection) -> None:
            self._frames += self.end.connected(tx, self._clocks())

        await self._do(job)

    async def _line_heard(self, data: bytes) -> None:
        def job(tx: Connection) -> None:
            try:
                self._frames += self.end.received(tx, self._clocks(), data)
            except Exception:
                # Its transaction is taken back; what the conversation remembers may not fit any more.
                self.end.closing = Ending("trouble")
                raise

        await self._do(job)
        for question, heard in self._asking.items():
            certified = self.end.certified is not None and self.end.certified.n == question
            if not heard.done() and (certified or self.end.answered(question)):
                heard.set_result(None)

    async def _line_lost(self, trouble: str) -> tuple[int, int]:
        progress = self.end.progress if self._opened else 0
        lasted = self._clocks().mono - self._opened if self._opened else 0
        self._opened = 0
        if trouble:
            self._trouble = trouble

        def job(tx: Connection) -> None:
            self._frames = []
            self.end.disconnected()
            self._hints.add("line")

        with contextlib.suppress(Exception):
            await self._do(job)
        return lasted, progress

    async def _keep_time(self) -> None:
        """The store's own timers and the line's: liveness, pings, what is due by the clock."""
        while True:
            await asyncio.sleep(self.config.timers_s)
            try:
                await self._do(self._tick)
            except (sqlite3.Error, NodeTrouble) as trouble:
                # A full disk or a locked file is told by the next command; time goes on.
                _log.warning("timers", trouble=str(trouble))
            except Exception:
                _log.exception("timers")
            self._ballast.back()

    def _tick(self, tx: Connection) -> None:
        now = self._clocks()
        self._frames += self.end.tick(tx, now)
        moment = self.end.clock.moment(now)
        context = self._applier.context(moment, f"auto:{self._new_id()}")
        if timers.run_due(tx, context):
            self._hints |= {"all", "notice"}
        self._ticks += 1
        if self._ticks % PRUNE_EVERY == 0:
            log.ReplicaLog().prune(tx, self.end.prunable, moment.earliest - log.RETENTION_MS)

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def is_running(data_dir: Path) -> bool:
    """Whether another process holds this record now. A question for a person's command line only:
    `start` asks again, and that answer counts.
    """
    path = Path(data_dir) / "node.lock"
    if not path.exists():
        return False
    try:
        os.close(_lock(path))
    except NodeTrouble:
        return True
    return False


def _lock(path: Path) -> int:
    """Two processes on one record would give one number to two facts."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise NodeTrouble("already_running", f"another process holds {path}") from None
    os.truncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return handle
