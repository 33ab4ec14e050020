"""A snapshot in the place of a log: what it names is believed, what only the store knows is kept."""

from __future__ import annotations

from typing import Any

import pytest

from sync import sqlite
from sync.replica import notices
from sync.replica.rebase import rebase
from sync.texts import translator
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import SnapAssignment, SnapLine, SnapSheet, Snapshot, SnapTask, StockRow
from tests.kit_replica import HOUR, Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3))
    return shop


def swap(shop: Shop, snapshot: Snapshot, above: int | None = None) -> int:
    with sqlite.writing(shop.db):
        return rebase(shop.db, snapshot, shop.context("node", command="auto:r"), above=above)


def head(shop: Shop) -> int:
    return shop.count("SELECT coalesce(max(number), 0) FROM fact")


def test_an_open_task_the_centre_does_not_know_goes_back_with_its_own_facts_counted_once(shop: Shop) -> None:
    fence = shop.picked([("TEE-M", 2)])
    stock = (StockRow("TEE-M", 10, 4), StockRow("JEANS", 6, 3))
    swap(shop, Snapshot(store="S001", made_at=shop.now, decisions=1, facts=0, stock=stock))
    assert shop.state(fence) == ("put_back", "ended")
    line = shop.db.execute(
        "SELECT picked, put_back FROM assignment_line WHERE fence = ?", (fence,)
    ).fetchone()
    assert tuple(line) == (2, 0)
    fact, body = shop.last()
    assert (fact.fence, body) == (fence, f.WithdrawalTaken("picking", 2))
    [notice] = notices.open_notices(shop.db, translator("en"), shop.now)
    assert "not known at the centre" in notice.sentence


def test_finished_work_is_kept_as_history_and_its_later_release_still_moves_stock(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 2)])
    cut = head(shop)
    shop.ok("hand_over", fence=fence, code="428913")
    swap(
        shop,
        Snapshot(store="S001", made_at=shop.now, decisions=9, facts=cut, stock=(StockRow("TEE-M", 10, 4),)),
    )
    assert shop.state(fence)[0] == "released"
    assert shop.units("TEE-M")["on_hand"] == 8
    assert shop.count("SELECT released FROM assignment_line WHERE fence = ?", fence) == 2
    assert shop.row(fence)["released_by"] == "lin"


def test_an_empty_box_starts_from_the_snapshot_alone(shop: Shop) -> None:
    lines = (SnapLine(1, "TEE-M", 2, 1, "", 2), SnapLine(2, "JEANS", 1, 2, "", 0, 1))
    swap(
        shop,
        Snapshot(
            store="S001",
            made_at=shop.now,
            decisions=40,
            facts=0,
            stock=(StockRow("TEE-M", 5, 2),),
            assignments=(
                SnapAssignment(
                    fence=70,
                    fo="F-1",
                    order="O-1",
                    kind="pickup",
                    offered_at=1,
                    accept_by=2,
                    lines=lines,
                    confirmed=True,
                    owner_until=shop.now + HOUR,
                    state="picked",
                    accepted_at=1,
                    accepted_by="lin",
                ),
            ),
            tasks=(SnapTask("count:7", "count", "TEE-M"),),
        ),
        above=head(shop),
    )
    assert shop.state(70) == ("picked", "confirmed")
    shop.ok("pack", fence=70)
    assert shop.ok("count", sku="TEE-M", found=3)["difference"] == 0


def test_a_withdrawal_inside_the_snapshot_is_taken_and_answered_once(shop: Shop) -> None:
    fence = shop.picked([("TEE-M", 1)])
    row = shop.row(fence)
    snapshot = Snapshot(
        store="S001",
        made_at=shop.now,
        decisions=9,
        facts=head(shop),
        stock=(StockRow("TEE-M", 10, 4),),
        assignments=(
            SnapAssignment(
                fence=fence,
                fo=row["fo"],
                order=row["order_no"],
                kind="pickup",
                offered_at=1,
                accept_by=2,
                lines=(SnapLine(1, "TEE-M", 1, 1, "", 1),),
                withdrawn=True,
                withdrawn_at=shop.now,
                withdrawn_reason="reassigned",
                withdrawn_to="Xujiahui",
                state="picked",
                accepted_at=1,
            ),
        ),
    )
    for _ in range(2):
        swap(shop, snapshot)
        assert shop.state(fence) == ("put_back", "ended")
        assert len(shop.facts("withdrawal_taken")) == 1


def test_a_debt_that_both_sides_paid_is_credited_after_the_swap(shop: Shop) -> None:
    shop.ok("till_sale", "till", sale="A-1", rows=[["TEE-M", 6]], insist=True)
    cut = head(shop)
    shop.ok("receive", code="TEE-M", qty=2)
    swap(
        shop,
        Snapshot(store="S001", made_at=shop.now, decisions=9, facts=cut, stock=(StockRow("TEE-M", 4, 0, 0),)),
    )
    assert shop.last()[1] == f.Credited("TEE-M", 2)
    assert (shop.units("TEE-M")["debt"], shop.units("TEE-M")["share"]) == (0, 2)


def test_a_count_answers_only_its_own_tasks(shop: Shop) -> None:
    shop.decide(d.CountAsked("TEE-M", "doubt"))
    shop.decide(d.CountAsked("JEANS", "doubt"))
    shop.ok("count", sku="TEE-M", found=10)
    assert [r[0] for r in shop.db.execute("SELECT sku FROM task WHERE state = 'open'")] == ["JEANS"]


def test_tries_sales_and_notices_of_the_store_survive(shop: Shop) -> None:
    fence = shop.staged()
    shop.do("hand_over", fence=fence, code="000000")
    shop.ok("till_sale", "till", sale="A-1", rows=[["JEANS", 1]])
    row = shop.row(fence)
    swap(
        shop,
        Snapshot(
            store="S001",
            made_at=shop.now,
            decisions=9,
            facts=head(shop),
            stock=(StockRow("TEE-M", 10, 4), StockRow("JEANS", 5, 2)),
            assignments=(
                SnapAssignment(
                    fence=fence,
                    fo=row["fo"],
                    order=row["order_no"],
                    kind="pickup",
                    offered_at=1,
                    accept_by=2,
                    lines=(SnapLine(1, "TEE-M", 1, 1, "", 1),),
                    confirmed=True,
                    owner_until=row["owner_until"],
                    state="staged",
                    accepted_at=row["accepted_at"],
                    code_salt="salt",
                    code_hash=row["code_hash"],
                ),
            ),
        ),
    )
    row = shop.row(fence)
    assert (row["code_tries"], row["location"], row["accepted_by"]) == (1, "W-1", "lin")
    assert shop.ok("till_sale", "till", sale="A-1", rows=[["JEANS", 1]])["repeated"] is True
    shop.ok("hand_over", fence=fence, code="428913")


def test_what_was_entered_and_what_waits_outlives_a_snapshot_and_the_count_goes_on(shop: Shop) -> None:
    sheet = shop.ok("open_sheet", "amy", kind="full", areas=["Floor", "Back"])["sheet"]
    shop.ok("enter_count", sheet=sheet, area="Floor", sku="TEE-M", found=9)
    shop.ok("count", sku="JEANS", found=60)
    cut = head(shop)
    shop.ok("enter_count", sheet=sheet, area="Floor", sku="TEE-M", found=8, instead=True)
    shop.ok("till_sale", "till", sale="A-1", rows=[["JEANS", 1]])
    shop.ok("finish_area", sheet=sheet, area="Floor")
    header = SnapSheet(sheet, "full", "", ("Floor", "Back"))
    asked = SnapSheet("C7", "full", "Asked", ("Cellar",), "B-", False, shop.now)
    stock = (StockRow("TEE-M", 10, 4), StockRow("JEANS", 6, 3))
    for _ in range(2):
        swap(
            shop,
            Snapshot(
                store="S001",
                made_at=shop.now,
                decisions=1,
                facts=cut,
                stock=stock,
                sheets=(header, asked),
                tasks=(SnapTask("count:c9:SOCKS", "count", "SOCKS", "recount", "lin", 0, "C7"),),
            ),
        )
        found = shop.db.execute("SELECT found, void FROM count_entry ORDER BY position").fetchall()
        assert [tuple(row) for row in found] == [(9, 1), (8, 0)]
        assert shop.count("SELECT count(*) FROM variance WHERE state = 'open' AND sku = 'JEANS'") == 1
        assert shop.count("SELECT finished FROM count_area WHERE area = 'Floor'") == 1
        assert shop.count("SELECT count(*) FROM count_area WHERE sheet = 'C7'") == 1
        assert shop.count("SELECT count(*) FROM task WHERE sheet = 'C7' AND state = 'open'") == 1
    shop.ok("finish_area", sheet=sheet, area="Back")
    shop.ok("close_sheet", "amy", sheet=sheet, unseen="leave")
    shop.ok("confirm_variances", "amy", skus=["JEANS"])
    assert (shop.units("TEE-M")["on_hand"], shop.units("JEANS")["on_hand"]) == (8, 59)


def confirmed(shop: Shop, fence: int, made_at: int, **more: Any) -> Snapshot:
    """What the centre says of a turn that is on the shelf here."""
    turn = SnapAssignment(
        fence=fence, fo="F-1", order="YP-1", kind="pickup", offered_at=1, accept_by=2, state="staged",
        lines=(SnapLine(1, "TEE-M", 1, 1, "", 1),), accepted_at=made_at, **more,
    )  # fmt: skip
    return Snapshot(store="S001", made_at=made_at, decisions=9, facts=99, assignments=(turn,))


def test_what_the_centre_had_confirmed_and_says_no_more_is_told_once(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 1)])
    until = shop.row(fence)["owner_until"]
    swap(shop, confirmed(shop, fence, shop.now))
    assert shop.state(fence) == ("staged", "provisional"), "until the centre says it again"
    fact, body = shop.last()
    assert (fact.fence, body) == (fence, f.OwnedBefore(until))
    swap(shop, confirmed(shop, fence, shop.now))
    assert len(shop.facts("owned_before")) == 1


@pytest.mark.parametrize("more", [{"confirmed": True}, {"withdrawn": True}])
def test_what_is_still_confirmed_or_was_taken_back_needs_no_word(shop: Shop, more: dict[str, bool]) -> None:
    fence = shop.staged([("TEE-M", 1)])
    swap(shop, confirmed(shop, fence, shop.now, **more))
    assert shop.facts("owned_before") == []
