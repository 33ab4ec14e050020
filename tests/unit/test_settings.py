"""How a handheld is set: kept on it, drawn from the first line, the same for the pages it draws itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwa import statics
from pwa.app import POLICY, make_app
from pwa.settings.look import CHOICES, look
from tests import kit_pwa as kit


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    node = kit.store(tmp_path / "replica.db")
    app: Any = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as client:
        await client.get("/sign-in")
        form = {"person": "p1", "pin": kit.PIN, "_csrf_token": client.cookies["csrftoken"]}
        await client.post("/sign-in", data=form)
        yield client
    node.close()


async def choose(http: httpx.AsyncClient, name: str, value: str) -> httpx.Response:
    form = {"name": name, "value": value, "next": "/settings", "_csrf_token": http.cookies["csrftoken"]}
    return await http.post("/settings", data=form)


async def test_every_choice_is_in_the_first_line_of_every_page_and_goes_along(
    http: httpx.AsyncClient,
) -> None:
    for name, choices in CHOICES.items():
        for value in reversed(choices):
            assert (await choose(http, name, value)).status_code == 303
            for path in ("/settings", "/orders", "/sign-in"):
                assert f'data-{name}="{value}"' in (await http.get(path)).text.split("<head>")[0]
            assert (await http.get("/twin/extract")).json()["who"][name] == value


@pytest.mark.parametrize(("name", "value"), [("text", "900"), ("session", "stolen"), ("", "")])
async def test_nothing_else_can_be_set(http: httpx.AsyncClient, name: str, value: str) -> None:
    answer = await choose(http, name, value)
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers or name not in answer.headers["set-cookie"]


def test_what_a_device_makes_up_counts_as_nothing_chosen() -> None:
    assert look({"text": '150" onload="x', "hand": "left"}) == look({}) | {"hand": "left"}


async def test_only_the_reader_in_its_worker_may_run_webassembly(http: httpx.AsyncClient) -> None:
    assert "wasm" not in POLICY
    reader = await http.get(statics.address("reader.js"))
    assert "'wasm-unsafe-eval'" in reader.headers["content-security-policy"]
    assert "wasm-unsafe-eval" not in (await http.get("/orders")).headers["content-security-policy"]
    assert "static:" not in reader.text, "its parts are named by their addresses"
    for name in ("lib/zxing.js", "lib/zxing.wasm"):
        assert statics.address(name) in reader.text
        assert (await http.get(statics.address(name))).status_code == 200
    binary = await http.get(statics.address("lib/zxing.wasm"))
    assert binary.headers["content-type"] == "application/wasm"
