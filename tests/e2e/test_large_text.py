"""Letters half as large again on 360 by 640: nothing is cut off, spills over or leaves the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

CAP = kit.GOODS[4][0]
PAGES = (
    "/orders?tab=offers&later=1", "/orders?tab=work&later=1", "/offers/42", "/waves/{wave}",
    "/waves/{wave}/short?fence=13&line=1", "/pack/12", "/handover/7", "/putback/17",
    "/returns/order?number=YP-0990", f"/stock/{CAP}", "/status", "/more", "/settings", "/scanner",
    "/sign-in?person=p1",
)  # fmt: skip

CUT = """() => {
  const bad = [], wide = document.documentElement.clientWidth;
  const shut = 'dialog:not([open]), details:not([open]) > :not(summary)';
  const out = `[hidden], .sr, #sink, select, input, svg, ${shut}`;
  for (const e of document.querySelectorAll('body *')) {
    const box = e.getBoundingClientRect();
    if (e.closest(out) || !e.clientWidth) continue;
    const name = `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)}`;
    const more = [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight];
    const full = e.matches('.btn, .tabs a, .tile, .key, .line, .step, h1, h2');
    const held = full || getComputedStyle(e).overflowX === 'hidden';
    if (held && (more[0] > 1 || more[1] > 2)) bad.push(`cut: ${name} ${more}`);
    if (box.right > wide + 1) bad.push(`off the screen: ${name}`);
  }
  return bad;
}"""


@pytest.mark.parametrize(("person", "hand"), [("p1", "right"), ("p2", "left")])
def test_nothing_is_cut_off(browser: Any, tmp_path: Path, person: str, hand: str) -> None:
    node = kit.store(tmp_path / "replica.db")
    kit.busy(node)
    kit.offline(node)
    with kit.served(node) as base:
        context = browser.new_context(viewport={"width": 360, "height": 640}, service_workers="block")
        page = context.new_page()
        kit.sign_in_browser(page, base, person)
        context.add_cookies(
            [{"name": key, "value": value, "url": base} for key, value in (("text", "150"), ("hand", hand))]
        )
        wrong = {}
        for path in PAGES:
            page.goto(base + path.replace("{wave}", kit.wave_of(node, 13)))
            if found := page.evaluate(CUT):
                wrong[path] = found
        assert wrong == {}
        page.goto(f"{base}/orders")
        assert page.evaluate("getComputedStyle(document.body).fontSize") == "24px"
        context.close()
    node.close()
