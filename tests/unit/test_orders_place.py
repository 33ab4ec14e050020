"""Placing, repeating and cancelling orders."""

from __future__ import annotations

import json

import pytest

from server.db import open_centre
from server.orders.cancel import cancel
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.schema import upgrade
from sync.rules.refusals import Refused, Why
from sync.rules.secrets import code_matches
from sync.texts import translator
from sync.wire import facts as f
from tests.kit_orders import HOUR, MINUTE, Centre, problems


@pytest.fixture
def c() -> Centre:
    centre = Centre(3)
    for sku in "AB":
        for store in ("S001", "S002", "S003"):
            centre.stock(store, sku, 5)
    return centre


def test_an_order_is_routed_offered_and_reserved_in_the_transaction_that_places_it(c: Centre):
    placed = c.order(("A", 2), ("B", 1), address="1 Long Street")
    (part,) = placed.parts
    assert (part.store, part.state, part.accept_by) == ("S001", "offered", c.now + 30 * MINUTE)
    assert c.pool("S001", "A") == (5, 2, 3)
    (offer,) = c.told("S001", "offered")
    assert [(line.sku, line.qty) for line in offer.lines] == [("A", 2), ("B", 1)]
    assert (offer.shopper, offer.phone_tail, offer.address) == ("L. Wang", "1234", "1 Long Street")
    assert c.events(placed.order_no) == ["placed", "offered"]
    assert problems(c.tx) == []


def test_placing_one_order_is_one_commit(tmp_path):
    path = tmp_path / "centre.db"
    upgrade(path)
    c = Centre(2)
    c.tx = open_centre(path)
    c.tx.execute("BEGIN")
    c.tx.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R1', 'N', 'N')")
    c.store("S001")
    c.stock("S001", "A", 5)
    c.tx.execute("COMMIT")
    asked: list[str] = []
    c.tx.set_trace_callback(asked.append)
    c.tx.execute("BEGIN IMMEDIATE")
    c.order(("A", 1))
    c.tx.execute("COMMIT")
    assert [sql for sql in asked if sql.startswith(("BEGIN", "COMMIT"))] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert "store:S001" in c.tx.touched
    assert "board" in c.tx.touched


def test_the_same_order_twice_is_one_order_and_is_told_where_it_stands(c: Centre):
    first = c.order(("A", 1), external_id="X-1")
    c.fact("S001", f.Accepted(), fence=1)
    again = c.order(("A", 1), external_id="X-1")
    assert again.order_no == first.order_no
    assert again.repeated
    assert again.parts[0].state == "owned"
    assert c.pool("S001") == (5, 1, 4)
    assert c.one("SELECT count(*) FROM shop_order") == 1


def test_the_same_id_with_other_content_is_refused_and_changes_nothing(c: Centre):
    first = c.order(("A", 1), external_id="X-1")
    with pytest.raises(Refused) as told:
        c.order(("A", 2), external_id="X-1")
    assert told.value.refusal.reason is Why.ORDER_DIFFERS
    assert told.value.refusal.facts["order"] == first.order_no
    assert c.pool("S001") == (5, 1, 4)
    c.order(("A", 2), external_id="X-1", channel="other")  # another channel's own number
    assert c.one("SELECT count(*) FROM shop_order") == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"lines": (NewLine("NOPE", 1),)}, Why.UNKNOWN_SKU),
        ({"lines": (NewLine("A", 0),)}, Why.BAD_QUANTITY),
        ({"lines": (NewLine("A", 1), NewLine("A", -3))}, Why.BAD_QUANTITY),
        ({"lines": ()}, Why.BAD_INPUT),
        ({"kind": "teleport"}, Why.BAD_INPUT),
        ({"external_id": ""}, Why.BAD_INPUT),
        ({"kind": "pickup"}, Why.UNKNOWN_STORE),
        ({"kind": "pickup", "pickup_store": "S999"}, Why.UNKNOWN_STORE),
        ({"lat": 95.0}, Why.BAD_INPUT),
    ],
)
def test_what_cannot_be_sold_is_refused_in_plain_words_and_leaves_nothing(c: Centre, change, why):
    fields = {"channel": "web", "external_id": "X", "lines": (NewLine("A", 1),)} | change
    before = c.tx.total_changes
    with pytest.raises(Refused) as told:
        place(c.tx, NewOrder(**fields), now=c.now, dice=c.rng.randbytes)
    assert told.value.refusal.reason is why
    assert c.tx.total_changes == before
    for language in ("en", "zh"):
        sentence = told.value.refusal.sentence(translator(language, ("sync", "server")))
        assert len(sentence) > 5
        assert "{" not in sentence
        assert language == "en" or any("一" <= letter <= "龥" for letter in sentence), sentence


def test_a_bundle_is_exploded_into_items_and_a_listing_leads_to_it(c: Centre):
    c.tx.execute("INSERT INTO sellable (code, name_en, name_zh) VALUES ('SET', 'Set', '套装')")
    c.tx.executemany("INSERT INTO sellable_part VALUES ('SET', ?, ?)", [("A", 2), ("B", 1)])
    c.tx.execute("INSERT INTO listing VALUES ('web', 'tm-77', 'SET')")
    placed = c.order(("tm-77", 2))
    (offer,) = c.told("S001", "offered")
    assert [(x.sku, x.qty, x.order_line, x.sellable) for x in offer.lines] == [
        ("A", 4, 1, "SET"),
        ("B", 2, 1, "SET"),
    ]
    assert c.rows("SELECT sellable, qty FROM shop_order_line WHERE order_no = ?", placed.order_no) == [
        ("SET", 2)
    ]
    c.work("S001", 1)
    c.fact("S001", f.Shipped(c.everything(1), "M", "SF"), fence=1)
    assert c.order_state(placed.order_no) == "done"
    assert problems(c.tx) == []


def test_a_bundle_that_no_store_and_no_split_can_fill_waits_whole(c: Centre):
    c.tx.execute("INSERT INTO sellable (code, name_en, name_zh) VALUES ('SET', 'Set', '套装')")
    c.tx.executemany("INSERT INTO sellable_part VALUES ('SET', ?, ?)", [("A", 1), ("B", 50)])
    placed = c.order(("SET", 1))
    assert [part.state for part in placed.parts] == ["waiting"]
    assert c.pool("S001", "A") == (5, 0, 5)
    assert c.cases() == ["unroutable"]


def test_a_split_order_has_one_part_per_store_and_the_rest_waits_with_a_case(c: Centre):
    placed = c.order(("A", 17))
    assert [(p.state, p.store) for p in placed.parts] == [
        ("offered", "S001"), ("offered", "S002"), ("offered", "S003"), ("waiting", ""),
    ]  # fmt: skip
    assert c.cases() == ["unroutable"]
    assert problems(c.tx) == []


def test_what_waits_is_offered_as_soon_as_stock_comes_and_its_case_closes_itself(c: Centre):
    placed = c.order(("A", 8), external_id="first", kind="pickup", pickup_store="S002")
    assert [(p.state, p.store) for p in placed.parts] == [("offered", "S002"), ("waiting", "")]
    c.stock("S002", "A", 3)
    assert c.later(1000) == 1
    again = c.order(("A", 8), external_id="first", kind="pickup", pickup_store="S002")
    assert [p.state for p in again.parts] == ["offered", "offered"]
    assert c.cases() == []
    assert problems(c.tx) == []


def test_without_news_of_stock_what_waits_is_tried_on_a_timer(c: Centre):
    c.tx.execute("UPDATE store SET paused = 1")
    from server.routing.map import forget

    forget(c.tx)
    placed = c.order(("A", 1))
    assert placed.parts[0].state == "waiting"
    c.tx.execute("UPDATE store SET paused = 0 WHERE code = 'S003'")
    forget(c.tx)
    c.later(601_000)
    assert c.fo(placed.parts[0].fo)[:2] == ("offered", "S003")


def test_the_pickup_code_goes_to_the_shopper_and_only_its_hash_to_the_store(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S002", address="not needed")
    assert len(placed.pickup_code) == 6
    (offer,) = c.told("S002", "offered")
    assert code_matches(placed.pickup_code, offer.code_salt, offer.code_hash)
    assert offer.address == ""
    c.work("S002", 1)
    raws = b"".join(row[0] for row in c.rows("SELECT raw FROM decision"))
    events = "".join(row[0] for row in c.rows("SELECT data FROM event"))
    assert placed.pickup_code.encode() not in raws
    assert placed.pickup_code not in events
    payload = json.loads(c.one("SELECT payload FROM outgoing WHERE kind = 'ready'"))
    assert payload["data"]["pickup_code"] == placed.pickup_code


# -- cancelling -------------------------------------------------------------------------------


def test_an_order_that_nobody_owns_is_cancelled_at_once_and_its_units_are_free(c: Centre):
    placed = c.order(("A", 2))
    assert c.cancel(placed.order_no).state == "cancelled"
    assert c.pool("S001") == (5, 0, 5)
    assert [body.reason for body in c.told("S001", "withdrawn")] == ["cancelled"]
    assert c.cancel(placed.order_no).state == "cancelled"  # asked again
    assert len(c.told("S001", "withdrawn")) == 1
    assert problems(c.tx) == []


def test_cancelling_what_a_store_owns_is_requested_until_the_store_has_taken_it(c: Centre):
    placed = c.order(("A", 2))
    c.work("S001", 1, "picked")
    asked = c.cancel(placed.order_no)
    assert (asked.state, asked.waiting_for, asked.until) == ("cancel_requested", ("S001",), c.now + 48 * HOUR)
    assert c.pool("S001") == (5, 2, 3)
    assert "cancelled" not in c.events(placed.order_no)
    c.fact("S001", f.WithdrawalTaken("picked", 2), fence=1)
    assert c.order_state(placed.order_no) == "cancelled"
    assert c.pool("S001") == (5, 2, 3), "in the tote until put back"
    c.fact("S001", f.PutBack(1, 1), fence=1)
    c.fact("S001", f.PutBack(1, 1), fence=1)
    assert c.pool("S001") == (5, 0, 5)
    assert c.one("SELECT state FROM assignment") == "closed"
    assert problems(c.tx) == []


def test_a_hand_over_that_was_on_disk_before_the_withdrawal_wins_and_a_case_is_open(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1)
    c.cancel(placed.order_no)
    verdict = c.fact("S001", f.HandedOver(((1, 1),), "code"), fence=1)
    assert verdict.name == "applied"
    assert verdict.case
    assert c.order_state(placed.order_no) == "done"
    assert c.cases() == ["released_cancelled"]
    assert "cancel_failed" in c.events(placed.order_no)
    assert "cancelled" not in c.events(placed.order_no)
    c.fact("S001", f.WithdrawalTaken("released", 0), fence=1)
    assert c.order_state(placed.order_no) == "done"
    assert c.pool("S001") == (4, 0, 4)
    assert problems(c.tx) == []


def test_a_cancellation_at_a_silent_store_is_final_only_when_the_store_could_have_spoken(c: Centre):
    placed = c.order(("A", 1), kind="pickup", pickup_store="S001")
    c.work("S001", 1, "accepted")
    c.tx.execute(
        "INSERT INTO store_session (store, number, closed_at, heard_at) VALUES ('S001', 1, ?, ?)",
        (c.now, c.now),
    )
    c.cancel(placed.order_no)
    c.later(49 * HOUR)
    assert c.order_state(placed.order_no) == "cancel_requested", "it may have handed over before its time"
    c.later(24 * HOUR)
    assert c.cases() == ["store_silent"]
    c.tx.execute("UPDATE store_session SET closed_at = 0, heard_at = ?", (c.now,))
    c.fact("S001", f.HoldExpired("accepted", 0), fence=1)
    assert c.order_state(placed.order_no) == "cancelled"
    assert problems(c.tx) == []


def test_a_cancellation_is_final_when_ownership_ends_even_if_the_store_never_answers(c: Centre):
    placed = c.order(("A", 1))
    c.work("S001", 1, "picked")
    c.cancel(placed.order_no)
    c.later(48 * HOUR - 1000)
    assert c.order_state(placed.order_no) == "cancel_requested"
    c.later(1000)
    assert c.order_state(placed.order_no) == "cancelled"
    assert c.pool("S001") == (5, 1, 4), "still in its tote"


def test_an_unknown_order_cannot_be_cancelled(c: Centre):
    with pytest.raises(Refused) as told:
        cancel(c.tx, "YP-424242", now=c.now)
    assert told.value.refusal.reason is Why.UNKNOWN_ORDER
