"""A new handheld: one code, one winner, its own secret; a lost one is out at once."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from litestar import Litestar

from pwa.app import make_app
from pwa.cli import main
from pwa.doctor import examine
from sync.replica import handhelds
from sync.replica.handhelds import read_code
from sync.rules.refusals import Why
from tests import kit_pwa as kit


@pytest.fixture
def node(tmp_path: Path) -> kit.DemoNode:
    return kit.store(tmp_path / "replica.db")


@pytest.fixture
def app(node: kit.DemoNode) -> Litestar:
    return make_app(node, store=kit.STORE, secret="kept")


@asynccontextmanager
async def browser(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://box.store", headers={"accept": "text/html"}
    ) as http:
        await http.get("/sign-in")
        await http.get("/start")
        yield http


async def send(http: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await http.post(path, data={**fields, "_csrf_token": http.cookies["csrftoken"]})


async def sign_in(http: httpx.AsyncClient, person: str = "p1") -> httpx.Response:
    return await send(http, "/sign-in", person=person, pin=kit.LEAD_PIN if person == "p3" else kit.PIN)


async def code_of(lead: httpx.AsyncClient, name: str = "Till 2") -> str:
    shown = await send(lead, "/devices/code", name=name)
    assert shown.status_code == 200, shown.text
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", shown.text)
    assert found
    return found[0]


async def test_a_new_handheld_is_at_work_after_a_code_and_a_pin(app: Litestar, node: kit.DemoNode) -> None:
    async with browser(app) as lead, browser(app) as new:
        await sign_in(lead, "p3")
        code = await code_of(lead)
        begun = await send(new, "/start", code=f"http://box.store/start?code=S001.{code.replace('-', '')}")
        assert (begun.status_code, begun.headers["location"]) == (303, "/sign-in?next=/start/ready")
        signed = await send(new, "/sign-in", person="p1", pin=kit.PIN, next="/start/ready")
        assert signed.headers["location"] == "/start/ready"
        ready = await new.get("/start/ready")
        assert "This handheld is Till 2" in ready.text
        listing = await lead.get("/devices")
        assert "Till 2" in listing.text
        assert "Lin, today" in listing.text
        row = node.db.execute("SELECT * FROM handheld WHERE name = 'Till 2'").fetchone()
        assert row["id"] == new.cookies["device"]
        assert new.cookies["device_key"] not in str(dict(row)), "only a hash of its secret is kept"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("abcd-efgh", ("", "ABCDEFGH")),
        (" O1L2 3456 ", ("", "01123456")),
        ("S002.ABCDEFGH", ("S002", "ABCDEFGH")),
        ("https://10.0.0.9:8081/start?code=S001.ABCDEFGH\n", ("S001", "ABCDEFGH")),
        ("", ("", "")),
    ],
)
def test_a_code_is_read_from_whatever_a_scanner_or_a_person_makes_of_it(
    text: str, means: tuple[str, str]
) -> None:
    assert read_code(text) == means


def invited(node: kit.DemoNode, code: str, person: str = "p3") -> None:
    with kit.sqlite.writing(node.db):
        handhelds.invite(node.db, code, name="New", person=person, now=node.now)


def tried(node: kit.DemoNode, text: str, device: str = "HAAAAAA") -> Why | None:
    with kit.sqlite.writing(node.db):
        begun = handhelds.begin(node.db, text, store=kit.STORE, device=device, key="k", now=node.now)
    return Why(begun.refusal.reason) if begun.refusal else None


def test_of_two_handhelds_on_one_code_one_has_it(node: kit.DemoNode) -> None:
    invited(node, "ABCDEFGH")
    assert [tried(node, "ABCDEFGH", "HAAAAAA"), tried(node, "ABCDEFGH", "HBBBBBB")] == [
        None,
        Why.START_CODE_USED,
    ]
    assert [row[0] for row in node.db.execute("SELECT id FROM handheld")] == ["HAAAAAA"]


def test_a_code_ends_by_time_by_wrong_tries_and_at_another_store(node: kit.DemoNode) -> None:
    invited(node, "ABCDEFGH")
    assert tried(node, "S002.ABCDEFGH") is Why.START_CODE_ELSEWHERE
    node.now += handhelds.LIFE_MS - 1
    wrong = [tried(node, f"ZZZZZZZ{n}") for n in range(handhelds.TRIES)]
    assert wrong == [Why.START_CODE_UNKNOWN] * handhelds.TRIES
    assert tried(node, "ABCDEFGH") is Why.START_CODE_OVER, "guessing at one code ends it"
    invited(node, "HGFEDCBA")
    node.now += handhelds.LIFE_MS
    assert tried(node, "HGFEDCBA") is Why.START_CODE_OVER
    assert node.db.execute("SELECT count(*) FROM handheld").fetchone()[0] == 0


def test_a_new_code_of_the_same_lead_ends_the_one_before(node: kit.DemoNode) -> None:
    invited(node, "ABCDEFGH")
    invited(node, "HGFEDCBA")
    assert tried(node, "ABCDEFGH") is Why.START_CODE_UNKNOWN
    assert tried(node, "HGFEDCBA") is None


async def test_only_a_lead_makes_codes_and_the_line_is_not_needed(app: Litestar, node: kit.DemoNode) -> None:
    node.up = False
    async with browser(app) as lead, browser(app) as other:
        await sign_in(lead, "p3")
        await code_of(lead)
        await sign_in(other)
        for path in ("/devices", "/devices/add", f"/devices/{other.cookies['device']}"):
            assert "Only the store lead" in (await other.get(path)).text
        assert (await send(other, "/devices/code", name="Mine")).status_code == 404
        assert node.db.execute("SELECT count(*) FROM handheld_code WHERE name = 'Mine'").fetchone()[0] == 0
        await send(other, f"/devices/{lead.cookies['device']}/end")
        assert (await lead.get("/devices")).status_code == 200, "nobody else can end a handheld"


async def test_an_ended_handheld_is_out_with_the_next_tap_and_stays_out(
    app: Litestar, node: kit.DemoNode
) -> None:
    async with browser(app) as lead, browser(app) as lost:
        await sign_in(lead, "p3")
        code = await code_of(lead)
        await send(lost, "/start", code=code)
        await sign_in(lost)
        assert (await lost.get("/orders")).status_code == 200
        node.up = False
        await send(lead, f"/devices/{lost.cookies['device']}/end")
        assert (await lost.get("/orders", headers={"hx-request": "true"})).status_code == 401
        again = await sign_in(lost)
        assert again.status_code == 401
        assert "reported lost" in again.text
        # A new code of the lead sets it up again, under its old id.
        await send(lost, "/start", code=await code_of(lead, "Back again"))
        assert (await sign_in(lost)).status_code == 303


async def test_where_only_listed_handhelds_may_others_are_led_to_the_start_page(
    app: Litestar, node: kit.DemoNode
) -> None:
    async with browser(app) as lead, browser(app) as stranger, browser(app) as copier:
        await sign_in(lead, "p3")
        code = await code_of(lead)
        node.rows("policy", [("handhelds:S001", {"value": "listed"})])
        assert (await stranger.get("/sign-in")).headers["location"] == "/start"
        refused = await sign_in(stranger)
        assert (refused.status_code, "not a handheld of the store" in refused.text) == (401, True)
        await send(stranger, "/start", code=code)
        assert (await sign_in(stranger)).status_code == 303
        # Its id alone, which every fact names, is no key.
        copier.cookies.set("device", stranger.cookies["device"])
        assert (await sign_in(copier)).status_code == 401


async def test_nobody_works_under_the_id_of_a_listed_handheld_without_its_key(
    app: Litestar, node: kit.DemoNode
) -> None:
    async with browser(app) as lead, browser(app) as real, browser(app) as copier:
        await sign_in(lead, "p3")
        await send(real, "/start", code=await code_of(lead))
        copier.cookies.set("device", real.cookies["device"], domain="box.store")
        await sign_in(copier)
        devices = [row[0] for row in node.db.execute("SELECT device FROM web_session ORDER BY opened_at")]
        assert real.cookies["device"] not in devices


def test_the_first_handheld_is_set_up_from_the_box_itself(node: kit.DemoNode, tmp_path: Path) -> None:
    def shell(*words: str) -> str:
        ran = CliRunner().invoke(main, ["handheld", *words], env={"YIPAN_DATA": str(tmp_path)})
        assert ran.exit_code == 0, ran.output
        return ran.output

    def judged() -> list[str]:
        found = examine(tmp_path, store="", centre="", url="http://127.0.0.1:9", translate=str)
        return [check.state for check in found if check.name == "handhelds"]

    assert judged() == []
    node.rows("policy", [("handhelds", {"value": "listed"})])
    assert judged() == ["bad"], "nobody could sign in, and the doctor says so"
    node.now = time.time_ns() // 1_000_000
    told = shell("add", "Counter", "--address", "http://10.0.0.9:8081")
    code = re.search(r"code=(S001\.[0-9A-Z]{8})", told)
    assert code
    assert tried(node, code[1]) is None
    assert judged() == ["ok"]
    assert [row["name"] for row in json.loads(shell("list", "--json"))] == ["Counter"]
    shell("end", "HAAAAAA")
    assert judged() == ["bad"]
    assert CliRunner().invoke(main, ["handheld", "end", "HNOBODY", "--data", str(tmp_path)]).exit_code == 1


async def test_the_app_can_be_installed_in_both_languages(app: Litestar) -> None:
    async with browser(app) as http:
        for language, name in (("en", "yipan store"), ("zh", "一盘货 门店")):
            found = (await http.get(f"/app/{language}.webmanifest")).json()
            assert (found["name"], found["display"], found["id"]) == (name, "standalone", "/")
            purposes = {(icon.get("sizes"), icon.get("purpose")) for icon in found["icons"]}
            assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= purposes
            for icon in found["icons"]:
                assert (await http.get(icon["src"])).status_code == 200
        assert (await http.get("/app/xx.webmanifest")).status_code == 404
        picture = await http.get("/app/icon-512.png")
        assert picture.content.startswith(b"\x89PNG")
