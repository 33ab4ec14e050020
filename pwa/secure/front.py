"""One port for both: a connection that begins like TLS gets TLS, any other plain HTTP.

A node starts before it has a certificate, and takes one later without a restart. Handhelds fetch the
root before they trust it, tills and the doctor on the box speak plain HTTP, and nobody has to learn a
second port. The first byte tells (22 begins a handshake, a letter begins a request); it is only looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, cast

import structlog
import uvicorn

TLS = 22
FIRST_BYTE_S = 75.0
"""Browsers open connections before they need them."""
HANDSHAKE_S = 10.0
MOST_SILENT = 512
"""Connections that have said nothing yet."""
PAUSE_S = 0.5

_log = structlog.get_logger("yipan.front")


class FrontServer(uvicorn.Server):
    """uvicorn with an accept loop that looks first. `context` gives the TLS of the moment, or None."""

    def __init__(self, config: uvicorn.Config, context: Callable[[], ssl.SSLContext | None]) -> None:
        super().__init__(config)
        self._tls = context
        self._accepting: list[asyncio.Task[None]] = []
        self._silent: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        for listener in sockets or ():
            listener.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept(listener)))

    async def shutdown(self, sockets: Sequence[socket.socket] | None = None) -> None:
        tasks = [*self._accepting, *self._silent]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().shutdown(sockets=list(sockets or ()))

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as trouble:
                # No file descriptors left, or a peer that was gone at once: neither ends the shop.
                _log.warning("accept", trouble=str(trouble))
                await asyncio.sleep(PAUSE_S)
                continue
            connection.setblocking(False)
            if len(self._silent) >= MOST_SILENT:
                connection.close()
                continue
            task = asyncio.create_task(self._begin(connection))
            self._silent.add(task)
            task.add_done_callback(self._silent.discard)

    async def _begin(self, connection: socket.socket) -> None:
        taken = False
        try:
            async with asyncio.timeout(FIRST_BYTE_S):
                first = await _first_byte(connection)
            if first is None:
                return
            tls = self._tls() if first == TLS else None
            if first == TLS and tls is None:
                return  # no certificate yet: nothing to answer a handshake with
            more: dict[str, Any] = {"ssl_handshake_timeout": HANDSHAKE_S} if tls is not None else {}
            taken = True
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=tls, **more
            )
        except (OSError, TimeoutError, EOFError):
            pass  # a peer that left, or does not trust us: its own screen says so
        finally:
            if not taken:
                connection.close()

    def _protocol(self) -> asyncio.Protocol:
        # uvicorn's protocols are made alike, but their type promises no more than asyncio's.
        make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


async def _first_byte(connection: socket.socket) -> int | None:
    """The byte that the peer begins with, left where it is; None if it went away without one."""
    while True:
        try:
            seen = connection.recv(1, socket.MSG_PEEK)
            return seen[0] if seen else None
        except (BlockingIOError, InterruptedError):
            await _readable(connection)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(connection, tell)
    try:
        await ready
    finally:
        with contextlib.suppress(OSError, ValueError):
            loop.remove_reader(connection)
