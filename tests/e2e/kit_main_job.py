"""Real browsers at a real chain: a handheld at a store's pages, a manager at the board.

`Chain` runs the parts as processes. `VirtualChain` runs the same parts, sockets and lines included,
in this process under one clock that a test can put forward, as half an hour is too long to wait.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn

from pwa.app import make_app as make_pages
from pwa.serve import listen, running
from server.app import make_app as make_centre
from server.config import CentreConfig, wall_clock
from server.db import open_centre
from server.demo.chain import Chain
from server.demo.goods import items
from server.demo.settle import reading
from server.link.decide import publish
from server.main import listening_socket
from server.timers import run_due
from sync.agent import machine
from sync.agent.config import NodeConfig
from sync.agent.node import StoreNode
from sync.link.clock import Reading
from sync.sqlite import writing

GTIN = {item.sku: item.gtin for item in items()}
HANDHELD = {"width": 360, "height": 640}
BOARD = {"width": 1440, "height": 900}


@dataclass
class VirtualClock:
    """The real clock, put forward. Everybody's clocks go forward together, as real ones do."""

    ahead_ms: int = 0

    def wall(self) -> int:
        return wall_clock() + self.ahead_ms

    def reading(self) -> Reading:
        now = machine.reading()
        return Reading(mono=now.mono + self.ahead_ms, wall=now.wall + self.ahead_ms, boot=now.boot)


class InProcess:
    """Stands where `Chain` has a process."""

    def __init__(self, app: Any, sock: Any) -> None:
        self.app = app
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.sock = sock
        self.process = None
        self.runs = True

    async def begin(self) -> None:
        # `serve` would take the signals, which belong to the test.
        self.task = asyncio.create_task(self.server._serve([self.sock]))
        while not self.server.started:
            if self.task.done():
                self.task.result()
            await asyncio.sleep(0.02)

    async def end(self) -> None:
        self.server.should_exit = True
        await self.task
        self.sock.close()

    def tail(self, lines: int = 0) -> str:
        return ""


@dataclass
class PatientChain(Chain):
    """Keys of a scanner may come late here: one machine runs the chain, the browser and the tests."""

    def _seed(self) -> None:
        super()._seed()
        centre = open_centre(self.database)
        try:
            with writing(centre):
                publish(centre, "policy", "scan_gap_ms", {"value": "1500"})
        finally:
            centre.close()


@dataclass
class VirtualChain(PatientChain):
    clock: VirtualClock = field(default_factory=VirtualClock)

    async def start_part(self, name: str) -> None:
        if name == "centre":
            config = CentreConfig(
                data_dir=self.folder / "centre",
                port=self.port,
                clock=self.clock.wall,
                demo_control_url=self.control.url,
            )
            part = InProcess(make_centre(config), listening_socket("127.0.0.1", self.port))
        else:
            node = StoreNode(
                NodeConfig(
                    data_dir=self.folder / name,
                    store=name,
                    centre_url=f"ws://127.0.0.1:{self.lines[name].port}/link",
                    token=self.keys.tokens[name],
                    reconnect_base_s=0.1,
                    reconnect_cap_s=0.5,
                ),
                clocks=self.clock.reading,
            )
            app = make_pages(
                node, store=name, secret="e2e", till_key=self.keys.till, lifespan=[running(node)]
            )
            part = InProcess(app, listen("127.0.0.1", self.node_ports[name]))
        self.children[name] = part  # type: ignore[assignment]  # no process: a stand-in with what the chain asks of one
        await part.begin()

    async def _secured(self, code: str) -> None:
        """These nodes run in the test's own process and speak plain HTTP on loopback."""

    async def minutes_pass(self, minutes: float) -> None:
        """In steps shorter than what counts as an outage of the centre, its timers running at each."""
        writer = self.children["centre"].app.state.writer  # type: ignore[attr-defined]  # of the stand-in
        left = int(minutes * 60_000)
        while left > 0:
            step = min(left, 20_000)
            self.clock.ahead_ms += step
            left -= step
            await writer.do(partial(run_due, now=self.clock.wall()))


@asynccontextmanager
async def open_chain(chain: Chain) -> AsyncIterator[Chain]:
    try:
        await chain.start()
        yield chain
    finally:
        await chain.stop()


@dataclass
class Handheld:
    """An associate's PDA. The scanner types, as scanners do, wherever the focus is."""

    page: Any
    chain: Chain
    store: str
    person_id: str

    @classmethod
    async def sign_in(cls, browser: Any, chain: Chain, person_id: str) -> Handheld:
        person = chain.person(person_id)
        context = await browser.new_context(viewport=HANDHELD, has_touch=True)
        page = await context.new_page()
        page.set_default_timeout(30_000)
        handheld = cls(page, chain, person.store, person_id)
        await handheld.sign_in_again()
        return handheld

    async def sign_in_again(self) -> None:
        """Also after a while on the shelf: a handheld that nobody uses signs itself out."""
        person = self.chain.person(self.person_id)
        # A page whose session has ended goes to the names by itself: it must not do so while we do. Two ways
        # at once have hung a page for good, so this is a tab of its own.
        left, self.page = self.page, await self.page.context.new_page()
        self.page.set_default_timeout(30_000)
        await left.close()
        await self.page.goto(f"{self.chain.node_url(self.store)}/sign-in")
        await self.page.locator("a.tile").filter(has_text=person.name).click()
        for digit in person.pin:
            await self.page.get_by_role("button", name=digit, exact=True).click()
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(re.compile(r"//[^/]+/orders"))

    async def scan(self, code: str) -> None:
        """As fast as the keys go. On a machine that does everything at once keys come late and the page
        takes them for a person's: a scan that nothing answered is scanned again, as people do.
        """
        said = "document.querySelector('#said')?.innerHTML + window.yipan.scan.answered()"
        for _ in range(5):
            before = await self.page.evaluate(said)
            await self.page.evaluate("document.activeElement.blur()")
            await self.page.keyboard.type(code)
            await self.page.keyboard.press("Enter")
            for _ in range(20):
                await self.page.wait_for_timeout(50)
                if await self.page.evaluate(said) != before:
                    await self.page.wait_for_function("() => window.yipan.scan.waiting() === 0")
                    return
        words = await self.page.locator("#page").inner_text()
        raise AssertionError(f"nothing answered the scan of {code}: {words}")

    async def tab(self, name: str) -> None:
        await self.page.goto(f"{self.chain.node_url(self.store)}/orders?tab={name}&later=1")

    async def says(self, text: str) -> None:
        await self.page.get_by_text(text).first.wait_for()

    async def accept_all(self) -> None:
        await self.tab("offers")
        await self.page.get_by_role("button", name=re.compile("^Accept")).click()
        await self.page.get_by_text(re.compile("accepted\\.")).first.wait_for()

    async def pick(self, *skus: str) -> None:
        """Start a wave of what is accepted and scan these, one unit each."""
        await self.tab("work")
        await self.page.get_by_role("button", name=re.compile("^Pick ")).click()
        await self.says("Scan the first item at its shelf.")
        for sku in skus:
            await self.scan(GTIN[sku])
            mood = await self.page.locator("#said .fb").get_attribute("data-mood")
            assert mood == "good", (sku, mood, await self.page.locator("#page").inner_text())
        await self.page.get_by_role("link", name=re.compile("^Pack ")).wait_for()

    async def pack_and_stage(self, shelf: str) -> None:
        await self.page.get_by_role("link", name=re.compile("^Pack ")).click()
        await self.page.get_by_role("button", name=re.compile("^Pack in")).click()
        await self.says("Packed. Now put it on a shelf.")
        await self.scan(shelf)
        await self.says(f"On shelf {shelf}.")

    async def hand_over(self, fence: int, code: str) -> None:
        await self.page.goto(f"{self.chain.node_url(self.store)}/handover/{fence}")
        await self.page.get_by_label("Pickup code from the shopper’s message").fill(code)
        await self.page.get_by_role("button", name="Hand over").click()

    async def take_return(self, order_no: str, reason: str) -> None:
        await self.page.goto(f"{self.chain.node_url(self.store)}/returns")
        await self.page.get_by_label("Order number").fill(order_no)
        await self.page.get_by_role("button", name="Take a return").click()
        await self.page.get_by_text(reason).click()
        await self.page.get_by_role("button", name="Take into the hold").click()
        await self.says("Taken into the hold.")


@dataclass
class Manager:
    page: Any
    chain: Chain

    @classmethod
    async def sign_in(cls, browser: Any, chain: Chain, person_id: str = "east") -> Manager:
        person = chain.person(person_id)
        context = await browser.new_context(viewport=BOARD)
        page = await context.new_page()
        page.set_default_timeout(30_000)
        await page.goto(f"{chain.centre_url}/board")
        await page.get_by_label("Your id").fill(person.id)
        await page.get_by_label("PIN").fill(person.pin)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(re.compile(r"//[^/]+/board$"))
        return cls(page, chain)

    def row(self, store: str) -> Any:
        return self.page.locator(f"#store-{store}")

    async def cut(self, store: str) -> None:
        await self.row(store).get_by_role("button", name="Cut the line").click()
        await self.row(store).get_by_text("Down").wait_for()

    async def restore(self, store: str) -> None:
        await self.row(store).get_by_role("button", name="Restore the line").click()
        await self.row(store).get_by_text("up").first.wait_for()

    async def opens(self, order_no: str) -> str:
        """The order's page, as words."""
        page = await self.page.context.new_page()
        await page.goto(f"{self.chain.centre_url}/orders/{order_no}")
        words: str = await page.locator("main").inner_text()
        await page.close()
        return words


def rows(path: Any, sql: str, *values: Any) -> list[sqlite3.Row]:
    db = reading(path)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()


def turns(chain: Chain, order_no: str) -> list[sqlite3.Row]:
    """Every store's turn at an order, as the centre has it."""
    return rows(
        chain.database,
        "SELECT a.* FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo"
        " WHERE f.order_no = ? ORDER BY a.fence",
        order_no,
    )


def at_store(chain: Chain, store: str, order_no: str) -> sqlite3.Row | None:
    found = rows(
        chain.replica(store), "SELECT * FROM assignment WHERE order_no = ? ORDER BY fence DESC", order_no
    )
    return found[0] if found else None


def digests(chain: Chain, store: str) -> tuple[Any, Any]:
    """Both sides' own digest of one store: stock and work."""
    from server.stock.digest import digest as centre_digest
    from sync.replica.digest import digest as store_digest

    centre = open_centre(chain.database)
    replica = reading(chain.replica(store))
    try:
        return centre_digest(centre, store), store_digest(replica)
    finally:
        centre.close()
        replica.close()
