"""Ten thousand scans in both shapes, at every speed, in a field and in none: none lost or invented."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from sync.rules.codes import check_digit
from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

GAPS_MS = (0, 5, 50, 140)
EACH = 626
"""Scans of one kind: 16 kinds of speed, shape and place make 10,016."""

PLAY = """(steps) => {
  // Events as a browser makes them, with times of our own. `taken` is what the page acts upon.
  const {capture} = window.yipan, sink = document.getElementById('sink');
  const field = document.getElementById('field'), taken = window.taken;
  const send = (target, event, time) => {
    Object.defineProperty(event, 'timeStamp', {value: time});
    return target.dispatchEvent(event);
  };
  const write = (target, text, time, kind) => {
    const more = {bubbles: true, cancelable: true, data: text, inputType: kind || 'insertText'};
    if (!send(target, new InputEvent('beforeinput', more), time)) return;
    if (text) target.value += text;
    if (text) send(target, new InputEvent('input', more), time);
  };
  const key = (target, name, time, code) => send(target, new KeyboardEvent('keydown',
    {key: name, keyCode: code || 0, bubbles: true, cancelable: true}), time);
  const kept = [];
  for (const step of steps) {
    const target = step.place === 'field' ? field : step.shape === 'text' ? sink : document.body;
    if (step.place === 'field') field.value = step.said;
    for (const [text, time] of step.keys) {
      if (step.shape === 'key') {
        if (text === 'Enter') key(target, text, time);
        else if (key(target, text, time) && step.place === 'field') write(target, text, time);
      } else {
        key(target, 'Unidentified', time, 229);
        if (text === 'Enter') write(target, null, time, 'insertLineBreak');
        else write(target, text, time);
      }
    }
    if (step.place === 'field') kept.push(field.value);
  }
  window.yipan.scan.tick(steps.at(-1).keys.at(-1)[1] + 5000);
  return {taken: window.taken.splice(0), kept};
}"""

WATCH = """() => {
  // A page without a task and with one field that a scan fills: whatever is taken arrives there.
  document.getElementById('page').innerHTML =
    '<input id="field"><input id="goal" data-scans-into><button id="b" data-command="undo"></button>';
  window.taken = []; window.pressed = 0;
  document.getElementById('goal').addEventListener('input', (e) => window.taken.push(e.target.value));
  document.getElementById('b').addEventListener('click', () => { window.pressed += 1; });
}"""


@pytest.fixture(scope="module")
def handheld(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """Signed in once: nothing here changes the store."""
    node = kit.store(tmp_path_factory.mktemp("capture") / "replica.db")
    with kit.served(node) as base:
        context = browser.new_context(viewport={"width": 360, "height": 640}, service_workers="block")
        kit.signed_in(context, node, base)
        yield context, base
        context.close()
    node.close()


@pytest.fixture
def page(handheld: tuple[Any, str]) -> Iterator[Any]:
    context, base = handheld
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{base}/stock")
    page.wait_for_function("() => window.yipan?.scan")
    page.evaluate(WATCH)
    yield page
    page.evaluate("localStorage.clear()")  # the profile of this device's scanner
    page.close()


def gtin(rng: random.Random, length: int) -> str:
    digits = "".join(rng.choice("0123456789") for _ in range(length - 1))
    return digits + str(check_digit(digits))


def code_of(rng: random.Random, prefixed: bool, plain: bool) -> str:
    """What hangs on goods; `plain`: also codes that say nothing by themselves."""
    kinds = ["13", "8", "12", "gs1", "link"] + (["sku"] if plain else [])
    match rng.choice(kinds):
        case "13":
            code, aim = gtin(rng, 13), "]E0"
        case "8":
            code, aim = gtin(rng, 8), "]E4"
        case "12":
            code, aim = gtin(rng, 12), "]E0"
        case "gs1":
            code, aim = f"01{gtin(rng, 14)}21S{rng.randrange(10**6)}", "]C1"
        case "link":
            code, aim = f"https://id.example.com/01/{gtin(rng, 14)}/21/A{rng.randrange(10**6)}", "]Q1"
        case _:
            code, aim = f"LS-{rng.randrange(10**4):04d}-SND-{rng.choice('SML')}", "]C0"
    return aim + code if prefixed else code


def steps(rng: random.Random, shape: str, gap: int, prefixed: bool, place: str) -> list[dict[str, Any]]:
    """Scans one after the other, some of equal goods, each a step with its key times."""
    made: list[dict[str, Any]] = []
    now, code = 1_000_000.0, ""
    for _ in range(EACH // 2):
        same = code and rng.random() < 0.2
        code = code if same else code_of(rng, prefixed, plain=True)
        now += 300 + rng.random() * 400 if same else 160 + rng.random() * 300
        keys: list[tuple[str, float]] = []
        whole = shape == "text" and gap == 0
        for text in [code] if whole else code:
            keys.append((text, now))
            now += gap + (rng.random() * 8 if gap else 0)
        keys.append(("Enter", now))
        said = rng.choice(["", "4", "two are torn "]) if place == "field" else ""
        made.append({"shape": shape, "place": place, "keys": keys, "code": code, "said": said})
    return made


@pytest.mark.parametrize("place", ["field", "none"])
@pytest.mark.parametrize("gap", GAPS_MS)
@pytest.mark.parametrize("shape", ["key", "text"])
def test_no_scan_is_lost_merged_or_invented(
    page: Any, rng: random.Random, shape: str, gap: int, place: str
) -> None:
    for prefixed in (True, False):
        played = steps(rng, shape, gap, prefixed, place)
        got = page.evaluate(PLAY, played)
        assert got["taken"] == [step["code"] for step in played], "lost, merged or invented"
        assert got["kept"] == [step["said"] for step in played if place == "field"], "a field was changed"


def key_steps(code: str, at: float, gap: float = 5, end: bool = True) -> dict[str, Any]:
    keys: list[tuple[str, float]] = [(c, at + i * gap) for i, c in enumerate(code)]
    if end:
        keys.append(("Enter", at + len(code) * gap))
    return {"shape": "key", "place": "none", "keys": keys, "said": ""}


SHIRT = kit.gtin_of(0)


def test_one_bounced_trigger_is_one_scan_and_two_equal_units_are_two(page: Any) -> None:
    last = 12 * 5 + 5
    bounced = [key_steps(SHIRT, 1000), key_steps(SHIRT, 1000 + last + 90)]
    assert page.evaluate(PLAY, bounced)["taken"] == [SHIRT]
    two = [key_steps(SHIRT, 9000), key_steps(SHIRT, 9000 + last + 300)]
    assert page.evaluate(PLAY, two)["taken"] == [SHIRT, SHIRT]
    others = [key_steps(SHIRT, 20_000), key_steps(kit.gtin_of(1), 20_000 + last + 30)]
    assert page.evaluate(PLAY, others)["taken"] == [SHIRT, kit.gtin_of(1)], "only the same code bounces"


def test_a_command_bounces_longer_than_goods_do(page: Any) -> None:
    page.evaluate(PLAY, [key_steps("YIPAN-UNDO", 1000), key_steps("YIPAN-UNDO", 1700)])
    assert page.evaluate("window.pressed") == 1
    page.evaluate(PLAY, [key_steps("YIPAN-UNDO", 4000)])
    assert page.evaluate("[window.pressed, window.yipan.feel.last]") == [2, "good"]


def test_a_command_that_the_page_has_no_button_for_is_loud(page: Any) -> None:
    page.evaluate(PLAY, [key_steps("]C0YIPAN-PRINT", 1000)])
    assert page.evaluate("window.yipan.feel.last") == "bad"
    assert "nothing to do for that command" in page.inner_text("#trouble")


def test_a_code_whose_keys_stand_still_once_is_read_whole_or_loudly_not_at_all(page: Any) -> None:
    def torn(code: str, at: int, pause: float, start: float) -> dict[str, Any]:
        step = key_steps(code, start)
        step["keys"] = [(k, t + (pause if i >= at else 0)) for i, (k, t) in enumerate(step["keys"])]
        return step

    for at in range(1, 14):  # 13: the Enter itself comes late
        got = page.evaluate(PLAY, [torn(SHIRT, at, 400, 10_000 * at)])
        assert got["taken"] == [SHIRT], f"stood still before key {at}"
    assert page.evaluate(PLAY, [torn("UNKNOWN-77", 5, 400, 200_000)])["taken"] == []
    assert "in pieces" in page.inner_text("#trouble")
    assert page.evaluate("window.yipan.feel.last") == "bad"


def test_a_code_without_a_suffix_is_not_glued_to_the_next(page: Any) -> None:
    played = [key_steps(SHIRT, 1000, end=False), key_steps(kit.gtin_of(1), 1400)]
    assert page.evaluate(PLAY, played)["taken"] == [SHIRT, kit.gtin_of(1)]
    assert page.evaluate(PLAY, [key_steps(SHIRT, 9000, end=False)])["taken"] == [SHIRT]


def test_a_key_held_down_is_no_scan(page: Any) -> None:
    page.evaluate(
        """() => { for (let i = 0; i < 12; i++) document.body.dispatchEvent(new KeyboardEvent('keydown',
           {key: '7', repeat: i > 0, bubbles: true})); document.body.dispatchEvent(
           new KeyboardEvent('keydown', {key: 'Enter', bubbles: true})); }"""
    )
    assert page.evaluate("window.taken") == []


def test_a_number_typed_just_before_a_scan_stays_in_its_field(page: Any) -> None:
    """`fill` writes as a person with an input method does; the scan follows within a slow device's gap."""
    page.evaluate("window.yipan.capture.keep({gap: 1500, field: 45})")
    step = key_steps("4" + SHIRT, 1000, 20)
    step |= {"place": "field", "keys": [step["keys"][0], *[(k, t + 700) for k, t in step["keys"][1:]]]}
    assert page.evaluate(PLAY, [step]) == {"taken": [SHIRT], "kept": ["4"]}


WORDS = ("please call", "broken zip", "2026-11-30", "12 pieces", "torn label", "shelf B-04-2", "18602100000")


def test_what_people_type_into_a_field_stays_there(page: Any, rng: random.Random) -> None:
    """A quick typist's tempo: 60 to 400 ms a key, never even."""
    played, now = [], 1000.0
    for _ in range(600):
        keys: list[tuple[str, float]] = []
        text = rng.choice(WORDS) + str(rng.randrange(100))
        for letter in text:
            now += max(55.0, rng.lognormvariate(4.75, 0.35))
            keys.append((letter, now))
        now += rng.lognormvariate(5, 0.4)
        keys.append(("Enter", now))
        now += 700
        played.append({"shape": "key", "place": "field", "keys": keys, "said": "", "text": text})
    got = page.evaluate(PLAY, played)
    assert got["taken"] == []
    assert got["kept"] == [step["text"] for step in played]


@pytest.mark.parametrize("gap", [0, 50])
def test_a_real_keyboard_at_real_speed(page: Any, gap: int) -> None:
    page.evaluate("window.yipan.capture.keep({gap: 1500, field: 1500})")  # this machine may be busy
    codes = [kit.gtin_of(n) for n in range(6 if not gap else 3)]
    for place in ("none", "field"):
        for code in codes:
            page.evaluate("p => document.getElementById('field')[p === 'field' ? 'focus' : 'blur']()", place)
            page.keyboard.type(code, delay=gap)
            page.keyboard.press("Enter")
        assert page.evaluate("window.taken.splice(0)") == codes
        assert page.input_value("#field") == ""


def test_the_profile_of_the_device_says_how_its_scanner_writes(page: Any) -> None:
    page.evaluate("window.yipan.capture.keep({gap: 400, suffix: 'tab', prefix: '~~', gs: '^', field: 45})")
    group = "0106901234560008" + "10LOT7^21S9"
    step = key_steps("~~" + group, 1000, 300)
    assert page.evaluate(PLAY, [step])["taken"] == [], "this device ends with Tab"
    page.evaluate("window.yipan.capture.keep({gap: 400, suffix: 'enter', prefix: '~~', gs: '^', field: 45})")
    step["place"] = "field"
    step["keys"] = [(k, t + 50_000) for k, t in step["keys"]]
    assert page.evaluate(PLAY, [step])["taken"] == [group.replace("^", "\x1d")]
