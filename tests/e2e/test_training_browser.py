"""A handheld in a training, with and without its box: framed, apart, and left by one tap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.kit_alone import SIZE, prepared, says, stored, until, waiting
from tests.kit_training import Store, everything, served

pytestmark = pytest.mark.browser


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(kit.GOODS[0][0], 2)], shopper="", tail="")
    node.acknowledge()
    with served(node, tmp_path / "training") as store:
        yield store
    node.close()


def test_what_is_practised_stays_apart_also_on_the_device(browser: Any, store: Store) -> None:
    lead = browser.new_context(viewport=SIZE).new_page()
    kit.sign_in_browser(lead, store.address, "p3")
    lead.goto(f"{store.address}/training")
    lead.get_by_role("button", name="Open the training").click()
    says(lead, "The training is open.")
    context = browser.new_context(viewport=SIZE)
    page = context.new_page()
    strange: list[str] = []
    page.on("pageerror", lambda error: strange.append(str(error)))
    kit.sign_in_browser(page, store.address)
    prepared(page)
    before, kept = everything(store.node), stored(page, "kept/bag")["extract"]
    asked = len(store.node.performed)

    page.goto(f"{store.address}/more")
    page.get_by_role("link", name="Training").click()
    page.get_by_role("link", name="Go to the training").click()
    page.get_by_role("link", name="Lin Associate").click()
    page.fill("#pin", "0000")
    page.click(".foot .btn")
    page.wait_for_url(f"{store.training}/orders*")
    prepared(page)
    page.get_by_role("button", name="Accept all").click()
    page.get_by_text("T-1001").first.wait_for()
    until(
        page,
        lambda: all(
            turn["order_no"].startswith("T-") for turn in stored(page, "kept/bag")["extract"]["turns"]
        ),
    )

    # The training ends meanwhile: the handheld goes on alone, framed, and keeps what is done to itself.
    lead.get_by_role("button", name="End the training").click()
    says(lead, "Nothing of it is kept")
    page.goto(page.url.split("?")[0] + "?tab=work")
    says(page, "Store box away")
    assert page.locator(".school").get_by_text("Training").is_visible()
    page.locator(".foot .btn").first.click()
    until(page, lambda: waiting(page) > 0)
    assert page.locator(".school").is_visible()

    page.get_by_role("link", name="Leave").click()
    page.wait_for_url(f"{store.address}/training")
    assert page.locator(".school").count() == 0
    page.goto(f"{store.address}/orders?tab=work")
    page.get_by_text("YP-1013").first.wait_for()
    prepared(page)
    page.wait_for_timeout(500)
    assert stored(page, "outbox") == []
    assert stored(page, "kept/bag")["extract"]["turns"] == kept["turns"]
    assert (everything(store.node), len(store.node.performed)) == (before, asked)

    # A later training on the same address knows nothing of what was left there.
    lead.get_by_role("button", name="Open the training").click()
    says(lead, "The training is open.")
    page.goto(f"{store.training}/orders")
    page.get_by_role("link", name="Lin Associate").click()
    page.fill("#pin", "0000")
    page.click(".foot .btn")
    page.wait_for_url(f"{store.training}/orders*")
    prepared(page)
    says(page, "T-1001")
    assert stored(page, "outbox") == []
    assert page.locator("#kept").is_hidden()
    assert strange == []
    context.close()
    lead.context.close()
