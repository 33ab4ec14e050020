"""The one writer of the centre's database: a thread, a bounded queue, group commit.

SQLite has one writer at a time anyway. Giving it a thread of its own lets the jobs that came
while the last commit was on its way to the disk share the next one, so that a burst of a
thousand orders costs tens of commits. Each job runs in a savepoint: one that raises takes back
its own changes and nobody else's. A caller hears its result only after the COMMIT is on disk,
and hints (`Tx.touched`) go out after that too.

Readers have connections of their own and see the last commit; they never wait for the writer.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

from server.db import Tx, open_centre
from server.hints import Hints
from sync.readers import Readers

T = TypeVar("T")
Job = tuple[Callable[[Tx], Any], "Future[Any]"]

ROWS = 1_000
"""A group ends after this many changed rows or jobs: the loop must not stand still behind it."""
GROUP_S = 0.020
BURST_S = 0.100
FEW = 4
"""After a group of more than a few the next one may take longer: in a burst every caller waits for those
before it anyway, and half as many commits are half as many waits for the disk."""
WAITING = 10_000
"""Jobs that may wait. A full queue is an answer ("busy, come back"), not a slow death."""


class Busy(Exception):
    """The writer has more waiting than it may keep. Nothing was done; try again a little later."""


class Writer:
    """`await do(fn)` from the loop, `do_now(fn)` from a thread, `await read(fn)` beside them."""

    def __init__(
        self,
        path: Path | str,
        *,
        hints: Hints | None = None,
        readers: int = 4,
        on_foreign: Callable[[Tx], None] | None = None,
        on_rollback: Callable[[Tx], None] | None = None,
    ) -> None:
        self.path = str(path)
        self.on_foreign = on_foreign
        """Called in the writer's thread, inside a transaction, when another process has committed."""
        self.on_rollback = on_rollback
        """Called in the writer's thread when something that was written is taken back: a job's changes
        or a whole group's. What is kept in memory beside the tables may have run ahead of them."""
        self.hints = hints if hints is not None else Hints()
        self.commits = 0
        """Durable transactions so far. Groups in which nothing was written do not count."""
        self.jobs = 0
        self._queue: queue.Queue[Job | None] = queue.Queue(WAITING)
        self._closed = False
        self._db = open_centre(self.path)
        self._seen_version = self._data_version()
        self._readers = Readers(self._open_reader, readers, "yipan-reader")
        self._thread = threading.Thread(target=self._run, name="yipan-writer", daemon=True)
        self._thread.start()

    # -- asking ---------------------------------------------------------------------------

    async def do(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` inside the next group; return its result once that is on disk.

        A caller that is cancelled while waiting does not stop the job: it may have run already.
        """
        return cast(T, await asyncio.shield(asyncio.wrap_future(self._submit(fn))))

    def do_now(self, fn: Callable[[Tx], T]) -> T:
        """The same for a thread that may block. Not from the writer's own thread."""
        assert threading.current_thread() is not self._thread, "a job may not wait for another job"
        return cast(T, self._submit(fn).result())

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a read-only connection, in one snapshot of the database."""
        return await self._readers.read(fn)

    def read_now(self, fn: Callable[[Tx], T]) -> T:
        return self._readers.read_now(fn)

    def close(self) -> None:
        """Finish what waits, then stop. Nothing that was answered is lost by not calling it."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._readers.close()
        self._db.close()

    # -- the thread -----------------------------------------------------------------------

    def _submit(self, fn: Callable[[Tx], Any]) -> Future[Any]:
        if self._closed:
            raise Busy("the centre is stopping")
        answer: Future[Any] = Future()
        try:
            self._queue.put_nowait((fn, answer))
        except queue.Full:
            raise Busy("too much is waiting to be written") from None
        return answer

    def _run(self) -> None:
        grouped, ended = 0, 0.0
        while True:
            job = self._queue.get()
            if job is None:
                return
            # Several callers came together a moment ago, so more are on their way: gather them.
            # A caller on its own is never made to wait.
            gather = grouped > 1 and time.monotonic() - ended < GROUP_S
            grouped, stop = self._group(job, gather, BURST_S if gather and grouped > FEW else GROUP_S)
            ended = time.monotonic()
            if stop:
                return

    def _group(self, first: Job, gather: bool, most_s: float) -> tuple[int, bool]:
        db = self._db
        taken = [first[1]]
        outcomes: list[tuple[Any, BaseException | None]] = []
        touched: set[str] = set()
        before = db.total_changes
        until = time.monotonic() + most_s
        stop = everybody = False
        try:
            db.execute("BEGIN IMMEDIATE")
            version = self._data_version()
            if version != self._seen_version:
                # Another process wrote (the command line): whoever waits for a hint got none.
                self._seen_version = version
                if self.on_foreign is not None:
                    self.on_foreign(db)
                everybody = True
            job: Job | None = first
            while job is not None:
                outcomes.append(self._one(job[0], touched))
                left = until - time.monotonic()
                if len(taken) >= ROWS or db.total_changes - before >= ROWS or left <= 0:
                    break
                try:
                    # Who gathers waits for the next one, not for the end of the time.
                    wait = min(left, GROUP_S)
                    job = self._queue.get(timeout=wait) if gather else self._queue.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stop = True
                else:
                    taken.append(job[1])
            wrote = db.total_changes != before
            db.execute("COMMIT")
            self.commits += wrote
        except BaseException as trouble:
            # The disk said no: nobody in this group may believe that it was saved.
            if db.in_transaction:
                db.execute("ROLLBACK")
            outcomes, touched = [(None, trouble)] * len(taken), set()
            self._taken_back(before)
        self.jobs += len(taken)
        if everybody:
            self.hints.publish_all()
        elif touched:
            self.hints.publish(touched)
        for answer, (result, error) in zip(taken, outcomes, strict=True):
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)
        return len(taken), stop

    def _one(self, fn: Callable[[Tx], Any], touched: set[str]) -> tuple[Any, BaseException | None]:
        db = self._db
        db.touched = set()
        before = db.total_changes
        db.execute("SAVEPOINT job")
        try:
            result = fn(db)
        except Exception as error:
            if not db.in_transaction:
                raise  # SQLite itself took everything back (disk full, I/O error)
            db.execute("ROLLBACK TO job")
            db.execute("RELEASE job")
            self._taken_back(before)
            return None, error
        db.execute("RELEASE job")
        touched |= db.touched
        return result, None

    def _taken_back(self, before: int) -> None:
        # A refusal before the first change leaves nothing behind, in the tables or beside them.
        if self.on_rollback is not None and self._db.total_changes != before:
            self.on_rollback(self._db)

    def _data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _open_reader(self) -> Tx:
        db = sqlite3.connect(
            f"file:{self.path}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=10.0,
            factory=Tx,
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA cache_size = -16000")
        return db
