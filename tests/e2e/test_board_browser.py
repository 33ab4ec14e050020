"""The board in a browser: rows change by themselves, sorted by risk; nothing from elsewhere; no barrier."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from server.cases.book import open_case
from server.config import CentreConfig
from server.outbox.events import happened
from sync.sqlite import writing
from tests.e2e.kit_centre_walk import order, with_something_on_every_page
from tests.kit_web import PIN, Clock, database, new_centre, running

pytestmark = pytest.mark.browser


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    now = int(time.time() * 1000)
    return replace(new_centre(tmp_path, now=now // 3_600_000 * 3_600_000), clock=Clock(now), timers=True)


@pytest.fixture
def url(centre: CentreConfig) -> Iterator[str]:
    with running(centre) as address:
        yield address


def signed_in(browser: Browser, url: str, **options: Any) -> tuple[BrowserContext, Page, list[str]]:
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((url, "data:")) else wrong.append(f"left: {r.url}"))
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    page.goto(f"{url}/sign-in")
    page.fill("#person", "hq")
    page.fill("#pin", PIN)
    page.click("main .btn")
    page.wait_for_url("**/board")
    return context, page, wrong


def test_a_row_changes_by_itself_and_goes_up_when_it_is_at_risk(
    browser: Browser, centre: CentreConfig, url: str
) -> None:
    context, page, wrong = signed_in(browser, url)
    expect(page.locator("#stores tr").first).to_have_attribute("id", "store-S001")
    page.mouse.move(5, 5)
    number = order(centre, "S003", "LIVE-1")
    row = page.locator("#store-S003")
    expect(row.locator("td").nth(1)).to_contain_text("1")
    expect(page.locator("#ticker")).to_contain_text(number)
    expect(page.locator("#stores tr").first).to_have_attribute("id", "store-S003")
    # Every other row is still the element that it was.
    assert page.locator("#stores tr").count() == 3
    left = row.locator("time").last
    expect(left).not_to_have_text(left.text_content() or "")
    assert wrong == []
    context.close()


def test_rows_do_not_move_under_the_pointer(browser: Browser, centre: CentreConfig, url: str) -> None:
    context, page, _ = signed_in(browser, url)
    page.hover("#store-S002")
    order(centre, "S003", "LIVE-2")
    expect(page.locator("#store-S003 td").nth(1)).to_contain_text("1")
    page.wait_for_timeout(300)
    assert page.locator("#stores tr").first.get_attribute("id") == "store-S001"
    page.mouse.move(5, 5)
    expect(page.locator("#stores tr").first).to_have_attribute("id", "store-S003")
    context.close()


def test_the_board_says_when_it_does_not_hear_the_centre_and_catches_up(
    browser: Browser, centre: CentreConfig, url: str
) -> None:
    context, page, _ = signed_in(browser, url)
    expect(page.locator("#board-line")).to_be_hidden()
    page.clock.install()
    context.set_offline(True)
    page.evaluate("document.querySelector('[hx-sse\\\\:connect]')._htmx?.sse?.reader?.cancel()")
    page.clock.fast_forward(13_000)  # longer than a silence may last
    expect(page.locator("#board-line")).to_be_visible(timeout=20_000)
    order(centre, "S002", "LIVE-3")
    context.set_offline(False)
    expect(page.locator("#board-line")).to_be_hidden(timeout=20_000)
    expect(page.locator("#store-S002 td").nth(1)).to_contain_text("1")
    context.close()


def test_a_case_is_settled_in_the_browser(browser: Browser, centre: CentreConfig, url: str) -> None:
    with database(centre) as db, writing(db):
        case = open_case(db, "debt", now=centre.clock(), store="S001", sku="CAP-NAVY", params={"qty": 2})
    context, page, wrong = signed_in(browser, url)
    page.click("#tiles a")
    page.click(f"a[href='/cases/{case}']")
    page.fill("#outcome", "Two caps were sent from Hangzhou.")
    page.click("text=Close the case")
    expect(page.locator("main")).to_contain_text("Two caps were sent from Hangzhou.")
    expect(page.locator("main")).to_contain_text("Wei Chen")
    assert wrong == []
    context.close()


@pytest.fixture
def control() -> Iterator[tuple[str, list[bytes]]]:
    """What stands behind the demonstration's switch."""
    asked: list[bytes] = []
    cut: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["content-length"])))
            (cut.add if b"true" in asked[-1] else cut.discard)("S002")
            self._answer(b"{}")

        def do_GET(self) -> None:
            state = b'"cut"' if "S002" in cut else b'"up"'
            self._answer(b'{"S002": {"state": ' + state + b"}}")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret", asked
    server.shutdown()


def test_the_demonstrations_switch_cuts_and_restores_a_line(
    browser: Browser, centre: CentreConfig, control: tuple[str, list[bytes]]
) -> None:
    address, asked = control
    with running(replace(centre, demo_control_url=address)) as url:
        context, page, wrong = signed_in(browser, url)
        page.click("#store-S002 button")
        expect(page.locator("#store-S002 button")).to_have_text("Restore the line")
        page.mouse.move(5, 5)
        page.click("#store-S002 button")
        expect(page.locator("#store-S002 button")).to_have_text("Cut the line")
        assert [b"true" in one for one in asked] == [True, False]
        assert wrong == []
        context.close()


def test_hostile_names_do_nothing_in_a_browser(browser: Browser, centre: CentreConfig, url: str) -> None:
    evil = "<img src=x onerror=alert(1)>\"'><script>document.title='owned'</script>{{7*7}}"
    with database(centre) as db, writing(db):
        db.execute("UPDATE store SET name_en = ?, name_zh = ?", (evil, evil))
        db.execute("UPDATE item SET name_en = ?, name_zh = ?", (evil, evil))
        db.execute("UPDATE person SET name = ?", (evil,))
    context, page, wrong = signed_in(browser, url)
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    for path in with_something_on_every_page(centre):
        page.goto(url + path)
        page.wait_for_timeout(200)
        assert page.title() != "owned"
        assert page.locator("main img").count() == 0
    assert [one for one in wrong if "404" not in one] == []
    context.close()


@pytest.mark.parametrize("which", ["order", "store"])
def test_an_order_and_a_store_follow_what_happens_without_pulling_anything_from_under_the_pointer(
    browser: Browser, centre: CentreConfig, url: str, which: str
) -> None:
    number = order(centre, "S001", "A-9")
    context, page, wrong = signed_in(browser, url)
    path = f"/orders/{number}" if which == "order" else "/stores/S001"
    page.goto(f"{url}{path}")
    page.wait_for_function("document.getElementById('changes') && htmx")

    def happens(word: str) -> None:
        with database(centre) as db, writing(db):
            happened(db, word, at=centre.clock(), store="S001", order_no=number, notify=False)

    happens("pick_started")
    expect(page.locator(".history").last).to_contain_text("picking")
    # A hand on something that can be pressed: the page waits, and catches up when the hand is gone.
    page.locator("#main a").first.hover()
    happens("packed")
    page.wait_for_timeout(4_000)
    expect(page.locator(".history").last).not_to_contain_text("packed")
    page.mouse.move(2, 700)
    expect(page.locator(".history").last).to_contain_text("packed")
    if which == "order":
        # A form in the making is left alone.
        page.locator("details.act summary").first.click()
        page.locator("details.act input[type=radio]").last.check()
        page.mouse.move(2, 700)
        happens("staged")
        page.wait_for_timeout(4_000)
        assert page.locator("details.act input[type=radio]").last.is_checked()
        assert page.locator("details.act[open]").count() == 1
    assert not wrong
    context.close()
