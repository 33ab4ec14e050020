"""The scanner's own pages: a model tried out, its profile kept, commands printed and obeyed, moods felt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

SHIRT = kit.GOODS[0][0]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(SHIRT, 3)])
    node.do("start_wave", fences=[13])
    node.acknowledge()
    node.rows("policy", [("scan_gap_ms", {"value": "1500"})])
    yield node
    node.close()


@pytest.fixture
def base(node: kit.DemoNode) -> Iterator[str]:
    with kit.served(node) as address:
        yield address


@pytest.fixture
def page(browser: Any, base: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 360, "height": 640}, service_workers="block")
    page = context.new_page()
    page.set_default_timeout(20_000)
    strange: list[str] = []
    page.on("pageerror", lambda error: strange.append(str(error)))
    kit.sign_in_browser(page, base)
    yield page
    context.close()
    assert strange == []


def wedge(page: Any, code: str) -> None:
    page.wait_for_timeout(220)
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def test_the_page_says_what_was_heard_and_what_it_means(page: Any, base: str) -> None:
    page.goto(f"{base}/more")
    page.click("a[href='/scanner']")
    page.wait_for_function("() => window.yipan.scanner")
    wedge(page, "]d20106901234567892" + "17270131" + "10LOT7~21SER9")
    said = {
        name: page.inner_text(f'[data-heard="{name}"]')
        for name in ("gtin", "serial", "lot", "expiry", "suffix")
    }
    assert said == {
        "gtin": "06901234567892", "serial": "SER9", "lot": "LOT7", "expiry": "2027-01-31", "suffix": "Enter",
    }  # fmt: skip
    assert page.inner_text('[data-heard="shape"]') == "Key presses"
    assert page.inner_text('[data-heard="slowest"]').isdigit()
    page.keyboard.insert_text("6901234567892")
    page.wait_for_function(
        "() => document.querySelector('[data-heard=shape]').innerText === 'An input method'"
    )


def test_a_lead_sets_what_this_device_keeps_and_it_outlives_the_page(
    browser: Any, base: str, page: Any
) -> None:
    page.goto(f"{base}/scanner")
    page.wait_for_function("() => window.yipan.scanner")
    assert page.is_disabled("#profile [name=gap]"), "an associate sees it"
    assert page.input_value("#profile [name=gap]") == "1500", "the policy's, where the device has none"
    context = browser.new_context(service_workers="block")
    lead = context.new_page()
    kit.sign_in_browser(lead, base, person="p3")
    lead.goto(f"{base}/scanner")
    lead.wait_for_function("() => window.yipan.scanner")
    lead.fill("#profile [name=gap]", "300")
    lead.fill("#profile [name=prefix]", "~~")
    lead.select_option("#profile [name=suffix]", "tab")
    lead.click("[data-keep]")
    lead.goto(f"{base}/orders")
    kept = lead.evaluate("(({gap, prefix, suffix}) => [gap, prefix, suffix])(window.yipan.scan.settings())")
    assert kept == [300, "~~", "tab"]
    lead.goto(f"{base}/scanner")
    lead.wait_for_function("() => window.yipan.scanner")
    lead.click("[data-forget]")
    assert lead.evaluate("window.yipan.scan.settings().gap") == 1500
    context.close()


def test_every_printed_command_is_one_that_the_pages_obey(page: Any, base: str) -> None:
    page.goto(f"{base}/scanner/codes")
    codes = page.eval_on_selector_all("img", "all => all.map((one) => one.alt)")
    assert codes == ["YIPAN-NEXT", "YIPAN-UNDO", "YIPAN-SHORT", "YIPAN-PRINT"]
    assert page.eval_on_selector_all("img", "all => all.every((one) => one.naturalWidth > 100)")


def test_undo_and_short_by_scanning(page: Any, base: str, node: kit.DemoNode) -> None:
    page.goto(f"{base}/waves/{kit.wave_of(node, 13)}")
    wedge(page, SHIRT)
    page.wait_for_selector("[data-command=undo]")
    page.wait_for_function("() => window.yipan.scan.waiting() === 0")
    wedge(page, "YIPAN-UNDO")
    page.wait_for_function("() => document.querySelector('.big [data-have]').innerText === '0'")
    assert node.performed[-1][0] == "undo_pick"
    wedge(page, "yipan-short")
    page.wait_for_url("**/short?*")


def test_each_mood_sounds_and_shakes_in_its_own_way(page: Any, base: str, node: kit.DemoNode) -> None:
    page.add_init_script(
        """window.tones = [];
        class Part { constructor() { for (const name of ['frequency', 'gain']) this[name] = {
            setValueAtTime() {}, exponentialRampToValueAtTime() {}}; }
          connect(next) { return next; } stop() {}
          start(when) { window.tones.push(`${this.type} ${this.frequency.value} ${when}`); } }
        window.AudioContext = class { state = 'running'; currentTime = 0;
          createOscillator() { return new Part(); } createGain() { return new Part(); } };
        navigator.vibrate = (pattern) => { window.shaken = pattern; return true; };"""
    )
    page.goto(f"{base}/waves/{kit.wave_of(node, 13)}")
    page.keyboard.press("Shift")  # a touch or a key: from now on browsers allow sound
    felt = page.evaluate(
        """() => Object.fromEntries(['good', 'kept', 'again', 'bad'].map((mood) => {
          window.tones = [];
          window.yipan.feel.play(mood);
          return [mood, [JSON.stringify(window.shaken), window.tones.join()]];
        }))"""
    )
    for what in (0, 1):
        assert len({one[what] for one in felt.values()}) == 4, felt
    assert page.get_attribute("#said", "role") == "status", "spoken by a screen reader"
    assert page.get_attribute("#trouble", "role") == "alert"


def test_what_is_right_but_not_sent_yet_is_told_from_what_is_sent(
    page: Any, base: str, node: kit.DemoNode
) -> None:
    page.goto(f"{base}/waves/{kit.wave_of(node, 13)}")
    told = """(code) => { window.yipan.scan.take(code);
      return [window.yipan.feel.last, document.querySelector('#said .fb').classList.contains('kept')]; }"""
    assert page.evaluate(told, SHIRT) == ["good", False]
    page.wait_for_function("() => window.yipan.scan.waiting() === 0")
    page.evaluate("document.getElementById('line').classList.add('alone')")
    assert page.evaluate(told, SHIRT) == ["kept", True]
