"""The line to the centre: connect, speak, notice its end, come again. The only place with a socket.

What is said is the conversation's business (`sync.link.store_end`); here are the reader, the
sender with its time limit, and the loop that comes again. A line that ends is dropped at
once: a polite close can take ten seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException
from websockets.typing import Subprotocol

from sync.agent.backoff import Backoff
from sync.link.ending import Ending
from sync.wire.frames import MAX_FRAME_BYTES, SUBPROTOCOL

_log = structlog.get_logger("yipan.line")

OPEN_LIMIT_S = 15.0
READ_AHEAD = 16


class Line:
    """`talk` callbacks come from the node: they reach the conversation through its writer."""

    def __init__(
        self,
        url: str,
        backoff: Backoff,
        *,
        send_limit_s: float,
        opened: Callable[[], Awaitable[None]],
        heard: Callable[[bytes], Awaitable[None]],
        lost: Callable[[str], Awaitable[tuple[int, int]]],
    ) -> None:
        self.url = url
        self.cut = False
        self.connections = 0
        self.sent_frames = 0
        self.sent_bytes = 0
        self.heard_frames = 0
        self.last_frame_bytes = 0
        self._backoff = backoff
        self._send_limit_s = send_limit_s
        self._opened = opened
        self._heard = heard
        self._lost = lost
        self._out: asyncio.Queue[list[bytes]] | None = None
        self._ending: Ending | None = None
        self._ended = asyncio.Event()
        self._nudge = asyncio.Event()

    def send(self, frames: list[bytes]) -> None:
        """Hand frames to the line. Without one they are dropped: the log has them."""
        if self._out is not None and frames:
            self._out.put_nowait(frames)

    def end(self, ending: Ending) -> None:
        """The conversation wants this session to be over."""
        self._ending = self._ending or ending
        self._ended.set()

    def set_cut(self, cut: bool) -> None:
        self.cut = cut
        self._nudge.set()
        if cut:
            self._ended.set()

    async def keep(self) -> None:
        """Come again and again, until cancelled."""
        while True:
            if self.cut:
                self._nudge.clear()
                await self._nudge.wait()
                continue
            trouble = ""
            self._ending = None
            self._ended.clear()
            try:
                trouble = await self._once()
            except (TimeoutError, OSError, EOFError):
                trouble = "unreachable"
            except InvalidURI:
                trouble = "address"
            except InvalidHandshake:
                trouble = "not_the_centre"  # a portal or a proxy answered
            except WebSocketException:
                trouble = "line"
            except Exception:
                # A full disk, a bug: whatever it is, this loop is what brings the store back.
                _log.exception("line", url=self.url)
                trouble = "trouble"
            finally:
                self._out = None
            ending: Ending | None = self._ending
            lasted_ms, progress = await self._lost(ending.code if ending else trouble)
            self._backoff.ended(lasted_ms, progress)
            wait_s = self._backoff.next_s(
                (ending.shortest if ending else 0) / 1000, (ending.longest if ending else 0) / 1000
            )
            self._nudge.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), wait_s)

    async def _once(self) -> str:
        async with asyncio.timeout(OPEN_LIMIT_S):
            connection = await connect(
                self.url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                max_size=MAX_FRAME_BYTES,
                max_queue=READ_AHEAD,
                ping_interval=None,
                open_timeout=OPEN_LIMIT_S,
                close_timeout=1,
                proxy=None if _is_here(self.url) else True,
                ssl=ssl.create_default_context() if self.url.startswith("wss:") else None,
            )
        self.connections += 1
        out: asyncio.Queue[list[bytes]] = asyncio.Queue()
        try:
            if connection.subprotocol != SUBPROTOCOL:
                return "not_the_centre"
            await self._opened()
            self._out = out
            tasks = [
                asyncio.create_task(self._read(connection)),
                asyncio.create_task(self._send(connection, out)),
                asyncio.create_task(self._ended.wait()),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._out = None
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return "line"
        finally:
            connection.transport.abort()

    async def _read(self, connection: ClientConnection) -> None:
        async for message in connection:
            self.heard_frames += 1
            await self._heard(message.encode() if isinstance(message, str) else message)

    async def _send(self, connection: ClientConnection, out: asyncio.Queue[list[bytes]]) -> None:
        while True:
            for frame in await out.get():
                # A frozen peer must not hold this task for ever.
                async with asyncio.timeout(self._send_limit_s):
                    await connection.send(frame)
                self.sent_frames += 1
                self.sent_bytes += len(frame)
                self.last_frame_bytes = len(frame)


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
