"""What one order, one scan, a long night without a line and a burst cost, over the real product.

Commits, frames and bytes are the same on every machine, milliseconds are not; so these are tests
and the milliseconds are in `bench/`. The centre's application, a store node and its pages run in
one process over loopback sockets, each with its own threads, as they do in production.
Elsewhere: routing without SQL (test_routing), the board under a thousand events (test_board_live).
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from litestar import Litestar

from pwa.app import make_app as make_pages
from server.app import make_app as make_centre
from server.config import CentreConfig, wall_clock
from server.demo.pages import Hands
from server.offers import sweep
from server.writer import Writer
from sync.agent.config import NodeConfig
from sync.agent.node import StoreNode
from sync.ids import new_id
from sync.link.ending import Ending
from sync.link.proof import token_hash
from sync.sqlite import writing
from sync.wire import codec
from tests.kit_web import KEY, PIN, STORES, database, new_centre

NOWHERE = "ws://127.0.0.1:9/link"
CODE = "06901234567892"
SETTLED_S = 0.4
"""After the last thing that was waited for, so that one frame or commit too many has time to come."""


class CountedNode(StoreNode):
    """The node as it is, with a record of what went over its line."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.up_frames: list[bytes] = []
        self.down_frames: list[bytes] = []

    async def _line_heard(self, data: bytes) -> None:
        self.down_frames.append(data)
        await super()._line_heard(data)

    def _committed(self, frames: list[bytes], hints: set[str], ending: Ending | None) -> None:
        if self.line is not None and self.line._out is not None:
            self.up_frames += frames
        super()._committed(frames, hints, ending)


@dataclass
class Count:
    """Since `Chain.count()` was called."""

    centre: int
    store: int
    up: list[bytes]
    down: list[bytes]

    @property
    def frames(self) -> tuple[dict[str, int], dict[str, int]]:
        return Counter(map(codec.tag_of, self.up)), Counter(map(codec.tag_of, self.down))


@dataclass
class Chain:
    """A centre and some of its nodes, on loopback."""

    app: Litestar
    api: httpx.AsyncClient
    config: CentreConfig
    url: str
    folder: Path
    stack: AsyncExitStack
    nodes: dict[str, CountedNode] = field(default_factory=dict)

    @property
    def writer(self) -> Writer:
        writer: Writer = self.app.state.writer
        return writer

    async def node(self, store: str, link: str = "") -> CountedNode:
        url = link or f"ws://{self.url.removeprefix('http://')}/link"
        node = CountedNode(
            NodeConfig(self.folder / store, store, url, f"token-{store}", reconnect_base_s=0.05)
        )
        await node.start()
        self.stack.push_async_callback(node.stop)
        self.nodes[store] = node
        return node

    async def told(self, node: CountedNode) -> None:
        """The line is up, the store has its catalogue and its stock, and nothing is on its way."""
        await until(lambda: node.status().up)
        await until(lambda: all(row[0] for row in self.at(node, "SELECT count(*) FROM item, stock")))
        await self.quiet(node)

    async def quiet(self, *nodes: CountedNode) -> None:
        """Nothing has been committed, said or heard for a while."""

        def all_counts() -> tuple[int, ...]:
            each = ((n.commits, len(n.up_frames), len(n.down_frames)) for n in nodes)
            return (self.writer.commits, *(one for counts in each for one in counts))

        before = None
        while before != (now := all_counts()):
            before = now
            await asyncio.sleep(SETTLED_S)

    def count(self, node: CountedNode) -> Callable[[], Count]:
        centre, store = self.writer.commits, node.commits
        up, down = len(node.up_frames), len(node.down_frames)
        return lambda: Count(
            self.writer.commits - centre, node.commits - store, node.up_frames[up:], node.down_frames[down:]
        )

    def at(self, node: CountedNode, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a store's own record."""
        return node.readers.read_now(lambda db: [tuple(r) for r in db.execute(sql)])

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.writer.read_now(lambda db: [tuple(row) for row in db.execute(sql, values)])

    async def order(self, name: str, **more: Any) -> httpx.Response:
        body = {**ORDER, "external_id": name, **more}
        answer = await self.api.post("/api/v1/orders", json=body)
        assert answer.status_code == 201, answer.text
        return answer


ORDER: dict[str, Any] = {
    "kind": "pickup",
    "pickup_store": "S001",
    "lat": 31.24,
    "lon": 121.47,
    "name": "Li Wang",
    "phone": "13800001111",
    "lines": [{"sku": "TEE-WHITE-M", "qty": 2, "price_fen": 19900}],
}


def came_down(since: Callable[[], Count]) -> bool:
    return bool(since().down)


async def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    ended = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ended, "it did not happen in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def served(app: Litestar) -> AsyncIterator[str]:
    settings = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="error",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(settings)
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started or task.done())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 15)


@pytest.fixture
async def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Chain]:
    # The centre says every ten seconds that it lives. That is a commit of its own, and nobody's order.
    monkeypatch.setattr(sweep, "HEARTBEAT_MS", 86_400_000)
    plain = new_centre(tmp_path / "centre", stock=50_000, now=wall_clock())
    config = replace(plain, timers=True, clock=wall_clock, dice=os.urandom)
    with database(config) as db, writing(db):
        for code, *_ in STORES:
            proof = token_hash(f"token-{code}")
            db.execute("UPDATE store SET token_hash = ? WHERE code = ?", (proof, code))
    app = make_centre(config)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(app))
        api = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60.0, trust_env=False
            )
        )
        yield Chain(app, api, config, url, tmp_path, stack)


@asynccontextmanager
async def handheld(chain: Chain, node: CountedNode) -> AsyncIterator[Hands]:
    """Lin's handheld, signed in at the node's own pages."""
    async with served(make_pages(node, store=node.config.store)) as url:
        hands = Hands(url)
        page = await hands.open("/sign-in?person=lin")
        page = await hands.send(page.form("/sign-in"), pin=PIN)
        assert page.status == 200, page.text[:300]
        try:
            yield hands
        finally:
            await hands.close()


class Stream:
    """The events of one open page."""

    def __init__(self, hands: Hands) -> None:
        self.events: list[str] = []
        self._hands = hands

    def has_more_than(self, seen: int) -> bool:
        return len(self.events) > seen

    async def __aenter__(self) -> Stream:
        self._task = asyncio.create_task(self._read())
        await until(lambda: "event: work\ndata: again" in self.events)
        return self

    async def __aexit__(self, *ended: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        event: list[str] = []
        async with self._hands.client.stream("GET", "/changes", timeout=60.0) as stream:
            async for line in stream.aiter_lines():
                if line:
                    event.append(line)
                else:
                    self.events.append("\n".join(event))
                    event = []


async def test_one_order_costs_one_commit_a_side_one_frame_a_way_and_one_event_on_the_page(
    chain: Chain,
) -> None:
    node = await chain.node("S001")
    await chain.told(node)
    async with handheld(chain, node) as hands, Stream(hands) as stream:
        await chain.quiet(node)
        await chain.order("warm-up")
        await until(lambda: any("changed" in event for event in stream.events))
        await chain.quiet(node)
        for number in range(3):
            since = chain.count(node)
            seen = len(stream.events)
            await chain.order(f"A-{number}")
            await until(partial(stream.has_more_than, seen))
            await asyncio.sleep(SETTLED_S)
            found = since()
            assert (found.centre, found.store) == (1, 1)
            assert found.frames == ({"taken": 1}, {"decisions": 1})
            assert stream.events[seen:] == ["event: work\ndata: changed"]
            kept = chain.rows("SELECT raw FROM decision WHERE store = 'S001' ORDER BY number DESC LIMIT 1")
            body = len(msgspec.json.encode({**ORDER, "external_id": f"A-{number}"}))
            sent = sum(map(len, found.up + found.down))
            assert sent <= 2 * min(body, len(kept[0][0])) + 200
        assert (await hands.open("/orders")).text.count("YP-") >= 4


async def test_one_scan_at_the_page_costs_one_commit_at_the_store_and_one_small_frame_up(
    chain: Chain,
) -> None:
    node = await chain.node("S001")
    await chain.told(node)
    async with handheld(chain, node) as hands:
        await chain.order("A-1", lines=[{"sku": "TEE-WHITE-M", "qty": 5}])
        await until(lambda: chain.rows("SELECT count(*) FROM assignment") == [(1,)])
        await chain.quiet(node)
        page = await hands.open("/orders?tab=offers")
        page = await hands.send(page.form("/offers/accept"))
        assert page.ok, page.text[:300]
        await chain.quiet(node)
        page = await hands.send((await hands.open("/orders?tab=work")).form("/waves"))
        assert page.ok, page.text[:300]
        await chain.quiet(node)
        since = chain.count(node)
        page = await hands.send(page.form("/waves/[^/]+/scan"), code=CODE)
        assert page.ok, page.text[:300]
        await until(lambda: since().up)
        await chain.quiet(node)
        first = since()
        assert codec.tag_of(first.up[0]) == "facts"  # with it: the pick has begun
        for _ in range(3):
            since = chain.count(node)
            page = await hands.send(page.form("/waves/[^/]+/scan"), code=CODE)
            assert page.outcome == "ok", page.text[:300]
            await until(partial(came_down, since))
            await asyncio.sleep(SETTLED_S)
            found = since()
            assert (found.store, found.centre) == (1, 1)
            assert found.frames == ({"facts": 1}, {"ack": 1})
            assert len(found.up[0]) <= 250


async def test_ten_thousand_facts_of_a_night_without_a_line_come_home_in_sixty_frames_and_commits(
    chain: Chain,
) -> None:
    node = await chain.node("S001")
    await chain.told(node)
    await node.cut(True)
    await until(lambda: not node.status().up)

    async def sell(number: int) -> None:
        rows = [["TEE-WHITE-M" if number % 2 else "CAP-NAVY", 1]]
        done = await node.perform(
            "till_sale",
            {"sale": f"R{number:06d}", "rows": rows},
            command_id=new_id(wall_clock(), os.urandom),
            person="till",
            device="till-1",
        )
        assert done.ok, done

    for start in range(0, 10_000, 500):
        await asyncio.gather(*(sell(number) for number in range(start, start + 500)))
    assert node.status().unsent == 10_000
    since = chain.count(node)
    await node.cut(False)
    await until(lambda: node.status().up and node.status().unsent == 0)
    found = since()
    up, down = found.frames
    assert chain.rows("SELECT count(*), count(DISTINCT command), min(verdict), max(verdict) FROM fact") == [
        (10_000, 10_000, "applied", "applied")
    ]
    assert (found.centre <= 60, found.store <= 60) == (True, True), found
    assert up["facts"] <= 60
    assert down["ack"] <= 60
    assert sum(up.values()) <= 60, up
    assert sum(map(len, found.up)) <= 1_300_000


async def burst(chain: Chain, orders: list[dict[str, Any]], connections: int) -> list[int]:
    """All at once, over plain sockets: a client that is slower than the centre makes no burst."""
    host, port = chain.url.removeprefix("http://").split(":")
    heads = f"POST /api/v1/orders HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n"
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(connections)]

    async def send(which: int) -> list[int]:
        reader, writer = opened[which]
        found = []
        for order in orders[which::connections]:
            body = msgspec.json.encode(order)
            kind = "Content-Type: application/json\r\n"
            writer.write(f"{heads}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length is not None, head
            await reader.readexactly(int(length[1]))
            found.append(int(head.split(b" ", 2)[1]))
        writer.close()
        return found

    return [code for codes in await asyncio.gather(*map(send, range(connections))) for code in codes]


async def test_a_thousand_orders_in_a_burst_cost_a_hundred_commits_at_most(chain: Chain) -> None:
    nodes = [await chain.node(code) for code, *_ in STORES]
    for node in nodes:
        await chain.told(node)
    since = [chain.count(node) for node in nodes]
    answers = await burst(
        chain,
        [{**ORDER, "external_id": f"B-{n}", "pickup_store": STORES[n % 3][0]} for n in range(1_000)],
        connections=250,
    )
    assert Counter(answers) == {201: 1_000}
    centre = since[0]().centre
    await chain.quiet(*nodes)
    frames = [one().frames for one in since]
    assert chain.rows("SELECT count(*) FROM assignment WHERE ownership = 'none'") == [(1_000,)]
    assert centre <= 100
    assert sum(down["decisions"] for _, down in frames) <= 1_000
    assert sum(chain.at(node, "SELECT count(*) FROM assignment")[0][0] for node in nodes) == 1_000
