"""The tills' door: keys, bounds, what is asked and what has happened, files by upload and by folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pwa.app import make_app
from pwa.till import files as till_files
from pwa.till.door import Door
from pwa.till.files import Folder
from pwa.till.keys import BURST, WRONG_KEYS, TillKeys
from pwa.till.openapi import document
from pwa.till.sending import lay
from tests import kit_pwa as kit
from tests.unit.test_pwa_work import CAP, SHIRT, Hand

KEY = {"Authorization": f"Bearer {kit.TILL_KEY}", "X-Till": "T1", "Accept-Language": "en"}
GONE = "2026-11-22T11:00:00+08:00"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path / "replica.db")
    yield node
    node.close()


@pytest.fixture
async def http(node: kit.DemoNode) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(node, store=kit.STORE, secret="kept", till_key=f"{kit.TILL_KEY} T9:key-of-nine")
    door = Door(app, app.state.till_question)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=door), base_url="http://node") as http:
        yield http


def units(node: kit.DemoNode, sku: str = CAP) -> int:
    return int(node.db.execute("SELECT on_hand FROM stock WHERE sku = ?", (sku,)).fetchone()[0])


async def post(http: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    return await http.post(path, json=body, headers=KEY | headers)


async def test_the_question_is_answered_alike_at_the_door_and_behind_it(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    app = make_app(node, store=kit.STORE, secret="kept", till_key=kit.TILL_KEY)
    behind = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node")
    for query in (
        f"code={CAP}&qty=2",
        f"code={kit.gtin_of(4)}",
        "code=NOPE",
        "qty=1",
        f"code={CAP}&qty=0",
        "code=x&qty=9e9",
    ):
        one, two = [await c.get(f"/till/may-sell?{query}", headers=KEY) for c in (http, behind)]
        assert (one.status_code, one.json()) == (two.status_code, two.json()), query
    answer = (await http.get(f"/till/may-sell?code={CAP}", headers=KEY)).json()
    assert (answer["may_sell"], answer["says"], answer["sku"]) == (True, "yes", CAP)
    wrong = await http.get("/till/may-sell?qty=1", headers=KEY | {"Accept-Language": "zh-CN"})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    await behind.aclose()


async def test_a_till_may_have_the_centre_asked_before_it_sells(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    node.grants[CAP] = 12
    assert (await http.get(f"/till/may-sell?code={CAP}&qty=12", headers=KEY)).json()["says"] == "ask"
    asked = await http.get(f"/till/may-sell?code={CAP}&qty=12&ask=1", headers=KEY)
    assert asked.json()["may_sell"] is True


async def test_a_key_with_a_name_speaks_for_its_own_till_only(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    sale = {"sale": "N-1", "rows": [{"code": CAP}]}
    await http.post("/till/sales", json=sale, headers={"Authorization": "Bearer key-of-nine", "X-Till": "T1"})
    assert node.db.execute("SELECT device FROM fact ORDER BY number DESC LIMIT 1").fetchone()[0] == "T9"


def test_keys_are_bounded_and_wrong_ones_do_not_keep_a_right_one_out() -> None:
    now = [0.0]
    keys = TillKeys.read("right", clock=lambda: now[0])
    assert [keys.check("Bearer wrong", "")[0] for _ in range(WRONG_KEYS + 1)] == [401] * WRONG_KEYS + [429]
    assert keys.check("Bearer right", "T1") == (200, "T1", 0)
    for _ in range(BURST - 1):
        assert keys.check("Bearer right", "T1")[0] == 200
    assert keys.check("Bearer right", "T1")[0] == 429
    now[0] = 1.0
    assert keys.check("Bearer right", "not a name")[:2] == (200, "till")
    assert TillKeys.read("").check("Bearer ", "")[0] == 401


async def test_a_sale_that_happened_is_recorded_whatever_the_rules_say(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    node.rows("policy", [("till_mode", {"value": "block"})])
    rows = [{"code": CAP, "qty": 12}, {"code": "4006381333931", "qty": 1}]
    sale = {"sale": "H-1", "rows": rows, "happened": True, "at": GONE}
    first, again = await post(http, "/till/sales", sale), await post(http, "/till/sales", sale)
    assert (first.status_code, again.status_code) == (201, 201)
    assert [one["state"] for one in first.json()["rows"]] == ["booked", "unclear"]
    assert [one["state"] for one in again.json()["rows"]] == ["repeated", "unclear"]
    assert "Nobody knows the code 4006381333931" in first.json()["problems"][-1]["message"]
    assert units(node) == 8
    for at in ("yesterday", "2026-11-22T11:00:00"):
        assert (await post(http, "/till/sales", sale | {"at": at})).status_code == 422


async def test_a_till_that_was_offline_delivers_in_order_and_repeats_harm_nothing(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    queue = [
        ("/till/sales", {"sale": f"O-{n}", "rows": [{"code": CAP}], "happened": True, "at": GONE})
        for n in range(3)
    ]
    queue.append(("/till/voids", {"sale": "O-1", "happened": True, "at": GONE}))
    queue.append(
        ("/till/returns", {"sale": "O-2", "code": CAP, "return_id": "B-1", "happened": True, "at": GONE})
    )
    for _ in range(2):
        for path, body in queue:
            assert (await post(http, path, body)).status_code == 201, path
    assert units(node) == 18
    assert node.db.execute("SELECT hold FROM stock WHERE sku = ?", (CAP,)).fetchone()[0] == 1


async def test_voids_and_exchanges_by_the_api(http: httpx.AsyncClient, node: kit.DemoNode) -> None:
    assert (await post(http, "/till/voids", {"sale": "V-1"})).json()["reason"] == "nothing_to_void"
    await post(http, "/till/sales", {"sale": "V-1", "rows": [{"code": CAP, "qty": 2}]})
    assert (await post(http, "/till/voids", {"sale": "V-1"})).json()["rows"] == [{"sku": CAP, "qty": 2}]
    assert (await post(http, "/till/voids", {"sale": "V-1"})).json()["repeated"] is True
    assert units(node) == 20
    await post(http, "/till/sales", {"sale": "V-2", "rows": [{"code": CAP}]})
    swap = {"sale": "V-3", "rows": [{"code": SHIRT}], "back": [{"code": CAP, "sale": "V-2"}]}
    assert (await post(http, "/till/sales", swap)).status_code == 201
    only_back = {"sale": "V-4", "back": [{"code": CAP, "sale": "V-2"}]}
    assert (await post(http, "/till/sales", only_back)).json()["reason"] == "return_too_many"
    for bad in (
        {"sale": "", "rows": [{"code": CAP}]},
        {"sale": "x" * 41, "rows": [{"code": CAP}]},
        {"sale": "V-5"},
    ):
        assert (await post(http, "/till/sales", bad)).status_code == 422, bad


FILE = f"sale,line,code,qty,at\nF-1,1,{CAP},2,2026-11-22 10:00:00\nF-2,1,{CAP},1,2026-11-22 10:05:00\n"


async def upload(http: httpx.AsyncClient, text: str, **params: str) -> httpx.Response:
    return await http.post(
        "/till/files", content=text.encode(), params={"name": "tag.csv"} | params, headers=KEY
    )


async def test_a_file_is_booked_once_and_overlapping_ones_add_only_what_is_new(
    http: httpx.AsyncClient, node: kit.DemoNode
) -> None:
    first, again = await upload(http, FILE), await upload(http, FILE)
    assert (first.status_code, first.json()["booked"]) == (200, 2)
    assert (again.json()["booked"], again.json()["repeated"]) == (0, 2)
    more = await upload(http, FILE + f"F-3,1,{CAP},1,2026-11-22 10:09:00\nF-4,1,{CAP},x,\n")
    assert (more.status_code, more.json()["booked"], more.json()["repeated"]) == (207, 1, 2)
    assert more.json()["problems"] == [
        {"line": 5, "state": "broken", "message": "x is not a quantity.", "said": f"F-4,1,{CAP},x,"}
    ]
    assert units(node) == 16
    assert (await upload(http, "a,b\n1,2\n")).status_code == 422
    assert (await upload(http, FILE.replace("sale,", "Bon,"), columns="sale=Bon")).json()["repeated"] == 2


async def test_staff_see_what_the_last_file_brought_and_what_failed(node: kit.DemoNode) -> None:
    app = make_app(node, store=kit.STORE, secret="kept", till_key=kit.TILL_KEY)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        hand = await Hand(http, node).sign_in()
        assert "No till file yet" in await hand.see("/till-files")
        await upload(http, FILE + "F-9,1,NOPE,1,2026-11-22 10:00:00\nbroken\n")
        page = await hand.see("/till-files")
        for text in ("tag.csv", "Nobody knows the code NOPE", "The line has 1 columns, the header 5."):
            assert text in page
        assert "tag.csv: 1 lines could not be read, 1 could not be booked." in await hand.see("/notices")
        assert "Till files" in await hand.see("/more")


async def test_what_is_dropped_into_the_folder_is_booked_and_put_away_with_a_report(
    node: kit.DemoNode, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "tills", node, node.new_id)
    for name, text in (("a.csv", FILE), ("b.csv", "nothing,here\n1,2\n"), (".half.csv.part", FILE)):
        (tmp_path / "tills" / "in" / name).write_text(text)
    assert await folder.look(settled_s=60) == 0, "a till may still be writing"
    assert await folder.look(settled_s=0) == 2
    assert units(node) == 17
    done = tmp_path / "tills" / "done"
    assert json.loads((done / "a.csv.report.json").read_text())["booked"] == 2
    assert (tmp_path / "tills" / "failed" / "b.csv").exists()
    source = tmp_path / "a.csv"
    source.write_text(FILE)
    lay(source, tmp_path / "tills")
    assert await folder.look(settled_s=0) == 1
    assert units(node) == 17
    assert (done / "a~2.csv").exists(), "two files of one name are both kept"


async def test_an_import_that_died_in_the_middle_is_finished_by_the_next_one(
    node: kit.DemoNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(till_files, "BITE", 2)
    rows = "".join(f"K-{n},1,{CAP},1,2026-11-22 10:00:00\n" for n in range(7))
    folder = Folder(tmp_path / "tills", node, node.new_id)
    (tmp_path / "tills" / "in" / "k.csv").write_text("sale,line,code,qty,at\n" + rows)
    perform, calls = node.perform, 0

    async def dies(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionAbortedError
        return await perform(*args, **more)

    monkeypatch.setattr(node, "perform", dies)
    with pytest.raises(ConnectionAbortedError):
        await folder.look(settled_s=0)
    assert units(node) == 16
    assert await folder.look(settled_s=0) == 1
    assert units(node) == 13


def test_every_route_of_the_tills_is_described() -> None:
    from pwa.till.api import HANDLERS

    described = set(document()["paths"])
    paths = {path for handler in HANDLERS for path in handler.paths}
    assert described == paths - {"/till/openapi.json"}
    assert set(document()["components"]["schemas"]) >= {
        "Sale",
        "SaleReturn",
        "SaleVoid",
        "Problem",
        "MaySell",
    }


async def test_words_are_in_the_tills_language(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        "/till/voids", json={"sale": "X"}, headers=KEY | {"Accept-Language": "zh-CN,zh;q=0.9"}
    )
    assert answer.json()["detail"] == "本店没有销售单 X，无可作废。"
