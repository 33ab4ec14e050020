"""Every route: behind a session, behind the form's token, with the page's policy, and never by GET."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from pwa.app import make_app
from tests import kit_pwa as kit

OPEN = (
    {
        "/sign-in",
        "/static/{path:path}",
        "/health",
        "/language",
        "/theme",
        "/till/openapi.json",
        "/worker.js",
        "/twin/words/{language}",
    }
    | {"/root.crt", "/secure", "/secure/qr.svg", "/start", "/app/{name}"}
    | {"/what-now", "/support/qr.svg"}
)
"""What a handheld may open before anybody has signed in."""
KEYED = {"/till/may-sell", "/till/sales", "/till/returns", "/till/voids", "/till/files"}


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    node = kit.store(tmp_path / "replica.db")
    kit.busy(node)
    return node


@pytest.fixture
def app(node: kit.DemoNode) -> Litestar:
    return make_app(node, store=kit.STORE, secret="kept", till_key=kit.TILL_KEY)


@pytest.fixture
async def http(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://node", headers={"accept": "text/html"}
    ) as client:
        yield client


async def sign_in(http: httpx.AsyncClient, person: str = "p1", pin: str = kit.PIN) -> httpx.Response:
    await http.get("/sign-in")
    return await http.post(
        "/sign-in", data={"person": person, "pin": pin, "_csrf_token": http.cookies["csrftoken"]}
    )


def routes(app: Litestar) -> list[tuple[str, str]]:
    found = []
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            found += [(method, route.path_format) for method in route.methods if method in ("GET", "POST")]
    return found


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "7", path)


def declared(app: Litestar, path: str) -> str:
    return next(r.path for r in app.routes if isinstance(r, HTTPRoute) and r.path_format == path)


async def test_every_route_but_the_named_ones_asks_for_a_session(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    await http.get("/sign-in")
    token = {"x-csrftoken": http.cookies["csrftoken"]}
    naked = []
    for method, path in routes(app):
        if path in OPEN | KEYED | {"/static/{path}"}:
            continue
        answer = await http.request(method, filled(path), headers=token, follow_redirects=False)
        if not (answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")):
            naked.append((method, path, answer.status_code))
    assert naked == []
    assert len(routes(app)) > 60, "the walk saw the real table of routes"


async def test_htmx_without_a_session_is_sent_to_sign_in(http: httpx.AsyncClient) -> None:
    answer = await http.get("/orders", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in?next=/orders")


async def test_nothing_unsafe_happens_without_the_forms_token(
    app: Litestar, http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http)
    before = len(node.performed)
    let_in = []
    for method, path in routes(app):
        if method == "POST" and path not in KEYED:
            answer = await http.post(filled(path), data={"command": node.new_id(), "fence": "42"})
            if answer.status_code != 403:
                let_in.append((path, answer.status_code))
    assert let_in == []
    assert len(node.performed) == before


async def test_reading_a_page_changes_nothing(
    app: Litestar, http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http)
    changes = node.db.total_changes
    for method, path in routes(app):
        if method == "GET" and path not in KEYED | {"/changes"}:
            answer = await http.get(filled(path))
            assert answer.status_code < 500, path
    assert node.db.total_changes == changes


async def test_every_answer_carries_the_policy_against_foreign_scripts(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    await sign_in(http)
    for path in ("/orders", "/sign-in", "/no-such-page", "/orders/9999", "/health"):
        answer = await http.get(path)
        assert "default-src 'self'; script-src 'self'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_form_without_its_command_records_nothing(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http)
    before = len(node.performed)
    answer = await http.post(
        "/offers/accept", data={"fence": "42"}, headers={"x-csrftoken": http.cookies["csrftoken"]}
    )
    assert answer.status_code == 422
    assert "nothing was recorded" in answer.text
    assert len(node.performed) == before


async def test_the_same_form_sent_twice_is_done_once_and_answered_alike(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http)
    form = {"fence": "42", "command": node.new_id()}
    token = {"x-csrftoken": http.cookies["csrftoken"]}
    first = await http.post("/offers/accept", data=form, headers=token)
    second = await http.post("/offers/accept", data=form, headers=token)
    assert (first.headers["x-outcome"], second.headers["x-outcome"]) == ("ok", "ok")
    count = node.db.execute("SELECT count(*) FROM fact WHERE fence = 42 AND kind = 'accepted'").fetchone()[0]
    assert count == 1


async def test_five_wrong_pins_lock_the_person_also_over_a_restart(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    answers = [(await sign_in(http, pin="0000")).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 401, 429]
    right = await sign_in(http)
    assert right.status_code == 429, "the right PIN does not open a locked name"
    again = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=again), base_url="http://node") as other:
        assert (await sign_in(other)).status_code == 429
        node.now += 5 * kit.MIN + 1
        assert (await sign_in(other)).status_code == 303


async def test_a_session_ends_when_nobody_uses_the_handheld(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http)
    node.now += 6 * kit.MIN
    assert (await http.get("/orders")).status_code == 200
    # What a page asks by itself does not keep the session alive.
    node.now += 6 * kit.MIN
    by_itself = {"X-By-Itself": "1", "HX-Request": "true"}
    assert (await http.get("/orders", headers=by_itself)).status_code == 200
    node.now += 6 * kit.MIN
    assert (await http.get("/orders", headers=by_itself)).status_code == 401


async def test_a_dismissed_person_is_out_at_once(http: httpx.AsyncClient, node: kit.DemoNode) -> None:
    await sign_in(http)
    node.rows(
        "people:" + kit.STORE, [("p1", {"name": "Lin", "role": "associate", "pin_hash": "x", "active": 0})]
    )
    assert (await http.get("/orders", headers={"HX-Request": "true"})).status_code == 401


async def test_sign_in_never_leads_to_another_site(http: httpx.AsyncClient) -> None:
    await http.get("/sign-in")
    for goal in ("https://evil.example", "//evil.example", "/\\evil.example", "/orders\nX: y"):
        answer = await http.post(
            "/sign-in",
            data={"person": "p1", "pin": kit.PIN, "next": goal, "_csrf_token": http.cookies["csrftoken"]},
        )
        assert answer.headers["location"] == "/orders", goal


async def test_the_acting_person_is_the_one_of_the_session_whatever_the_form_says(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    await sign_in(http, "p2")
    await http.post(
        "/offers/accept",
        data={"fence": "42", "command": node.new_id(), "person": "p1", "device": "H00000"},
        headers={"x-csrftoken": http.cookies["csrftoken"]},
    )
    row = node.db.execute("SELECT person, device FROM fact WHERE fence = 42 AND kind = 'accepted'").fetchone()
    assert (row["person"], row["device"]) == ("p2", http.cookies["device"])


async def test_health_says_nothing_about_the_store(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health")
    assert set(answer.json()) == {"ok", "line", "since", "unsent"}
