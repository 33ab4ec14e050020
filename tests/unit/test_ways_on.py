"""An installed app has no browser around it: every page has a way back or on that is its own."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx

from pwa.app import make_app
from tests import kit_pwa as kit

SKIP = ("/static", "/app/", "/changes", "/root.crt", "/secure/qr.svg")


def inner_links(html: str) -> list[str]:
    """Links of the page's own body: the status line and the menu in the corner are on every page."""
    body = html[html.index('<main id="page">') : html.index("</main>")]
    body = re.sub(r'<a class="who".*?</a>', "", body, flags=re.S)
    return [unescape(one) for one in re.findall(r'<a [^>]*href="([^"]+)"', body)]


async def test_every_page_that_can_be_reached_has_a_way_back_or_on(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")
    kit.busy(node)
    kit.printers(node)
    app = make_app(node, store=kit.STORE, secret="kept")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://node", follow_redirects=True) as http:
        await http.get("/sign-in")
        lead = {"person": "p3", "pin": kit.LEAD_PIN, "_csrf_token": http.cookies["csrftoken"]}
        await http.post("/sign-in", data=lead)
        todo = [
            "/orders",
            "/kept",
            "/start",
            "/start/ready",
            "/secure",
            "/what-now",
            "/training",
            "/no-such-page",
            "/sign-in",
        ]
        known, stuck, out = set(todo), [], []
        while todo:
            path = todo.pop()
            answer = await http.get(path, headers={"accept": "text/html"})
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            links = [urljoin(path, one) for one in inner_links(answer.text)]
            ways = [one for one in links if one.startswith("/") and one != path]
            if not ways and path != "/sign-in":
                stuck.append(path)
            # Another window or another site would leave the app, and nothing there leads back.
            out += [path for one in links if not one.startswith("/")]
            if ' target="' in answer.text:
                out.append(path)
            for one in links:
                if one.startswith("/") and one not in known and not one.startswith(SKIP) and len(known) < 250:
                    known.add(one)
                    todo.append(one)
    node.close()
    assert (stuck, out) == ([], [])
    assert len(known) > 60, "the walk went through the whole node"
