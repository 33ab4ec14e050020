"""A long list is drawn as far as somebody looks, by box and device alike, and loses its place for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.kit_alone import CAP, Box, says, stored, until

pytestmark = pytest.mark.browser

ORDERS = 130
DRAWN = "document.querySelectorAll('#cards > li').length"
END = "window.scrollTo(0, document.documentElement.scrollHeight)"


def down_to(page: Any, cards: int) -> None:
    def there() -> bool:
        page.evaluate(END)
        return bool(page.evaluate(DRAWN) == cards)

    until(page, there)


def all_known(page: Any) -> bool:
    """The device has heard of the last of them."""
    turns = stored(page, "kept/bag")["extract"]["turns"]
    return sum(turn["state"] == "offered" for turn in turns) == ORDERS


def test_a_list_of_many_orders_grows_as_it_is_scrolled_with_the_box_and_without(
    page: Any, box: Box, node: kit.DemoNode
) -> None:
    for fence in range(200, 200 + ORDERS):
        node.offer(fence, [(CAP, 1)], left=(20 + fence) * kit.MIN)
    for alone in (False, True):
        page.goto(f"{box.address}/orders?tab=offers")
        assert page.locator(".tabs a").first.inner_text().split() == ["Offers", str(ORDERS)]
        assert page.evaluate(DRAWN) == 20
        says(page, "Show more (110 left)")
        says(page, f"Accept all {ORDERS}")
        first = page.locator("#cards li").first.get_attribute("id")
        down_to(page, 80)
        down_to(page, ORDERS)
        assert page.locator("#rest").count() == 0
        assert page.locator("#cards li").first.get_attribute("id") == first
        assert (
            page.locator("#cards li").evaluate_all("(all) => new Set(all.map((one) => one.id)).size")
            == ORDERS
        )
        far = page.evaluate("scrollY")
        assert far > 2_000
        if not alone:
            # News comes: what was drawn stays drawn, and the list where it is under the thumb.
            node.offer(99, [(CAP, 1)], left=5 * kit.MIN)
            page.evaluate("fetch('/health')")
            until(page, lambda: page.evaluate(DRAWN) == ORDERS + 1)
            assert abs(page.evaluate("scrollY") - far) < 200
            node.do("accept", fence=99)
        page.reload()
        until(page, lambda: page.evaluate(DRAWN) == ORDERS)
        page.locator("#cards li a").nth(120).click()
        says(page, "To accept")
        if not alone:
            until(page, lambda: all_known(page))
            box.kill()
