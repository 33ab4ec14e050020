"""The store box is back, and something else has changed meanwhile: the person, the other handheld, the
session, the release, or what the browser kept."""

from __future__ import annotations

from typing import Any

import pytest

from sync.sqlite import writing
from tests import kit_pwa as kit
from tests.e2e.kit_alone import (
    CAP,
    JEANS,
    SHIRT,
    SIZE,
    Box,
    facts,
    handed_in,
    picked,
    refused,
    says,
    signed_in,
    state,
    stored,
    until,
    waiting,
    wedge,
)

pytestmark = pytest.mark.browser


TAKE = """(command) => fetch("/waves", {
  method: "POST", headers: {"HX-Request": "true"}, body: new URLSearchParams({fence: "31", command}),
}).then((reply) => [reply.status, reply.headers.get("HX-Push-Url")])"""
"""Order 31 into a wave of one's own."""


def who_picked(node: kit.DemoNode) -> list[str]:
    return [
        row[0] for row in node.db.execute("SELECT person FROM fact WHERE kind = 'picked' ORDER BY number")
    ]


def wave(box: Box) -> str:
    return f"/waves/{kit.wave_of(box.node, 13)}"


def test_of_two_handhelds_that_both_took_an_order_one_is_told_why_in_plain_words(
    browser: Any, page: Any, box: Box
) -> None:
    node = box.node
    context = browser.new_context(viewport=SIZE)
    other = signed_in(context, box, "/orders/31", person="p2")
    box.kill()
    status, mine = page.evaluate(TAKE, "FIRST-HANDHELD-1")
    assert status == 200
    status, theirs = other.evaluate(TAKE, "OTHER-HANDHELD-1")
    assert status == 200
    page.goto(box.address + mine)
    wedge(page, CAP)
    other.goto(box.address + theirs)
    wedge(other, CAP)
    assert (waiting(page), waiting(other)) == (2, 2)

    # The first is back before the other: what it did counts.
    before = facts(node)
    other.evaluate("() => { globalThis.setInterval = () => 0; }")
    context.set_offline(True)
    box.start()
    handed_in(page)
    assert (refused(page), state(node, 31)) == ([], "picked")
    context.set_offline(False)
    handed_in(other)
    assert facts(node) - before == 2, "a start and a pick, once"
    assert who_picked(node).count("p1") - who_picked(node).count("p2") >= 1
    told = refused(other)
    assert len(told) == 2
    other.goto(f"{box.address}/kept")
    for sentence in told:
        says(other, sentence)
    assert "YP-1031" in other.inner_text("#kept-list")
    for _ in told:
        other.locator("#kept-list button").first.click()
    until(other, lambda: refused(other) == [])
    other.reload()
    assert other.locator("#kept-list li").count() == 0
    context.close()


def test_a_session_that_ended_meanwhile_asks_for_the_pin_and_then_all_is_handed_in(
    page: Any, box: Box
) -> None:
    node = box.node
    box.kill()
    wedge(page, SHIRT)
    wedge(page, JEANS)
    with writing(node.db):
        node.db.execute("DELETE FROM web_session")
    box.start()
    page.wait_for_url("**/sign-in*")
    assert waiting(page) == 2
    page.locator(".names a", has_text="Lin").first.click()
    page.fill("#pin", kit.PIN)
    page.click(".foot .btn")
    page.wait_for_url("**/waves/*")
    handed_in(page)
    assert (picked(node, 13, 1), picked(node, 13, 2)) == (1, 1)
    assert who_picked(node)[-2:] == ["p1", "p1"]


def test_work_of_one_person_waits_for_them_at_a_box_that_cannot_tell_whose_it_is(page: Any, box: Box) -> None:
    node = box.node
    box.kill()
    wedge(page, SHIRT)
    box.secret = "of another box"
    with writing(node.db):
        node.db.execute("DELETE FROM web_session")
    box.start()
    page.wait_for_url("**/sign-in*")
    before = facts(node)
    page.context.clear_cookies(name="csrftoken")
    kit.sign_in_browser(page, box.address, "p3")
    until(page, lambda: (stored(page, "kept/bag") or {}).get("who", {}).get("person") == "p3")
    until(page, lambda: stored(page, "kept/alone") is False)
    assert facts(node) == before, "nobody's work is done in another's name"
    page.goto(f"{box.address}/kept")
    says(page, "Waits until Lin signs in here.")

    # The other works alone as well; theirs goes in, the first one's still waits.
    page.goto(f"{box.address}/orders/31")
    box.kill()
    page.goto(f"{box.address}/orders?tab=work")
    page.evaluate(TAKE, "OF-THE-LEAD-1")
    assert waiting(page) == 2
    box.start()
    until(page, lambda: waiting(page) == 1)
    until(page, lambda: stored(page, "kept/alone") is False)
    assert state(node, 31) == "picking"

    page.goto(f"{box.address}/more")
    page.get_by_role("button", name="Change person").click()
    page.wait_for_url("**/sign-in*")
    kit.sign_in_browser(page, box.address, "p1")
    handed_in(page)
    assert picked(node, 13, 1) == 1
    assert who_picked(node)[-1] == "p1"


def test_storage_that_the_browser_cleared_is_said_and_leaves_nothing_half_done(page: Any, box: Box) -> None:
    node = box.node
    box.kill()
    before = facts(node)
    wedge(page, SHIRT)
    wedge(page, SHIRT)
    says(page, "kept here")
    page.wait_for_timeout(200)
    session = page.context.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": box.address, "storageTypes": "indexeddb"})
    says(page, "are lost: the browser cleared its storage")
    page.goto(box.address + wave(box))
    says(page, "The store box is not reached")
    box.start()
    page.goto(box.address + wave(box))
    until(page, lambda: stored(page, "kept/bag"))
    assert (facts(node), picked(node, 13, 1)) == (before, 0)
    wedge(page, SHIRT)
    until(page, lambda: picked(node, 13, 1) == 1)
    box.kill()
    wedge(page, SHIRT)
    box.start()
    handed_in(page)
    assert picked(node, 13, 1) == 2, "the handheld is whole again"


VERSION = """() => caches.keys().then((names) => names.filter((name) => name.startsWith("yipan-")).sort())"""


def test_a_new_release_waits_for_the_outbox_and_then_takes_over(page: Any, box: Box) -> None:
    node = box.node
    [old] = page.evaluate(VERSION)
    box.kill()
    wedge(page, SHIRT)
    # The new release is there, but a box in trouble takes no work in: the outbox stays as it is.
    box.policy = "; frame-src 'none'"
    box.refuses = {"/twin/commands"}
    box.start()
    page.evaluate("() => navigator.serviceWorker.getRegistration().then((one) => one.update())")
    page.wait_for_function(
        "() => navigator.serviceWorker.getRegistration().then((one) => one.waiting !== null)"
    )
    page.wait_for_timeout(4000)
    assert len(page.evaluate(VERSION)) == 2, "the old pages are still kept"
    assert page.evaluate(
        "() => navigator.serviceWorker.getRegistration().then((one) => one.waiting !== null)"
    ), "it does not take over while commands wait"
    wedge(page, SHIRT)
    assert waiting(page) == 2
    assert picked(node, 13, 1) == 0

    box.refuses = set()
    handed_in(page)
    assert picked(node, 13, 1) == 2
    page.wait_for_function(
        "() => navigator.serviceWorker.getRegistration().then((one) => one.waiting === null)"
    )
    until(page, lambda: len(page.evaluate(VERSION)) == 1)
    [new] = page.evaluate(VERSION)
    assert new != old
    # The next one comes with a box that was away: found by a page that was never loaded anew.
    box.kill()
    wedge(page, JEANS)
    says(page, "kept here")
    box.policy += "; child-src 'none'"
    box.start()
    handed_in(page)
    assert picked(node, 13, 2) == 1
    until(page, lambda: page.evaluate(VERSION) not in ([new], []) and len(page.evaluate(VERSION)) == 1)
