"""What now? On the device alone: what went wrong, as a code that the help desk can read, without a name."""

from __future__ import annotations

from typing import Any

import pytest

from sync.support import unpack
from tests import kit_pwa as kit
from tests.e2e.kit_alone import SHIRT, Box, says

pytestmark = pytest.mark.browser


def code_on(page: Any) -> dict[str, Any]:
    page.wait_for_function("() => document.querySelector('#support textarea').value.length > 20")
    return unpack(page.input_value("#support textarea"))


def test_a_code_tells_what_went_wrong_with_the_box_and_without_it(
    page: Any, box: Box, node: kit.DemoNode
) -> None:
    page.goto(f"{box.address}/orders/999999")
    says(page, "Not here")
    page.get_by_role("link", name="What now?").click()
    page.wait_for_selector("#support img:not([hidden])")
    with_box = code_on(page)
    assert with_box["device"] == page.inner_text("dl.facts dd >> nth=0")
    assert ["page", "404 /orders/*"] in [row[1:3] for row in with_box["happened"]]
    assert with_box["state"].startswith("secure tab box")

    # A refusal names its reason, the way to this page stands beside it.
    page.goto(f"{box.address}/handover/21")
    page.fill("input[name=code]", "000000")
    page.get_by_role("button", name="Hand over").click()
    page.locator(".fb.bad").get_by_label("What now?").wait_for()

    box.kill()
    page.goto(f"{box.address}/orders")
    says(page, "Store box away")
    page.goto(f"{box.address}/what-now")
    found = code_on(page)
    assert found["state"].startswith("secure tab alone")
    happened = [row[1:3] for row in found["happened"]]
    assert ["refused", "wrong_pickup_code POST /handover/*"] in happened
    assert not {"21", SHIRT, "000000", "Lin"} & {word for _, text in happened for word in text.split("/")}
    assert page.locator("#support img").is_hidden(), "the box draws the picture; the letters are enough"


def test_a_device_with_nothing_on_it_shows_a_code_as_well(page: Any, box: Box) -> None:
    page.evaluate("indexedDB.deleteDatabase('yipan')")
    box.kill()
    page.goto(f"{box.address}/orders")
    says(page, "This handheld has nothing to work on yet")
    page.wait_for_function("() => document.getElementById('support').textContent.length > 20")
    assert unpack(page.inner_text("#support"))["version"]
