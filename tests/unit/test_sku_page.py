"""A SKU at the centre: its stores, its debts with their facts and payments, its ledger, what channels see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.board.sku_now import debts_of, ledger_rows, sku_now
from server.config import CentreConfig
from server.stock import book
from server.stock.cause import Cause
from server.views.load import load_views
from sync.rules.stock import Move
from sync.sqlite import writing
from sync.wire import facts as f
from tests.kit_orders import Centre
from tests.kit_sku import SKU, busy_sku
from tests.kit_web import NOON, client, clock_of, database, new_centre, sign_in


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    config = new_centre(tmp_path, now=NOON - 7_200_000)
    clock_of(config).now = NOON
    with database(config) as db, writing(db):
        busy_sku(db, NOON)
    return config


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_page_says_what_is_where_who_waits_and_what_was_owed(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web)
        text = words(web.get(f"/skus/{SKU}").text)
    for said in (
        "On hand 12", "Debt 1", "1 damaged, 1 to grade", "On the way 2 on nobody",
        "Shop 3 1 in each store 1 store has its own", "anew every 7 days",
        "1 of 4 still owed · Nanjing Road adjusted Lin stolen fact 4",
        "1 unit: paid at once by the pool", "not until counted", "Chengdu Taikoo Li → Hangzhou Lakeside",
        "YP-000001-1 2 × Nanjing Road accepted",
    ):  # fmt: skip
        assert said in text, said


def test_a_regional_manager_sees_the_stores_of_the_region_and_their_sums_only(centre: CentreConfig) -> None:
    with client(centre) as web:
        sign_in(web, "east")
        page, listed = words(web.get(f"/skus/{SKU}").text), words(web.get("/skus").text)
        assert web.get(f"/skus/{SKU}/S003").status_code == 403
        other = words(web.get(f"/skus/{SKU}?store=S003").text)
    assert "Only stores of East" in page
    assert "On hand 4" in page
    assert "OPEN-S003" not in page
    assert "OPEN-S003" not in other
    assert "Shop 0" in page, "what channels see of the stores of this region"
    assert "Cap CAP-NAVY 4 " in listed


def test_the_ledger_is_of_one_store_if_asked_and_turns_its_pages(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        for n in range(70):
            book.apply_moves(db, "S003", [Move(SKU, on_hand=1)], Cause("test", NOON, note=f"N{n}"))
    with client(centre) as web:
        sign_in(web)
        one = web.get(f"/skus/{SKU}?store=S001").text
        newest = web.get(f"/skus/{SKU}").text
        older = re.search(r"before=(\d+)", newest)
        assert older is not None
        rest = web.get(f"/skus/{SKU}?store=&before={older[1]}").text
    assert "OPEN-S001" in one
    assert "N69" not in one
    assert "N69" in newest
    assert "N0 " not in words(newest)
    assert "N0 " in words(rest)
    assert "OPEN-S003" in rest
    with database(centre) as db:
        ids = [row["id"] for row in ledger_rows(db, SKU, ["S001", "S002", "S003"], 0, 500)]
        whole = [
            row[0] for row in db.execute("SELECT id FROM stock_ledger WHERE sku = ? ORDER BY id DESC", (SKU,))
        ]
    assert ids == whole


def test_an_item_that_no_store_has_and_one_that_is_unknown(centre: CentreConfig) -> None:
    with database(centre) as db, writing(db):
        db.execute("INSERT INTO item (sku, name_en, name_zh) VALUES ('NEW', 'New', '新')")
    with client(centre) as web:
        sign_in(web)
        empty = words(web.get("/skus/NEW").text)
        assert web.get("/skus/NOPE").status_code in (403, 404, 409, 422)
    for said in (
        "No store has this item.",
        "Nothing moved here yet.",
        "No order waits",
        "Nothing is on a truck",
    ):
        assert said in empty


# --- debts -----------------------------------------------------------------------------------


@pytest.fixture
def floor() -> Centre:
    made = Centre(1)
    made.stock("S001", "A", 4, share=2)
    return made


def debts(centre: Centre) -> list[tuple[str, int, int, list[tuple[int, str]]]]:
    found = debts_of(centre.tx, "A", ["S001"])
    return [
        (one.row["reason"], one.units, one.open, [(p.units, p.by["reason"]) for p in one.paid])
        for one in found
    ]


def test_a_debt_that_the_pool_pays_at_once_is_still_told(floor: Centre) -> None:
    floor.fact("S001", f.Sold("A", 3, 2, 1))
    assert debts(floor) == [("sold", 1, 0, [(1, "sold")])]
    assert floor.one("SELECT debt FROM stock") == 0


def test_payments_go_to_the_oldest_debt_and_name_their_movement(floor: Centre) -> None:
    floor.fact("S001", f.Sold("A", 2, 2))
    first = floor.order(("A", 2)).parts[0]
    floor.work("S001", first.fence, "accepted")
    floor.fact("S001", f.Sold("A", 1, 0, 1))
    floor.fact("S001", f.Adjusted("A", 1, 0, 1, to="gone", reason="stolen"))
    assert [(row[0], row[2]) for row in debts(floor)] == [("adjusted", 1), ("sold", 1)]
    floor.fact("S001", f.Received("A", 1, paid=1))
    assert debts(floor) == [("adjusted", 1, 1, []), ("sold", 1, 0, [(1, "received")])]
    floor.cancel(first.fo.rsplit("-", 1)[0])
    floor.fact("S001", f.WithdrawalTaken("accepted"), fence=first.fence)
    assert debts(floor)[0][2:] == (0, [(1, "free")])


def test_a_debt_that_both_sides_paid_and_its_credit_are_no_new_debt(floor: Centre) -> None:
    floor.fact("S001", f.Sold("A", 2, 2))
    first = floor.order(("A", 2)).parts[0]
    floor.work("S001", first.fence, "accepted")
    floor.fact("S001", f.Sold("A", 1, 0, 1))
    floor.stock("S001", "A", 1)  # the centre pays with what headquarters sent
    floor.fact("S001", f.Received("A", 1, paid=1))  # the store had paid with its own, and did not know
    floor.fact("S001", f.Credited("A", 1))
    assert [row[:3] for row in debts(floor)] == [("sold", 1, 0)]
    assert floor.one("SELECT debt FROM stock") == 0
    floor.fact("S001", f.Sold("A", 2, 1, 1))
    assert debts(floor)[0][:3] == ("sold", 1, 1), "what was over did not pay for a later debt"


def test_what_channels_see_is_what_they_are_told(centre: CentreConfig) -> None:
    from server.api.availability import available

    with database(centre) as db, writing(db):
        load_views(db, [{"channel": "shop", "sku": SKU, "percent": 50}], now=NOON)
        found = sku_now(db, SKU, "", NOON)
        assert found is not None
        told, _ = available(db, "shop", [SKU], NOON, by_store=False)
        assert [(one["code"], one["sees"]) for one in found["channels"]] == [("shop", told[0].available)]
