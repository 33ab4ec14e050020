"""Whoever named another article is not asked whether they take the part of the order that it became."""

from __future__ import annotations

import pytest

from sync.rules.refusals import Why
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_orders import Centre, problems
from tests.kit_replica import MINUTE, Shop

ORDER = "YP-000001"


@pytest.fixture
def shop() -> Shop:
    """A shirt of an order was not found, and its shopper takes jeans: said by Wei, in command C-short."""
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3))
    fence = shop.offer([("TEE-M", 2)], order=ORDER, substitution="allowed")
    shop.ok("accept", fence=fence)
    args = {"fence": fence, "line": 1, "qty": 1, "reason": "not_found", "substitute": "JEANS"}
    assert shop.do("short", "wei", command="C-short", **args).ok
    return shop


def part(shop: Shop, answers: str = "C-short", order: str = ORDER, left: int = 30 * MINUTE) -> int:
    shop.fence += 1
    line = d.OfferLine(1, "JEANS", 1, 2, instead_of="TEE-M")
    until = shop.now + left
    offered = d.Offered(f"{order}-2", order, "shipment", until, (line,), answers=answers)
    shop.decide(offered, shop.fence)
    return shop.fence


def test_the_part_is_accepted_for_them_and_confirmed_like_any_other(shop: Shop) -> None:
    shop.now += 800
    fence = part(shop)
    assert shop.state(fence) == ("accepted", "provisional"), "the centre has the last word, as ever"
    fact, body = shop.last()
    assert (fact.person, fact.device, fact.command, fact.fence) == ("wei", "pda-1", "auto:C-short", fence)
    assert body == f.Accepted()
    assert shop.row(fence)["accepted_by"] == "wei"
    shop.refused(Why.ALREADY_DONE, "accept", fence=fence)
    shop.confirm(fence)
    assert shop.state(fence) == ("accepted", "confirmed")
    shop.ok("decline", fence=shop.offer(), reason="no_time")  # others are answered by people


def test_it_is_said_once_whatever_is_offered_again(shop: Shop) -> None:
    """A centre put back from a backup hears the short pick again, and makes another part of it."""
    part(shop)
    again = part(shop)
    assert shop.state(again)[0] == "offered"
    assert len(shop.facts("accepted")) == 2, "the order's first part, and one for the short pick"


@pytest.mark.parametrize("answers", ["C-none", "c2", ""])
def test_nobody_accepts_what_they_did_not_ask_for(shop: Shop, answers: str) -> None:
    assert shop.state(part(shop, answers))[0] == "offered"


def test_the_short_pick_of_another_order_speaks_for_its_own_alone(shop: Shop) -> None:
    assert shop.state(part(shop, order="YP-000009"))[0] == "offered"


def test_they_are_asked_when_they_may_have_gone_home(shop: Shop) -> None:
    """The line was down: the part comes hours later."""
    shop.now += 30 * MINUTE + 1
    assert shop.state(part(shop))[0] == "offered"


def test_an_offer_that_came_too_late_is_not_accepted_and_nothing_is_in_the_way(shop: Shop) -> None:
    fence = part(shop, left=-1)
    assert shop.state(fence)[0] == "offered"
    assert shop.last()[0].kind == "shorted"


def test_a_person_who_may_not_work_here_any_more_is_not_spoken_for(shop: Shop) -> None:
    shop.db.execute("UPDATE person SET active = 0 WHERE id = 'wei'")
    assert shop.state(part(shop))[0] == "offered"


# -- at the centre


def test_the_centre_says_which_command_it_answers_to_the_store_that_gave_it_and_no_other() -> None:
    c = Centre(3)
    for store in ("S001", "S002", "S003"):
        c.stock(store, "A", 5)
        c.stock(store, "B", 5, share=2)
    c.order(("A", 2), kind="shipment", substitution="allowed")
    store = c.one("SELECT store FROM assignment WHERE fence = 1")
    assert c.told(store, "offered")[0].answers == ""
    c.fact(store, f.Accepted(), fence=1)
    c.fact(store, f.Gave("B", 1))
    c.fact(store, f.Shorted(1, 1, "not_found", sku="A", substitute="B", consent="order"), fence=1)
    command = c.one("SELECT json_extract(raw, '$.c') FROM fact WHERE kind = 'shorted'")
    offered = c.told(store, "offered")[1]
    assert offered.answers == command != ""
    c.fact(store, f.Declined("no_time"), fence=2)
    other = c.one("SELECT store FROM assignment WHERE fence = 3")
    assert other != store
    assert c.told(other, "offered")[-1].answers == ""
    assert c.told(other, "offered")[-1].lines[0].instead_of == "A"
    assert problems(c.tx) == []
