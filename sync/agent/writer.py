"""The one writer of the replica: a thread, group commit, answers only after the commit.

Commands of people, frames from the centre and the store's timers all pass through here, so
nothing else ever waits for a lock, and commands that come together share one write to
the disk. Each job has its own savepoint: one that raises takes back its own changes only.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sync.sqlite import Connection

T = TypeVar("T")
MOST_JOBS = 200
MOST_ROWS = 2_000
WAITING = 5_000


class NodeTrouble(Exception):
    """The node cannot do what was asked, for a reason of the machine's. `code` says which."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text or code)
        self.code = code


class NodeWriter:
    def __init__(
        self,
        open_db: Callable[[], Connection],
        *,
        before_commit: Callable[[Connection, bool], None],
        after_commit: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._open = open_db
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._failed = failed
        self.commits = 0
        """Durable commits: groups that changed nothing are not counted, and cost nothing."""
        self._jobs: queue.Queue[tuple[Callable[[Connection], Any], Future[Any]] | None] = queue.Queue(WAITING)
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="replica-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._started.result()

    def submit(self, job: Callable[[Connection], T]) -> Future[T]:
        answer: Future[T] = Future()
        try:
            self._jobs.put_nowait((job, answer))
        except queue.Full:
            raise NodeTrouble("busy", "too many commands are waiting") from None
        return answer

    def stop(self) -> None:
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            db = self._open()
        except BaseException as trouble:
            self._started.set_exception(trouble)
            return
        self._started.set_result(None)
        try:
            going = True
            while going:
                first = self._jobs.get()
                going = first is not None and self._group(db, first)
        finally:
            db.close()
            while True:
                try:
                    left = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if left is not None:
                    left[1].set_exception(NodeTrouble("stopping"))

    def _group(self, db: Connection, first: tuple[Callable[[Connection], Any], Future[Any]]) -> bool:
        going = True
        job: tuple[Callable[[Connection], Any], Future[Any]] | None = first
        taken: list[Future[Any]] = []
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            db.execute("BEGIN IMMEDIATE")
            before = db.total_changes
            while job is not None:
                taken.append(job[1])
                outcomes.append(self._one(db, job[0]))
                if len(taken) >= MOST_JOBS or db.total_changes - before >= MOST_ROWS:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                going = job is not None
            self._before_commit(db, db.total_changes != before)
            wrote = db.total_changes != before
            db.execute("COMMIT")
        except BaseException as trouble:
            # Nothing of this group is on disk, so nobody in it may hear that it is saved.
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._failed(trouble)
            for answer in taken:
                answer.set_exception(trouble)
            return going
        self.commits += wrote
        self._after_commit()
        for answer, (result, error) in zip(taken, outcomes, strict=True):
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)
        return going

    def _one(self, db: Connection, job: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
        db.execute("SAVEPOINT job")
        try:
            result = job(db)
        except Exception as error:
            if not db.in_transaction:
                raise  # SQLite took the whole transaction back (disk full, I/O error)
            db.execute("ROLLBACK TO job")
            db.execute("RELEASE job")
            return None, error
        db.execute("RELEASE job")
        return result, None
