"""The board in a browser: rows change by themselves, sorted by risk; nothing from elsewhere; no barrier."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from server.cases.book import Evidence, open_case
from server.config import CentreConfig
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.outbox.events import happened
from sync.sqlite import writing
from tests.kit_web import PIN, Clock, database, new_centre, running, seeded

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    now = int(time.time() * 1000)
    return replace(new_centre(tmp_path, now=now // 3_600_000 * 3_600_000), clock=Clock(now), timers=True)


@pytest.fixture
def url(centre: CentreConfig) -> Iterator[str]:
    with running(centre) as address:
        yield address


def order(centre: CentreConfig, store: str, external_id: str) -> str:
    """Placed by another process: the board hears of it as it would of the command line."""
    with database(centre) as db, writing(db):
        new = NewOrder(
            channel="shop",
            external_id=external_id,
            kind="pickup",
            pickup_store=store,
            name="Li Wang",
            phone="13800001111",
            lines=(NewLine("CAP-NAVY", 1),),
        )
        return place(db, new, now=centre.clock(), dice=seeded(len(external_id))).order_no


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
    before = row.locator("time").last.text_content()
    page.wait_for_timeout(1300)
    assert row.locator("time").last.text_content() != before
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
    context.set_offline(True)
    page.evaluate("document.querySelector('[hx-sse\\\\:connect]')._htmx?.sse?.reader?.cancel()")
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


def pages(centre: CentreConfig) -> dict[str, str]:
    """Every page with something on it."""
    number = order(centre, "S001", "AXE-1")
    with database(centre) as db, writing(db):
        db.execute(
            "INSERT INTO fact (store, incarnation, number, kind, received_at, verdict, chain, raw)"
            " VALUES ('S001', 'I1', 7, 'handed_over', ?, 'late', 'x', ?)",
            (centre.clock(), b'{"k":"handed_over"}'),
        )
        case = open_case(
            db, "released_stale", now=centre.clock(), store="S001", order_no=number, fo=f"{number}-1",
            evidence=[Evidence("S001", "I1", 7, "handed_over")],
        )  # fmt: skip
        # One case of each kind of remedy that can be done on its page.
        stuck = open_case(
            db, "pickup_stuck", now=centre.clock(), store="S001", order_no=number, fo=f"{number}-1"
        )
        counting = open_case(db, "beyond_rights", now=centre.clock(), store="S001", sku="CAP-NAVY",
                             params={"kind": "sold", "qty": 1})  # fmt: skip
        db.execute(
            "INSERT INTO replica (store, incarnation, state, host, opened_at, applied, chain)"
            " VALUES ('S001', 'I0', 'held', 'box-b', ?, 7, 'x')",
            (centre.clock(),),
        )
        boxes = open_case(db, "two_replicas", now=centre.clock(), store="S001", params={"host": "box-b"})
        now = centre.clock()
        db.execute("INSERT INTO store_session (store, number, connected_at) VALUES ('S001', 1, ?)", (now,))
        db.execute(
            "INSERT INTO store_session (store, number, connected_at, closed_at) VALUES ('S002', 1, ?, ?)",
            (now - 900_000, now - 800_000),
        )
        db.execute("UPDATE store SET paused = 1 WHERE code = 'S003'")
    return {
        "board": "/board", "store": "/stores/S001", "down": "/stores/S002", "order": f"/orders/{number}",
        "cases": "/cases", "case": f"/cases/{case}", "settled": "/cases?closed=true", "stock": "/skus",
        "stuck": f"/cases/{stuck}", "counting": f"/cases/{counting}", "boxes": f"/cases/{boxes}",
        "sku": "/skus/CAP-NAVY",
        "ledger": "/skus/CAP-NAVY/S001", "outbox": "/outbox", "nothing": "/find?q=zzz",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("en", "light", 1440), ("zh", "dark", 1440), ("zh", "light", 360), ("en", "dark", 360)],
)
def test_no_page_has_a_barrier_or_a_sideways_scroll(
    browser: Browser, centre: CentreConfig, url: str, language: str, scheme: str, width: int
) -> None:
    all_pages = pages(centre)
    options = {
        "viewport": {"width": width, "height": 640 if width == 360 else 900},
        "color_scheme": scheme,
        "locale": "zh-CN" if language == "zh" else "en-US",
        "bypass_csp": True,  # for axe itself, which is injected
    }
    context, page, _ = signed_in(browser, url, **options)
    context.add_cookies([{"name": "yipan_centre_language", "value": language, "url": url}])
    found: dict[str, Any] = {}

    def look(name: str, goto: Callable[[], Any]) -> None:
        goto()
        page.wait_for_timeout(150)
        page.add_script_tag(path=str(AXE))
        answer = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']})"
        )
        if answer["violations"]:
            found[name] = [(v["id"], [n["html"][:160] for n in v["nodes"]][:3]) for v in answer["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found[f"{name} sideways"] = wide

    for name, path in all_pages.items():
        look(name, lambda path=path: page.goto(url + path))  # type: ignore[misc]
    for name, summary in (("stuck", ".remedies summary"), ("order", "details.act summary")):
        page.goto(url + all_pages[name])
        assert page.locator(summary).count()
        look(f"{name} open", lambda summary=summary: [one.click() for one in page.locator(summary).all()])  # type: ignore[misc]
    look("menu", lambda: page.click(".menu summary"))
    context.clear_cookies()
    look("sign-in", lambda: page.goto(f"{url}/sign-in"))
    assert found == {}
    context.close()


def test_hostile_names_do_nothing_in_a_browser(browser: Browser, centre: CentreConfig, url: str) -> None:
    evil = "<img src=x onerror=alert(1)>\"'><script>document.title='owned'</script>{{7*7}}"
    with database(centre) as db, writing(db):
        db.execute("UPDATE store SET name_en = ?, name_zh = ?", (evil, evil))
        db.execute("UPDATE item SET name_en = ?, name_zh = ?", (evil, evil))
        db.execute("UPDATE person SET name = ?", (evil,))
    context, page, wrong = signed_in(browser, url)
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    for path in pages(centre).values():
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
