"""Catalogue and stock files: good lines are kept, bad ones named, nothing lost, nothing booked twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.config import CentreConfig
from server.people.load import load_channels
from sync.sqlite import writing
from tests.kit_web import STOCK_KEY, api, database, new_centre

CSV = {"content-type": "text/csv; charset=utf-8"}


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(tmp_path)


def on_hand(config: CentreConfig, store: str, sku: str) -> int:
    with database(config) as db:
        row = db.execute("SELECT on_hand FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
        return int(row[0]) if row else 0


def test_a_broken_csv_line_costs_itself_and_is_named(centre: CentreConfig) -> None:
    file = 'sku,name_en,price_fen\nNEW-1,One,100\nNEW-2,"Two,200\nNEW-3,Three,many\nNEW-4,Four,400\n'
    with api(centre, STOCK_KEY) as web:
        answer = web.put("/api/v1/catalogue/items", content=file, headers=CSV)
    body = answer.json()
    assert answer.status_code == 207
    assert (body["good"], body["bad"]) == (2, 2)
    assert [error["line"] for error in body["errors"]] == [3, 4]
    assert "never closed" in body["errors"][0]["message"]
    with database(centre) as db:
        found = {row[0] for row in db.execute("SELECT sku FROM item WHERE sku LIKE 'NEW%'")}
    assert found == {"NEW-1", "NEW-4"}


def test_line_errors_speak_the_readers_language(centre: CentreConfig) -> None:
    with api(centre, STOCK_KEY, language="zh") as web:
        body = web.put("/api/v1/catalogue/items", content="sku,name_en\nA,\n", headers=CSV).json()
    assert body["good"] == 0
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body["errors"][0]["message"])
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body["says"])


def test_json_and_csv_do_the_same_and_post_does_what_put_does(centre: CentreConfig) -> None:
    rows = [{"sku": "J-1", "name_en": "Jay", "price_fen": 5}]
    with api(centre, STOCK_KEY) as web:
        assert web.post("/api/v1/catalogue/items", json=rows).json()["good"] == 1
        assert web.put("/api/v1/catalogue/items", json={"items": rows}).status_code == 200
        bundle = web.put(
            "/api/v1/catalogue/bundles", json=[{"code": "B-1", "name": "B", "parts": [["J-1", 2]]}]
        )
        assert bundle.json()["good"] == 1


def test_a_file_without_one_good_line_is_422_and_changes_nothing(centre: CentreConfig) -> None:
    with api(centre, STOCK_KEY) as web:
        answer = web.post(
            "/api/v1/stock?document=D1", content="store,sku,qty\nS001,NOPE,1\nNOPE,CAP-NAVY,1\n", headers=CSV
        )
    assert answer.status_code == 422
    assert [error["line"] for error in answer.json()["errors"]] == [2, 3]
    assert on_hand(centre, "S001", "CAP-NAVY") == 10


def test_a_stock_document_is_booked_once(centre: CentreConfig) -> None:
    rows = [{"store": "S001", "sku": "CAP-NAVY", "qty": 5}]
    with api(centre, STOCK_KEY) as web:
        assert web.post("/api/v1/stock?document=D7", json=rows).json()["good"] == 1
        again = web.post("/api/v1/stock?document=D7", json=rows).json()
    assert again["repeated"] is True
    assert on_hand(centre, "S001", "CAP-NAVY") == 15


def test_stock_without_a_document_number_is_refused(centre: CentreConfig) -> None:
    with api(centre, STOCK_KEY) as web:
        assert web.post("/api/v1/stock", json=[]).status_code == 400
        answer = web.post("/api/v1/stock?document=%20", json=[])
        assert answer.json()["type"] == "/problems/document-wanted"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"a,b", "application/pdf", 415),
        (b"{", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"\xff\xfe\n\xff", "text/csv", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"sku\n" + b'"' * 1001, "text/csv", 422),
    ],
)
def test_rubbish_has_a_clear_answer(centre: CentreConfig, body: bytes, kind: str, status: int) -> None:
    with api(centre, STOCK_KEY) as web:
        answer = web.put("/api/v1/catalogue/items", content=body, headers={"content-type": kind})
    assert answer.status_code == status, answer.text[:300]
    found = answer.json()
    assert found.get("next_step") or found["errors"]


def test_an_unknown_part_of_the_catalogue_names_the_known_ones(centre: CentreConfig) -> None:
    with api(centre, STOCK_KEY) as web:
        answer = web.put("/api/v1/catalogue/prices", json=[])
    assert answer.status_code == 404
    assert "bundles" in answer.json()["next_step"]


def test_a_file_larger_than_an_order_may_be_is_taken_up_to_its_own_limit(centre: CentreConfig) -> None:
    rows = [{"sku": f"BIG-{n}", "name_en": "x" * 300} for n in range(27_000)]
    body = json.dumps(rows).encode()
    assert len(body) > centre.max_body
    with api(centre, STOCK_KEY) as web:
        answer = web.put(
            "/api/v1/catalogue/items", content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code == 200
    assert answer.json()["good"] == 27_000


def test_views_are_uploaded_by_a_key_of_their_own_scope_and_hold_at_once(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        load_channels(db, [{"code": "plm", "key": "KEYOFTHEPLANNERSOFALLTESTS", "scopes": "views"}])
    file = (
        "channel,sku,store,safety_stock,threshold,quota,days\n"
        "shop,TEE-*,,2,,,\n"
        "shop,CAP-NAVY,,,,5,7\n"
        "shop,CAP-NAVY,S001,1,,9,\n"
        "nowhere,*,,1,,,\n"
    )
    with api(centre) as shop, api(centre, "KEYOFTHEPLANNERSOFALLTESTS") as planner:
        asked = "/api/v1/availability?sku=TEE-WHITE-M&sku=CAP-NAVY"
        before = {one["sku"]: one["available"] for one in shop.get(asked).json()["items"]}
        assert shop.put("/api/v1/views", content=file, headers=CSV).status_code == 403
        body = planner.put("/api/v1/views", content=file, headers=CSV).json()
        after = {one["sku"]: one["available"] for one in shop.get(asked).json()["items"]}
    assert (body["good"], [error["line"] for error in body["errors"]]) == (2, [4, 5])
    assert "all stores together" in body["errors"][0]["message"]
    assert before == {"TEE-WHITE-M": 15, "CAP-NAVY": 15}
    assert after == {"TEE-WHITE-M": 9, "CAP-NAVY": 5}
    with database(centre) as db:
        assert {row[0] for row in db.execute("SELECT person FROM channel_view")} == {"plm"}
