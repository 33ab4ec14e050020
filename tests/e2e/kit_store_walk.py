"""Where a walk through every page of the store node goes, and what pages say on the way: with work, without,
in training, and drawn alone with the store box killed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pwa.secure.keeper import Keeper
from server.certificates.authority import create
from sync.rules.secrets import hash_pin
from sync.wire import decisions as d
from tests import kit_pwa as kit
from tests.e2e.kit_alone import Box, says, signed_in
from tests.e2e.kit_walk import Found, View, Walk
from tests.fault.test_https_at_the_store import put_certificate

SHIRT, _, _, DRESS, CAP, BAG = (goods[0] for goods in kit.GOODS)
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


@dataclass(frozen=True)
class Session:
    """Somebody who looks at pages, and how. Who reads which language in these stores is `PEOPLE`."""

    language: str = "en"
    role: str = "associate"
    views: Sequence[View] = (View(),)

    @property
    def person(self) -> str:
        return PEOPLE[self.language, self.role]

    @property
    def name(self) -> str:
        return f"{self.language} {self.role}"


PEOPLE = {("en", "associate"): "p1", ("zh", "associate"): "p2", ("en", "lead"): "p3", ("zh", "lead"): "p4"}
"""By language and role."""


def busy_store(path: Path) -> kit.DemoNode:
    node = kit.store(path)
    kit.busy(node)
    kit.printers(node)
    counting(node)
    node.db.execute("UPDATE assignment SET substitution = 'ask' WHERE fence = 14")
    chinese_lead(node)
    kit.offline(node)
    return node


def empty_store(path: Path) -> kit.DemoNode:
    node = kit.store(path)
    chinese_lead(node)
    return node


def certified(folder: Path) -> Keeper:
    """A certificate of the chain's own authority, so that the page about it has something to say."""
    authority = create(folder / "ca", now=kit.NOON, dice=lambda n: b"7" * n)
    put_certificate(authority, folder / "tls", now=kit.NOON)
    return Keeper(folder / "tls", kit.STORE, names=["localhost", "127.0.0.1", "::1"])


def opened(browser: Any, session: Session, **more: Any) -> Any:
    first = session.views[0]
    return browser.new_context(
        viewport={"width": first.width, "height": first.height},
        color_scheme=first.light,
        reduced_motion="reduce",
        **more,
    )


def start(browser: Any, base: str, session: Session) -> Walk:
    page = opened(browser, session, service_workers="block").new_page()
    walk = Walk(page, base, name=session.name, views=session.views)
    kit.sign_in_browser(page, base, session.person)
    return walk


def through(browser: Any, empty: kit.DemoNode, busy: kit.DemoNode, keeper: Keeper, session: Session) -> Found:
    """Every page of the box, as one person sees it."""
    found = Found()
    with kit.served(empty) as base:
        with walking(browser, base, session, found) as walk:
            walk.through(EMPTY.split())
    with kit.served(busy, keeper=keeper) as base:
        with walking(browser, base, session, found) as walk:
            walk.through(addresses(busy, PAGES))
            answers(walk, busy, session)
            for route, path in NO_PAGES.items():
                if path:
                    told = walk.page.request.get(base + path)
                    found.answered[route] = f"{told.status} {told.headers['content-type']}"
    with kit.served(busy, leave_port=9) as base:
        with walking(browser, base, session, found) as walk:
            walk.through(TRAINING.split())
    return found


@contextlib.contextmanager
def walking(browser: Any, base: str, session: Session, found: Found) -> Iterator[Walk]:
    walk = start(browser, base, session)
    yield walk
    walk.page.context.close()
    found.add(walk)


def answers(walk: Walk, node: kit.DemoNode, session: Session) -> None:
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
    if session.role == "lead":
        walk.go("/devices/add")
        page.click(".foot .btn")
        page.wait_for_selector("img[src^='data:']")
        walk.look("the code for a new handheld")
    walk.go(f"/sign-in?person={'p1' if session.person == 'p2' else 'p2'}")
    for tried in ("a wrong PIN", "a second one", "the last one", "one too many", "locked"):
        # What was said to the try before is no answer to this one.
        page.evaluate("document.getElementById('said').replaceChildren()")
        page.fill("#pin", "0000")
        page.click(".foot .btn")
        page.wait_for_selector("#said .fb.bad")
        if tried in ("a wrong PIN", "locked"):
            walk.look(tried)


def through_alone(browser: Any, busy: kit.DemoNode, sessions: Sequence[Session]) -> Found:
    """The same store with its box killed: what a handheld draws by itself, and what only it has."""
    found, walks, box = Found(), [], Box(busy)
    box.start()
    for session in sessions:
        context = opened(browser, session)
        walk = Walk(context.new_page(), box.address, name=f"alone {session.name}", views=session.views)
        signed_in(context, box, "/orders?tab=work&later=1", session.person)
        walks.append(walk)
    box.kill()
    for walk in walks:
        by_itself(walk, busy)
        walk.page.context.close()
        found.add(walk)
    return found


def by_itself(walk: Walk, busy: kit.DemoNode) -> None:
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
    session.send("Storage.clearDataForOrigin", {"origin": walk.base, "storageTypes": "indexeddb"})
    walk.hand = False  # a page without style: there is nothing on this handheld
    walk.go("/orders")
    says(page, "nothing to work on yet")
    walk.look("nothing on this handheld")


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
