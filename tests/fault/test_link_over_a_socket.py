"""The running node and the centre's endpoint over a real socket, with the real domain on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from litestar import Litestar
from litestar.datastructures import State
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server import schema
from server.link.decide import decide, publish
from server.link.endpoint import HANDLERS
from server.stock.load import load as load_stock
from server.writer import Writer
from sync import sqlite
from sync.agent.config import NodeConfig
from sync.agent.node import StoreNode
from sync.agent.writer import NodeTrouble
from sync.link.proof import prove, token_hash
from sync.replica import log
from sync.replica.context import Context, Moment
from sync.wire import codec, decisions, facts, frames
from sync.wire.chain import EMPTY, next_chain

TOKEN = "secret-of-S001"


@dataclass
class Centre:
    writer: Writer
    port: int
    server: uvicorn.Server
    app: Litestar

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/link"

    def rows(self, sql: str, *args: Any) -> list[Any]:
        return self.writer.read_now(lambda db: [tuple(row) for row in db.execute(sql, args)])

    async def until(self, what: Callable[[], bool], seconds: float = 15.0) -> None:
        await until(what, seconds)


async def until(what: Callable[[], bool], seconds: float = 15.0) -> None:
    ended = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ended, "it did not happen in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def centre_at(path: Path, port: int = 0) -> AsyncIterator[Centre]:
    schema.upgrade(path / "centre.db")
    writer = Writer(path / "centre.db")

    def prepare(tx: Any) -> None:
        tx.execute("INSERT OR IGNORE INTO region (code, name_en, name_zh) VALUES ('R1', 'East', '东区')")
        for code in ("S001", "S002"):
            tx.execute(
                "INSERT OR IGNORE INTO store (code, name_en, name_zh, region, token_hash) "
                "VALUES (?, ?, ?, 'R1', ?)",
                (code, code, code, token_hash(TOKEN if code == "S001" else "secret-of-S002")),
            )
        tx.execute("INSERT OR IGNORE INTO item (sku, name_en, name_zh) VALUES ('TEE', 'Tee', 'T恤')")

        tx.execute(
            "INSERT OR IGNORE INTO stock (store, sku, on_hand, share) VALUES ('S001', 'TEE', 20000, 20000)"
        )

    await writer.do(prepare)
    listener = socket.create_server(("127.0.0.1", port))
    state = State(
        {
            "writer": writer,
            "hints": writer.hints,
            "clock": lambda: time.time_ns() // 1_000_000,
            "dice": __import__("os").urandom,
        }
    )
    app = Litestar(route_handlers=HANDLERS, state=state, openapi_config=None)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="error",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started)
        yield Centre(writer, listener.getsockname()[1], server, app)
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)
        listener.close()
        writer.close()


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    (tmp_path / "centre").mkdir()
    async with centre_at(tmp_path / "centre") as running:
        yield running


def config(tmp_path: Path, centre: Centre, **more: Any) -> NodeConfig:
    settings: dict[str, Any] = {
        "data_dir": tmp_path / "node", "centre_url": centre.url, "store": "S001", "token": TOKEN,
        "reconnect_base_s": 0.02, "reconnect_cap_s": 0.2,
    }  # fmt: skip
    return NodeConfig(**{**settings, **more})


@asynccontextmanager
async def running(node: StoreNode) -> AsyncIterator[StoreNode]:
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


def sell(tx: sqlite.Connection, number: int, node: StoreNode) -> int:
    """One till sale recorded as the commands do: the fact through the log, under a command id."""
    ctx = Context(Moment.exact(1_795_335_600_000), "till", "till", "till-1", f"01KAC{number:021d}", True, str)
    return log.append(tx, facts.Sold("TEE", 1, 1, sale=f"s{number}"), ctx)


def sell_many(tx: sqlite.Connection, first: int, count: int, node: StoreNode) -> None:
    for number in range(first, first + count):
        sell(tx, number, node)


async def test_ten_thousand_queued_facts_come_home_in_sixty_frames_and_sixty_commits(
    tmp_path: Path, centre: Centre
) -> None:
    async with running(StoreNode(config(tmp_path, centre, centre_url="ws://127.0.0.1:9/link"))) as node:
        for start in range(0, 10_000, 1_000):
            await node.write(partial(sell_many, first=start, count=1_000, node=node))
        assert node.status().unsent == 10_000
        assert not node.status().up
    node = StoreNode(config(tmp_path, centre))
    async with running(node):
        line = node.line
        assert line is not None
        before = (centre.writer.commits, node.commits)
        await until(lambda: node.status().up and node.status().unsent == 0, 60)
        assert centre.rows("SELECT count(*), max(number) FROM fact WHERE store = 'S001'") == [
            (10_000, 10_000)
        ]
        assert line.sent_frames <= 60
        assert line.sent_bytes <= 1_300_000
        assert centre.writer.commits - before[0] <= 60
        assert node.commits - before[1] <= 60


async def test_one_order_is_one_frame_down_and_one_up_and_one_scan_fits_in_250_bytes(
    tmp_path: Path, centre: Centre
) -> None:
    async with running(StoreNode(config(tmp_path, centre))) as node:
        await until(lambda: node.status().up)
        await asyncio.sleep(0.3)
        line = node.line
        assert line is not None
        up, down = line.sent_frames, line.heard_frames
        commits = (centre.writer.commits, node.commits)
        offer = decisions.Offered(
            "FO-1",
            "YP-1",
            "pickup",
            1_895_335_600_000,
            (decisions.OfferLine(1, "TEE", 1),),
            shopper="L. Wang",
        )
        began = time.monotonic()
        with node.listeners.subscribe() as hints:
            await centre.writer.do(lambda tx: decide(tx, "S001", offer, at=1_795_335_600_000, fence=7))
            assert "assignment:7" in await asyncio.wait_for(hints.get(), 5)
        assert time.monotonic() - began < 1.0, "an urgent decision leaves within a second of its commit"
        await asyncio.sleep(0.3)
        assert (line.heard_frames - down, line.sent_frames - up) == (1, 1)
        assert (centre.writer.commits - commits[0], node.commits - commits[1]) == (1, 1)

        up, sent = line.sent_frames, line.sent_bytes
        ctx = Context(
            Moment(1_795_335_600_000, 1_795_335_600_020, 1_795_335_600_040),
            "P-S001-01", "associate", "PDA-S001-1", "01KACQ3Z0V7E4M8N2P5R6S9T1W", True, str,
        )  # fmt: skip
        await node.write(
            lambda tx: log.append(tx, facts.Picked(1, 1, "06901234567892"), ctx, fence=1_000_007)
        )
        await until(lambda: node.status().unsent == 0)
        await asyncio.sleep(0.2)
        assert line.sent_frames - up <= 2  # the fact; and `taken` for a verdict, if one came
        taken_and_headers = (line.sent_frames - up - 1) * 30 - 8
        assert line.sent_bytes - sent - taken_and_headers <= 250


async def test_wrong_credentials_are_told_to_the_node_and_lose_nothing(
    tmp_path: Path, centre: Centre
) -> None:
    async with running(StoreNode(config(tmp_path, centre, store="S002"))) as node:
        await node.write(lambda tx: sell(tx, 1, node))
        await until(lambda: node.status().trouble == "authenticate")
        status = node.status()
        assert (status.up, status.unsent) == (False, 1)
        assert centre.rows("SELECT count(*) FROM fact") == [(0,)]


async def test_a_second_process_on_the_same_record_is_refused(tmp_path: Path, centre: Centre) -> None:
    async with running(StoreNode(config(tmp_path, centre))):
        with pytest.raises(NodeTrouble, match="another process"):
            await StoreNode(config(tmp_path, centre)).start()


async def closed_with(ws: Any) -> int:
    """Read until the centre closes; its code."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(ws.recv(decode=False), 5)
    return int(ws.close_code)


async def greeted(ws: Any, host: str = "box-x", token: str = TOKEN) -> frames.Welcome:
    challenge = codec.decode(await ws.recv())
    assert isinstance(challenge, frames.Challenge)
    proof = prove(token_hash(token), challenge.nonce, "S001", "INC-X")
    hello = frames.Hello(
        store="S001", proof=proof, incarnation="INC-X", host=host, head=(0, EMPTY), decisions=(0, EMPTY)
    )
    await ws.send(codec.encode(hello))
    welcome = codec.decode(await ws.recv())
    assert isinstance(welcome, frames.Welcome)
    return welcome


async def test_a_ten_megabyte_message_ends_that_connection_clearly_and_no_other(
    tmp_path: Path, centre: Centre
) -> None:
    async with running(StoreNode(config(tmp_path, centre, store="S002", token="secret-of-S002"))) as node:
        await until(lambda: node.status().up)
        async with connect(
            centre.url,
            subprotocols=[Subprotocol(frames.SUBPROTOCOL)],
            compression=None,
            proxy=None,
        ) as ws:
            await greeted(ws)
            with contextlib.suppress(ConnectionClosed):
                await ws.send(b"x" * 10_000_000)
            assert await closed_with(ws) == 1009
        assert node.status().up


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"\x00\x01", 4400), (b"z" + b"\x00" * 50, 4400), ("[" * 100_000, 4400), (b'{"f":"facts"}', 4400)],
)
async def test_nonsense_ends_the_connection_with_a_reason(
    centre: Centre, message: str | bytes, code: int
) -> None:
    async with connect(
        centre.url,
        subprotocols=[Subprotocol(frames.SUBPROTOCOL)],
        compression=None,
        proxy=None,
    ) as ws:
        await greeted(ws)
        await ws.send(message)
        assert await closed_with(ws) == code


async def test_an_unknown_kind_of_fact_is_parked_and_acknowledged(centre: Centre) -> None:
    async with connect(
        centre.url,
        subprotocols=[Subprotocol(frames.SUBPROTOCOL)],
        compression=None,
        proxy=None,
    ) as ws:
        await greeted(ws)
        raw = b'{"k":"teleported","c":"c-1","p":"lin","d":"pda","t":1795335600000,"b":{"to":"moon"}}'
        await ws.send(codec.encode(frames.Facts(n=1, i=(msgspec.Raw(raw),), h=next_chain(EMPTY, raw))))
        ack = verdict = None
        while ack is None or verdict is None:
            frame = codec.decode(await asyncio.wait_for(ws.recv(decode=False), 5))
            ack = frame if isinstance(frame, frames.Ack) else ack
            verdict = frame if isinstance(frame, frames.Decisions) else verdict
        assert ack.n == 1
        assert centre.rows("SELECT kind, verdict, raw FROM fact") == [("teleported", "parked", raw)]
        assert centre.rows("SELECT count(*) FROM open_case WHERE state = 'open'") == [(1,)]


async def test_a_second_live_box_is_refused_while_the_first_works(tmp_path: Path, centre: Centre) -> None:
    async with running(StoreNode(config(tmp_path, centre))) as first:
        await until(lambda: first.status().up)
        second = StoreNode(
            NodeConfig(
                tmp_path / "clone", "S001", centre.url, TOKEN, reconnect_base_s=0.02, reconnect_cap_s=0.1
            )
        )
        async with running(second):
            await until(lambda: second.status().trouble == "two_replicas")
            assert first.status().up
            assert not second.status().up
        assert ("two_replicas",) in centre.rows("SELECT kind FROM open_case")


async def test_a_line_that_is_cut_and_restored_merges_by_itself(tmp_path: Path, centre: Centre) -> None:
    async with running(StoreNode(config(tmp_path, centre))) as node:
        await until(lambda: node.status().up)
        await node.cut(True)
        await until(lambda: not node.status().up)
        for n in range(5):
            await node.write(partial(sell, number=n, node=node))
        assert node.status().unsent == 5
        assert node.status().oldest_unsent_at > 0
        assert centre.rows("SELECT count(*) FROM fact") == [(0,)]
        await node.cut(False)
        await until(lambda: node.status().up and node.status().unsent == 0)
        assert centre.rows("SELECT count(*) FROM fact") == [(5,)]
        assert centre.rows("SELECT closed_at FROM store_session") == [(0,)]


async def test_pages_hear_at_once_that_nothing_waits_any_more(tmp_path: Path, centre: Centre) -> None:
    async with running(StoreNode(config(tmp_path, centre))) as node:
        await until(lambda: node.status().up)
        await asyncio.sleep(0.3)  # what greeting brings is over
        with node.listeners.subscribe() as hints:
            await node.write(lambda tx: sell(tx, 1, node))
            heard: set[str] = set()
            while "line" not in heard:
                heard |= await asyncio.wait_for(hints.get(), 5)
        assert node.status().unsent == 0


async def test_a_restarted_centre_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    async with centre_at(tmp_path / "c") as one:
        port = one.port
        node = StoreNode(config(tmp_path, one))
        await node.start()
        await until(lambda: node.status().up)
    try:
        await until(lambda: not node.status().up)
        await node.write(lambda tx: sell(tx, 1, node))
        async with centre_at(tmp_path / "c", port) as two:
            await until(lambda: node.status().up and node.status().unsent == 0)
            assert two.rows("SELECT count(*) FROM fact") == [(1,)]
            await node.stop()
    finally:
        await node.stop()


async def test_a_damaged_record_is_set_aside_and_its_facts_are_not_lost(
    tmp_path: Path, centre: Centre
) -> None:
    node = StoreNode(config(tmp_path, centre, centre_url="ws://127.0.0.1:9/link"))
    async with running(node):
        for n in range(300):
            await node.write(partial(sell, number=n, node=node))
        incarnation = await node.read(lambda db: log.get(db, "incarnation"))
    db = sqlite.connect(node.path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'assignment_order'").fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with node.path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    async with running(StoreNode(config(tmp_path, centre))) as again:
        assert await again.read(lambda db: log.get(db, "incarnation")) != incarnation
        await until(lambda: again.status().up and again.status().unsent == 0, 30)
        assert centre.rows("SELECT count(*), count(DISTINCT command) FROM fact") == [(300, 300)]
    assert list((tmp_path / "node").glob("replica.db.damaged-*"))


async def test_a_portal_that_answers_in_the_centre_s_place_is_treated_as_no_line(tmp_path: Path) -> None:
    async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlogin")
        await writer.drain()
        writer.close()

    seen: list[bytes] = []
    server = await asyncio.start_server(portal, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    node = StoreNode(
        NodeConfig(tmp_path / "node", "S001", f"ws://127.0.0.1:{port}/link", TOKEN, reconnect_base_s=0.02)
    )
    async with running(node):
        await until(lambda: node.status().trouble == "not_the_centre")
        assert not node.status().up
    assert seen
    assert TOKEN.encode() not in b"".join(seen)
    server.close()


async def test_a_till_that_asks_is_granted_from_the_pool_in_well_under_the_time_a_shopper_waits(
    tmp_path: Path, centre: Centre
) -> None:
    from sync.replica import till

    def load(tx: Any) -> None:
        tx.execute("INSERT INTO item (sku, name_en, name_zh) VALUES ('JEANS', 'Jeans', '牛仔裤')")
        publish(tx, "catalogue", "JEANS", {"name_en": "Jeans", "name_zh": "牛仔裤", "gtins": []})
        load_stock(tx, "S001", [("JEANS", 3)], "D1", time.time_ns() // 1_000_000)

    await centre.writer.do(load)
    async with running(StoreNode(config(tmp_path, centre))) as node:

        async def stands(share: int) -> bool:
            return await node.read(lambda db: till.question(db, "JEANS").share == share)

        for _ in range(500):
            if await stands(2):
                break
            await asyncio.sleep(0.01)
        assert await node.ask_share([("JEANS", 2)]) is False, "the share has it: nobody is asked"
        began = time.monotonic()
        assert await node.ask_share([("JEANS", 3)]) is True
        assert time.monotonic() - began < 0.3
        assert await stands(3)
        sale = {"sale": "R1", "rows": [["JEANS", 3]]}
        sold = await node.perform("till_sale", sale, command_id="till.R1", person="till", device="t1")
        assert sold.result["debt"] == 0
        left = "SELECT on_hand, share, pool FROM stock WHERE sku = 'JEANS'"
        await centre.until(lambda: centre.rows(left) == [(0, 0, 0)])
        await node.cut(True)
        await until(lambda: not node.status().up)
        assert await node.ask_share([("JEANS", 1)]) is False
