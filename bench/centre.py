"""How many orders and facts one centre takes, beside the floor in the same sitting.

    .venv/bin/python bench/centre.py [--orders 1500] [--facts 20000] [--runs 3] [--json]

Both are processes of their own and are asked by the same client over loopback, in turns, so that a
busy machine slows both. Orders: one line each for pickup, through the HTTP API, 64 callers at once.
Facts: till sales of one store, in frames of 200 over the websocket, three frames under way.
`ratio` is the floor's rate over the product's: how many times more the product's work costs.
"""

from __future__ import annotations

from websockets.typing import Subprotocol

from sync.sqlite import writing  # isort: skip - first of all, see there

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from server.catalogue.load import load_items
from server.db import open_centre
from server.demo.goods import STORES, people
from server.demo.processes import free_port
from server.demo.seed import seed
from server.stock.load import load_stock
from sync.ids import new_id
from sync.link.proof import prove, token_hash
from sync.wire import codec, frames
from sync.wire.chain import EMPTY, next_chain
from sync.wire.facts import Fact, Sold

SKUS = 2_000
CALLERS = 64
UNDER_WAY = 3
STORE = STORES[0].code
HERE = Path(__file__).resolve().parent


class Peer:
    """A server under test: the product, or the floor."""

    def __init__(self, name: str, command: list[str], port: int, key: str, token: str) -> None:
        self.name, self.port, self.key, self.token = name, port, key, token
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.orders: list[float] = []
        self.facts: list[float] = []
        self.order_cpu: list[float] = []
        self.fact_cpu: list[float] = []
        self.head, self.chain = 0, EMPTY
        self.asked = 0

    def cpu_s(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    async def ready(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            except OSError:
                assert self.process.poll() is None, f"{self.name} did not start"
                assert time.monotonic() < until, f"{self.name} did not answer"
                await asyncio.sleep(0.1)

    async def place(self, count: int) -> None:
        first, self.asked = self.asked, self.asked + count
        cpu, began = self.cpu_s(), time.perf_counter()
        await asyncio.gather(
            *(self._caller(range(first + n, first + count, CALLERS)) for n in range(CALLERS))
        )
        self.orders.append(count / (time.perf_counter() - began))
        self.order_cpu.append((self.cpu_s() - cpu) * 1000 / count)

    async def _caller(self, numbers: range) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n"
        for number in numbers:
            body = json.dumps(
                {
                    "external_id": f"c{number}",
                    "kind": "pickup",
                    "pickup_store": STORE,
                    "lines": [{"sku": f"B{number % SKUS:05d}", "qty": 1}],
                    "name": "Li Wang",
                    "phone": "13800001111",
                }
            ).encode()
            kind = "Content-Type: application/json\r\n"
            writer.write(f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            assert length is not None, answer
            text = await reader.readexactly(int(length[1]))
            assert answer.startswith(b"HTTP/1.1 201"), answer + text
            assert b"offered" in text, text
        writer.close()

    async def send(self, count: int) -> None:
        head = (self.head, self.chain)
        batches = self._batches(count)
        url = f"ws://127.0.0.1:{self.port}/link"
        async with connect(
            url, subprotocols=[Subprotocol(frames.SUBPROTOCOL)], compression=None, proxy=None
        ) as socket:
            if self.name == "product":
                await self._greet(socket, head)
            cpu, began = self.cpu_s(), time.perf_counter()
            acked, sent = 0, 0
            while acked < len(batches):
                while sent < len(batches) and sent - acked < UNDER_WAY:
                    await socket.send(batches[sent])
                    sent += 1
                frame = codec.decode(await socket.recv(decode=False))
                acked += isinstance(frame, frames.Ack)
            assert isinstance(frame, frames.Ack)
            assert frame.n == self.head
            self.facts.append(count / (time.perf_counter() - began))
            self.fact_cpu.append((self.cpu_s() - cpu) * 1000 / count)

    def _batches(self, count: int) -> list[bytes]:
        now = int(time.time() * 1000)
        out = []
        for start in range(0, count, frames.MAX_BATCH_ITEMS):
            raws, first = [], self.head + 1
            for number in range(start, min(count, start + frames.MAX_BATCH_ITEMS)):
                self.head += 1
                body = Sold(f"B{number % SKUS:05d}", 1, 1, sale=f"R{self.head}")
                fact = Fact(
                    kind="sold",
                    command=new_id(now, os.urandom),
                    person="till",
                    device="till-1",
                    at=now,
                    body=msgspec.Raw(msgspec.json.encode(body)),
                )
                raws.append(msgspec.json.encode(fact))
                self.chain = next_chain(self.chain, raws[-1])
            items = tuple(map(msgspec.Raw, raws))
            out.append(codec.encode(frames.Facts(n=first, i=items, h=self.chain)))
        return out

    async def _greet(self, socket: ClientConnection, head: frames.Check) -> None:
        challenge = codec.decode(await socket.recv(decode=False))
        assert isinstance(challenge, frames.Challenge)
        proof = prove(token_hash(self.token), challenge.nonce, STORE, "BENCH")
        hello = frames.Hello(
            store=STORE,
            proof=proof,
            incarnation="BENCH",
            host="bench",
            head=head,
            acked=head[0],
            checks=(head,) if head[0] else (),
        )
        await socket.send(codec.encode(hello))
        while True:
            frame = codec.decode(await socket.recv(decode=False))
            if isinstance(frame, frames.Welcome):
                assert frame.facts == head[0]
                return
            assert not isinstance(frame, frames.Refuse), frame


def product(folder: Path) -> Peer:
    now = int(time.time() * 1000)
    database = folder / "centre" / "centre.db"
    database.parent.mkdir()
    keys = seed(database, 4, people(4), now=now, policy={})
    db = open_centre(database)
    rows = [{"sku": f"B{n:05d}", "name_en": f"Thing {n}", "name_zh": f"货品{n}"} for n in range(SKUS)]
    with writing(db):
        load_items(db, rows, now=now)
        stock = [{"sku": row["sku"], "qty": 900_000} for row in rows]
        loaded = load_stock(db, stock, store=STORE, document="bench", now=now)
        assert not loaded.errors, loaded.errors[:3]
        db.execute("UPDATE store SET capacity_per_day = 0")
    db.close()
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "server.cli",
        "--data",
        str(database.parent),
        "serve",
        "--port",
        str(port),
    ]
    return Peer("product", command, port, keys.web, keys.tokens[STORE])


def floor(folder: Path) -> Peer:
    port = free_port()
    command = [sys.executable, str(HERE / "floor.py"), str(folder / "floor.db"), str(port)]
    return Peer("floor", command, port, "none", "none")


async def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--orders", type=int, default=1_500)
    asked.add_argument("--facts", type=int, default=20_000)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="yipan-bench-") as name:
        peers = [floor(Path(name)), product(Path(name))]
        try:
            for peer in peers:
                await peer.ready()
            for _ in range(options.runs):
                for peer in peers:
                    await peer.place(options.orders)
            for run in range(options.runs):
                for peer in peers:
                    if run and peer.name == "product":
                        # A line that ends is noticed first; the log goes on where it was.
                        await asyncio.sleep(0.3)
                    await peer.send(options.facts)
        finally:
            for peer in peers:
                peer.process.terminate()
                peer.process.wait()
    found: dict[str, Any] = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    for what in ("orders", "facts"):
        low, own = (statistics.median(getattr(peer, what)) for peer in peers)
        cpu_low, cpu_own = (statistics.median(getattr(peer, f"{what[:-1]}_cpu")) for peer in peers)
        found[what] = {
            "floor_per_s": round(low),
            "product_per_s": round(own),
            "ratio": round(low / own, 1),
            "floor_cpu_ms": round(cpu_low, 3),
            "product_cpu_ms": round(cpu_own, 3),
            "cpu_ratio": round(cpu_own / cpu_low, 1),
        }
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['cores']} cores, load {found['load']}, medians of {options.runs} runs")
    cpu = "cpu ms each, floor / product"
    print(f"{'':<8}{'floor/s':>9}{'product/s':>11}{'ratio':>7}   {cpu:<30}{'ratio':>6}")
    for what in ("orders", "facts"):
        one = found[what]
        cpu = f"{one['floor_cpu_ms']} / {one['product_cpu_ms']}"
        rates = f"{one['floor_per_s']:>9}{one['product_per_s']:>11}{one['ratio']:>7}"
        print(f"{what:<8}{rates}   {cpu:<30}{one['cpu_ratio']:>6}")


if __name__ == "__main__":
    asyncio.run(main())
