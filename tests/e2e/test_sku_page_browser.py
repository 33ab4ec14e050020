"""The page of one SKU in a browser: no barrier at either width, its ledger filtered where one reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from server.config import CentreConfig
from sync.sqlite import writing
from tests.e2e.test_board_browser import AXE, signed_in
from tests.kit_sku import SKU, busy_sku
from tests.kit_web import Clock, database, new_centre, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> CentreConfig:
    now = int(time.time() * 1000)
    config = replace(new_centre(tmp_path_factory.mktemp("sku"), now=now - 7_200_000), clock=Clock(now))
    with database(config) as db, writing(db):
        busy_sku(db, now)
        db.execute("INSERT INTO item (sku, name_en, name_zh) VALUES ('NEW', ?, '新')", ("Long name " * 8,))
    return config


@pytest.fixture(scope="module")
def url(centre: CentreConfig) -> Iterator[str]:
    with running(centre) as address:
        yield address


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("en", "light", 1440), ("zh", "dark", 1440), ("zh", "light", 360), ("en", "dark", 360)],
)
def test_the_page_of_a_sku_has_no_barrier_and_no_sideways_scroll(
    browser: Browser, url: str, language: str, scheme: str, width: int
) -> None:
    options = {
        "viewport": {"width": width, "height": 640 if width == 360 else 900},
        "color_scheme": scheme,
        "bypass_csp": True,  # for axe itself, which is injected
    }
    context, page, wrong = signed_in(browser, url, **options)
    context.add_cookies([{"name": "yipan_centre_language", "value": language, "url": url}])
    found: dict[str, Any] = {}
    for path in (f"/skus/{SKU}", f"/skus/{SKU}?store=S001", "/skus/NEW"):
        page.goto(url + path)
        page.add_script_tag(path=str(AXE))
        answer = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']})"
        )
        if answer["violations"]:
            found[path] = [(v["id"], [n["html"][:160] for n in v["nodes"]][:3]) for v in answer["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found[f"{path} sideways"] = wide
    assert found == {}
    assert wrong == []
    context.close()


def test_the_ledger_is_of_one_store_by_one_choice_and_a_debt_leads_to_its_order(
    browser: Browser, url: str
) -> None:
    context, page, wrong = signed_in(browser, url)
    page.goto(f"{url}/skus/{SKU}")
    ledger = page.locator("#ledger tbody")
    expect(ledger).to_contain_text("OPEN-S003")
    page.locator("#ledger select").select_option("S001")
    page.wait_for_url("**store=S001**")
    expect(ledger).not_to_contain_text("OPEN-S003")
    expect(ledger).to_contain_text("OPEN-S001")
    page.locator("section[aria-labelledby=debts-name] a[href^='/orders/']").first.click()
    expect(page.locator("h1")).to_contain_text("YP-000002")
    assert wrong == []
    context.close()
