"""Every page in the hand: fits 360 pixels, big enough for gloves, readable, safe with hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.wire import decisions as d
from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
CAP = kit.GOODS[4][0]
PAGES = [
    "/orders?tab=offers&later=1", "/orders?tab=work", "/orders?tab=work&later=1", "/orders?tab=ready&later=1",
    "/offers/42", "/offers/42/decline", "/orders/13", "/orders/18", "/waves/{wave}",
    "/waves/{wave}?line=14:1",
    "/waves/{wave}/short?fence=13&line=1", "/pack/12", "/pack/12?parcels=2", "/stage/11", "/handover",
    "/handover?q=0913", "/handover?q=nobody", "/handover/7", "/handover/7?override=1", "/handover/18",
    "/courier", "/courier/{manifest}", "/putback", "/putback/17", "/returns", "/returns/order?number=YP-0990",
    "/returns/order?number=YP-7777", "/returns/blind", "/returns/{return}", "/stock", "/stock?q=cap",
    f"/stock/{CAP}", "/count", f"/count/{CAP}", "/receive", "/receive?document=T-2207", f"/receive?sku={CAP}",
    "/transfer", "/adjust", f"/adjust?sku={CAP}", "/counts/new",
    "/counts/L1", "/counts/{sheet}", "/counts/{sheet}/1", f"/counts/{{sheet}}/1?sku={CAP}",
    "/counts/{sheet}/2", "/counts/differences", "/notices", "/status", "/more", "/printers", "/no-such-page",
    "/scanner", "/scanner/codes",
]  # fmt: skip
EMPTY_PAGES = [
    "/sign-in", "/orders?tab=offers", "/orders?tab=work", "/orders?tab=ready", "/handover", "/courier",
    "/putback", "/returns", "/count", "/receive", "/notices", "/status", "/more", "/printers", "/orders/99",
]  # fmt: skip

LAYOUT = """() => {
  const bad = [], page = document.documentElement, width = page.clientWidth;
  if (page.scrollWidth > width) bad.push('wider than the screen: ' + page.scrollWidth);
  const targets = 'a, button, input:not([type=hidden]):not(#sink), select, summary';
  for (const e of document.querySelectorAll(targets)) {
    if (e.closest('[hidden], dialog:not([open])')) continue;
    if (e.closest('details:not([open])') && e.tagName !== 'SUMMARY') continue;
    const box = (/radio|checkbox/.test(e.type) ? e.closest('label') : e).getBoundingClientRect();
    const name = e.tagName + ' ' + (e.textContent.trim() || e.name || e.className).slice(0, 30);
    if (!box.width) continue;
    if (box.width < 47.9 || box.height < 47.9) bad.push(`small: ${name} ${box.width}x${box.height}`);
    if (e.matches('.foot .btn') && box.height < 55.9) bad.push(`main action: ${name} ${box.height}`);
    if (box.right > width + 1 || box.left < -1) bad.push('off the screen: ' + name);
  }
  if (!document.getElementById('line')?.textContent.trim()) bad.push('no status line');
  return bad;
}"""


def addresses(node: kit.DemoNode, pages: list[str]) -> list[str]:
    one = lambda sql: str(node.db.execute(sql).fetchone()[0])  # noqa: E731
    values = {
        "{wave}": kit.wave_of(node, 13),
        "{manifest}": one("SELECT code FROM manifest"),
        "{return}": one("SELECT id FROM goods_return"),
        "{sheet}": one("SELECT coalesce(max(id), '') FROM count_sheet WHERE kind = 'full'"),
    }
    found = []
    for page in pages:
        for key, value in values.items():
            page = page.replace(key, value)
        found.append(page)
    return found


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[kit.DemoNode, str]]:
    node = kit.store(tmp_path_factory.mktemp("busy") / "replica.db")
    kit.busy(node)
    kit.printers(node)
    counting(node)
    kit.offline(node)
    with kit.served(node) as base:
        yield node, base
    node.close()


def counting(node: kit.DemoNode) -> None:
    """A list and a full count under way, and differences that wait."""
    bag, shirt = kit.GOODS[5][0], kit.GOODS[0][0]
    for sku in (bag, CAP):
        node.decide(
            d.CountAsked(sku, "asked", sheet="L1", name="A list with a rather long name", blind=False)
        )
    areas = ["Shop floor and both windows", "Back room"]
    sheet = node.do("open_sheet", "p3", kind="full", areas=areas)["sheet"]
    node.do("enter_count", sheet=sheet, area=areas[0], sku=CAP, found=12)
    node.do("finish_area", sheet=sheet, area=areas[1])
    node.do("count", sku=bag, found=200)
    node.do("count", "p2", sku=shirt, found=0)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[kit.DemoNode, str]]:
    node = kit.store(tmp_path_factory.mktemp("empty") / "replica.db")
    with kit.served(node) as base:
        yield node, base
    node.close()


def opened(browser: Any, base: str, person: str, scheme: str, width: int = 360, height: int = 640) -> Any:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    kit.sign_in_browser(page, base, person)
    return page


def walk(page: Any, base: str, paths: list[str], look: str) -> dict[str, Any]:
    wrong = {}
    for path in paths:
        page.goto(base + path, wait_until="load")
        found = page.evaluate(look)
        if found:
            wrong[path] = found
    return wrong


@pytest.mark.parametrize(("person", "width"), [("p1", 360), ("p2", 360), ("p1", 320)])
def test_every_page_fits_the_hand(
    browser: Any, busy: tuple[kit.DemoNode, str], person: str, width: int
) -> None:
    node, base = busy
    page = opened(browser, base, person, "light", width)
    assert walk(page, base, addresses(node, PAGES), LAYOUT) == {}
    page.context.close()


def test_every_page_fits_when_there_is_nothing_to_do(browser: Any, empty: tuple[kit.DemoNode, str]) -> None:
    _, base = empty
    page = opened(browser, base, "p3", "dark")
    assert walk(page, base, EMPTY_PAGES, LAYOUT) == {}
    page.context.close()


RUN_AXE = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const say = n => n.target + ' ' + (n.any[0]?.message || '');
  const {violations} = await axe.run(document, {runOnly: tags});
  return violations.map(v => v.id + ': ' + v.nodes.map(say).join(' | ').slice(0, 400));
}"""


@pytest.mark.parametrize(("person", "scheme"), [("p1", "light"), ("p2", "dark")])
def test_every_page_can_be_used_by_everybody(
    browser: Any, busy: tuple[kit.DemoNode, str], person: str, scheme: str
) -> None:
    node, base = busy
    # Tall, so that nothing lies under the bar at the bottom: there it is scrolled to, which axe cannot know.
    page = opened(browser, base, person, scheme, height=3000)
    wrong = {}
    # One language and light for every page; the other language and the dark for the main ones.
    pages = PAGES if person == "p1" else PAGES[:14:2] + PAGES[14:40:4]
    for path in [*addresses(node, pages), "/sign-in", "/sign-in?person=p1"]:
        page.goto(base + path)
        # Through the debugger, so that the pages' own policy against foreign scripts stays on.
        page.evaluate(AXE.read_text())
        found = page.evaluate(RUN_AXE)
        if found:
            wrong[path] = found
    assert wrong == {}
    page.context.close()


def test_hostile_names_stay_text(browser: Any, tmp_path: Path) -> None:
    """Names of goods, stores, people, shoppers and notes as an attacker would choose them."""
    node = kit.DemoNode(tmp_path / "replica.db")
    kit.catalogue(node, hostile=True)
    kit.people(node, (kit.HOSTILE, "Zhao", "Chen"))
    kit.busy(node)
    node.offer(80, [(CAP, 1)], order="YP-<i>80", shopper=kit.HOSTILE, note=kit.HOSTILE)
    with kit.served(node) as base:
        page = opened(browser, base, "p1", "light")
        strange: list[str] = []
        page.on("dialog", lambda dialog: (strange.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: strange.append(str(error)))
        page.on("console", lambda m: strange.append(m.text) if "Content Security Policy" in m.text else None)
        page.on("request", lambda r: strange.append(r.url) if not r.url.startswith((base, "data:")) else None)
        paths = [p for p in addresses(node, PAGES) if "no-such" not in p] + ["/offers/80"]
        # The codes of the command sheet are pictures of our own.
        strangers = "img:not([alt^='YIPAN-']), i:not(.steps i)"
        count = f'() => document.querySelectorAll("{strangers}").length'
        assert walk(page, base, paths, count) == {}
        page.goto(f"{base}/offers/80")
        assert kit.HOSTILE in page.inner_text(".note")
        assert strange == []
        page.context.close()
    node.close()
