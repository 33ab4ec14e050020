"""Names of goods, stores, people, shoppers and notes as an attacker would choose them, on every page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.kit_store_walk import CAP, PAGES, addresses

pytestmark = pytest.mark.browser


def test_hostile_names_stay_text(browser: Any, tmp_path: Path) -> None:
    node = kit.DemoNode(tmp_path / "replica.db")
    kit.catalogue(node, hostile=True)
    kit.people(node, (kit.HOSTILE, "Zhao", "Chen"))
    kit.busy(node)
    node.offer(80, [(CAP, 1)], order="YP-<i>80", shopper=kit.HOSTILE, note=kit.HOSTILE)
    with kit.served(node) as base:
        page = browser.new_context(viewport={"width": 360, "height": 640}).new_page()
        kit.sign_in_browser(page, base, "p1")
        strange: list[str] = []
        page.on("dialog", lambda dialog: (strange.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: strange.append(str(error)))
        page.on("console", lambda m: strange.append(m.text) if "Content Security Policy" in m.text else None)
        page.on("request", lambda r: strange.append(r.url) if not r.url.startswith((base, "data:")) else None)
        paths = [p for p in addresses(node, PAGES) if "no-such" not in p] + ["/offers/80"]
        # The codes of the command sheet and for the help desk are pictures of our own.
        strangers = "img:not([alt^='YIPAN-'], .qr img), i:not(.steps i)"
        count = f'() => document.querySelectorAll("{strangers}").length'
        found = {}
        for path in paths:
            page.goto(base + path)
            found[path] = page.evaluate(count)
        assert {path: n for path, n in found.items() if n} == {}
        page.goto(f"{base}/offers/80")
        assert kit.HOSTILE in page.inner_text(".note")
        assert strange == []
        page.context.close()
    node.close()
