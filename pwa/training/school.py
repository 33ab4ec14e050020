"""Starts and ends a training beside the real pages: its own node, app, port, cookies.

Its own port makes its pages another origin to a browser: other worker, other outbox, other storage. So a
handheld cannot hand in what was practised to the real record, whatever either side does wrong. Cookies
know no ports: the session's has another name here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from pwa.node import Node
from pwa.secure.front import FrontServer
from pwa.secure.shield import Shield
from pwa.training.node import Rows, TrainingNode
from pwa.training.orders import PIN
from sync.rules.secrets import hash_pin
from sync.sqlite import Connection

MOST_GOODS = 120
"""Of the store's catalogue: enough to be its own, few enough for a walk."""
LONGEST_S = 10 * 3600
"""A training that nobody ended is over by the next morning."""
TICK_S = 5.0
PORTS_ON = 1_000
"""Where nobody says: so far after the node's own port. The next ones are its neighbours'."""
_log = structlog.get_logger("yipan.training")


def store_rows(db: Connection, store: str, pin_hash: str) -> Rows:
    """What a training knows of the real store: names, goods, shelves. No order, no stock, no PIN."""
    goods = db.execute(
        "SELECT i.*, s.location FROM item i LEFT JOIN shelf s ON s.sku = i.sku WHERE i.serialised = 0"
        " ORDER BY s.location IS NULL, EXISTS (SELECT 1 FROM gtin g WHERE g.sku = i.sku) DESC, i.sku LIMIT ?",
        (MOST_GOODS,),
    ).fetchall()
    codes: dict[str, list[str]] = {}
    for row in goods:
        found = db.execute("SELECT gtin FROM gtin WHERE sku = ?", (row["sku"],)).fetchall()
        codes[row["sku"]] = [one[0] for one in found]
    names = ("name_en", "name_zh", "detail_en", "detail_zh", "price_fen", "serialised")
    people = db.execute("SELECT * FROM person WHERE active = 1").fetchall()
    policies = db.execute(
        "SELECT key, value FROM policy WHERE key NOT LIKE 'handhelds%' AND key NOT LIKE 'till_mode%'"
    ).fetchall()
    return {
        "catalogue": [
            (row["sku"], {**{name: row[name] for name in names}, "gtins": codes[row["sku"]]}) for row in goods
        ],
        f"shelves:{store}": [
            (row["sku"], {"location": row["location"]}) for row in goods if row["location"] is not None
        ],
        f"people:{store}": [
            (
                row["id"],
                {
                    "name": row["name"],
                    "role": row["role"],
                    "language": row["language"],
                    "pin_hash": pin_hash,
                    "active": 1,
                },
            )
            for row in people
        ],
        "stores": [(row["code"], dict(row)) for row in db.execute("SELECT * FROM store").fetchall()],
        "policy": [(row["key"], {"value": row["value"]}) for row in policies],
    }


class _Beside(FrontServer):
    """Signals belong to the server of the real pages."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class School:
    """`make_pages`: the same app as the real one, told that it is a training."""

    def __init__(
        self,
        real: Node,
        store: str,
        folder: Path,
        *,
        host: str,
        real_port: int,
        port: int,
        make_pages: Callable[[TrainingNode, School], Any],
        tls: Callable[[], ssl.SSLContext | None],
    ) -> None:
        self.real, self.store, self.folder = real, store, folder
        self.host, self.real_port, self.wanted = host, real_port, port
        self.make_pages, self.tls = make_pages, tls
        self.port = 0
        """Where it is open; 0: it is not."""
        self.node: TrainingNode | None = None
        self.app: Any = None
        self._count = 0
        self._turn = asyncio.Lock()
        self._server: _Beside | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> bool:
        """Open it, unless it is. False: no port is to be had."""
        async with self._turn:
            if self.port:
                return True
            try:
                listener = self._listen()
            except OSError as trouble:
                _log.warning("no port", trouble=str(trouble))
                return False
            try:
                self.node = await self._fresh()
            except BaseException:
                listener.close()
                raise
            self.app = self.make_pages(self.node, self)
            config = uvicorn.Config(
                Shield(self.app, lambda: self.tls() is not None, only_https=False),
                http="httptools",
                ws="none",
                access_log=False,
                log_level="warning",
                timeout_graceful_shutdown=1,
                server_header=False,
                lifespan="off",
            )
            self._server = _Beside(config, self.tls)
            self.port = listener.getsockname()[1]
            self._tasks = [
                asyncio.create_task(self._server.serve(sockets=[listener])),
                asyncio.create_task(self._go_on()),
            ]
            return True

    async def end(self) -> None:
        async with self._turn:
            if not self.port:
                return
            self.port = 0
            server, node, tasks = self._server, self.node, self._tasks
            self._server = self.node = self.app = None
            if server is not None:
                server.should_exit = True
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if node is not None:
                await node.stop()

    async def start_over(self) -> None:
        """A fresh record under the same address; who is signed in stays signed in."""
        async with self._turn:
            before = self.node
            if before is None:
                return
            sessions = await before.read(
                lambda db: [tuple(r) for r in db.execute("SELECT * FROM web_session")]
            )
            fresh = await self._fresh()

            def keep(tx: Connection) -> None:
                tx.executemany("INSERT INTO web_session VALUES (?, ?, ?, ?, ?)", sessions)

            await fresh.write(keep)
            fresh.adopt(before)
            self.node = self.app.state.node = fresh
            await before.stop()

    async def keep(self) -> None:
        """As long as the real pages live (pwa/along.py): ends a training with them."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.end()

    async def _fresh(self) -> TrainingNode:
        hashed = await asyncio.to_thread(hash_pin, PIN, os.urandom(16))
        rows = await self.real.read(lambda db: store_rows(db, self.store, hashed))
        self._count += 1
        node = TrainingNode(self.folder / str(self._count), self.store, rows)
        await node.start()
        return node

    async def _go_on(self) -> None:
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < LONGEST_S:
            await asyncio.sleep(TICK_S)
            try:
                if self.node is not None:
                    await self.node.tick()
            except Exception:
                _log.exception("training")
        # Not by this task itself, which is among what is ended.
        self._over = asyncio.create_task(self.end())

    def _listen(self) -> socket.socket:
        from pwa.serve import listen

        usual = self.real_port + PORTS_ON
        try:
            return listen(self.host, self.wanted or (usual if usual < 65_536 else 0))
        except OSError:
            if self.wanted:
                raise
            return listen(self.host, 0)
