"""The running chain: one centre, its stores, a line to each. Used by the demo and by the fault tests.

Every part is a process of its own under a folder of its own, so that a part can be
killed, cut off or started again while the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
import ssl
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import httpx

from server.certificates.authority import create as create_authority
from server.demo.control import Control
from server.demo.goods import STORES, DemoPerson, people
from server.demo.inbox import Inbox, new_secret
from server.demo.line import Line
from server.demo.processes import Child, WouldNotStart, free_port
from server.demo.seed import Keys, seed

START_S = 60.0


@dataclass
class Chain:
    folder: Path
    stores: int = 4
    policy: Mapping[str, int] = field(default_factory=dict)
    port: int = 0
    reconnect_cap_s: float = 3.0
    """A demo's visitor does not want to wait two minutes for a line to come back."""

    def __post_init__(self) -> None:
        self.codes = [store.code for store in STORES[: self.stores]]
        self.port = self.port or free_port()
        self.people: list[DemoPerson] = people(self.stores)
        self.lines: dict[str, Line] = {code: Line(code, "127.0.0.1", self.port) for code in self.codes}
        self.inbox = Inbox(new_secret())
        self.control = Control(self.lines, secrets.token_hex(8), self.inbox)
        self.client = httpx.AsyncClient(timeout=20.0)
        self.keys = Keys()
        self.node_ports = {code: free_port() for code in self.codes}
        self.children: dict[str, Child] = {}

    @property
    def database(self) -> Path:
        return self.folder / "centre" / "centre.db"

    @property
    def centre_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def node_url(self, store: str) -> str:
        return f"http://127.0.0.1:{self.node_ports[store]}"

    def secure_url(self, store: str) -> str:
        """The same port, spoken to as a store's handhelds do. Clients have to trust the chain's own root."""
        return f"https://127.0.0.1:{self.node_ports[store]}"

    @property
    def root(self) -> Path:
        """What a client has to trust for `secure_url`."""
        return self.database.parent / "ca" / "root.pem"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.root)

    def replica(self, store: str) -> Path:
        return self.folder / store / "replica.db"

    def staff(self, store: str) -> list[DemoPerson]:
        return [person for person in self.people if person.store == store]

    def person(self, person_id: str) -> DemoPerson:
        return next(person for person in self.people if person.id == person_id)

    async def start(self) -> None:
        await asyncio.to_thread(self._seed)
        await self.control.start()
        for line in self.lines.values():
            await line.start()
        self.children["centre"] = self._centre()
        for code in self.codes:
            self.children[code] = self._node(code)
        await self.start_part("centre")
        await asyncio.gather(*(self.start_part(code) for code in self.codes))
        await asyncio.gather(*(self._supplied(code) for code in self.codes))
        await asyncio.gather(*(self._secured(code) for code in self.codes))

    async def _supplied(self, code: str) -> None:
        """A new node answers at once, but knows nobody and nothing until the centre has told it."""
        until = time.monotonic() + START_S
        while not await asyncio.to_thread(self._knows_its_store, code):
            if time.monotonic() > until:
                raise WouldNotStart(f"{code} heard nothing from the centre:\n{self.children[code].tail()}")
            await asyncio.sleep(0.1)

    async def _secured(self, code: str) -> None:
        """Handhelds speak HTTPS to it as soon as the centre has signed its key."""
        until = time.monotonic() + START_S
        async with httpx.AsyncClient(verify=self.trust, trust_env=False, timeout=2.0) as handheld:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await handheld.get(f"{self.secure_url(code)}/health")).status_code == 200:
                        return
                if time.monotonic() > until:
                    raise WouldNotStart(f"{code} got no certificate:\n{self.children[code].tail()}")
                await asyncio.sleep(0.1)

    def _knows_its_store(self, code: str) -> bool:
        db = sqlite3.connect(f"file:{self.replica(code)}?mode=ro", uri=True, timeout=10.0)
        try:
            tables = ("item", "person", "shelf", "stock")
            return all(db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)
        except sqlite3.OperationalError:
            return False  # the node has not made its tables yet
        finally:
            db.close()

    def _seed(self) -> None:
        self.database.parent.mkdir(parents=True, exist_ok=True)
        now = int(time.time() * 1000)
        if not self.root.exists():
            create_authority(self.root.parent, now=now, dice=secrets.token_bytes, name="yipan demo")
        self.keys = seed(
            self.database,
            self.stores,
            self.people,
            now=now,
            policy=self.policy,
            webhook_url=f"{self.control.url}/messages",
            webhook_secret=self.inbox.secret,
        )

    def _centre(self) -> Child:
        return Child(
            "centre",
            [
                sys.executable, "-m", "server.cli", "--data", str(self.folder / "centre"),
                "serve", "--host", "127.0.0.1", "--port", str(self.port),
            ],
            self.folder / "logs" / "centre.log",
            f"{self.centre_url}/health",
            {"YIPAN_DEMO_CONTROL_URL": self.control.url},
        )  # fmt: skip

    def _node(self, code: str) -> Child:
        return Child(
            code,
            [
                sys.executable, "-m", "pwa.cli", "run",
                "--host", "127.0.0.1", "--port", str(self.node_ports[code]),
            ],
            self.folder / "logs" / f"{code}.log",
            f"{self.node_url(code)}/health",
            {
                "YIPAN_STORE": code,
                "YIPAN_CENTRE": f"ws://127.0.0.1:{self.lines[code].port}/link",
                "YIPAN_TOKEN": self.keys.tokens[code],
                "YIPAN_TILL_KEY": self.keys.till,
                "YIPAN_DATA": str(self.folder / code),
                "YIPAN_RECONNECT_CAP_S": str(self.reconnect_cap_s),
            },
        )  # fmt: skip

    async def start_part(self, name: str) -> None:
        child = self.children[name]
        child.start()
        await child.wait_until_healthy(self.client, START_S)

    async def kill_part(self, name: str) -> None:
        await asyncio.to_thread(self.children[name].kill)

    async def stop(self) -> None:
        """Stores first, so that what they still have to say is heard."""
        await asyncio.gather(*(self.children[code].end() for code in self.codes if code in self.children))
        if "centre" in self.children:
            await self.children["centre"].end()
        for line in self.lines.values():
            await line.stop()
        await self.control.stop()
        await self.client.aclose()

    def dead(self) -> list[Child]:
        return [child for child in self.children.values() if child.process and not child.runs]


@asynccontextmanager
async def running(chain: Chain) -> AsyncIterator[Chain]:
    try:
        await chain.start()
        yield chain
    finally:
        with contextlib.suppress(ProcessLookupError):
            await chain.stop()


__all__ = ["Chain", "running"]
