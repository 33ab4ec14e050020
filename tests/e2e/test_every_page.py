"""Every page of the store node, in both languages, by light and by dark, with work, without and drawn alone:
it fits the hand, everybody can use it, and nothing in it asks anybody but the store box.

The list of pages is complete by construction: an address of the application that no walk has been to, or a
template that no walk has drawn, fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pwa import web
from pwa.app import make_app
from pwa.secure.keeper import Keeper
from server.certificates.authority import create
from sync.rules.secrets import hash_pin
from sync.wire import decisions as d
from tests import kit_pwa as kit
from tests.e2e.kit_alone import SIZE, Box, says, signed_in
from tests.e2e.kit_walk import Walk, missing
from tests.fault.test_https_at_the_store import put_certificate

pytestmark = pytest.mark.browser

SHIRT, SHIRT_L, JEANS, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)
PAGES = """
/ /orders?tab=offers /orders?tab=offers&later=1 /orders?tab=work&later=1 /orders?tab=ready&later=1
/offers/42 /offers/42/decline /orders/13 /orders/18 /orders/99
/waves/{wave} /waves/{wave}?line=14:1 /waves/{wave}/short?fence=13&line=1 /pack/12 /pack/12?parcels=2
/waves/{wave}/instead?fence=13&line=1 /waves/{wave}/instead?fence=14&line=1
/stage/11 /handover /handover?q=0913 /handover?q=nobody /handover/7 /handover/7?override=1 /handover/18
/courier /courier/{manifest} /putback /putback/17
/returns /returns/order?number=YP-0990 /returns/order?number=YP-7777 /returns/blind /returns/{return}
/stock /stock?q=cap /stock/{cap} /receive /receive?document=T-2207 /receive?sku={cap} /transfer
/adjust /adjust?sku={cap} /count /count/{cap} /counts/new /counts/L1 /counts/{sheet} /counts/{sheet}/1
/counts/{sheet}/1?sku={cap} /counts/{sheet}/2 /counts/differences
/notices /status /more /printers /till-files /scanner /scanner/codes /settings /secure /kept /help /what-now
/devices /devices/add /devices/{device} /training /start /start?code=S001.NONE /start/ready /no-such-page
/sign-in /sign-in?person=p1
"""
EMPTY = """
/sign-in /orders?tab=offers /orders?tab=work /orders?tab=ready /handover /courier /putback /returns /count
/receive /counts/differences /notices /status /more /printers /till-files /secure /scanner
"""
TRAINING = "/training /orders?tab=work&later=1"
ALONE = """
/orders?tab=offers&later=1 /orders?tab=work&later=1 /orders?tab=ready&later=1 /offers/42 /offers/42/decline
/orders/13 /waves/{wave}/short?fence=13&line=1 /pack/12 /stage/11 /handover /handover/7 /handover/18
/putback /putback/17 /returns /returns/order?number=YP-0990 /courier /more /sign-in /help /stock /no-such-page
"""
"""One page of each template that a handheld draws by itself, and what it says where it cannot."""
NO_PAGES = {
    "/static/{path:path}": "/static/app.css",
    "/health": "/health",
    "/root.crt": "/root.crt",
    "/secure/qr.svg": "/secure/qr.svg",
    "/app/{name:str}": "/app/en.webmanifest",
    "/support/qr.svg": "/support/qr.svg?code=ABCDEFGHJKMNP",
    "/worker.js": "/worker.js",
    "/twin/words/{language:str}": "/twin/words/zh",
    "/twin/extract": "/twin/extract",
    "/till/openapi.json": "/till/openapi.json",
    "/changes": "",
}
"""What answers to GET and is no page, with an address that shows it. `/changes` never ends."""
NOT_HERE = {"twin/names.html"}
"""Templates that no page of these nodes draws: handhelds alone do."""


def addresses(node: kit.DemoNode, pages: str) -> list[str]:
    def one(sql: str) -> str:
        return str(node.db.execute(sql).fetchone()[0])

    values = {
        "{cap}": CAP,
        "{wave}": kit.wave_of(node, 13),
        "{manifest}": one("SELECT code FROM manifest"),
        "{return}": one("SELECT id FROM goods_return"),
        "{device}": one("SELECT id FROM handheld"),
        "{sheet}": one("SELECT max(id) FROM count_sheet WHERE kind = 'full'"),
    }
    for key, value in values.items():
        pages = pages.replace(key, value)
    return pages.split()


def counting(node: kit.DemoNode) -> None:
    """A list and a full count under way, and differences that wait."""
    for sku in (BAG, CAP):
        node.decide(
            d.CountAsked(sku, "asked", sheet="L1", name="A list with a rather long name", blind=False)
        )
    areas = ["Shop floor and both windows", "Back room"]
    sheet = node.do("open_sheet", "p3", kind="full", areas=areas)["sheet"]
    node.do("enter_count", sheet=sheet, area=areas[0], sku=CAP, found=12)
    node.do("finish_area", sheet=sheet, area=areas[1])
    node.do("count", sku=BAG, found=200)
    node.do("count", "p2", sku=SHIRT, found=0)


def chinese_lead(node: kit.DemoNode) -> None:
    """A second lead, who reads Chinese: with p1 each language and each role is walked."""
    pin = hash_pin(kit.LEAD_PIN, node.dice.randbytes(16))
    body = {"name": "陈店长", "role": "store_lead", "pin_hash": pin, "language": "zh", "active": 1}
    node.rows(f"people:{kit.STORE}", [("p4", body)])


@dataclass
class Found:
    wrong: dict[str, list[str]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    drawn: set[str] = field(default_factory=set)
    answered: dict[str, str] = field(default_factory=dict)

    def add(self, walk: Walk) -> None:
        self.wrong |= walk.wrong
        self.strange += walk.strange
        self.visited += walk.visited


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path_factory.mktemp("busy") / "replica.db")
    kit.busy(node)
    kit.printers(node)
    counting(node)
    node.db.execute("UPDATE assignment SET substitution = 'ask' WHERE fence = 14")
    chinese_lead(node)
    kit.offline(node)
    yield node
    node.close()


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    """A certificate of the chain's own authority, so that the page about it has something to say."""
    folder = tmp_path_factory.mktemp("tls")
    authority = create(folder / "ca", now=kit.NOON, dice=lambda n: b"7" * n)
    put_certificate(authority, folder / "tls", now=kit.NOON)
    return Keeper(folder / "tls", kit.STORE, names=["localhost", "127.0.0.1", "::1"])


@pytest.fixture(scope="module")
def walked(
    browser: Any, busy: kit.DemoNode, keeper: Keeper, tmp_path_factory: pytest.TempPathFactory
) -> Found:
    found = Found()
    plain = web.PAGES.get_template

    def noted(name: Any, *more: Any, **named: Any) -> Any:
        found.drawn.add(name)
        return plain(name, *more, **named)

    empty = kit.store(tmp_path_factory.mktemp("empty") / "replica.db")
    chinese_lead(empty)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.PAGES, "get_template", noted)
        for node, pages, more in (
            (empty, EMPTY, {}),
            (busy, PAGES, {"keeper": keeper}),
            (busy, TRAINING, {"leave_port": 9}),
        ):
            with kit.served(node, **more) as base:
                for person, scheme in (("p1", "light"), ("p4", "dark")):
                    walk = start(browser, base, person, scheme)
                    walk.through(addresses(node, pages) if node is busy else pages.split())
                    if pages is PAGES:
                        answers(walk, node)
                        for route, path in NO_PAGES.items():
                            if path:
                                told = walk.page.request.get(base + path)
                                found.answered[route] = f"{told.status} {told.headers['content-type']}"
                    walk.page.context.close()
                    found.add(walk)
    empty.close()
    return found


def start(browser: Any, base: str, person: str, scheme: str) -> Walk:
    # Tall, so that nothing lies under the bar at the bottom: there it is scrolled to, which axe cannot know.
    context = browser.new_context(
        viewport={"width": 360, "height": 3000},
        color_scheme=scheme,
        reduced_motion="reduce",
        service_workers="block",
    )
    page = context.new_page()
    walk = Walk(page, base, name=f"{person} {scheme}", narrow=320 if scheme == "light" else 0)
    kit.sign_in_browser(page, base, person)
    return walk


def answers(walk: Walk, node: kit.DemoNode) -> None:
    """What pages say to a hand that was right, wrong, once more or too late."""
    page = walk.page
    walk.go("/more")
    form = "Object.assign(document.createElement('form'), {method: 'post', action: '/notices/dismiss'})"
    page.evaluate(f"() => document.body.appendChild({form}).submit()")
    page.wait_for_url("**/notices/dismiss")
    walk.look("a page that is too old to act")
    walk.go("/orders?tab=work&later=1")
    page.evaluate("htmx.ajax('POST', '/offers/accept', {source: document.body, target: '#page', values: {}})")
    page.wait_for_selector("#trouble:not([hidden])")
    walk.look("a form that cannot be read")
    walk.go(f"/waves/{kit.wave_of(node, 13)}")
    for code, mood in (("4006381333931", "bad"), (kit.gtin_of(4), "good"), (kit.gtin_of(4), "again")):
        scanned(page, code)
        walk.look(f"a scan that is {mood}")
    walk.go("/start")
    page.fill("[name=code]", "S001.0000")
    page.click(".foot .btn")
    page.wait_for_selector("#said .fb.bad")
    walk.look("a code that is none")
    if "p4" in walk.name:
        walk.go("/devices/add")
        page.click(".foot .btn")
        page.wait_for_selector("img[src^='data:']")
        walk.look("the code for a new handheld")
    walk.go("/sign-in?person=p2")
    for tried in ("a wrong PIN", "a second one", "the last one", "one too many", "locked"):
        page.fill("#pin", "0000")
        page.click(".foot .btn")
        page.wait_for_selector("#said .fb.bad")
        if tried in ("a wrong PIN", "locked"):
            walk.look(tried)


@pytest.fixture(scope="module")
def alone(browser: Any, busy: kit.DemoNode) -> Found:
    """The same store with its box killed: what a handheld draws by itself, and what only it has."""
    found, walks, box = Found(), [], Box(busy)
    box.start()
    for person, scheme in (("p1", "light"), ("p4", "dark")):
        context = browser.new_context(
            viewport={**SIZE, "height": 3000}, color_scheme=scheme, reduced_motion="reduce"
        )
        walk = Walk(context.new_page(), box.address, name=f"alone {person} {scheme}")
        signed_in(context, box, "/orders?tab=work&later=1", person)
        walks.append(walk)
    box.kill()
    for walk in walks:
        page = walk.page
        walk.through(addresses(busy, ALONE))
        walk.go(f"/waves/{kit.wave_of(busy, 13)}")
        for code in ("4006381333931", kit.gtin_of(2)):
            scanned(page, code)
            walk.look(f"a scan of {code}")
        walk.go(addresses(busy, "/courier/{manifest}")[0])
        scanned(page, busy.db.execute("SELECT code FROM parcel WHERE fence = 9").fetchone()[0])
        walk.look("a parcel on a manifest")
        page.evaluate(REFUSED)
        walk.go("/kept")
        page.wait_for_selector("#kept-list li button:not([hidden])")
        walk.look("work that waits and work that was refused")
        page.evaluate("() => document.getElementById('kept').hidden = false")
        walk.look("the bar that names what was refused")
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": box.address, "storageTypes": "indexeddb"})
        walk.hand = False  # a page without style: there is nothing on this handheld
        walk.go("/orders")
        says(page, "nothing to work on yet")
        walk.look("nothing on this handheld")
        page.context.close()
        found.add(walk)
    return found


def scanned(page: Any, code: str) -> None:
    page.evaluate("(code) => yipan.scan.take(code)", code)
    page.wait_for_function("() => yipan.scan.waiting() === 0")
    page.wait_for_selector("#said .fb[data-command]")


REFUSED = """() => new Promise((done) => {
  // What the store box did not accept, as the worker keeps it.
  indexedDB.open("yipan", 1).onsuccess = ({target: {result: db}}) => {
    const tx = db.transaction("outbox", "readwrite");
    tx.objectStore("outbox").add({id: "R1", name: "pick", args: {}, person: "p1", name_of: "Lin", at: 0,
      about: "YP-1013", state: "refused", outcome: {}, sentence: "YP-1013 was handed over at 14:05 by Lin.",
      next_step: "Ask the shopper for the newer code."});
    tx.oncomplete = () => { db.close(); done(); };
  };
})"""


def test_every_page_fits_the_hand_and_can_be_used_by_everybody(walked: Found) -> None:
    assert walked.wrong == {}


def test_every_page_that_a_handheld_draws_alone_does_so_too(alone: Found) -> None:
    assert alone.wrong == {}


def test_no_page_asks_anybody_but_the_store_box_and_no_script_breaks(walked: Found, alone: Found) -> None:
    assert walked.strange == []
    assert alone.strange == []


def test_no_page_and_no_template_is_left_out_of_the_walk(
    walked: Found, busy: kit.DemoNode, keeper: Keeper
) -> None:
    app = make_app(busy, store=kit.STORE, keeper=keeper)
    assert missing(app, walked.visited, NO_PAGES) == []
    assert set(web.PAGES.list_templates(extensions=["html"])) - walked.drawn == NOT_HERE
    # What is named as no page is none.
    assert set(walked.answered) == {route for route, path in NO_PAGES.items() if path}
    pages = {route: told for route, told in walked.answered.items() if "html" in told or told[:3] != "200"}
    assert pages == {}
