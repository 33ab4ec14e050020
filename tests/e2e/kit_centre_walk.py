"""Where a walk through every page of the centre goes, with something on each of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from server.cases.book import Evidence, open_case
from server.config import CentreConfig
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from sync.sqlite import writing
from tests.e2e.kit_walk import Found, View, Walk
from tests.kit_sku import SKU, busy_sku
from tests.kit_web import PIN, Clock, database, new_centre, seeded

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


def busy_centre(folder: Path) -> CentreConfig:
    now = int(time.time() * 1000)
    config = replace(new_centre(folder, now=now - 7_200_000), clock=Clock(now))
    with database(config) as db, writing(db):
        busy_sku(db, now)
    return config


def through(browser: Any, url: str, language: str, views: Sequence[View], paths: list[str]) -> Found:
    """Every page, as headquarters sees it."""
    found, walk = Found(), _start(browser, url, f"headquarters {language}", language, views)
    walk.go("/sign-in")
    walk.look("signing in")
    sign_in(walk.page, "hq", "000000")
    walk.page.wait_for_selector(".note[role=alert]")
    walk.look("a wrong PIN")
    sign_in(walk.page, "hq", PIN)
    walk.page.wait_for_url("**/board")
    walk.page.context.add_cookies([{"name": "yipan_centre_language", "value": language, "url": url}])
    walk.through(paths)
    walk.go("/board")
    walk.page.click(".menu summary")
    walk.look("the menu")
    for route, path in NO_PAGES.items():
        if path:
            told = walk.page.request.get(url + path)
            found.answered[route] = f"{told.status} {told.headers['content-type']}"
    walk.page.context.close()
    found.add(walk)
    return found


def regional(browser: Any, url: str, language: str, views: Sequence[View], paths: list[str]) -> Found:
    """Somebody who may not see everything."""
    found, walk = Found(), _start(browser, url, f"regional manager {language}", language, views)
    walk.go("/sign-in")
    sign_in(walk.page, "east", PIN)
    walk.page.wait_for_url("**/board")
    walk.page.context.add_cookies([{"name": "yipan_centre_language", "value": language, "url": url}])
    walk.through(paths)
    walk.page.context.close()
    found.add(walk)
    return found


def _start(browser: Any, url: str, name: str, language: str, views: Sequence[View]) -> Walk:
    size = {"width": views[0].width, "height": views[0].height}
    context = browser.new_context(viewport=size, color_scheme=views[0].light, locale=language)
    return Walk(context.new_page(), url, name=name, hand=False, views=views)


def sign_in(page: Any, who: str, pin: str) -> None:
    page.fill("#person", who)
    page.fill("#pin", pin)
    page.click("main .btn")
