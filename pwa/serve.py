"""The listening socket and the server around the pages."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import uvicorn
from litestar import Litestar

from pwa.along import along
from pwa.app import make_app
from pwa.printing.press import Press
from pwa.secure.front import FrontServer
from pwa.secure.keeper import Keeper
from pwa.secure.papers import Paper
from pwa.secure.shield import Shield
from pwa.till.door import Door
from pwa.till.files import Folder
from pwa.training.node import TrainingNode
from pwa.training.school import School
from pwa.web import compile_pages
from sync.agent.config import NodeConfig
from sync.agent.node import StoreNode
from sync.ids import new_id as make_id

USER_TIMEOUT_MS = 30_000
"""A handheld that went out of reach with an answer under way is given up after this long; uvicorn's own
keepalive would wait for ever for the buffer to empty."""


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # asyncio sets this only on sockets that name their protocol: without it an answer in two parts
    # waits 40 ms for the other side's delayed acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    sock.bind((host, port))
    sock.listen(256)
    return sock


def running(node: StoreNode) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """The node lives as long as its pages."""

    @asynccontextmanager
    async def life(app: Litestar) -> AsyncIterator[None]:
        await node.start()
        # Beside the first requests: the first look at each page must not be the one that compiles it.
        compiling = asyncio.create_task(asyncio.to_thread(compile_pages))
        # What is loaded now stays: the collector need not walk it again and again while a shopper waits.
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            await asyncio.gather(compiling, return_exceptions=True)
            await node.stop()

    return life


SWITCH_S = 0.0001
"""How long the writer's thread may keep a till waiting before it lets the loop have the interpreter.
Python's own 5 ms are as long as the whole answer may take."""


def said(paper: Paper) -> None:
    print(f"yipan-store: HTTPS for {', '.join(paper.names)}", file=sys.stderr, flush=True)


def say_where(listener: socket.socket, keeper: Keeper | None, *, behind: bool) -> None:
    """The start-up line: for whoever reads the log and wonders why handhelds cannot work offline."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"yipan-store: pages on http://{shown}:{port}", file=sys.stderr, flush=True)
    if keeper is not None and keeper.paper is not None:
        names = ", ".join(keeper.paper.names)
        print(f"yipan-store: and on https://, port {port}, for {names}", file=sys.stderr, flush=True)
    elif not behind:
        print(
            "yipan-store: NO CERTIFICATE YET. On plain HTTP handhelds get no offline work and no camera. It"
            " comes with the line when the centre has an authority (yipan ca create), or bring one:"
            " --tls-cert, --tls-key.",
            file=sys.stderr,
            flush=True,
        )


def serve(
    config: NodeConfig,
    listener: socket.socket,
    *,
    secure: bool,
    till_key: str,
    till_folder: Path | None = None,
    till_columns: Mapping[str, str] | None = None,
    keeper: Keeper | None = None,
    only_https: bool = False,
    training_port: int | None = 0,
) -> None:
    """`keeper`: of the certificate; none where something in front speaks HTTPS for this node.
    `training_port`: 0, the next free one; None, no training here."""
    sys.setswitchinterval(SWITCH_S)
    node = StoreNode(config)

    def new_id() -> str:
        return make_id(node.status().moment.now, os.urandom)

    def tls() -> ssl.SSLContext | None:
        return keeper.context if keeper is not None else None

    host, port = listener.getsockname()[:2]

    def practice_pages(practice: TrainingNode, school: School) -> Litestar:
        pages = make_app(
            practice,
            store=config.store,
            language=config.language,
            secure=secure,
            secret=f"training {config.token}",
            leave_port=port,
        )
        pages.state.school = school
        return pages

    school = School(
        node,
        config.store,
        config.data_dir / "training",
        host=host,
        real_port=port,
        port=training_port or 0,
        make_pages=practice_pages,
        tls=tls,
    )
    folder = Folder(till_folder or config.data_dir / "tills", node, new_id, till_columns)
    app = make_app(
        node,
        store=config.store,
        language=config.language,
        secure=secure,
        # The node's own secret: pages opened before a restart still act after it.
        secret=config.token,
        till_key=till_key,
        till_columns=till_columns,
        keeper=keeper,
        lifespan=[
            running(node),
            along(folder.keep_looking),
            along(Press(node).keep_printing),
            along(school.keep),
            *([along(lambda: keeper.keep(node, said))] if keeper else []),
        ],
    )

    if training_port is not None:
        app.state.school = school
    settings = uvicorn.Config(
        Shield(Door(app, app.state.till_question), lambda: tls() is not None, only_https=only_https),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        # Streams of changes never end by themselves.
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    say_where(listener, keeper, behind=secure)
    FrontServer(settings, tls).run(sockets=[listener])
