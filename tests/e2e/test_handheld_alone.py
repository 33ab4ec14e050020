"""A handheld works on while the store box is away, and hands in what it did, once, when it is back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.conftest import browser_options
from tests.e2e.kit_alone import (
    CAP,
    DRESS,
    JEANS,
    SHIRT,
    SIZE,
    Box,
    facts,
    handed_in,
    handheld,
    looked_at,
    picked,
    says,
    signed_in,
    state,
    stored,
    until,
    waiting,
    wedge,
)

pytestmark = pytest.mark.browser


def test_light_and_language_change_without_the_box_and_it_is_told_when_it_is_back(
    page: Any, box: Box
) -> None:
    def looks() -> list[str]:
        return page.evaluate("[document.documentElement.dataset.theme, document.documentElement.lang]")

    box.kill()
    page.goto(f"{box.address}/more")
    assert looks() == ["auto", "en"]
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("link", name="退货", exact=True).wait_for()
    assert looks() == ["dark", "zh-Hans"]
    page.goto(f"{box.address}/orders?tab=work")
    assert looks() == ["dark", "zh-Hans"]

    box.start()
    handed_in(page)
    page.reload()
    page.wait_for_function("() => !document.querySelector('#line.alone')")
    assert looks() == ["dark", "zh-Hans"]
    assert stored(page, "kept/look") is None
    row = box.node.db.execute("SELECT value FROM meta WHERE key = 'language:p1'").fetchone()
    assert row["value"] == "zh"


def test_a_wave_goes_on_to_the_counter_with_the_box_killed_and_everything_is_done_once(
    page: Any, box: Box
) -> None:
    node = box.node
    wedge(page, SHIRT)
    until(page, lambda: picked(node, 13, 1) == 1)
    box.kill()

    for code in (SHIRT, JEANS, CAP):
        wedge(page, code)
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
    before = facts(node)
    box.start()
    page.goto(f"{box.address}/orders")
    handed_in(page)
    assert (picked(node, 13, 1), picked(node, 13, 2), picked(node, 14, 1)) == (2, 1, 1)
    assert state(node, 21) == "released"
    assert {state(node, 13), state(node, 14)} == {"staged", "picked"}
    assert facts(node) - before == 3 + 1 + 1 + 1, "three picks, a pack, a shelf, a handover"


def test_a_restarted_browser_finds_the_work_that_waits_and_goes_on_with_it(
    browser: Any, box: Box, tmp_path: Path
) -> None:
    node, wave = box.node, f"/waves/{kit.wave_of(box.node, 13)}"
    options = {"viewport": SIZE, **browser_options()}
    context = browser.browser_type.launch_persistent_context(tmp_path / "profile", **options)
    page = signed_in(context, box, wave)
    box.kill()
    wedge(page, SHIRT)
    says(page, "kept here")
    context.close()

    context = browser.browser_type.launch_persistent_context(tmp_path / "profile", **options)
    page = handheld(context)
    page.goto(box.address + wave)
    says(page, "kept here")
    assert waiting(page) == 1
    wedge(page, SHIRT)
    wedge(page, JEANS)
    assert waiting(page) == 3
    box.start()
    handed_in(page)
    assert (picked(node, 13, 1), picked(node, 13, 2)) == (2, 1)
    context.close()


def test_the_pages_drawn_alone_are_those_of_the_box_after_it_is_back(page: Any, box: Box) -> None:
    wave = f"/waves/{kit.wave_of(box.node, 13)}"
    paths = [
        wave,
        "/orders?tab=ready",
        "/orders?tab=work",
        "/pack/13",
        "/stage/13",
        "/handover/21",
        "/putback",
    ]
    box.kill()
    for code in (SHIRT, SHIRT, JEANS):
        wedge(page, code)
    page.goto(f"{box.address}/pack/13")
    page.get_by_role("button", name="Pack in 1 parcel").click()
    says(page, "Packed. Now put it on a shelf.")
    alone = looked_at(page, paths)
    box.start()
    handed_in(page)
    for mine, theirs, path in zip(alone, looked_at(page, paths), paths, strict=True):
        assert (mine[0], theirs[0]) == ("device", "box")
        assert mine[1] == theirs[1], path


def test_an_answer_lost_after_the_box_has_done_it_is_no_second_time(page: Any, box: Box) -> None:
    node = box.node
    before = facts(node)
    box.mood = "mute"
    wedge(page, SHIRT)  # done by the box, which never says so
    says(page, "kept here")
    assert picked(node, 13, 1) == 1
    wedge(page, SHIRT)  # also when an extract that has the first in it came while the page had no answer
    until(page, lambda: picked(node, 13, 1) == 2)  # handed in; that answer is lost as well
    assert waiting(page) >= 1
    box.restart()
    handed_in(page)
    assert picked(node, 13, 1) == 2
    assert facts(node) - before == 2
    assert stored(page, "kept/bag")["extract"]["turns"][0]["lines"][0]["picked"] == 2


def test_a_hung_box_costs_one_patience_and_what_it_does_when_it_wakes_counts_once(
    page: Any, box: Box
) -> None:
    node = box.node
    before = facts(node)
    box.mood = "hung"
    wedge(page, SHIRT)
    says(page, "kept here")
    tries = box.kept_waiting
    for code in (SHIRT, JEANS, CAP):
        wedge(page, code)
    page.goto(f"{box.address}/orders")
    page.goto(f"{box.address}/pack/13")
    says(page, "Pack")
    assert waiting(page) == 4
    assert box.kept_waiting - tries <= 3, "only a probe in the background asked again"
    assert facts(node) == before
    box.mood = "well"  # it wakes, and does the first scan too, whose asker has long gone on
    handed_in(page)
    assert (picked(node, 13, 1), picked(node, 13, 2), picked(node, 14, 1)) == (2, 1, 1)
    assert facts(node) - before == 4


def test_two_tabs_keep_one_outbox_and_lose_nothing_to_each_other(page: Any, box: Box) -> None:
    node = box.node
    other = page.context.new_page()
    other.set_default_timeout(60_000)
    other.goto(f"{box.address}/orders/31")
    box.kill()
    wave = kit.wave_of(node, 13)
    pick = """([wave, fence, line, ids]) => Promise.all(ids.map((id) => fetch(`/waves/${wave}/pick`, {
      method: "POST", headers: {"HX-Request": "true"},
      body: new URLSearchParams({fence, line, qty: 1, command: id}),
    }).then((reply) => reply.status)))"""
    # Both at the same moment, and one command from both.
    ids = ["TAB-ONE-0001", "TAB-BOTH-0001"]
    page.evaluate(f"(given) => {{ globalThis.ran = ({pick})(given); }}", [wave, "13", "1", ids])
    assert other.evaluate(pick, [wave, "13", "2", ["TAB-TWO-0001"]]) == [200]
    assert other.evaluate(pick, [wave, "13", "1", ["TAB-BOTH-0001"]]) == [200]
    assert page.evaluate("() => globalThis.ran") == [200, 200]
    assert waiting(page) == 3
    lines = next(one for one in stored(page, "kept/bag")["extract"]["turns"] if one["fence"] == 13)["lines"]
    assert [line["picked"] for line in lines] == [2, 1], "neither tab wrote over the other's work"
    box.start()
    handed_in(page)
    handed_in(other)
    assert (picked(node, 13, 1), picked(node, 13, 2)) == (2, 1)


def test_signing_out_is_blocked_while_work_waits(page: Any, box: Box) -> None:
    page.goto(f"{box.address}/more")
    box.kill()
    page.goto(f"{box.address}/waves/{kit.wave_of(box.node, 13)}")
    wedge(page, SHIRT)
    told = page.evaluate(
        "() => fetch('/sign-out', {method: 'POST', headers: {'HX-Request': 'true'}})"
        ".then(async (reply) => [reply.status, await reply.text()])"
    )
    assert told[0] == 409
    assert "Stay signed in" in told[1]
    assert waiting(page) == 1
    box.start()
    handed_in(page)
    page.goto(f"{box.address}/more")
    page.get_by_role("button", name="Change person").click()
    page.wait_for_url("**/sign-in*")
    assert picked(box.node, 13, 1) == 1


def test_goods_come_back_while_the_box_is_away(page: Any, box: Box) -> None:
    """Of an order that the handheld knows, and of one that was bought elsewhere."""
    node = box.node
    page.goto(f"{box.address}/handover/21")
    page.fill("[name=code]", kit.CODE)
    page.get_by_role("button", name="Hand over").click()
    says(page, "Handed over. Thank the shopper.")
    until(page, lambda: "YP-1021" in str(stored(page, "kept/bag")))
    box.kill()

    page.goto(f"{box.address}/returns/order?number=yp-1021")
    page.get_by_role("button", name="Take into the hold").click()
    says(page, "Grade it when the store box answers again.")
    page.goto(f"{box.address}/returns/order?number=YP-ELSEWHERE")
    page.fill("#goods", kit.gtin_of(4))
    page.get_by_role("button", name="Take into the hold").click()
    says(page, "bought elsewhere")
    page.goto(f"{box.address}/returns/order?number=YP-1021")
    page.get_by_role("button", name="Take into the hold").click()
    says(page, "can still come back")
    assert waiting(page) == 2
    box.start()
    handed_in(page)
    rows = node.db.execute("SELECT order_no, sku, qty, bought_elsewhere FROM goods_return ORDER BY order_no")
    assert [tuple(row) for row in rows] == [("YP-1021", DRESS, 1, 0), ("YP-ELSEWHERE", CAP, 1, 1)]
