"""The store's stock page in the hand with everything on it: fits, can be used by everybody, leads on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.test_pages_layout import AXE, CAP, LAYOUT, RUN_AXE, opened

pytestmark = pytest.mark.browser
DRESS = kit.GOODS[3][0]


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


@pytest.mark.parametrize(("person", "scheme"), [("p1", "light"), ("p2", "dark")])
def test_the_stock_page_fits_and_can_be_used_with_everything_on_it(
    browser: Any, base: str, person: str, scheme: str
) -> None:
    page = opened(browser, base, person, scheme)
    wrong: dict[str, Any] = {}
    for path in (f"/stock/{CAP}", f"/stock/{DRESS}", f"/stock/{kit.GOODS[5][0]}"):
        page.set_viewport_size({"width": 360, "height": 640})
        page.goto(base + path)
        wrong[path] = page.evaluate(LAYOUT)
        assert page.locator(".foot .btn:not(.quiet)").count() == 1, "one main action"
        page.set_viewport_size({"width": 360, "height": 3000})
        page.evaluate(AXE.read_text())
        wrong[path] += page.evaluate(RUN_AXE)
    assert not any(wrong.values()), wrong
    page.context.close()


def test_from_the_stock_page_one_comes_to_the_order_the_return_and_what_is_on_the_way(
    browser: Any, base: str
) -> None:
    page = opened(browser, base, "p1", "light")
    for goods, link, at in (
        (CAP, "F1007", "**/orders/7"),
        (CAP, "To put back", "**/putback"),
        (CAP, "T-2207", "**/receive?document=T-2207"),
        (DRESS, "Came back, to be graded", "**/returns/*"),
    ):
        page.goto(f"{base}/stock/{goods}")
        page.locator(".body ul.lines a", has_text=link).first.click()
        page.wait_for_url(at)
    page.context.close()
