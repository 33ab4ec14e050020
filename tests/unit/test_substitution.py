"""Another article instead of a missing one: with consent, of the store's own, as a part of the order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pwa.app import make_app
from server.link.snapshot import snapshot
from server.orders.parts import stand_in
from sync.rules.refusals import Refused, Why
from sync.sqlite import writing
from sync.wire import facts as f
from tests import kit_pwa as kit
from tests import kit_web as web
from tests.kit_orders import Centre, problems
from tests.kit_replica import Shop

# -- in the store


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3), WATCH=(2, 1))
    return shop


def test_with_the_orders_consent_the_store_gives_of_its_own_and_says_what_comes_instead(shop: Shop) -> None:
    fence = shop.offer([("TEE-M", 3)], substitution="allowed")
    shop.ok("accept", fence=fence)
    shop.line_up = False
    shop.ok("short", fence=fence, line=1, qty=2, reason="not_found", substitute="JEANS", agreed_by="x")
    gave, shorted = (body for _, body in shop.facts("gave") + shop.facts("shorted"))
    assert gave == f.Gave("JEANS", 2)
    assert shorted == f.Shorted(1, 2, "not_found", sku="TEE-M", substitute="JEANS", consent="order"), (
        "nobody was asked, so nobody is named"
    )
    assert shop.units("JEANS")["share"] == 1, "the units are the pool's from now on, whoever gets them"


def test_a_shopper_who_wants_to_be_asked_is_named(shop: Shop) -> None:
    fence = shop.offer([("TEE-M", 1)], kind="pickup", substitution="ask")
    shop.ok("accept", fence=fence)
    short: dict[str, Any] = {
        "fence": fence,
        "line": 1,
        "qty": 1,
        "reason": "not_found",
        "substitute": "JEANS",
    }
    shop.refused(Why.CONSENT_WANTED, "short", **short)
    assert not shop.facts("gave")
    shop.ok("short", **short, agreed_by="Ms Wang, by phone")
    told = shop.facts("shorted")[0][1]
    assert isinstance(told, f.Shorted)
    assert told.agreed_by == "Ms Wang, by phone"


@pytest.mark.parametrize(
    ("mode", "wanted", "reason", "why"),
    [
        ("", "JEANS", "not_found", Why.NO_SUBSTITUTE),
        ("allowed", "TEE-M", "not_found", Why.NO_SUBSTITUTE),
        ("allowed", "JEANS", "shopper_cancelled", Why.NO_SUBSTITUTE),
        ("allowed", "NO-SUCH", "not_found", Why.UNKNOWN_CODE),
        ("allowed", "WATCH", "not_found", Why.NO_SHARE),
    ],
)
def test_nothing_is_given_without_consent_or_beyond_the_stores_own(
    shop: Shop, mode: str, wanted: str, reason: str, why: Why
) -> None:
    fence = shop.offer([("TEE-M", 2)], substitution=mode)
    shop.ok("accept", fence=fence)
    shop.refused(why, "short", fence=fence, line=1, qty=2, reason=reason, substitute=wanted)
    assert not shop.facts("gave")
    assert not shop.facts("shorted")


# -- at the centre


@pytest.fixture
def c() -> Centre:
    centre = Centre(3)
    for store in ("S001", "S002", "S003"):
        centre.stock(store, "A", 5)
    centre.stock("S001", "B", 2, share=2)
    centre.stock("S002", "B", 5)
    return centre


def instead(c: Centre, qty: int = 1, **more: Any) -> None:
    c.fact("S001", f.Gave("B", qty))
    given = {"substitute": "B", "consent": "order"} | more
    c.fact("S001", f.Shorted(1, qty, "not_found", sku="A", **given), fence=1)


def test_the_substitute_is_a_part_of_the_order_with_a_turn_of_its_own_where_it_lies(c: Centre) -> None:
    placed = c.order(("A", 2), kind="pickup", pickup_store="S001", substitution="allowed")
    assert c.told("S001", "offered")[0].substitution == "allowed"
    c.fact("S001", f.Accepted(), fence=1)
    instead(c)
    number = placed.order_no
    assert c.rows("SELECT line, sellable, qty, instead_of FROM shop_order_line ORDER BY line") == [
        (1, "A", 2, 0), (2, "B", 1, 1),
    ]  # fmt: skip
    assert c.fo(f"{number}-2") == ("offered", "S001", 2)
    offered = c.told("S001", "offered")[1].lines
    assert [(line.sku, line.instead_of) for line in offered] == [("B", "A")], "the store is told what for"
    assert c.told("S001", "offered")[0].lines[0].instead_of == ""
    turns = {
        turn.order: turn.lines for turn in snapshot(c.tx, "S001", now=c.now).assignments if turn.fence == 2
    }
    assert turns[number][0].instead_of == "A", "and again, should it have to start anew"
    assert c.pool("S001") == (5, 2 - 1, 4), "the missing one is free again, though suppressed"
    assert c.pool("S001", "B") == (2, 1, 0), "promised from what the store gave; the other is its own still"
    told = json.loads(c.one("SELECT data FROM event WHERE kind = 'substituted'"))
    assert (told["line"], told["substitute"], told["qty"], told["part"]) == (1, "B", 1, f"{number}-2")
    assert (told["consent"], told["asked_by"], told["asked_at"]) == ("order", "lin", c.now)
    assert c.one("SELECT count(*) FROM outgoing WHERE kind = 'substituted'") == 1, "the shop is told"
    for fence in (1, 2):
        c.work("S001", fence)
        c.fact("S001", f.HandedOver(c.everything(fence), proof="code"), fence=fence)
    assert c.one("SELECT state FROM shop_order") == "done"
    assert problems(c.tx) == []


def test_everything_missing_and_replaced_leaves_the_order_open_for_the_substitute(c: Centre) -> None:
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001", substitution="ask")
    c.fact("S001", f.Accepted(), fence=1)
    instead(c, consent="asked", agreed_by="Li Wang")
    assert c.fo(placed.parts[0].fo)[0] == "cancelled"
    assert c.one("SELECT state FROM shop_order") == "open"
    c.fact("S001", f.Declined("no_time"), fence=2)
    assert c.pool("S001", "B") == (2, 0, 1), "given up: the unit is the pool's, nothing hangs on the old line"
    assert problems(c.tx) == []


@pytest.mark.parametrize(
    ("mode", "more"),
    [("", {}), ("ask", {}), ("ask", {"consent": "asked"}), ("allowed", {"substitute": "UNKNOWN"})],
)
def test_what_the_order_did_not_agree_to_is_looked_for_elsewhere(
    c: Centre, mode: str, more: dict[str, Any]
) -> None:
    kind = {"kind": "pickup", "pickup_store": "S001"} if mode == "ask" else {}
    placed = c.order(("A", 2), substitution=mode, **kind)
    c.fact("S001", f.Accepted(), fence=1)
    instead(c, **more)
    assert c.rows("SELECT line FROM shop_order_line") == [(1,)]
    assert c.one("SELECT sku FROM fulfilment_line WHERE fo = ?", f"{placed.order_no}-2") == "A"
    assert "substituted" not in c.events(placed.order_no)
    assert problems(c.tx) == []


def test_a_turn_that_moved_meanwhile_replaces_nothing(c: Centre) -> None:
    """The line was down; the order is another store's by now, which has the article."""
    c.order(("A", 1), substitution="allowed")
    c.later(31 * 60_000)
    assert c.fo("YP-000001-1") == ("offered", "S002", 2)
    c.fact("S001", f.Accepted(), fence=1)
    instead(c)
    assert c.rows("SELECT line FROM shop_order_line") == [(1,)]
    assert c.pool("S001", "B") == (2, 0, 1), "what was given stays the pool's"
    assert problems(c.tx) == []


def test_only_the_shopper_of_a_pickup_can_be_asked(c: Centre) -> None:
    for mode, kind in (("ask", "shipment"), ("perhaps", "pickup")):
        with pytest.raises(Refused):
            c.order(("A", 1), kind=kind, pickup_store="S001", substitution=mode)


def test_an_order_from_before_is_known_again_after_the_upgrade(c: Centre) -> None:
    c.order(("A", 1), external_id="X")
    before = "ff905579742ab555bf0b4370b5f24453"  # as the release without substitution wrote it
    assert c.one("SELECT fingerprint FROM shop_order") == before
    assert c.order(("A", 1), external_id="X").repeated
    with pytest.raises(Refused):
        c.order(("A", 1), external_id="X", substitution="allowed")


# -- on the handheld


async def test_the_page_says_whether_something_may_come_instead_and_does_it(tmp_path: Path) -> None:
    node = kit.store(tmp_path / "replica.db")
    shirt, jeans = kit.GOODS[0][0], kit.GOODS[2][0]
    node.accepted(13, [(shirt, 2)])
    node.do("start_wave", fences=[13])
    wave = kit.wave_of(node, 13)
    app: Any = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        await http.get("/sign-in")
        form = {"person": "p1", "pin": kit.PIN, "_csrf_token": http.cookies["csrftoken"]}
        await http.post("/sign-in", data=form)
        assert (
            f"/waves/{wave}/instead?fence=13&amp;line=1"
            in (await http.get(f"/waves/{wave}/short?fence=13&line=1")).text
        )
        page = (await http.get(f"/waves/{wave}/instead?fence=13&line=1")).text
        assert "has not agreed to another article" in page
        assert "Who agreed" not in page
        node.db.execute("UPDATE assignment SET substitution = 'ask' WHERE fence = 13")
        assert "Who agreed" in (await http.get(f"/waves/{wave}/instead?fence=13&line=1")).text
        asked = {
            "fence": "13", "line": "1", "qty": "1", "reason": "not_found", "substitute": kit.gtin_of(2),
            "_csrf_token": http.cookies["csrftoken"], "command": "C0000000001",
        }  # fmt: skip
        refused = await http.post(f"/waves/{wave}/instead", data=asked)
        assert refused.status_code == 409
        assert "wants to be asked first" in refused.text
        done = await http.post(
            f"/waves/{wave}/instead", data=asked | {"command": "C0000000002", "agreed_by": "Li Wang"}
        )
        assert done.headers["x-outcome"] == "ok"
    raw = node.db.execute("SELECT raw FROM fact WHERE kind = 'shorted'").fetchone()[0]
    told = f.body_of(msgspec.json.decode(raw, type=f.Fact))
    assert told == f.Shorted(
        1, 1, "not_found", sku=shirt, substitute=jeans, consent="asked", agreed_by="Li Wang"
    )
    node.close()


# -- over the centre's doors


def test_a_shop_says_it_with_the_order_and_sees_what_stood_in(tmp_path: Path) -> None:
    centre = web.new_centre(tmp_path)
    with web.api(centre) as shop:
        for mode, kind, status in (
            ("perhaps", "pickup", 400),
            ("ask", "shipment", 422),
            ("ask", "pickup", 201),
        ):
            order = {**web.ORDER, "kind": kind, "substitution": mode, "address": "1 Bund"}
            assert shop.post("/api/v1/orders", json=order).status_code == status, mode
        number = shop.get("/api/v1/orders", params={"external_id": web.ORDER["external_id"]}).json()[
            "order_no"
        ]
        with web.database(centre) as db, writing(db):
            stand_in(db, number, 1, "COAT-CAMEL-L", 1, web.NOON)
        lines = shop.get(f"/api/v1/orders/{number}").json()["lines"]
        assert [line["instead_of"] for line in lines][-2:] == [0, 1]
    with web.client(centre) as page:
        web.sign_in(page)
        assert "instead of line 1" in page.get(f"/orders/{number}").text
