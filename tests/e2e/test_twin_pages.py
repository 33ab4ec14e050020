"""A handheld draws a page as the store node does, to the letter: every real template, both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import httpx
import pytest

import pwa.web
from pwa.app import make_app
from pwa.desk import Desk, View
from pwa.statics import TOGETHER, address
from pwa.twin.javascript import Messages
from pwa.twin.plain import plain
from pwa.twin.templates import compile_all
from sync.texts import translator
from tests import kit_pwa as kit

pytestmark = pytest.mark.browser

STATIC = Path(pwa.web.__file__).parent / "static"

DRAW = """({cases, catalogues, statics}) => {
  const draw = twin.engine(templates);
  return cases.map(({template, values, language, zone, ids, seen}) => {
    const w = words({language, zone, catalogue: catalogues[language], str: twin.str});
    const left = [...ids];
    const given = {
      ...values, _: w._, n_: w.n_, t: w.t, new_id: () => left.shift(),
      static: ([name]) => statics[name], desk: {...values.desk, seen: () => seen},
    };
    try { return draw(template, given); } catch (error) { return `${error.stack}`; }
  });
}"""


class Seen:
    """What the node rendered, and from what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cases: list[dict[str, Any]] = []
        self.htmls: list[str] = []
        right = pwa.web.render

        def render(desk: Desk, view: View, **more: Any) -> str:
            ids: list[str] = []

            def new_id() -> str:
                ids.append(f"ID{len(ids)}")
                return ids[-1]

            desk = Desk(**{**vars(desk), "new_id": new_id})
            html = right(desk, view, **more)
            given = pwa.web.given(desk, view, **more)
            values = {k: plain(v) for k, v in given.items() if k not in ("_", "n_", "t", "new_id", "desk")}
            values["desk"] = {"args": desk.args, "store": desk.store, "store_name": desk.store_name}
            self.cases.append(
                {
                    "template": view.template,
                    "values": values,
                    "language": desk.t.language,
                    "zone": str(desk.t.zone),
                    "ids": ids,
                    "seen": desk.seen() if "data-seen" in html else [],
                }
            )
            self.htmls.append(html)
            return html

        monkeypatch.setattr(pwa.web, "render", render)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    return Seen(monkeypatch)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    node = kit.store(tmp_path / "replica.db")
    kit.catalogue(node, hostile=True)
    kit.busy(node)
    kit.printers(node)
    shirt, cap = kit.GOODS[0][0], kit.GOODS[4][0]
    # Another article, as a further part of the orders 12 and 13: in a tote, and offered.
    node.picked(24, [(cap, 2)], order="YP-1012", instead_of=shirt)
    node.offer(25, [(cap, 1)], order="YP-1013", instead_of=shirt)
    kit.offline(node)
    app = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        yield http


async def walk(http: httpx.AsyncClient, seen: Seen, language: str) -> None:
    """Every page that a link of another leads to, as its whole and as its inside."""
    http.cookies.clear()
    await http.get("/sign-in")
    token = http.cookies["csrftoken"]
    await http.post("/language", data={"language": language, "_csrf_token": token})
    await http.get("/sign-in?person=p2")
    form = {"person": "p2", "pin": kit.PIN, "_csrf_token": token}
    await http.post("/sign-in", data=form)
    await http.post("/language", data={"language": language, "_csrf_token": token})
    todo = [
        "/orders", "/orders?tab=offers", "/orders?tab=work", "/orders?tab=ready", "/more", "/status",
        "/notices", "/kept", "/help",
        "/handover", "/handover?q=YP", "/courier", "/returns", "/count", "/receive", "/adjust", "/stock",
    ]  # fmt: skip
    known = set(todo)
    while todo:
        path = todo.pop(0)
        for headers in ({}, {"hx-request": "true"}):
            await http.get(path, headers=headers)
        for link in links(seen.htmls[-1]) - known:
            known.add(link)
            if len(known) < 150:
                todo.append(link)


def links(html: str) -> set[str]:
    import re
    from html import unescape

    found = {unescape(one) for one in re.findall(r'href="(/[^"]*)"', html)}
    return {one for one in found if not one.startswith(("/static", "/sign-out", "/changes", "/sign-in"))}


async def draw(browser: Any, cases: list[dict[str, Any]]) -> list[str]:
    page = await browser.new_page()
    messages = Messages()
    await page.evaluate(f"globalThis.templates = {compile_all(pwa.web.PAGES, messages=messages)}; 0")
    for name in ("twin.js", "words.js"):
        await page.evaluate((STATIC / name).read_text() + "\n;0")
    statics = {
        str(path.relative_to(STATIC)): address(str(path.relative_to(STATIC)))
        for path in STATIC.rglob("*")
        if path.is_file()
    } | {name: address(name) for name in TOGETHER}
    catalogues = {language: catalogue(language, messages) for language in ("en", "zh")}
    made: list[str] = await page.evaluate(
        DRAW, {"cases": cases, "catalogues": catalogues, "statics": statics}
    )
    await page.close()
    return made


def catalogue(language: str, messages: Messages) -> dict[str, Any]:
    translate = translator(language, ("pwa", "sync"))
    by = {text: forms[0] for text, forms in translate._catalogue.items()}
    return {"texts": [translate(text) for text in messages.texts], "by": by}


async def test_every_real_page_is_drawn_alike(chromium: Any, seen: Seen, http: httpx.AsyncClient) -> None:
    await walk(http, seen, "en")
    await walk(http, seen, "zh")
    assert {case["language"] for case in seen.cases} == {"en", "zh"}
    walked = {case["template"] for case in seen.cases}
    assert len(walked) >= 25, sorted(walked)
    drawn = await draw(chromium, seen.cases)
    for case, node, device in zip(seen.cases, seen.htmls, drawn, strict=True):
        if device != node:
            told = list(
                unified_diff(node.splitlines(), device.splitlines(), "node", "device", lineterm="", n=0)
            )
            pytest.fail(
                "\n".join([case["template"], *[one[:200] for one in told if one[0] == "+"][:14], *told[:20]])
            )
