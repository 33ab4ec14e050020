"""The stock book: rights add up after every movement, whatever caused it."""

from __future__ import annotations

import sqlite3

import pytest

from server.stock import book
from server.stock.cause import Cause
from server.stock.load import load, load_stock
from sync.rules.stock import Move
from sync.wire import decisions as d
from sync.wire.facts import Sold
from tests.kit_facts import NOW, Centre, centre, offer


def test_opening_stock_is_split_half_and_half_and_the_odd_unit_is_the_stores():
    c = centre({("S001", "TEE"): 5})
    assert c.rights("S001", "TEE") == (5, 0, 3, 2, 0)
    assert d.StockLoaded("OPENING", (("TEE", 5, 3),)) in c.decisions("S001")


def test_a_promise_takes_all_rows_or_none():
    c = centre({("S001", "TEE"): 4, ("S001", "CAP"): 1})
    assert not book.promise(c.tx, "S001", [("TEE", 1), ("CAP", 1)], fence=1, now=NOW)
    assert c.rights("S001", "TEE") == (4, 0, 2, 2, 0)
    assert book.promise(c.tx, "S001", [("TEE", 1), ("TEE", 1)], fence=1, now=NOW)
    assert c.rights("S001", "TEE") == (4, 2, 2, 0, 0)
    assert not book.promise(c.tx, "S001", [("TEE", 1)], fence=2, now=NOW)


def test_a_promise_of_something_never_stocked_is_no():
    c = centre()
    assert not book.promise(c.tx, "S001", [("COAT", 1)], fence=1, now=NOW)


def test_what_was_not_found_is_not_promised_until_it_is_counted():
    c = centre({("S001", "TEE"): 4})
    assert book.suppress(c.tx, "S001", "TEE", now=NOW)
    assert not book.suppress(c.tx, "S001", "TEE", now=NOW)
    assert not book.promise(c.tx, "S001", [("TEE", 1)], fence=1, now=NOW)
    assert book.unsuppress(c.tx, "S001", "TEE")
    assert book.promise(c.tx, "S001", [("TEE", 1)], fence=1, now=NOW)


def test_freed_and_consumed_units_leave_the_reservation():
    c = centre({("S001", "TEE"): 6})
    assert book.promise(c.tx, "S001", [("TEE", 3)], fence=1, now=NOW)
    assert book.free(c.tx, "S001", "TEE", 1, fence=1, now=NOW) == 1
    assert c.rights("S001", "TEE") == (6, 2, 3, 1, 0)
    assert not book.consume(c.tx, "S001", "TEE", 1, fence=1, now=NOW).any
    assert c.rights("S001", "TEE") == (5, 1, 3, 1, 0)
    assert book.free(c.tx, "S001", "TEE", 5, fence=1, now=NOW) == 1
    assert c.rights("S001", "TEE") == (5, 0, 3, 2, 0)


def test_an_undone_hand_over_brings_unit_and_reservation_back():
    c = centre({("S001", "TEE"): 4})
    book.promise(c.tx, "S001", [("TEE", 1)], fence=1, now=NOW)
    book.consume(c.tx, "S001", "TEE", 1, fence=1, now=NOW)
    book.consume(c.tx, "S001", "TEE", -1, fence=1, now=NOW)
    assert c.rights("S001", "TEE") == (4, 1, 2, 1, 0)


def test_a_late_pick_reserves_only_what_the_pool_still_has():
    c = centre({("S001", "TEE"): 2})
    assert book.rereserve(c.tx, "S001", "TEE", 3, fence=1, now=NOW) == 1
    assert book.rereserve(c.tx, "S001", "TEE", 3, fence=1, now=NOW) == 0
    assert c.rights("S001", "TEE") == (2, 1, 1, 0, 0)


def test_a_grant_never_exceeds_the_pool_and_is_told():
    c = centre({("S001", "TEE"): 4})
    assert book.grant(c.tx, "S001", "TEE", 5, now=NOW) == 2
    assert c.rights("S001", "TEE") == (4, 0, 4, 0, 0)
    assert c.decisions("S001")[-1] == d.Granted("TEE", 2)
    assert book.grant(c.tx, "S001", "TEE", 1, now=NOW) == 0
    assert c.decisions("S001")[-1] == d.Granted("TEE", 2)


def test_goods_that_left_beyond_all_rights_lower_the_pool_and_the_rest_is_debt():
    c = centre({("S001", "TEE"): 4})
    beyond = book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-3)], Cause("handed_over", NOW, number=9))
    assert beyond.debt == 1
    assert c.rights("S001", "TEE") == (1, 0, 2, 0, 1)
    assert c.decisions("S001")[-1] == d.DebtPaid("TEE", -1), "the store learns of the debt by plain addition"
    [case] = c.cases("debt")
    assert (case["store"], case["sku"]) == ("S001", "TEE")
    assert '"number": 9' in case["evidence"]


def test_a_share_that_was_never_given_is_taken_from_the_pool():
    c = centre({("S001", "TEE"): 4})
    beyond = book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-3, share=-3)], Cause("sold", NOW, number=1))
    assert beyond == book.Beyond(share=1)
    assert c.rights("S001", "TEE") == (1, 0, 0, 1, 0)


def test_debt_is_paid_from_the_pool_at_once_and_told():
    c = centre({("S001", "TEE"): 4})
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-3, share=-2, debt=1)], Cause("sold", NOW, number=1))
    assert c.rights("S001", "TEE") == (1, 0, 0, 1, 0)
    assert c.decisions("S001")[-1] == d.DebtPaid("TEE", 1)


def test_debt_breaks_the_newest_open_shipment_before_a_pickup():
    c = centre({("S001", "TEE"): 6})
    offer(c, "S001", 1, [("TEE", 1)])
    offer(c, "S001", 2, [("TEE", 1)])
    offer(c, "S001", 3, [("TEE", 1)], kind="pickup")
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-4, share=-3, debt=1)], Cause("sold", NOW, number=1))
    ended = [row[0] for row in c.tx.execute("SELECT fence FROM assignment WHERE ended_at > 0")]
    assert ended == [2]
    assert c.rights("S001", "TEE") == (2, 2, 0, 0, 0)
    assert not c.cases("debt")


def test_debt_prefers_to_break_what_another_store_can_fill():
    c = centre({("S001", "TEE"): 4, ("S001", "CAP"): 4, ("S002", "TEE"): 2})
    offer(c, "S001", 1, [("TEE", 1)])
    c.now += 1
    c.tx.execute("UPDATE stock SET share = share + pool, pool = 0 WHERE store = 'S002' AND sku = 'TEE'")
    offer(c, "S001", 2, [("TEE", 1)])
    c.tx.execute("UPDATE stock SET share = 1, pool = 1 WHERE store = 'S002' AND sku = 'TEE'")
    # Both can be filled elsewhere, so the newest goes; it is offered to the other store at once.
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-3, share=-2, debt=1)], Cause("sold", NOW, number=1))
    assert [row[0] for row in c.tx.execute("SELECT fence FROM assignment WHERE ended_at > 0")] == [2]
    moved = c.tx.execute("SELECT store FROM assignment WHERE fo = 'YP-000002-1' AND ended_at = 0").fetchone()
    assert moved["store"] == "S002"
    assert c.rights("S002", "TEE") == (2, 1, 1, 0, 0)


def test_debt_never_breaks_an_accepted_order_and_becomes_a_case_instead():
    c = centre({("S001", "TEE"): 2})
    offer(c, "S001", 1, [("TEE", 1)])
    c.tx.execute("UPDATE assignment SET state = 'accepted', ownership = 'confirmed' WHERE fence = 1")
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-2, share=-1, debt=1)], Cause("sold", NOW, number=4))
    assert c.rights("S001", "TEE") == (0, 1, 0, 0, 1)
    assert len(c.cases("debt")) == 1
    asked = c.tx.execute("SELECT withdraw_requested_at, ended_at FROM assignment").fetchone()
    assert tuple(asked) == (0, 0), "what a store owns is not asked back for a debt"
    # Goods come in: the debt is paid and its case closes by itself.
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=1, debt=-1)], Cause("received", NOW, number=5))
    assert c.rights("S001", "TEE") == (1, 1, 0, 0, 0)
    assert [case["state"] for case in c.cases("debt")] == ["closed"]


def test_units_freed_at_a_store_in_debt_pay_the_debt_first():
    c = centre({("S001", "TEE"): 2})
    offer(c, "S001", 1, [("TEE", 1)])
    c.tx.execute("UPDATE assignment SET state = 'accepted', ownership = 'confirmed' WHERE fence = 1")
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-2, share=-1, debt=1)], Cause("sold", NOW, number=4))
    book.free(c.tx, "S001", "TEE", 1, fence=1, now=NOW)
    assert c.rights("S001", "TEE") == (0, 0, 0, 0, 0)
    assert c.decisions("S001")[-1] == d.DebtPaid("TEE", 1)


def test_a_debt_paid_on_both_sides_is_below_zero_until_the_store_credits_itself():
    c = centre({("S001", "TEE"): 4})
    cause = Cause("sold", NOW, number=1)
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-3, share=-2, debt=1)], cause)
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=1, debt=-1)], cause)
    assert c.rights("S001", "TEE") == (2, 0, 0, 1, -1)
    book.apply_moves(c.tx, "S001", [Move("TEE", share=1, debt=1)], cause)
    assert c.rights("S001", "TEE") == (2, 0, 1, 1, 0)


def test_facts_of_a_closed_replica_move_goods_but_give_no_share():
    c = centre({("S001", "TEE"): 4})
    c.tx.execute(
        "INSERT INTO replica (store, incarnation, state, opened_at) VALUES ('S001', 'old', 'closed', 1),"
        " ('S001', 'new', 'live', 2)"
    )
    before = len(c.decisions("S001"))
    cause = Cause("sold", NOW, incarnation="old", number=7)
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-1, share=-1)], cause)
    assert c.rights("S001", "TEE") == (3, 0, 2, 1, 0), "the share is the live replica's; the pool gave"
    assert c.decisions("S001")[before:] == [d.StockLoaded("replay:7", (("TEE", -1, 0),))]


def test_a_load_below_zero_takes_from_the_pool_and_never_from_the_share():
    c = centre({("S001", "TEE"): 4})
    assert load(c.tx, "S001", [("TEE", -3)], "CORRECTION", NOW)
    assert c.rights("S001", "TEE") == (1, 0, 2, 0, 1)
    assert d.StockLoaded("CORRECTION", (("TEE", -3, 0),)) in c.decisions("S001")


def test_an_absolute_load_is_told_as_a_difference():
    c = centre({("S001", "TEE"): 4})
    assert load(c.tx, "S001", [("TEE", 6)], "STOCKTAKE", NOW, absolute=True)
    assert c.rights("S001", "TEE") == (6, 0, 3, 3, 0)
    assert c.decisions("S001")[-1] == d.StockLoaded("STOCKTAKE", (("TEE", 2, 1),))


def test_a_document_is_booked_once():
    c = centre()
    rows = [{"store": "S001", "sku": "TEE", "qty": "3"}]
    assert load_stock(c.tx, rows, document="D-1", now=NOW).good == 1
    again = load_stock(c.tx, rows, document="D-1", now=NOW)
    assert again.repeated
    assert c.rights("S001", "TEE")[0] == 3


def test_a_mended_file_sent_again_books_only_what_was_missing():
    c = centre()
    first = [{"store": "S001", "sku": "TEE", "qty": "3"}, {"store": "S001", "sku": "CAP", "qty": "two"}]
    assert len(load_stock(c.tx, first, document="D-1", now=NOW).errors) == 1
    mended = [first[0], {"store": "S001", "sku": "CAP", "qty": "2"}]
    again = load_stock(c.tx, mended, document="D-1", now=NOW)
    assert not again.repeated
    assert c.rights("S001", "TEE")[0] == 3
    assert c.rights("S001", "CAP")[0] == 2


def test_a_large_load_is_told_in_parts_of_five_hundred():
    c = centre()
    c.tx.executemany(
        "INSERT INTO item (sku, name_en, name_zh) VALUES (?, ?, ?)",
        [(f"X{n:04d}", "x", "x") for n in range(1100)],
    )
    load(c.tx, "S002", [(f"X{n:04d}", 2) for n in range(1100)], "OPEN", NOW)
    parts = [body for body in c.decisions("S002") if isinstance(body, d.StockLoaded)]
    assert [len(part.rows) for part in parts] == [500, 500, 100]
    assert c.ledger_adds_up()


def test_the_database_itself_refuses_rights_that_do_not_add_up():
    c = centre({("S001", "TEE"): 4})
    for wrong in ("pool = pool + 1", "share = -1, pool = pool + 3", "on_hand = 9"):
        with pytest.raises(sqlite3.IntegrityError, match="rights"):
            c.tx.execute(f"UPDATE stock SET {wrong} WHERE store = 'S001' AND sku = 'TEE'")


def _everything(c: Centre) -> None:
    book.promise(c.tx, "S001", [("TEE", 1)], fence=1, now=NOW)
    book.grant(c.tx, "S001", "TEE", 1, now=NOW)
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=-9, share=-9, damaged=2)], Cause("x", NOW, number=1))
    book.free(c.tx, "S001", "TEE", 1, fence=1, now=NOW)
    book.apply_moves(c.tx, "S001", [Move("TEE", on_hand=5, share=2, hold=1)], Cause("x", NOW, number=2))


def test_the_ledger_adds_up_to_the_stock():
    c = centre({("S001", "TEE"): 5, ("S002", "CAP"): 3})
    _everything(c)
    assert c.ledger_adds_up()


def test_a_broken_promise_names_the_fact_that_broke_it():
    c = centre({("S001", "TEE"): 2})
    offer(c, "S001", 7, [("TEE", 1)])
    c.report("S001", Sold("TEE", 2, share=1, debt=1), person="amy")
    broken = c.tx.execute("SELECT * FROM stock_ledger WHERE reason = 'broken'").fetchall()
    assert [(row["fence"], row["reserved"], row["number"], row["note"]) for row in broken] == [
        (7, -1, 1, "sold")
    ]
    assert broken[0]["incarnation"] == "S001-i1"
    assert c.rights("S001", "TEE")[4] == 0
