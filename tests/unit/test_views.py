"""Views per channel: the most special one counts, they hide and never hold, and routing obeys them."""

from __future__ import annotations

from typing import Any

import pytest

from server.api.availability import available, changes
from server.offers.by_hand import who_could
from server.offers.turn import end_turn, hand_to
from server.stock import book
from server.views.load import load_views
from server.views.rules import DAY_MS, Rule, View, Views, within
from sync.wire import facts as f
from tests.kit_orders import Centre, problems


@pytest.fixture
def centre() -> Centre:
    """Three stores with 4 units of A in the pool each, and two channels."""
    made = Centre()
    for code in ("web", "mall"):
        made.tx.execute("INSERT INTO channel (code, name, key_hash) VALUES (?, ?, '')", (code, code))
    for store in ("S001", "S002", "S003"):
        made.stock(store, "A", 4)
    return made


def view(centre: Centre, **row: Any) -> None:
    loaded = load_views(centre.tx, [{"channel": "web", **row}], now=centre.now)
    assert not loaded.errors, loaded.errors


def sees(centre: Centre, channel: str = "web", sku: str = "A", *, by_store: bool = False) -> Any:
    found, _ = available(centre.tx, channel, [sku], centre.now, by_store=by_store)
    return found[0].stores if by_store else found[0].available


# --- which one counts ----------------------------------------------------------------------


def rule(channel: str, sku: str, value: int, store: str = "*", kind: str = "safety_stock") -> Rule:
    return Rule(channel, store, sku, kind, value)


def test_the_most_special_view_counts_channel_before_sku_before_store():
    views = Views(
        [
            rule("*", "*", 1),
            rule("*", "TEE-*", 2),
            rule("*", "TEE-INK-M", 3),
            rule("*", "TEE-INK-M", 9, store="S001"),
            rule("web", "*", 4),
            rule("web", "TEE-*", 5),
            rule("web", "TEE-INK-*", 6),
            rule("web", "CAP", 7),
            rule("web", "CAP", 0, store="S002"),
        ]
    )

    def safety(channel: str, sku: str, store: str = "S003") -> int:
        found = views.of(channel, sku)
        assert found is not None
        return 100 - found.of_store(store, 100)

    assert safety("mall", "HAT") == 1
    assert safety("mall", "TEE-RED-S") == 2
    assert safety("mall", "TEE-INK-M") == 3
    assert safety("mall", "TEE-INK-M", "S001") == 9
    assert safety("web", "HAT") == 4
    assert safety("web", "TEE-RED-S") == 5
    assert safety("web", "TEE-INK-M") == 6
    assert safety("web", "TEE-INK-M", "S001") == 6, "the channel's own goes before the store of every channel"
    assert safety("web", "CAP") == 7
    assert safety("web", "CAP", "S002") == 0


def test_each_kind_is_looked_up_by_itself():
    views = Views([rule("web", "A", 2), rule("*", "*", 5, kind="threshold")])
    found = views.of("web", "A")
    assert found is not None
    assert (found.safety, found.threshold) == (2, 5)


def test_a_view_of_zero_takes_a_sku_out_of_a_wider_one():
    views = Views([rule("*", "*", 2), rule("*", "A", 0)])
    assert views.of("web", "A") is None
    assert views.of("web", "B") is not None
    assert Views().of("web", "A") is None


def test_a_quota_begins_anew_with_its_period():
    ten_days = View(quota=5, days=10, since=1_000)
    assert ten_days.begins(999) == 1_000
    assert ten_days.begins(1_000 + 10 * DAY_MS - 1) == 1_000
    assert ten_days.begins(1_000 + 25 * DAY_MS) == 1_000 + 20 * DAY_MS
    assert View(quota=5, since=1_000).begins(10**15) == 1_000


def test_a_bundle_stays_whole_within_a_limit():
    class Need:
        def __init__(self, line: int, sku: str, qty: int, bundle: int = 0) -> None:
            self.line, self.sku, self.qty, self.bundle = line, sku, qty, bundle

    needs = [Need(1, "A", 2, 7), Need(2, "B", 1, 7), Need(3, "A", 3), Need(4, "C", 2)]
    assert within(needs, {"A": 1}) == {1: 0, 2: 0, 3: 0, 4: 2}
    assert within(needs, {"A": 4}) == {1: 2, 2: 1, 3: 2, 4: 2}


# --- what a channel is shown ---------------------------------------------------------------


def test_safety_stock_is_kept_back_at_every_store(centre: Centre):
    view(centre, sku="A", safety_stock=1)
    assert sees(centre) == 9
    assert sees(centre, by_store=True) == {"S001": 3, "S002": 3, "S003": 3}
    assert sees(centre, "mall") == 12, "another channel sees the whole pool"
    view(centre, sku="A", store="S002", safety_stock=4)
    assert sees(centre) == 6
    assert sees(centre, by_store=True) == {"S001": 3, "S003": 3}


def test_below_the_threshold_nothing_is_shown(centre: Centre):
    view(centre, sku="A", threshold=12)
    assert sees(centre) == 12
    centre.order(("A", 1), channel="mall")
    assert sees(centre) == 0
    assert sees(centre, by_store=True) == {}
    assert sees(centre, "mall") == 11


def test_a_part_of_what_is_left_is_shown(centre: Centre):
    view(centre, percent="30%")
    assert sees(centre) == 3
    assert sees(centre, by_store=True) == {"S001": 3, "S002": 3, "S003": 3}


def test_a_quota_counts_what_was_promised_until_it_is_cancelled(centre: Centre):
    view(centre, sku="A", quota=3)
    first = centre.order(("A", 2))
    assert sees(centre) == 1
    centre.cancel(first.order_no)
    assert sees(centre) == 3
    gone = centre.order(("A", 2))
    part = gone.parts[0]
    centre.work(part.store, part.fence)
    centre.fact(part.store, f.Shipped(centre.everything(part.fence), "M1", "SF"), fence=part.fence)
    assert sees(centre) == 1, "what was sold is sold"
    assert sees(centre, "mall") == 10
    centre.now += 1
    view(centre, sku="A", reset="yes")
    assert sees(centre) == 3
    view(centre, sku="A", quota=5)
    centre.order(("A", 1))
    view(centre, sku="A", quota=2)
    assert sees(centre) == 1, "another number goes on counting from the same begin"
    view(centre, sku="A", quota="-")
    assert sees(centre) == 9


def test_a_quota_of_a_period_is_free_again_in_the_next_and_the_feed_says_so(centre: Centre):
    view(centre, sku="A", quota=2, days=1)
    centre.order(("A", 2))
    cursor = changes(centre.tx, "web", 0, "", centre.now)
    assert sees(centre) == 0
    assert not changes(centre.tx, "web", cursor.next, cursor.stores, centre.now).reread
    centre.now += DAY_MS
    assert sees(centre) == 2
    assert changes(centre.tx, "web", cursor.next, cursor.stores, centre.now).reread


def test_the_feed_asks_to_read_everything_when_a_view_changes(centre: Centre):
    cursor = changes(centre.tx, "web", 0, "", centre.now)
    other = changes(centre.tx, "mall", 0, "", centre.now)
    view(centre, sku="A", safety_stock=2)
    assert changes(centre.tx, "web", cursor.next, cursor.stores, centre.now).reread
    assert not changes(centre.tx, "mall", other.next, other.stores, centre.now).reread
    moved = changes(centre.tx, "web", 0, "", centre.now)
    centre.order(("A", 1), channel="mall")
    told = changes(centre.tx, "web", moved.next, moved.stores, centre.now)
    assert {one.sku: one.available for one in told.items} == {"A": 5}


def test_a_bundle_is_shown_by_the_views_of_its_parts(centre: Centre):
    centre.stock("S001", "B", 9)
    centre.tx.execute("INSERT INTO sellable (code, name_en, name_zh) VALUES ('SET', 'Set', '套')")
    centre.tx.executemany("INSERT INTO sellable_part VALUES ('SET', ?, ?)", [("A", 2), ("B", 1)])
    assert sees(centre, sku="SET") == 6
    view(centre, sku="B", quota=4)
    assert sees(centre, sku="SET") == 4
    view(centre, sku="A", safety_stock=2)
    assert sees(centre, sku="SET") == 3


# --- what an order may take ----------------------------------------------------------------


def test_an_order_never_takes_what_its_channel_is_not_shown(centre: Centre):
    view(centre, sku="A", safety_stock=4)
    assert sees(centre) == 0
    waits = centre.order(("A", 1))
    assert waits.parts[0].state == "waiting"
    assert centre.order(("A", 1), channel="mall").parts[0].state == "offered"
    centre.stock("S002", "A", 1)
    centre.later(1)
    assert centre.fo(waits.parts[0].fo)[:2] == ("offered", "S002")
    assert problems(centre.tx) == []


def test_a_limit_on_all_stores_holds_for_an_order_that_is_split(centre: Centre):
    view(centre, sku="A", quota=6)
    placed = centre.order(("A", 9))
    states = {
        fo: (
            state,
            sum(
                qty for (qty,) in centre.rows("SELECT qty - cancelled FROM fulfilment_line WHERE fo = ?", fo)
            ),
        )
        for fo, state in centre.rows(
            "SELECT fo, state FROM fulfilment_order WHERE order_no = ?", placed.order_no
        )
    }
    assert sum(units for state, units in states.values() if state == "offered") == 6
    assert sum(units for state, units in states.values() if state == "waiting") == 3
    assert sees(centre) == 0
    assert sees(centre, "mall") == 6


def test_what_was_promised_once_finds_its_next_store_whatever_is_shown_by_now(centre: Centre):
    view(centre, sku="A", threshold=12, quota=1)
    placed = centre.order(("A", 1))
    first = placed.parts[0]
    assert first.state == "offered"
    assert sees(centre) == 0
    second = end_turn(centre.tx, first.fence, "lapsed", centre.now)
    assert second, "the shopper was told that it is theirs"
    # But the safety stock of a store is nobody's exception.
    view(centre, sku="A", safety_stock=4)
    assert end_turn(centre.tx, second, "lapsed", centre.now) == 0
    assert centre.fo(first.fo)[0] == "waiting"


def test_units_that_move_to_a_part_of_their_own_count_once(centre: Centre):
    view(centre, sku="A", quota=4)
    placed = centre.order(("A", 3))
    part = placed.parts[0]
    centre.work(part.store, part.fence, "accepted")
    centre.fact(part.store, f.PickStarted("W", "T"), fence=part.fence)
    centre.fact(part.store, f.Shorted(1, 2, "damaged"), fence=part.fence)
    assert centre.one("SELECT count(*) FROM fulfilment_order WHERE order_no = ?", placed.order_no) == 2
    assert sees(centre) == 1


def test_a_quota_that_a_waiting_order_gives_back_is_told_by_the_feed(centre: Centre):
    view(centre, sku="A", quota=1)
    placed = centre.order(("A", 1))
    for store in ("S001", "S002", "S003"):
        book.suppress(centre.tx, store, "A", now=centre.now)
    end_turn(centre.tx, placed.parts[0].fence, "lapsed", centre.now)
    assert centre.fo(placed.parts[0].fo)[0] == "waiting"
    for store in ("S001", "S002", "S003"):
        book.unsuppress(centre.tx, store, "A")
    centre.tx.execute("UPDATE store SET active = 0 WHERE code <> 'S001'")
    cursor = changes(centre.tx, "web", 0, "", centre.now)
    assert sees(centre) == 0
    centre.cancel(placed.order_no)
    assert sees(centre) == 1
    assert changes(centre.tx, "web", cursor.next, cursor.stores, centre.now).reread


def test_a_store_is_not_asked_for_units_that_a_view_would_hide(centre: Centre):
    centre.stock("S001", "B", 3, share=3)
    centre.tx.execute("INSERT INTO store_session (store, number, connected_at) VALUES ('S001', 1, 1)")
    view(centre, sku="B", threshold=5)
    centre.order(("B", 1))
    assert centre.told("S001", "asked") == []
    view(centre, sku="B", threshold="-", safety_stock=1)
    centre.order(("B", 1))
    assert [(one.sku, one.qty) for one in centre.told("S001", "asked")] == [("B", 2)], "one is kept back"


def test_a_person_may_overrule_a_view_and_is_told_that_it_is_one(centre: Centre):
    view(centre, sku="A", safety_stock=4)
    placed = centre.order(("A", 1))
    able = who_could(centre.tx, placed.parts[0].fo)
    assert [(one.store, one.kept_back) for one in able][:1] == [("S001", True)]
    assert hand_to(centre.tx, placed.parts[0].fo, "S002", centre.now, person="hq")
    assert problems(centre.tx) == []


def test_a_view_holds_no_units(centre: Centre):
    before = centre.rows("SELECT * FROM stock ORDER BY store, sku")
    view(centre, sku="A", safety_stock=2, threshold=3, quota=1, percent=50)
    assert centre.rows("SELECT * FROM stock ORDER BY store, sku") == before
    assert centre.rows("SELECT * FROM stock_ledger WHERE reason NOT IN ('test')") == []


# --- setting them --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"channel": "nobody", "safety_stock": 1}, "There is no channel nobody."),
        ({"store": "S999", "safety_stock": 1}, "There is no store S999."),
        ({"sku": "NONE", "safety_stock": 1}, "NONE is not in the catalogue."),
        ({"sku": "T*E", "safety_stock": 1}, "“T*E” is neither a SKU nor a beginning"),
        ({"sku": "A"}, "This line sets nothing"),
        ({"sku": "A", "safety_stock": "two"}, "safety_stock “two” is not a whole number."),
        ({"sku": "A", "safety_stock": -1}, "safety_stock is -1; it must be between 0"),
        ({"sku": "A", "percent": 0}, "percent is 0; it must be between 1 and 100."),
        ({"store": "S001", "quota": 5}, "quota holds for all stores together"),
        ({"store": "S001", "threshold": 5}, "threshold holds for all stores together"),
        ({"sku": "A", "threshold": 5, "days": 7}, "days belongs to a quota"),
        ({"sku": "A", "reset": "yes"}, "There is no quota of web for A to begin anew."),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_with_its_reason(
    centre: Centre, row: dict[str, Any], says: str
):
    good = {"channel": "mall", "sku": "A", "safety_stock": 1}
    loaded = load_views(centre.tx, [{"channel": "web"} | row, good], now=centre.now)
    assert loaded.good == 1
    assert [error.line for error in loaded.errors] == [1]
    assert says in loaded.errors[0].sentence()
    assert sees(centre, "mall") == 9


def test_an_empty_cell_leaves_a_number_and_a_dash_takes_it_away(centre: Centre):
    view(centre, sku="A", safety_stock=1, quota=5, days=7)
    view(centre, sku="A", safety_stock="", quota=6)
    kept = centre.rows("SELECT kind, value, days FROM channel_view ORDER BY kind")
    assert kept == [("quota", 6, 7), ("safety_stock", 1, 0)]
    view(centre, sku="A", safety_stock="-")
    assert centre.rows("SELECT kind FROM channel_view") == [("quota",)]
