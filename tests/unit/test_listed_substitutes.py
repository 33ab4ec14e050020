"""Where an order lists what may come instead of a line, that and nothing else does, line up or down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pwa.app import make_app
from server.link.snapshot import snapshot
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from sync.replica.rebase import rebase
from sync.rules.refusals import Refused, Why
from sync.sqlite import writing
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import SnapAssignment, SnapLine, Snapshot
from tests import kit_pwa as kit
from tests import kit_web as web
from tests.kit_orders import SHOPPER, Centre, problems
from tests.kit_replica import Shop
from tests.unit.test_pwa_work import Hand

# -- what an order may say


@pytest.fixture
def c() -> Centre:
    centre = Centre(2)
    for store in ("S001", "S002"):
        for sku in ("A", "B"):
            centre.stock(store, sku, 5, share=2)
    return centre


def order(c: Centre, *lines: NewLine, substitution: str = "allowed", external_id: str = "L1") -> Any:
    more: dict[str, Any] = SHOPPER | {"substitution": substitution}
    new = NewOrder(channel="web", external_id=external_id, kind="shipment", lines=lines, **more)
    return place(c.tx, new, now=c.now, dice=c.rng.randbytes)


@pytest.mark.parametrize(
    ("lines", "substitution", "said"),
    [
        (
            [NewLine("A", 1), NewLine("B", 1, 0, ("NO-SUCH",))],
            "allowed",
            "Line 2, substitutes: NO-SUCH is not",
        ),
        ([NewLine("A", 1, 0, ("SET",))], "allowed", "Line 1, substitutes: SET cannot stand in for A"),
        ([NewLine("A", 1, 0, ("B", "A"))], "allowed", "Line 1, substitutes: A cannot stand in for A"),
        ([NewLine("SET", 1, 0, ("B",))], "allowed", "Line 1: substitutes are for articles; SET is a bundle"),
        ([NewLine("A", 1, 0, ("B",))], "", "Line 1: substitutes need substitution ask or allowed"),
        ([NewLine("A", 1, 0, ("B",) * 21)], "allowed", "Line 1: at most 20 substitutes"),
    ],
)
def test_a_list_that_cannot_be_kept_is_refused_with_line_and_field(
    c: Centre, lines: list[NewLine], substitution: str, said: str
) -> None:
    c.tx.execute("INSERT INTO sellable (code, name_en, name_zh) VALUES ('SET', 'Set', '套装')")
    c.tx.executemany("INSERT INTO sellable_part (sellable, sku, qty) VALUES ('SET', ?, 1)", [("A",), ("B",)])
    with pytest.raises(Refused) as refused:
        order(c, *lines, substitution=substitution)
    problem = dict(refused.value.refusal.facts["problem"])
    text = problem.pop("say")
    assert said in text.format(**problem)
    assert c.one("SELECT count(*) FROM shop_order") == 0


def test_the_list_is_kept_by_our_codes_told_to_the_store_and_part_of_what_the_order_is(c: Centre) -> None:
    c.tx.execute("INSERT INTO listing (channel, external_sku, sellable) VALUES ('web', 'their-b', 'B')")
    line = NewLine("A", 2, 100, ("their-b", "B"))
    assert not order(c, line).repeated
    assert order(c, line).repeated
    with pytest.raises(Refused) as refused:
        order(c, NewLine("A", 2, 100))
    assert refused.value.refusal.reason is Why.ORDER_DIFFERS
    store = c.one("SELECT store FROM assignment")
    assert c.told(store, "offered")[0].lines[0].substitutes == ("B",)
    [turn] = snapshot(c.tx, store, now=c.now).assignments
    assert turn.lines[0].substitutes == ("B",)


# -- what the centre makes of a short pick


@pytest.mark.parametrize(("listed", "comes"), [(("B",), "B"), (("X",), "A"), ((), "B")])
def test_what_is_not_on_the_list_is_looked_for_elsewhere(
    c: Centre, listed: tuple[str, ...], comes: str
) -> None:
    """An older box, or one that heard of it late, names what the shopper did not list."""
    c.stock("S001", "X", 1)
    placed = order(c, NewLine("A", 1, 100, listed))
    store = c.one("SELECT store FROM assignment")
    c.fact(store, f.Accepted(), fence=1)
    c.fact(store, f.Gave("B", 1))
    c.fact(store, f.Shorted(1, 1, "not_found", sku="A", substitute="B", consent="order"), fence=1)
    assert c.one("SELECT sku FROM fulfilment_line WHERE fo = ?", f"{placed.order_no}-2") == comes
    if comes == "B":
        told = c.told(store, "offered")[-1].lines[0]
        assert (told.instead_of, told.substitutes) == ("A", listed), (
            "the list holds for what stands in as well"
        )
    assert problems(c.tx) == []


# -- in the store


@pytest.fixture
def shop() -> Shop:
    """The line is down, and a shirt may be replaced by socks or jeans, by nothing else."""
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3), SOCKS=(6, 3), WATCH=(2, 1))
    shop.fence = 1
    line = d.OfferLine(1, "TEE-M", 2, 1, substitutes=("SOCKS", "JEANS"))
    until = shop.now + 1_800_000
    shop.decide(d.Offered("YP-1-1", "YP-1", "shipment", until, (line,), substitution="allowed"), 1)
    shop.ok("accept", fence=1)
    shop.line_up = False
    return shop


SHORT: dict[str, Any] = {"fence": 1, "line": 1, "qty": 1, "reason": "not_found"}


def test_only_what_is_listed_may_be_named_with_the_line_down_too(shop: Shop) -> None:
    facts = shop.refused(Why.NOT_LISTED, "short", **SHORT, substitute="WATCH")
    assert (facts["found_sku"], facts["item"]["en"]) == ("WATCH", "T-shirt M")
    assert not shop.facts("gave")
    shop.ok("short", **SHORT, substitute="036000291452")
    assert [body.substitute for _, body in shop.facts("shorted") if isinstance(body, f.Shorted)] == ["JEANS"]


def test_a_tap_in_the_list_names_it_and_a_scan_besides_has_to_be_the_same(shop: Shop) -> None:
    facts = shop.refused(Why.WRONG_ITEM, "short", **SHORT, substitute="JEANS", chosen="SOCKS")
    assert (facts["found_sku"], facts["wanted_sku"]) == ("JEANS", "SOCKS")
    shop.refused(Why.NOT_LISTED, "short", **SHORT, chosen="WATCH")
    shop.ok("short", **SHORT, chosen="SOCKS")
    shop.ok("short", **SHORT, chosen="JEANS", substitute="JEANS")
    assert [body.sku for _, body in shop.facts("gave") if isinstance(body, f.Gave)] == ["SOCKS", "JEANS"]


def test_a_box_that_starts_anew_has_the_list(shop: Shop) -> None:
    line = SnapLine(1, "TEE-M", 2, substitutes=("SOCKS",))
    turn = SnapAssignment(1, "YP-1-1", "YP-1", "shipment", 1, shop.now, (line,), substitution="allowed")
    with writing(shop.db):
        told = Snapshot(store="S001", made_at=shop.now, decisions=9, facts=9, assignments=(turn,))
        rebase(shop.db, told, shop.context("node", command="auto:r"))
    assert json.loads(shop.db.execute("SELECT substitutes FROM assignment_line").fetchone()[0]) == ["SOCKS"]


# -- on the page


@pytest.fixture
async def hand(tmp_path: Path) -> AsyncIterator[Hand]:
    node = kit.store(tmp_path / "replica.db")
    shirt, cap, bag = (kit.GOODS[n][0] for n in (0, 4, 5))
    line = d.OfferLine(1, shirt, 2, 1, substitutes=(cap, bag, "SKU-TO-COME"))
    body = d.Offered("F-1", "YP-1", "shipment", node.now + kit.MIN, (line,), substitution="allowed")
    node.decide(body, 1)
    node.do("accept", fence=1)
    node.do("start_wave", fences=[1])
    node.db.execute("UPDATE stock SET suppressed = 1 WHERE sku = ?", (bag,))
    app: Any = make_app(node, store=kit.STORE, secret="kept")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://node") as http:
        yield await Hand(http, node).sign_in()


async def test_the_page_lists_them_with_shelf_and_number_and_a_tap_is_enough(hand: Hand) -> None:
    cap, bag = kit.GOODS[4][0], kit.GOODS[5][0]
    wave = kit.wave_of(hand.node, 1)
    page = (await hand.http.get(f"/waves/{wave}/instead?fence=1&line=1")).text
    assert f'name="chosen" value="{cap}">' in page
    assert f'name="chosen" value="{bag}" disabled>' in page, "not to be given before it is counted"
    assert 'name="chosen" value="SKU-TO-COME" disabled>' in page
    seen = await hand.see(f"/waves/{wave}/instead?fence=1&line=1")
    assert f"Wool cap, grey One size {cap} {kit.GOODS[4][5]} · 10 to give" in seen
    nothing = await hand.send(f"/waves/{wave}/instead", fence=1, line=1, qty=1, reason="not_found")
    assert "Scan what comes instead first." in nothing.text
    tap = {"fence": 1, "line": 1, "qty": 1, "reason": "not_found", "chosen": cap, "substitute": ""}
    done = await hand.send(f"/waves/{wave}/instead", **tap)
    assert done.headers["x-outcome"] == "ok"
    raw = hand.node.db.execute("SELECT raw FROM fact WHERE kind = 'shorted'").fetchone()[0]
    told = f.body_of(msgspec.json.decode(raw, type=f.Fact))
    assert isinstance(told, f.Shorted)
    assert told.substitute == cap


# -- over the centre's door


def test_a_shop_sends_the_list_and_reads_it_back(tmp_path: Path) -> None:
    centre = web.new_centre(tmp_path)
    line = {"sku": "TEE-WHITE-M", "qty": 1, "substitutes": ["COAT-CAMEL-L"]}
    body = {**web.ORDER, "lines": [line], "substitution": "ask"}
    with web.api(centre) as shop:
        wrong = {**body, "lines": [{**line, "substitutes": ["NO-SUCH"]}]}
        refused = shop.post("/api/v1/orders", json=wrong)
        assert refused.status_code == 422
        assert "Line 1, substitutes: NO-SUCH is not known." in refused.text
        number = shop.post("/api/v1/orders", json=body).json()["order_no"]
        [read] = shop.get(f"/api/v1/orders/{number}").json()["lines"]
        assert read["substitutes"] == ["COAT-CAMEL-L"]
    with web.client(centre) as page:
        web.sign_in(page)
        assert "or COAT-CAMEL-L" in page.get(f"/orders/{number}").text
