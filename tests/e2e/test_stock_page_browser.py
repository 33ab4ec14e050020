"""The store's stock page in the hand with everything on it: fits, can be used by everybody, leads on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.kit_store_walk import CAP, DRESS, Session, start
from tests.e2e.kit_walk import View

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Not found, sold beyond the share, returned, damaged, to put back, on the way; the line is down."""
    node = kit.store(tmp_path_factory.mktemp("stock") / "replica.db")
    kit.busy(node)
    node.do("short", fence=14, line=2, qty=1, reason="not_found")
    node.do("adjust", "p3", sku=DRESS, qty=1, reason="broken")
    node.do("adjust", "p3", sku=CAP, qty=12, reason="stolen", to="gone")
    kit.offline(node)
    with kit.served(node) as address:
        yield address
    node.close()


@pytest.mark.parametrize(("language", "light"), [("en", "light"), ("zh", "dark")])
def test_the_stock_page_fits_and_can_be_used_with_everything_on_it(
    browser: Any, base: str, language: str, light: str
) -> None:
    walk = start(browser, base, Session(language, views=(View(light=light),)))
    for goods in (CAP, DRESS, kit.GOODS[5][0]):
        walk.through([f"/stock/{goods}"])
        assert walk.page.locator(".foot .btn:not(.quiet)").count() == 1, "one main action"
    walk.page.context.close()
    assert walk.wrong == {}


def test_from_the_stock_page_one_comes_to_the_order_the_return_and_what_is_on_the_way(
    browser: Any, base: str
) -> None:
    page = start(browser, base, Session()).page
    for goods, link, at in (
        (CAP, "YP-1007", "**/orders/7"),
        (CAP, "To put back", "**/putback"),
        (CAP, "T-2207", "**/receive?document=T-2207"),
        (DRESS, "Came back, to be graded", "**/returns/*"),
    ):
        page.goto(f"{base}/stock/{goods}")
        page.locator(".body ul.lines a", has_text=link).first.click()
        page.wait_for_url(at)
    page.context.close()
