"""A new handheld in a real browser: from the code at the lead's screen to its first page, installable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit

pytestmark = pytest.mark.browser
SIZE = {"width": 360, "height": 640}


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    node = kit.store(tmp_path / "replica.db")
    node.rows("policy", [("scan_gap_ms", {"value": "1500"})])
    with kit.served(node) as address:
        yield address
    node.close()


def test_a_new_handheld_scans_its_code_signs_in_and_can_be_installed(browser: Any, base: str) -> None:
    lead = browser.new_context(viewport=SIZE).new_page()
    kit.sign_in_browser(lead, base, "p3")
    lead.goto(f"{base}/more")
    lead.get_by_text("Handhelds").click()
    lead.get_by_text("Add a handheld").click()
    lead.fill("input[name=name]", "Counter")
    lead.get_by_text("Show the code").click()
    lead.wait_for_selector(".qr img")
    code = lead.inner_text("dl.facts div:nth-child(1) dd")

    context = browser.new_context(viewport=SIZE)
    new = context.new_page()
    strange: list[str] = []
    new.on("pageerror", lambda error: strange.append(str(error)))
    new.goto(f"{base}/start")
    # A scanner that types: first the code of another store, then the right one, anywhere on the page.
    new.keyboard.type(f"{base}/start?code=S002.ABCDEFGH\n")
    new.get_by_text("This code is for store S002").wait_for()
    new.evaluate("document.activeElement.blur()")
    new.wait_for_timeout(300)
    new.keyboard.type(f"{base}/start?code=S001.{code.replace('-', '')}\n")
    new.get_by_text("Who are you?").wait_for()
    new.get_by_role("link", name="Lin Associate").click()
    new.fill("#pin", kit.PIN)
    new.click(".foot .btn")
    new.wait_for_url("**/start/ready")
    new.get_by_text("This handheld is Counter").wait_for()
    new.get_by_text("Ready: this handheld goes on by itself").wait_for()
    new.keyboard.type("4006381333931\n")
    new.get_by_text("Heard. The scanner works.").wait_for()
    new.get_by_text("Begin to work").click()
    new.wait_for_url("**/orders")

    told = context.new_cdp_session(new)
    manifest = told.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["name"] == "yipan store"
    found = told.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A test's window is a private one, which is all that Chrome has against it.
    assert [one["errorId"] for one in found if one["errorId"] != "in-incognito"] == []
    assert strange == []
    context.close()
    lead.context.close()
