"""A store's real pages and its training beside them, on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from pwa.along import along
from pwa.app import make_app
from pwa.training.school import School
from tests import kit_pwa as kit


@dataclass
class Store:
    node: kit.DemoNode
    school: School
    address: str

    @property
    def training(self) -> str:
        return f"http://127.0.0.1:{self.school.port}" if self.school.port else ""


@contextmanager
def served(node: kit.DemoNode, folder: Path) -> Iterator[Store]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]

    def practice(training: Any, school: School) -> Any:
        pages = make_app(training, store=kit.STORE, secret="training", leave_port=port)
        pages.state.school = school
        return pages

    school = School(
        node,
        kit.STORE,
        folder,
        host="127.0.0.1",
        real_port=port,
        port=0,
        make_pages=practice,
        tls=lambda: None,
    )
    app = make_app(node, store=kit.STORE, secret="kept", lifespan=[along(school.keep)])
    app.state.school = school
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1, lifespan="on")
    )
    thread = threading.Thread(target=lambda: server.run(sockets=[sock]), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the pages did not start"
        time.sleep(0.02)
    try:
        yield Store(node, school, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(10)


def everything(node: kit.DemoNode) -> dict[str, list[tuple[Any, ...]]]:
    """The whole real record, but for who is signed in where."""
    tables = [
        row[0]
        for row in node.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if row[0] not in ("web_session", "handheld") and not row[0].startswith("sqlite_")
    ]
    return {
        table: sorted(map(tuple, node.db.execute(f"SELECT * FROM {table}")), key=repr) for table in tables
    }
