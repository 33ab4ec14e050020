"""The floor: the least code that does the centre's two hot jobs correctly on the given packages.

    .venv/bin/python bench/floor.py DATABASE PORT        (bench/centre.py starts it)

Litestar under uvicorn, one writer thread with group commit, SQLite with `synchronous=FULL`, effect
and cursor in one transaction, answers after the commit. No sign-in, no routing, no history, no
messages, no domain model. The distance to it is what the product's own code costs.
"""

from __future__ import annotations

import sync.sqlite as sqlite  # isort: skip - first of all, see there

import asyncio
import hashlib
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, WebSocket, post, websocket

from sync.wire import codec, frames
from sync.wire.facts import Fact, Sold

SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, share INT, pool INT, reserved INT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shop_order (no INTEGER PRIMARY KEY, external_id TEXT UNIQUE, hash BLOB, body BLOB);
CREATE TABLE IF NOT EXISTS line (no INT, line INT, sku TEXT, qty INT, PRIMARY KEY (no, line)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS decision (number INTEGER PRIMARY KEY, raw BLOB);
CREATE TABLE IF NOT EXISTS fact (number INTEGER PRIMARY KEY, command TEXT, raw BLOB);
"""
ROWS, GROUP_S = 1_000, 0.020


class Line(msgspec.Struct):
    sku: str
    qty: int


class Order(msgspec.Struct):
    external_id: str
    kind: str
    pickup_store: str
    lines: list[Line]
    name: str = ""
    phone: str = ""


class Writer:
    def __init__(self, path: str, skus: int) -> None:
        self.db = sqlite.connect(path)
        self.db.executescript(SCHEMA)
        with sqlite.writing(self.db):
            self.db.executemany(
                "INSERT OR IGNORE INTO stock VALUES (?, 10000000, 10000000, 0)",
                [(f"B{n:05d}",) for n in range(skus)],
            )
        self.jobs: queue.Queue[tuple[Callable[[Any], Any], Future[Any]]] = queue.Queue()
        threading.Thread(target=self.run, daemon=True).start()

    async def do(self, job: Callable[[Any], Any]) -> Any:
        answer: Future[Any] = Future()
        self.jobs.put((job, answer))
        return await asyncio.wrap_future(answer)

    def run(self) -> None:
        while True:
            job, answer = self.jobs.get()
            done = []
            before, until = self.db.total_changes, time.monotonic() + GROUP_S
            self.db.execute("BEGIN IMMEDIATE")
            while True:
                self.db.execute("SAVEPOINT job")
                try:
                    done.append((answer, job(self.db)))
                except ValueError as problem:
                    self.db.execute("ROLLBACK TO job")
                    done.append((answer, problem))
                self.db.execute("RELEASE job")
                if self.db.total_changes - before > ROWS or time.monotonic() > until:
                    break
                try:
                    job, answer = self.jobs.get_nowait()
                except queue.Empty:
                    break
            self.db.execute("COMMIT")
            for one, result in done:
                one.set_result(result)


@post("/api/v1/orders")
async def place(data: Order, request: Any) -> dict[str, Any]:
    body = msgspec.json.encode(data)
    digest = hashlib.blake2b(body, digest_size=16).digest()

    def job(tx: Any) -> int:
        known = tx.execute(
            "SELECT no, hash FROM shop_order WHERE external_id = ?", (data.external_id,)
        ).fetchone()
        if known:
            return int(known[0])
        no = tx.execute(
            "INSERT INTO shop_order (external_id, hash, body) VALUES (?, ?, ?)",
            (data.external_id, digest, body),
        ).lastrowid
        for number, line in enumerate(data.lines):
            moved = tx.execute(
                "UPDATE stock SET pool = pool - ?1, reserved = reserved + ?1 WHERE sku = ?2 AND pool >= ?1",
                (line.qty, line.sku),
            ).rowcount
            if not moved:
                raise ValueError(line.sku)
            tx.execute("INSERT INTO line VALUES (?, ?, ?, ?)", (no, number, line.sku, line.qty))
        tx.execute("INSERT INTO decision (raw) VALUES (?)", (body,))
        return int(no)

    found = await request.app.state.writer.do(job)
    return {"order_no": found, "state": "offered"}


@websocket("/link")
async def link(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept(subprotocols=frames.SUBPROTOCOL)
    while True:
        frame = codec.decode(await socket.receive_bytes())
        assert isinstance(frame, frames.Facts)

        def job(tx: Any, frame: frames.Facts = frame) -> int:
            number = tx.execute("SELECT coalesce(max(number), 0) FROM fact").fetchone()[0]
            rows = []
            for raw in frame.i[max(0, number + 1 - frame.n) :]:
                number += 1
                fact = msgspec.json.decode(raw, type=Fact)
                sold = msgspec.json.decode(fact.body, type=Sold)
                tx.execute("UPDATE stock SET share = share - ? WHERE sku = ?", (sold.qty, sold.sku))
                rows.append((number, fact.command, bytes(raw)))
            tx.executemany("INSERT INTO fact VALUES (?, ?, ?)", rows)
            return int(number)

        upto = await socket.app.state.writer.do(job)
        await socket.send_bytes(codec.encode(frames.Ack(n=upto, h=frame.h)))


def main() -> None:
    if len(sys.argv) != 3:
        print("floor.py is started by centre.py, which measures both")
        return
    path, port = sys.argv[1], int(sys.argv[2])
    app = Litestar([place, link], openapi_config=None, logging_config=None)
    app.state.writer = Writer(path, 2_000)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", ws_per_message_deflate=False)


if __name__ == "__main__":
    main()
