"""One centre process: its listening socket, uvicorn, and the end of it all on a signal."""

from __future__ import annotations

import socket

import uvicorn

import sync.sqlite
from server.app import make_app
from server.config import CentreConfig

FROZEN_PEER_MS = 60_000
"""Unacknowledged data may wait this long, then the kernel ends the connection."""
MESSAGE_LIMIT = 1024 * 1024
"""A larger websocket message is ended by the protocol itself, before it fills memory."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A listening socket whose connections notice a peer that froze or vanished.

    uvicorn's own keepalive waits for a full buffer to flush, so a frozen peer with pending data
    would be held for ever. Connections inherit these options from the listener.
    """
    listener = socket.create_server((host, port), backlog=2048, reuse_port=False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        # asyncio sets this only on sockets that name their protocol, which those of a listener
        # made by us do not: without it every answer in two parts waits 40 ms for a delayed ACK.
        ("TCP_NODELAY", 1),
        ("TCP_USER_TIMEOUT", FROZEN_PEER_MS),
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
    ):
        option = getattr(socket, name, None)  # absent outside Linux
        if option is not None:
            listener.setsockopt(socket.IPPROTO_TCP, option, value)
    listener.setblocking(False)
    return listener


def make_server(config: CentreConfig) -> uvicorn.Server:
    """The centre under uvicorn; `serve` runs it, a test may run it in a thread."""
    return uvicorn.Server(
        uvicorn.Config(
            make_app(config),
            ws_per_message_deflate=False,
            ws_max_size=MESSAGE_LIMIT,
            ws_ping_interval=None,  # the link has its own heartbeat, which means progress
            timeout_graceful_shutdown=5,
            access_log=False,
            log_level="warning",
            server_header=False,
        )
    )


def serve(config: CentreConfig, listener: socket.socket | None = None) -> None:
    """Serve until a signal ends it."""
    sync.sqlite.check_build()
    own = listener if listener is not None else listening_socket(config.host, config.port)
    try:
        make_server(config).run(sockets=[own])
    finally:
        own.close()
