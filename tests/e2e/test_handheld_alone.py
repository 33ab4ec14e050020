"""A handheld works on while the store box is away, and hands in what it did, once, when it is back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from pwa.app import make_app
from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)


class Box:
    """The store node's pages on one address, killed and started again over the same record."""

    def __init__(self, node: kit.DemoNode) -> None:
        self.node = node
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.server: uvicorn.Server | None = None

    def start(self) -> None:
        app = make_app(self.node, store=kit.STORE, secret="kept")
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="error", ws="none", timeout_graceful_shutdown=0
        )
        server = self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=server.run, daemon=True)
        self.thread.start()
        while not server.started:
            assert self.thread.is_alive(), "the pages did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        if self.server is not None:
            self.server.force_exit = self.server.should_exit = True
            self.thread.join(10)
            self.server = None


@pytest.fixture
def node(tmp_path: Path) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(SHIRT, 2), (JEANS, 1)])
    node.accepted(14, [(CAP, 1)], left=29 * kit.MIN)
    node.do("start_wave", fences=[13, 14])
    node.staged(21, [(DRESS, 1)])
    node.acknowledge()
    yield node
    node.close()


@pytest.fixture
def box(node: kit.DemoNode) -> Iterator[Box]:
    box = Box(node)
    box.start()
    yield box
    box.kill()


@pytest.fixture
def page(browser: Any, box: Box) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.set_default_timeout(15_000)
    strange: list[str] = []
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on(
        "request", lambda r: strange.append(r.url) if not r.url.startswith((box.address, "data:")) else None
    )
    kit.sign_in_browser(page, box.address)
    box.node.rows("policy", [("scan_gap_ms", {"value": "1500"})])
    page.goto(f"{box.address}/waves/{kit.wave_of(box.node, 13)}")
    prepared(page)
    yield page
    context.close()
    assert strange == []


def prepared(page: Any) -> None:
    """The worker is in control and has its extract."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.wait_for_function(
        """() => new Promise((done) => {
          const asked = indexedDB.open("yipan", 1);
          asked.onupgradeneeded = () => asked.transaction.abort();
          asked.onerror = () => done(false);
          asked.onsuccess = () => {
            const bag = asked.result.transaction("kept").objectStore("kept").get("bag");
            bag.onsuccess = () => { asked.result.close(); done(Boolean(bag.result)); };
          };
        })"""
    )


def wedge(page: Any, code: str) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def says(page: Any, text: str) -> None:
    page.get_by_text(text).first.wait_for()


def picked(node: kit.DemoNode, fence: int, line: int) -> int:
    sql = "SELECT picked FROM assignment_line WHERE fence = ? AND line = ?"
    return int(node.db.execute(sql, (fence, line)).fetchone()[0])


def state(node: kit.DemoNode, fence: int) -> str:
    return str(node.db.execute("SELECT state FROM assignment WHERE fence = ?", (fence,)).fetchone()[0])


def waiting(page: Any) -> int:
    """Commands in the device's outbox."""
    return int(
        page.evaluate(
            """() => new Promise((done) => {
              const asked = indexedDB.open("yipan", 1);
              asked.onsuccess = () => {
                const count = asked.result.transaction("outbox").objectStore("outbox").count();
                count.onsuccess = () => { asked.result.close(); done(count.result); };
              };
            })"""
        )
    )


def handed_in(page: Any) -> None:
    for _ in range(300):
        if waiting(page) == 0:
            break
        page.wait_for_timeout(100)
    assert waiting(page) == 0
    page.wait_for_function(
        "() => !document.getElementById('line').classList.contains('alone')", timeout=30_000
    )


def test_a_wave_goes_on_to_the_counter_with_the_box_killed_and_everything_is_done_once(
    page: Any, box: Box
) -> None:
    node = box.node
    wedge(page, SHIRT)
    page.wait_for_function("() => window.yipan.scan.answered() === 1 && window.yipan.scan.waiting() === 0")
    box.kill()

    for code in (SHIRT, JEANS, CAP):
        wedge(page, code)
        page.wait_for_function("() => window.yipan.scan.waiting() === 0")
    says(page, "kept here")
    page.get_by_role("link", name="Pack").first.click()
    page.get_by_role("button", name="Pack in 1 parcel").click()
    page.get_by_role("button", name="P-3").click()
    says(page, "On shelf P-3.")

    # The counter: code right, goods gone.
    page.goto(f"{box.address}/handover/21")
    page.fill("[name=code]", kit.CODE)
    page.get_by_role("button", name="Hand over").click()
    says(page, "Handed over. Thank the shopper.")
    page.reload()
    says(page, "Handed over")
    assert picked(node, 13, 1) == 1, "the box has heard of nothing"

    assert waiting(page) == 6
    facts = node.db.execute("SELECT count(*) FROM fact").fetchone()[0]
    box.start()
    page.goto(f"{box.address}/orders")
    handed_in(page)
    assert (picked(node, 13, 1), picked(node, 13, 2), picked(node, 14, 1)) == (2, 1, 1)
    assert state(node, 21) == "released"
    assert {state(node, 13), state(node, 14)} == {"staged", "picked"}
    after = node.db.execute("SELECT count(*) FROM fact").fetchone()[0]
    assert after - facts == 3 + 1 + 1 + 1, "three picks, a pack, a shelf, a handover"
