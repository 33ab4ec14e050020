"""The page of one SKU in a browser: its ledger filtered where one reads it, its debts lead on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from server.config import CentreConfig
from sync.sqlite import writing
from tests.e2e.test_board_browser import signed_in
from tests.kit_sku import SKU, busy_sku
from tests.kit_web import Clock, database, new_centre, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> CentreConfig:
    now = int(time.time() * 1000)
    config = replace(new_centre(tmp_path_factory.mktemp("sku"), now=now - 7_200_000), clock=Clock(now))
    with database(config) as db, writing(db):
        busy_sku(db, now)
    return config


@pytest.fixture(scope="module")
def url(centre: CentreConfig) -> Iterator[str]:
    with running(centre) as address:
        yield address


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
