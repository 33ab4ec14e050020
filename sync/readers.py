"""Readers of a database beside its one writer: a connection for each thread, a snapshot for each question."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from sync.sqlite import Connection

T = TypeVar("T")
Db = TypeVar("Db", bound=Connection)


class Readers(Generic[Db]):
    """`connect` opens one more read-only connection. Nothing is opened before somebody asks: the database
    may not be there yet."""

    def __init__(self, connect: Callable[[], Db], threads: int, name: str) -> None:
        self._connect = connect
        self._own = threading.local()
        self._connections: list[Db] = []
        self._looking: Db | None = None
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def read(self, fn: Callable[[Db], T]) -> T:
        """Run `fn` on a reader's connection, in one snapshot of the database."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, fn)

    def read_now(self, fn: Callable[[Db], T]) -> T:
        """The same for a thread that may block."""
        return self._threads.submit(self._read, fn).result()

    def look(self, fn: Callable[[Db], T]) -> T:
        """One short question on the event loop's own connection: it does not wait for a thread.

        Without a transaction around it: each statement sees a snapshot of its own.
        """
        if self._looking is None:
            self._looking = self._open()
        return fn(self._looking)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for db in self._connections:
            db.close()

    def _read(self, fn: Callable[[Db], T]) -> T:
        db: Db | None = getattr(self._own, "db", None)
        if db is None:
            db = self._own.db = self._open()
        db.execute("BEGIN")
        try:
            return fn(db)
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    def _open(self) -> Db:
        db = self._connect()
        self._connections.append(db)
        return db
