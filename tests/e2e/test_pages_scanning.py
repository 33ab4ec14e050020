"""Scans in a real browser: caught wherever the focus is, answered by the page, applied once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(SHIRT, 3), (JEANS, 1)])
    node.accepted(14, [(CAP, 1)], left=29 * kit.MIN)
    node.do("start_wave", fences=[13, 14])
    node.acknowledge()
    yield node
    node.close()


@pytest.fixture
def base(node: kit.DemoNode) -> Iterator[str]:
    with kit.served(node) as address:
        yield address


@pytest.fixture
def page(browser: Any, base: str, node: kit.DemoNode) -> Iterator[Any]:
    # Without the worker: these tests hold requests back, which they cannot do behind it.
    context = browser.new_context(viewport={"width": 360, "height": 640}, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(20_000)
    strange: list[str] = []
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on("console", lambda m: strange.append(m.text) if "Content Security Policy" in m.text else None)
    page.on("request", lambda r: strange.append(r.url) if not r.url.startswith((base, "data:")) else None)
    kit.signed_in(context, node, base)
    # A machine that runs everything at once delivers a scanner's keys late; a handheld does not.
    node.rows("policy", [("scan_gap_ms", {"value": "1500"})])
    page.goto(f"{base}/waves/{kit.wave_of(node, 13)}")
    yield page
    context.close()
    assert strange == []


def wedge(page: Any, code: str, gap_ms: int = 0, end: str = "Enter") -> None:
    """A scanner that types, after the moment that a hand needs between two equal units."""
    page.wait_for_timeout(220)
    page.keyboard.type(code, delay=gap_ms)
    page.keyboard.press(end)


def until(page: Any, done: Callable[[], bool]) -> None:
    for _ in range(250):
        if done():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not come")


def picked(node: kit.DemoNode, fence: int, line: int) -> int:
    row = node.db.execute(
        "SELECT picked FROM assignment_line WHERE fence = ? AND line = ?", (fence, line)
    ).fetchone()
    return int(row[0])


def settled(page: Any) -> None:
    page.wait_for_function("() => window.yipan.scan.answered() > 0 && window.yipan.scan.waiting() === 0")


def mood(page: Any) -> str:
    return str(page.get_attribute("#said .fb", "data-mood"))


@pytest.mark.parametrize("gap_ms", [0, 5, 100])
def test_a_scan_typed_with_the_focus_nowhere_picks_the_item(
    page: Any, node: kit.DemoNode, gap_ms: int
) -> None:
    page.evaluate("document.activeElement.blur()")
    wedge(page, kit.gtin_of(0), gap_ms)
    settled(page)
    assert picked(node, 13, 1) == 1
    assert mood(page) == "good"
    assert "2 more" in page.inner_text("#said")
    assert page.inner_text(".big .qty").split()[0] == "1"


def test_keys_of_a_person_are_no_scan(page: Any, base: str, node: kit.DemoNode) -> None:
    node.rows("policy", [("scan_gap_ms", {"value": "150"})])
    page.goto(f"{base}/waves/{kit.wave_of(node, 13)}")
    wedge(page, CAP[:6], 220)
    page.wait_for_timeout(200)
    assert page.evaluate("window.yipan.scan.answered()") == 0


def test_a_scan_that_ends_with_tab_counts_too(page: Any, node: kit.DemoNode) -> None:
    wedge(page, SHIRT, end="Tab")
    settled(page)
    assert picked(node, 13, 1) == 1


def test_text_that_an_input_method_writes_is_a_scan(page: Any, node: kit.DemoNode) -> None:
    page.evaluate("document.getElementById('sink').focus()")
    page.keyboard.insert_text(kit.gtin_of(0))
    page.wait_for_function("() => window.yipan.scan.answered() === 1")
    settled(page)
    assert picked(node, 13, 1) == 1


def test_the_page_answers_before_the_node_does(page: Any, node: kit.DemoNode) -> None:
    held: list[Any] = []
    page.route("**/scan", lambda route: held.append(route))
    asked = page.evaluate(
        """(code) => { const t = performance.now(); window.yipan.scan.take(code);
           return {ms: performance.now() - t, text: document.querySelector('#said').innerText,
                   mood: document.querySelector('#said .fb').dataset.mood, feel: window.yipan.feel.last,
                   have: document.querySelector('.big [data-have]').innerText} }""",
        kit.gtin_of(0),
    )
    assert (asked["mood"], asked["feel"], asked["have"]) == ("good", "good", "1")
    assert "2 more" in asked["text"]
    assert asked["ms"] < 100
    assert picked(node, 13, 1) == 0, "nothing was sent yet"
    until(page, lambda: bool(held))
    page.unroute("**/scan")  # lets the held one go
    settled(page)
    assert picked(node, 13, 1) == 1


def test_a_wrong_item_is_loud_and_named_and_picks_nothing(page: Any, node: kit.DemoNode) -> None:
    first = page.evaluate(
        "(code) => { window.yipan.scan.take(code); return window.yipan.feel.last }", kit.gtin_of(1)
    )
    assert first == "bad", "the page itself knew"
    settled(page)
    assert mood(page) == "bad"
    assert "Wrong kind: this is Size L. Take Size M." in page.inner_text("#said")
    assert picked(node, 13, 1) == 0


def test_one_too_many_is_told_from_wrong(page: Any, node: kit.DemoNode) -> None:
    for _ in range(3):
        wedge(page, SHIRT)
    settled(page)
    wedge(page, SHIRT)
    assert page.evaluate("window.yipan.feel.last") == "again"
    # The store node refuses it as any other; it looks like a duplicate, by its sign as well as by its colour.
    page.wait_for_selector("#said .fb.again[data-mood=bad] path[d='M8 6v12M16 6v12']")
    settled(page)
    assert picked(node, 13, 1) == 3


def test_fast_scans_are_each_kept_and_shown_while_answers_are_slow(page: Any, node: kit.DemoNode) -> None:
    held: list[Any] = []
    page.route("**/scan", lambda route: held.append(route))
    for _ in range(3):
        wedge(page, SHIRT)
    assert page.inner_text(".big [data-have]") == "3"
    until(page, lambda: bool(held))
    assert len(held) == 1, "one after the other"
    held.pop().continue_()
    page.wait_for_function("() => window.yipan.scan.waiting() === 2")
    until(page, lambda: bool(held))
    assert page.inner_text(".big [data-have]") == "3", "the first answer does not take back what came since"
    page.unroute("**/scan")  # lets the held ones go
    settled(page)
    assert picked(node, 13, 1) == 3, "two equal items are two scans"
    # The page went on to what comes next, and shows what was picked in the list.
    assert page.inner_text('.walk [data-have="13:1"]') == "3"


def test_a_page_that_comes_between_a_scan_and_its_answer_counts_it_once(
    page: Any, node: kit.DemoNode
) -> None:
    answers: list[tuple[Any, Any]] = []

    def hold_the_first(route: Any) -> None:
        if answers:
            route.continue_()
        else:
            answers.append((route, route.fetch()))  # applied; the answer waits

    page.route("**/scan", hold_the_first)
    wedge(page, SHIRT)
    until(page, lambda: bool(answers))
    assert picked(node, 13, 1) == 1
    page.evaluate("htmx.ajax('GET', location.href, {target: '#page', swap: 'innerMorph'})")
    page.wait_for_function("(seen) => document.getElementById('scan').dataset.seen !== seen", arg="")
    page.wait_for_timeout(200)
    assert page.inner_text(".big [data-have]") == "1", "it is in the page that came, and not counted on top"
    wedge(page, SHIRT)
    assert page.inner_text(".big [data-have]") == "2"
    route, response = answers[0]
    route.fulfill(response=response)
    settled(page)
    assert page.inner_text(".big [data-have]") == "2"
    assert picked(node, 13, 1) == 2


def test_a_lost_answer_is_asked_for_again_and_applied_once(page: Any, node: kit.DemoNode) -> None:
    losses: list[str] = []

    def lose(route: Any) -> None:
        if losses:
            route.continue_()
            return
        response = route.fetch()  # the node does it; its answer never arrives
        losses.append(response.text()[:0])
        route.abort()

    page.route("**/scan", lose)
    wedge(page, SHIRT)
    page.wait_for_function("() => window.yipan.scan.waiting() === 0", timeout=15_000)
    assert losses
    assert [name for name, _ in node.performed].count("scan") == 2
    assert picked(node, 13, 1) == 1


def test_a_person_who_types_a_code_is_not_a_scanner(page: Any, node: kit.DemoNode) -> None:
    page.click("[data-opens='type-code']")
    page.fill("#type-code [name=code]", "")
    page.keyboard.type(CAP, delay=20)
    assert page.input_value("#type-code [name=code]") == CAP
    page.click("#type-code .btn:not(.quiet)")
    page.wait_for_selector("#said .fb.good")
    assert picked(node, 14, 1) == 1


def test_an_open_sheet_stays_open_while_the_page_follows_the_work(page: Any, node: kit.DemoNode) -> None:
    page.click("[data-opens='type-code']")
    page.keyboard.type("CP-")
    node.offer(90, [(DRESS, 1)])
    page.wait_for_timeout(700)
    assert page.input_value("#type-code [name=code]") == "CP-"
    assert page.evaluate("document.getElementById('type-code').open")


def test_a_scan_into_a_number_field_leaves_the_number_alone(page: Any, base: str, node: kit.DemoNode) -> None:
    page.goto(f"{base}/count/{CAP}")
    page.fill("#qty", "4")
    page.focus("#qty")
    wedge(page, kit.gtin_of(4))
    assert page.input_value("#qty") == "5", "the scan counted one, and its digits are not in the field"


def test_counting_by_scanning_sends_nothing_before_the_person_says_so(
    page: Any, base: str, node: kit.DemoNode
) -> None:
    page.goto(f"{base}/count/{CAP}")
    before = len(node.performed)
    for _ in range(3):
        wedge(page, kit.gtin_of(4))
    assert page.input_value("#qty") == "3"
    assert len(node.performed) == before
    page.click(".foot .btn")
    page.wait_for_selector(".fb.good")
    assert node.performed[-1] == ("count", {"sku": CAP, "found": 3})


def test_a_double_tap_accepts_once(page: Any, base: str, node: kit.DemoNode) -> None:
    node.offer(50, [(DRESS, 1)])
    page.goto(f"{base}/orders?tab=offers")
    page.dblclick(".foot .btn")
    page.wait_for_selector(".fb.good")
    facts = node.db.execute("SELECT count(*) FROM fact WHERE fence = 50 AND kind = 'accepted'").fetchone()[0]
    assert facts == 1


def test_a_new_offer_comes_by_itself_at_the_end_and_nothing_jumps(
    page: Any, base: str, node: kit.DemoNode
) -> None:
    node.offer(60, [(DRESS, 1)], left=20 * kit.MIN)
    page.goto(f"{base}/orders?tab=offers")
    page.wait_for_selector("#c60")
    page.wait_for_timeout(300)
    node.offer(61, [(CAP, 1)], left=2 * kit.MIN)  # more urgent, still at the end
    page.wait_for_selector("#c61")
    order = page.eval_on_selector_all("#cards > li", "rows => rows.map(r => r.id)")
    assert order == ["c60", "c61"]
    assert "New" in page.inner_text("#c61")
    page.click(".tabs a[aria-current]")
    page.wait_for_function("() => document.querySelector('#cards > li').id === 'c61'")


def test_the_line_is_told_while_the_page_is_open(page: Any, base: str, node: kit.DemoNode) -> None:
    assert page.inner_text("#line .what").startswith("Line up · heard")
    node.up, node.since = False, node.now
    node.listeners.tell({"line"})
    page.wait_for_selector("#line.down")
    assert page.inner_text("#line .what") == "Line down since 12:00 · carry on"
    node.offer(70, [(DRESS, 1)])
    page.goto(f"{base}/orders?tab=offers")
    page.click(".foot .btn")
    page.wait_for_selector(".fb.good")
    assert "1 to send" in page.inner_text("#line")
    assert "Not confirmed yet" in page.inner_text("#c70")


def test_language_changes_at_once(page: Any, base: str) -> None:
    page.goto(f"{base}/more")
    page.click("button[value=zh]")
    page.wait_for_selector("h1:has-text('更多')")
    page.goto(f"{base}/orders")
    assert page.inner_text("h1") == "订单"
    assert page.get_attribute("html", "lang") == "zh-Hans"
