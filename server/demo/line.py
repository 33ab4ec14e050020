"""A store's line: a TCP proxy between its node and the centre, with scissors.

Cut, the way a cable is cut: connections break and new ones get nowhere. Or a
hole, the way a bad radio link fails: connections stay open and nothing comes
through; bytes on their way arrive late when the line is back, as TCP would have it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Literal

How = Literal["up", "cut", "hole"]
CHUNK = 16_384
CONNECT_S = 5.0


@dataclass
class Line:
    store: str
    centre_host: str
    centre_port: int
    port: int = 0
    state: How = "up"
    since: float = field(default_factory=time.time)
    cuts: int = 0
    bytes_up: int = 0
    bytes_down: int = 0

    def __post_init__(self) -> None:
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._break_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self, how: How = "cut") -> None:
        """Idempotent: a second cut changes how it is cut, not when it began."""
        assert how != "up"
        if self.state == "up":
            self.since = time.time()
            self.cuts += 1
        self.state = how
        self._flows.clear()
        if how == "cut":
            self._break_all()

    def restore(self) -> None:
        if self.state != "up":
            self.since = time.time()
        self.state = "up"
        self._flows.set()

    def _break_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self.state == "cut":
                writer.transport.abort()
                return
            await self._flows.wait()
            centre_reader, centre_writer = await asyncio.wait_for(
                asyncio.open_connection(self.centre_host, self.centre_port), CONNECT_S
            )
            self._open.add(centre_writer)
            try:
                await self._both(reader, writer, centre_reader, centre_writer)
            finally:
                self._open.discard(centre_writer)
                centre_writer.transport.abort()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the demo ends, the centre is down or the line was cut: the node sees a broken connection
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        centre_reader: asyncio.StreamReader,
        centre_writer: asyncio.StreamWriter,
    ) -> None:
        ways = (
            asyncio.create_task(self._pump(reader, centre_writer, up=True)),
            asyncio.create_task(self._pump(centre_reader, writer, up=False)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while chunk := await reader.read(CHUNK):
            # In a hole a chunk that was read waits here, and TCP holds back what follows.
            await self._flows.wait()
            writer.write(chunk)
            await writer.drain()
            if up:
                self.bytes_up += len(chunk)
            else:
                self.bytes_down += len(chunk)
