"""Orders through the API: once by external id, where they stand, cancelling, and whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import CentreConfig
from sync.sqlite import writing
from tests.kit_web import KEY, ORDER, STOCK_KEY, api, clock_of, database, new_centre


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(tmp_path)


def orders(config: CentreConfig) -> int:
    with database(config) as db:
        return int(db.execute("SELECT COUNT(*) FROM shop_order").fetchone()[0])


def test_an_order_is_placed_and_the_answer_says_where_it_stands(centre: CentreConfig) -> None:
    with api(centre) as web:
        answer = web.post("/api/v1/orders", json=ORDER)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/orders/{body['order_no']}"
    assert body["channel"] == "shop"
    assert len(body["pickup_code"]) == 6
    (part,) = body["parts"]
    assert (part["state"], part["store"], part["stage"]) == ("offered", "S001", "offered")
    assert part["accept_by"] > body["placed_at"]
    assert part["says"].startswith("offered to Nanjing Road")
    assert [event["kind"] for event in body["history"]] == ["placed", "offered"]


def test_the_same_order_twice_is_one_order(centre: CentreConfig) -> None:
    with api(centre) as web:
        first = web.post("/api/v1/orders", json=ORDER)
        again = web.post("/api/v1/orders", json=ORDER)
    assert again.status_code == 200
    assert again.json()["repeated"] is True
    assert again.json()["order_no"] == first.json()["order_no"]
    assert orders(centre) == 1


def test_the_same_id_with_other_content_is_told_and_changes_nothing(centre: CentreConfig) -> None:
    with api(centre) as web:
        first = web.post("/api/v1/orders", json=ORDER).json()
        answer = web.post("/api/v1/orders", json={**ORDER, "lines": [{"sku": "CAP-NAVY", "qty": 2}]})
        assert answer.status_code == 409
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["type"] == "/problems/order-differs"
        assert "A-1" in answer.json()["title"]
        assert answer.json()["next_step"]
        assert web.get(f"/api/v1/orders/{first['order_no']}").json()["lines"] == first["lines"]
    assert orders(centre) == 1


def test_an_unknown_sku_is_refused_whole_in_the_readers_language(centre: CentreConfig) -> None:
    bad = {**ORDER, "lines": [{"sku": "CAP-NAVY", "qty": 1}, {"sku": "NO-SUCH", "qty": 1}]}
    with api(centre, language="zh-CN,zh;q=0.9,en;q=0.5") as web:
        answer = web.post("/api/v1/orders", json=bad)
    assert answer.status_code == 422
    assert answer.headers["content-language"] == "zh"
    assert "NO-SUCH" in answer.json()["title"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json()["title"])
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json()["next_step"])
    assert orders(centre) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"lines": [{"sku": "CAP-NAVY", "qty": 0}]},
        {"lines": [{"sku": "CAP-NAVY", "qty": 10**9}]},
        {"kind": "teleport"},
        {"lat": 91},
        {"external_id": ""},
        {"channel": "other"},
        {"promised_by": "tomorrow"},
        {"name": "x" * 500},
    ],
)
def test_what_is_not_an_order_is_refused_and_nothing_is_saved(
    centre: CentreConfig, change: dict[str, object]
) -> None:
    with api(centre) as web:
        answer = web.post("/api/v1/orders", json={**ORDER, **change})
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/not-understood"
    assert orders(centre) == 0


def test_an_order_is_read_by_number_and_by_the_channels_own_id(centre: CentreConfig) -> None:
    with api(centre) as web:
        number = web.post("/api/v1/orders", json=ORDER).json()["order_no"]
        by_number = web.get(f"/api/v1/orders/{number}").json()
        by_id = web.get("/api/v1/orders", params={"external_id": "A-1"}).json()
        assert by_number == by_id
        assert web.get("/api/v1/orders/YP-999999").status_code == 404
        assert web.get("/api/v1/orders", params={"external_id": "A-2"}).status_code == 404


def test_another_channels_order_is_as_unknown_as_none(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        db.execute(
            "INSERT INTO channel (code, name, key_hash, scopes, active)"
            " SELECT 'other', 'Other', 'x', scopes, 1 FROM channel WHERE code = 'shop'"
        )
        from server.secret import hash_key

        db.execute("UPDATE channel SET key_hash = ? WHERE code = 'other'", (hash_key("OTHERKEYOTHERKEY"),))
    with api(centre) as web:
        number = web.post("/api/v1/orders", json=ORDER).json()["order_no"]
        theirs = {"authorization": "Bearer OTHERKEYOTHERKEY"}
        assert web.get(f"/api/v1/orders/{number}", headers=theirs).status_code == 404
        assert web.post(f"/api/v1/orders/{number}/cancel", headers=theirs).status_code == 404
        assert web.get("/api/v1/events", headers=theirs).json()["events"] == []
        assert web.get("/api/v1/outbox", headers=theirs).json()["messages"] == []
        # The same external id of another channel is another order.
        assert web.post("/api/v1/orders", json=ORDER, headers=theirs).status_code == 201
    assert orders(centre) == 2


def test_an_order_nobody_owns_is_cancelled_at_once(centre: CentreConfig) -> None:
    with api(centre) as web:
        number = web.post("/api/v1/orders", json=ORDER).json()["order_no"]
        answer = web.post(f"/api/v1/orders/{number}/cancel")
        assert answer.status_code == 200
        assert answer.json()["state"] == "cancelled"
        assert web.get(f"/api/v1/orders/{number}").json()["state"] == "cancelled"
        assert web.post(f"/api/v1/orders/{number}/cancel").json()["state"] == "cancelled"


def test_a_key_does_only_what_its_scopes_say(centre: CentreConfig) -> None:
    with api(centre, key=STOCK_KEY) as web:
        assert web.post("/api/v1/orders", json=ORDER).status_code == 403
        assert web.get("/api/v1/availability", params={"sku": "CAP-NAVY"}).status_code == 403
        assert web.get("/api/v1/events").status_code == 403
    with api(centre, key=KEY) as web:
        stock = web.post("/api/v1/stock?document=1", content="sku\n", headers={"content-type": "text/csv"})
        assert stock.status_code == 403
    assert orders(centre) == 0


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x"])
def test_without_a_known_key_nothing_is_told(centre: CentreConfig, header: str) -> None:
    with api(centre) as web:
        answer = web.get("/api/v1/orders/YP-000001", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["next_step"]


def test_a_withdrawn_key_stops_within_seconds(centre: CentreConfig) -> None:
    with api(centre) as web:
        assert web.get("/api/v1/events").status_code == 200
        with database(centre) as db, writing(db):
            db.execute("UPDATE channel SET active = 0 WHERE code = 'shop'")
        clock_of(centre).now += 6_000
        assert web.get("/api/v1/events").status_code == 401


def test_events_are_read_on_from_where_one_stopped(centre: CentreConfig) -> None:
    with api(centre) as web:
        for n in range(3):
            web.post("/api/v1/orders", json={**ORDER, "external_id": f"E{n}"})
        first = web.get("/api/v1/events", params={"limit": 4}).json()
        rest = web.get("/api/v1/events", params={"after": first["next_after"]}).json()
        assert [event["id"] for event in first["events"] + rest["events"]] == [1, 2, 3, 4, 5, 6]
        assert web.get("/api/v1/events", params={"after": rest["next_after"]}).json()["events"] == []
        messages = web.get("/api/v1/outbox").json()["messages"]
        assert len({message["id"] for message in messages}) == len(messages) == 6


def test_availability_is_the_pool_and_never_a_stores_share(centre: CentreConfig) -> None:
    with api(centre) as web:
        answer = web.get(
            "/api/v1/availability",
            params={"sku": ["TEE-WHITE-M", "X-1", "SET-1", "NO-SUCH"], "by_store": "true"},
        ).json()
    found = {item["sku"]: item for item in answer["items"]}
    assert found["TEE-WHITE-M"]["available"] == 15  # half of 3 × 10, the odd unit is the store's
    assert found["X-1"] == found["TEE-WHITE-M"] | {"sku": "X-1"}
    assert found["SET-1"]["available"] == 7  # two shirts and a cap
    assert found["SET-1"]["stores"] == {"S001": 2, "S002": 2, "S003": 2}
    assert answer["unknown"] == ["NO-SUCH"]


def test_availability_leaves_out_paused_stores_and_what_is_not_found(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        db.execute("UPDATE store SET paused = 1 WHERE code = 'S001'")
        db.execute("UPDATE stock SET suppressed = 1 WHERE store = 'S002' AND sku = 'CAP-NAVY'")
    with api(centre) as web:
        (item,) = web.get("/api/v1/availability", params={"sku": "CAP-NAVY", "by_store": "true"}).json()[
            "items"
        ]
        assert item["stores"] == {"S003": 5}
        assert (
            web.get("/api/v1/availability", params={"sku": "CAP-NAVY", "channel": "other"}).status_code == 403
        )


def test_many_skus_in_one_call_and_a_feed_of_what_changed(centre: CentreConfig) -> None:
    with api(centre) as web:
        many = web.post("/api/v1/availability", json={"skus": ["TEE-WHITE-M", "SET-1", "NO-SUCH"]})
        assert many.status_code == 200
        assert [one["available"] for one in many.json()["items"]] == [15, 7]
        assert many.json()["unknown"] == ["NO-SUCH"]
        start = web.get("/api/v1/availability/changes").json()
        assert start["reread"]
        cursor = {"after": start["next"], "stores": start["stores"]}
        news = web.get("/api/v1/availability/changes", params=cursor)
        assert news.json()["items"] == []
        asked = {"skus": [f"N{n}" for n in range(1_001)], "by_store": True}
        too_many = web.post("/api/v1/availability", json=asked)
        assert too_many.status_code == 400
        assert too_many.json()["next_step"]
        other = web.post("/api/v1/availability", json={"skus": ["CAP-NAVY"], "channel": "other"})
        assert other.status_code == 403
