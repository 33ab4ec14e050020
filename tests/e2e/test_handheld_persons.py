"""A handheld goes from hand to hand while the store box is away: what each did stays theirs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sync.wire.facts import Fact, Picked, body_of
from tests import kit_pwa as kit
from tests.e2e.kit_alone import (
    CAP,
    JEANS,
    SHIRT,
    SIZE,
    Box,
    facts,
    handed_in,
    says,
    signed_in,
    stored,
    until,
    waiting,
    wedge,
)

pytestmark = pytest.mark.browser


def picks(node: kit.DemoNode) -> list[tuple[str, int, int]]:
    """Who picked what, in the box's order: person, order, line."""
    rows = node.db.execute("SELECT raw FROM fact WHERE kind = 'picked' ORDER BY number")
    found = [msgspec.json.decode(row["raw"], type=Fact) for row in rows]
    bodies = [(fact, body_of(fact)) for fact in found]
    return [(fact.person, fact.fence, body.line) for fact, body in bodies if isinstance(body, Picked)]


def pin(page: Any, text: str) -> None:
    page.fill("#pin", text)
    page.click(".foot .btn")


def test_a_handheld_changes_hands_without_the_box_and_each_command_stays_its_persons(
    browser: Any, box: Box
) -> None:
    node = box.node
    context = browser.new_context(viewport=SIZE)
    signed_in(context, box, "/orders", person="p3")
    page = signed_in(context, box, "/orders", person="p2")
    until(page, lambda: "p2" in (stored(page, "kept/known") or {}))
    wave = f"/waves/{kit.wave_of(node, 13)}"
    page = signed_in(context, box, wave)
    until(page, lambda: "p1" in (stored(page, "kept/known") or {}))
    before = facts(node)
    already = len(picks(node))
    box.kill()
    wedge(page, SHIRT)
    says(page, "kept here")

    # The next person: known here, a wrong PIN first.
    page.goto(f"{box.address}/more")
    page.get_by_role("link", name="Change person").click()
    page.locator(".names a").first.wait_for()
    assert page.locator(".names a").count() == 2, "the store lead has no PIN on this device"
    page.get_by_role("link", name="Zhao Min").click()
    pin(page, "0000")
    page.wait_for_selector(".fb.bad")
    assert stored(page, "kept/known")["p2"]["tries"] == 1
    pin(page, kit.PIN)
    page.wait_for_url("**/orders*")
    assert "Zhao Min" in page.inner_text(".who")
    # They take over a tote of the first one's wave by its label, scanned on whatever page.
    label = f"{kit.wave_of(node, 13)}-A"
    for code, mood in ((label, "good"), (JEANS, "bad"), (label, "info"), (JEANS, "good")):
        wedge(page, code)
        page.wait_for_selector(f"#said .fb.{mood}[data-command]")
    assert {row["person"] for row in stored(page, "outbox")} == {"p1", "p2"}

    # Back to the first, who goes on; nobody's key but theirs is at hand.
    page.goto(f"{box.address}/sign-in?person=p1&next={wave}")
    pin(page, kit.PIN)
    page.wait_for_url(box.address + wave)
    assert stored(page, "kept/seal")["person"] == "p1"
    wedge(page, CAP)
    assert waiting(page) == 4
    assert facts(node) == before

    # The box is back: it asks who is there before anything else, and takes everybody's work.
    box.start()
    page.wait_for_url("**/sign-in?person=p1*")
    assert facts(node) == before, "nothing went by the session that the browser still had"
    pin(page, kit.PIN)
    page.wait_for_url(box.address + wave)
    handed_in(page)
    assert picks(node)[already:] == [("p1", 13, 1), ("p2", 13, 2), ("p1", 14, 1)]
    assert facts(node) - before == 4
    context.close()


def test_five_wrong_pins_without_the_box_leave_nothing_to_guess_on_the_device(browser: Any, box: Box) -> None:
    context = browser.new_context(viewport=SIZE)
    page = context.new_page()
    page.goto(f"{box.address}/sign-in")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page = signed_in(context, box, "/orders")
    until(page, lambda: "p1" in (stored(page, "kept/known") or {}))
    box.kill()
    page.goto(f"{box.address}/sign-in?person=p1")
    for left in (4, 3, 2, 1):
        pin(page, "1111")
        says(page, f"Tries left: {left}")
    pin(page, "1111")
    says(page, "That was the last try for Lin on this handheld.")
    assert not stored(page, "kept/known").get("p1")
    page.goto(f"{box.address}/sign-in?person=p1")
    assert page.locator("#pin").count() == 0
    box.start()
    page = signed_in(context, box, "/orders")
    until(page, lambda: (stored(page, "kept/known") or {}).get("p1"))
    context.close()
