"""The surface as a whole: the document checked, no table class on it, every route guarded, errors alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from openapi_spec_validator import validate
from sqlmodel import SQLModel

import server.tables  # noqa: F401  every table class is known
from server.app import make_app
from server.config import CentreConfig
from server.people.load import CHANNEL_SCOPES
from server.writer import Busy
from tests.kit_web import ORDER, STOCK_KEY, api, client, clock_of, csrf, new_centre, sign_in


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(tmp_path)


def handlers(app: Litestar) -> Iterator[tuple[HTTPRoute, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                yield route, handler


def classes(annotation: Any, seen: set[Any]) -> Iterator[type]:
    """Every class an annotation names, through containers and the fields of structs."""
    if annotation in seen:
        return
    seen.add(annotation)
    if isinstance(annotation, type):
        yield annotation
        if hasattr(annotation, "__struct_fields__"):
            for hint in get_type_hints(annotation, include_extras=False).values():
                yield from classes(hint, seen)
    for part in get_args(annotation):
        yield from classes(part, seen)


def test_the_document_is_valid_openapi_and_names_the_key(centre: CentreConfig) -> None:
    with api(centre) as web:
        document = web.get("/schema/openapi.json").json()
    validate(document)
    assert "/api/v1/orders" in document["paths"]
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        assert path.startswith("/api/v1/"), path
        for operation in operations.values():
            assert operation["summary"]


def test_no_table_class_crosses_the_api(centre: CentreConfig) -> None:
    checked = 0
    for route, handler in handlers(make_app(centre)):
        signature = handler.parsed_fn_signature
        annotations = [field.annotation for field in signature.parameters.values()]
        annotations.append(signature.return_type.annotation)
        for annotation in annotations:
            for one in classes(annotation, set()):
                checked += 1
                assert not issubclass(one, SQLModel), f"{route.path}: {one.__name__} is a table"
    assert checked > 100


def test_the_walk_over_annotations_can_fail() -> None:
    from server.orders.tables import Order

    assert Order in set(classes(dict[str, list[Order]], set()))


def test_every_api_route_needs_a_key_with_a_scope(centre: CentreConfig) -> None:
    with client(centre) as web:
        for route, handler in handlers(make_app(centre)):
            if not route.path.startswith("/api/") or handler.http_methods == {"OPTIONS"}:
                continue
            assert handler.opt.get("scope") in CHANNEL_SCOPES, route.path
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                path = route.path_format.replace("{order_no}", "x").replace("{part}", "items")
                answer = web.request(method, path)
                assert answer.status_code == 401, (method, path)


def test_every_page_but_sign_in_asks_who_is_there(centre: CentreConfig) -> None:
    walked = 0
    open_to_all = {"/", "/sign-in", "/sign-out", "/preferences", "/health"}
    with client(centre) as web:
        token = csrf(web)
        for route, handler in handlers(make_app(centre)):
            path = route.path_format
            if path.startswith(("/api/", "/schema", "/static")) or path in open_to_all:
                continue
            for name in ("code", "no", "case_id", "sku", "store"):
                path = path.replace(f"{{{name}}}", "x")
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                walked += 1
                answer = web.request(method, path, headers={"x-csrftoken": token}, follow_redirects=False)
                assert answer.status_code == (303 if method == "GET" else 401), (method, path)
    assert walked > 10


def test_every_change_by_a_page_needs_the_csrf_token(centre: CentreConfig) -> None:
    walked = 0
    with client(centre) as web:
        assert sign_in(web).status_code == 303
        for route, handler in handlers(make_app(centre)):
            path = route.path_format
            if path.startswith(("/api/", "/schema", "/static")):
                continue
            for method in handler.http_methods & {"POST", "PUT", "PATCH", "DELETE"}:
                walked += 1
                assert web.request(method, path.replace("{", "").replace("}", "")).status_code == 403, path
    assert walked >= 5


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/orders", 405),
        ("GET", "/api/v1/events?limit=0", 400),
        ("GET", "/api/v1/events?limit=x", 400),
        ("GET", "/api/v1/availability", 400),
        ("GET", "/api/v1/orders/%00", 404),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_errors_are_problem_details_with_a_next_step(
    centre: CentreConfig, method: str, path: str, status: int, language: str
) -> None:
    with api(centre, language=language) as web:
        answer = web.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["next_step"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body["title"]) == (language == "zh")


def test_a_body_that_is_too_large_is_told_so_and_not_read(centre: CentreConfig) -> None:
    with api(centre) as web:
        answer = web.post(
            "/api/v1/orders",
            content=b" " * (centre.max_body + 1),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 413
    assert "8 MB" in answer.json()["title"]


def test_a_busy_centre_says_when_to_come_back(centre: CentreConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object) -> None:
        raise Busy

    with api(centre) as web:
        monkeypatch.setattr(web.app.state.writer, "do", busy)
        answer = web.post("/api/v1/orders", json=ORDER)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


def test_a_bug_is_told_by_a_number_and_tells_nothing_else(
    centre: CentreConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("secret inside")

    with api(centre) as web:
        monkeypatch.setattr(web.app.state.writer, "do", breaks)
        answer = web.post("/api/v1/orders", json=ORDER)
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "incident" in answer.json()["title"]


def test_security_headers_are_on_every_answer(centre: CentreConfig) -> None:
    with client(centre) as web:
        for path in (
            "/sign-in",
            "/nope",
            "/api/v1/orders",
            "/static/look.css",
            "/health",
            "/schema/openapi.json",
        ):
            policy = web.get(path).headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy


async def test_a_burst_of_orders_shares_commits(centre: CentreConfig) -> None:
    import httpx

    app = make_app(centre)
    async with app.lifespan():
        before = app.state.writer.commits
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://c") as web:  # type: ignore[arg-type]  # the two libraries name ASGI apart
            web.headers["authorization"] = "Bearer KEYOFTHETESTSHOPOFALLTESTS"
            answers = await asyncio.gather(
                *(
                    web.post("/api/v1/orders", json={**ORDER, "external_id": f"B{n}", "kind": "shipment"})
                    for n in range(200)
                )
            )
        assert {answer.status_code for answer in answers} == {201}
        assert app.state.writer.commits - before <= 20


def test_a_key_that_asks_too_often_is_told_to_wait_and_goes_on_afterwards(tmp_path: Path) -> None:
    config = replace(new_centre(tmp_path), api_per_s=2, api_burst=3)
    with api(config) as web:
        answers = [web.get("/api/v1/availability?sku=CAP-NAVY") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[3].headers["retry-after"] == "1"
        assert answers[3].json()["type"] == "/problems/too-often"
        with api(config, STOCK_KEY) as other:
            assert other.post("/api/v1/stock?document=D1", json=[]).status_code != 429, "keys are apart"
        clock_of(config).now += 500
        assert web.get("/api/v1/availability?sku=CAP-NAVY").status_code == 200


def test_guessing_keys_is_stopped_by_address_and_known_keys_still_work(tmp_path: Path) -> None:
    config = new_centre(tmp_path)
    with api(config) as web:
        assert web.get("/api/v1/availability?sku=CAP-NAVY").status_code == 200
        codes = [
            web.get(
                "/api/v1/availability?sku=CAP-NAVY", headers={"authorization": f"Bearer GUESS{n}"}
            ).status_code
            for n in range(61)
        ]
        assert codes == [401] * 60 + [429]
        assert web.get("/api/v1/availability?sku=CAP-NAVY").status_code == 200
