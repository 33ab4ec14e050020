"""Every page of the centre, in both languages, by light and by dark, at a desk and in a hand: no barrier, no
sideways scroll, and nothing in it asks anybody but the centre.

Complete by construction, like the walk through the store node's pages.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from server import pages as web
from server.app import make_app
from server.cases.book import Evidence, open_case
from server.config import CentreConfig
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from sync.sqlite import writing
from tests.e2e.kit_walk import Walk, missing
from tests.kit_sku import SKU, busy_sku
from tests.kit_web import PIN, Clock, database, new_centre, running, seeded

pytestmark = pytest.mark.browser

NO_PAGES = {
    "/health": "/health",
    "/static/{file_path:path}": "/static/look.css",
    "/schema": "/schema",
    "/schema/{path:str}": "",
    "/schema/openapi.json": "/schema/openapi.json",
    "/schema/openapi.yaml": "/schema/openapi.yaml",
    "/schema/openapi.yml": "/schema/openapi.yml",
    "/board/live": "",
    "/stores/{code:str}/changes": "",
    "/orders/{no:str}/changes": "",
}
"""What answers to GET and is no page; streams never end. What is below /api asks for a key."""
PUSHED = {"board/push.html"}
"""What goes along a stream only; its parts are those of the page."""
DESK, HAND = {"width": 1440, "height": 900}, {"width": 360, "height": 640}


def order(centre: CentreConfig, store: str, external_id: str, sku: str = "CAP-NAVY") -> str:
    """Placed by another process: the board hears of it as it would of the command line."""
    with database(centre) as db, writing(db):
        new = NewOrder(
            channel="shop",
            external_id=external_id,
            kind="pickup",
            pickup_store=store,
            name="Li Wang",
            phone="13800001111",
            lines=(NewLine(sku, 1),),
        )
        return place(db, new, now=centre.clock(), dice=seeded(len(external_id))).order_no


def with_something_on_every_page(centre: CentreConfig) -> list[str]:
    """Fills a centre of tests.kit_web; the addresses of its pages."""
    number, now = order(centre, "S001", "AXE-1", "TEE-WHITE-M"), centre.clock()
    with database(centre) as db, writing(db):
        db.execute(
            "INSERT INTO fact (store, incarnation, number, kind, received_at, verdict, chain, raw)"
            " VALUES ('S001', 'I0', 7, 'handed_over', ?, 'late', 'x', ?)",
            (now, b'{"k":"handed_over"}'),
        )
        fo, told = f"{number}-1", [Evidence("S001", "I0", 7, "handed_over")]
        # One case of each kind of remedy that can be done on its page.
        cases = [
            open_case(db, "released_stale", now=now, store="S001", order_no=number, fo=fo, evidence=told),
            open_case(db, "pickup_stuck", now=now, store="S001", order_no=number, fo=fo),
            open_case(
                db, "beyond_rights", now=now, store="S001", sku="CAP-NAVY", params={"kind": "sold", "qty": 1}
            ),
            open_case(db, "debt", now=now, store="S001", sku="CAP-NAVY", params={"qty": 2}),
        ]
        db.execute(
            "INSERT INTO replica (store, incarnation, state, host, opened_at, applied, chain)"
            " VALUES ('S001', 'I8', 'held', 'box-b', ?, 7, 'x')",
            (now,),
        )
        cases.append(open_case(db, "two_replicas", now=now, store="S001", params={"host": "box-b"}))
        up = "INSERT OR IGNORE INTO store_session (store, number, connected_at) VALUES ('S001', 9, ?)"
        db.execute(up, (now,))
        db.execute(
            "INSERT OR IGNORE INTO store_session (store, number, connected_at, closed_at)"
            " VALUES ('S002', 9, ?, ?)",
            (now - 900_000, now - 800_000),
        )
        db.execute("UPDATE store SET paused = 1 WHERE code = 'S003'")
        db.execute("INSERT INTO item (sku, name_en, name_zh) VALUES ('NEW', ?, '新')", ("Long name " * 8,))
    paths = """
    / /board /stores/S001 /stores/S002 /stores/S003 /stores/S001/counts /stores/S999 /cases /cases?closed=true
    /cases/none /skus /skus?q=cap /skus/NEW /outbox /find?q=zzz /no-such-page
    """
    own = [f"/skus/{SKU}", f"/skus/{SKU}?store=S001", f"/skus/{SKU}/S001", f"/orders/{number}"]
    return [*paths.split(), *own, *(f"/cases/{case}" for case in cases)]


@dataclass
class Found:
    wrong: dict[str, list[str]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    drawn: set[str] = field(default_factory=set)
    answered: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> CentreConfig:
    now = int(time.time() * 1000)
    config = replace(new_centre(tmp_path_factory.mktemp("centre"), now=now - 7_200_000), clock=Clock(now))
    with database(config) as db, writing(db):
        busy_sku(db, now)
    return config


@pytest.fixture(scope="module")
def walked(browser: Any, centre: CentreConfig) -> Found:
    found, made = Found(), web._templates()
    plain = made.get_template

    def noted(name: Any, *more: Any, **named: Any) -> Any:
        found.drawn.add(name)
        return plain(name, *more, **named)

    paths = with_something_on_every_page(centre)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "get_template", noted)
        with running(centre) as url:
            for language, scheme in (("en", "light"), ("zh", "dark")):
                walk(browser, url, language, scheme, paths, found)
            regional(browser, url, found)
    return found


def walk(browser: Any, url: str, language: str, scheme: str, paths: list[str], found: Found) -> None:
    context = browser.new_context(viewport=DESK, color_scheme=scheme, locale=language)
    page = context.new_page()
    one = Walk(page, url, name=f"{language} {scheme}", hand=False)

    def look(what: str) -> None:
        """At a desk by this light, in a hand by the other."""
        one.look(what)
        page.set_viewport_size(HAND)
        page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        one.look(f"{what} in a hand")
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme=scheme)

    one.go("/sign-in")
    look("signing in")
    sign_in(page, "hq", "000000")
    page.wait_for_selector(".note[role=alert]")
    look("a wrong PIN")
    sign_in(page, "hq", PIN)
    page.wait_for_url("**/board")
    context.add_cookies([{"name": "yipan_centre_language", "value": language, "url": url}])
    for path in paths:
        one.go(path)
        look(path)
    one.go("/board")
    page.click(".menu summary")
    look("the menu")
    for route, path in NO_PAGES.items():
        if path:
            told = page.request.get(url + path)
            found.answered[route] = f"{told.status} {told.headers['content-type']}"
    context.close()
    found.wrong |= one.wrong
    found.strange += one.strange
    found.visited += one.visited


def sign_in(page: Any, who: str, pin: str) -> None:
    page.fill("#person", who)
    page.fill("#pin", pin)
    page.click("main .btn")


def regional(browser: Any, url: str, found: Found) -> None:
    """Somebody who may not see everything."""
    context = browser.new_context(viewport=DESK)
    one = Walk(context.new_page(), url, name="regional manager", hand=False)
    one.go("/sign-in")
    sign_in(one.page, "east", PIN)
    one.page.wait_for_url("**/board")
    one.through(["/board", "/stores/S003"])
    context.close()
    found.wrong |= one.wrong
    found.strange += one.strange


def test_every_page_fits_and_can_be_used_by_everybody(walked: Found) -> None:
    assert walked.wrong == {}


def test_no_page_asks_anybody_but_the_centre_and_no_script_breaks(walked: Found) -> None:
    assert walked.strange == []


def test_no_page_and_no_template_is_left_out_of_the_walk(walked: Found, centre: CentreConfig) -> None:
    app = make_app(centre)
    assert [one for one in missing(app, walked.visited, NO_PAGES) if not one.startswith("/api/")] == []
    assert set(web._templates().list_templates(extensions=["html"])) - walked.drawn == PUSHED
    assert set(walked.answered) == {route for route, path in NO_PAGES.items() if path}
    pages = {route: told for route, told in walked.answered.items() if "html" in told or told[:3] != "200"}
    assert pages == {}
