"""Counts as the centre knows them: asked for, under way, waiting for a second person, and over."""

from __future__ import annotations

import pytest

from server.counts import ask, read
from server.link.snapshot import snapshot
from sync.rules.refusals import Refused
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_facts import NOW, Centre, centre


@pytest.fixture
def chain() -> Centre:
    return centre({("S001", "TEE"): 10, ("S001", "CAP"): 4, ("S002", "TEE"): 5})


def asked(chain: Centre) -> list[d.CountAsked]:
    return [body for body in chain.decisions("S001") if isinstance(body, d.CountAsked)]


def test_a_list_is_one_decision_per_sku_so_that_an_older_store_can_count_it_too(chain: Centre) -> None:
    sheet = ask.ask_list(
        chain.tx, "S001", ["TEE", " CAP ", "TEE", ""], name="Monday", blind=False, now=NOW, person="ops"
    )
    assert [(body.sku, body.sheet, body.name, body.blind) for body in asked(chain)] == [
        ("TEE", sheet, "Monday", False),
        ("CAP", sheet, "Monday", False),
    ]
    with pytest.raises(Refused):
        ask.ask_list(chain.tx, "S001", ["NOTHING"], now=NOW, person="ops")
    with pytest.raises(Refused):
        ask.ask_list(chain.tx, "S001", [" "], now=NOW, person="ops")


def test_a_list_is_over_when_every_sku_was_counted(chain: Centre) -> None:
    sheet = ask.ask_list(chain.tx, "S001", ["TEE", "CAP"], now=NOW, person="ops")
    chain.report("S001", f.Counted("TEE", 10, 10, sheet=sheet))
    [row] = read.sheets(chain.tx, "S001")
    assert (row["state"], row["counted"], row["lines"]) == ("open", 1, 2)
    chain.report("S001", f.VarianceFound("CAP", 4, 0, 7, NOW, sheet, by=("lin",)))
    [row] = read.sheets(chain.tx, "S001")
    assert (row["state"], row["waiting"]) == ("open", 1)
    chain.report("S001", f.Counted("CAP", 4, 0, share=2, debt=2, sheet=sheet, by=("lin",), allowed_by="amy"))
    [row] = read.sheets(chain.tx, "S001")
    assert (row["state"], row["waiting"]) == ("closed", 0)


def test_a_difference_that_waits_moves_nothing_until_it_is_confirmed(chain: Centre) -> None:
    before = chain.rights("S001", "TEE")
    assert chain.report("S001", f.VarianceFound("TEE", 10, 2, 7, NOW, by=("lin",))).name == "applied"
    assert chain.rights("S001", "TEE") == before
    [waits] = read.waiting(chain.tx, "S001")
    assert (waits["difference"], waits["state"]) == (-8, "open")
    chain.report("S001", f.Counted("TEE", 10, 2, share=5, debt=3, by=("lin",), allowed_by="amy"))
    assert read.waiting(chain.tx, "S001") == []
    assert chain.rights("S001", "TEE")[0] == 2
    [row] = read.history(chain.tx, "TEE")
    assert (row["state"], row["counted_by"], row["allowed_by"]) == ("applied", "lin", "amy")


def test_a_difference_keeps_a_sku_suppressed_and_the_count_lifts_it(chain: Centre) -> None:
    from server.stock import book

    book.suppress(chain.tx, "S001", "TEE", now=NOW)
    chain.report("S001", f.VarianceFound("TEE", 10, 2, 7, NOW, by=("lin",)))
    assert book.is_suppressed(chain.tx, "S001", "TEE")
    chain.report("S001", f.Counted("TEE", 10, 2, share=5, debt=3, allowed_by="amy"))
    assert not book.is_suppressed(chain.tx, "S001", "TEE")


def test_the_history_of_a_sku_tells_every_count_and_what_became_of_it(chain: Centre) -> None:
    chain.report("S001", f.VarianceFound("TEE", 10, 2, 7, NOW, by=("lin",)))
    chain.report("S001", f.RecountAsked("TEE", not_by="lin"), person="amy")
    chain.now += 1000
    chain.report("S001", f.Counted("TEE", 10, 9, share=1), person="wei")
    chain.report("S002", f.Counted("TEE", 5, 5), person="zoe")
    assert [(row["store"], row["state"], row["found"]) for row in read.history(chain.tx, "TEE")] == [
        ("S002", "applied", 5),
        ("S001", "applied", 9),
        ("S001", "again", 2),
    ]
    assert len(read.history(chain.tx, "TEE", "S002")) == 1


def test_a_full_count_is_followed_area_by_area_and_agreeing_looks_are_history_too(chain: Centre) -> None:
    sheet = ask.ask_full(chain.tx, "S001", ["Floor", "Back"], now=NOW, person="ops")
    with pytest.raises(Refused):
        ask.ask_full(chain.tx, "S001", ["Floor"], now=NOW, person="ops")
    [body] = asked(chain)
    assert (body.sku, body.areas) == ("", ("Floor", "Back"))
    chain.report("S001", f.CountEntered(sheet, "Floor", "TEE", 3, 10, 1))
    chain.report("S001", f.CountEntered(sheet, "Floor", "TEE", 4, 10, 2, instead=True))
    chain.report("S001", f.CountEntered(sheet, "Back", "TEE", 6, 10, 3), person="wei")
    chain.report("S001", f.AreaFinished(sheet, "Floor", 4))
    [row] = read.sheets(chain.tx, "S001")
    assert (row["areas"], row["finished"], row["looked"]) == (["Floor", "Back"], ["Floor"], 1)
    chain.report("S001", f.AreaFinished(sheet, "Floor", 4, again=True))
    assert read.sheets(chain.tx, "S001")[0]["finished"] == []
    chain.report("S001", f.SheetClosed(sheet), person="amy")
    [row] = read.history(chain.tx, "TEE")
    assert (row["state"], row["found"], sorted(row["counters"])) == ("agreed", 10, ["lin", "wei"])


def test_a_count_taken_back_is_told_to_the_store_once(chain: Centre) -> None:
    sheet = ask.ask_list(chain.tx, "S001", ["TEE"], now=NOW, person="ops")
    assert ask.take_back(chain.tx, "S001", sheet, now=NOW, person="ops")
    assert not ask.take_back(chain.tx, "S001", sheet, now=NOW, person="ops")
    assert [body.cancelled for body in asked(chain)] == [False, True]
    assert snapshot(chain.tx, "S001", now=NOW).tasks == ()


def test_numbers_no_shelf_can_have_are_parked(chain: Centre) -> None:
    assert chain.report("S001", f.VarianceFound("TEE", 10, -1, 1)).name == "parked"
    assert chain.report("S001", f.CountEntered("C1", "Floor", "TEE", -1, 10, 1)).name == "parked"
    assert chain.report("S001", f.CountEntered("C1", "Floor", "NIX", 1, 10, 1)).name == "parked"


def test_a_store_that_lost_its_box_hears_of_open_counts_and_of_what_was_doubted(chain: Centre) -> None:
    sheet = ask.ask_full(chain.tx, "S001", ["Floor"], name="Year", now=NOW, person="ops")
    listed = ask.ask_list(chain.tx, "S001", ["CAP"], now=NOW + 1, person="ops")
    chain.report("S001", f.VarianceFound("TEE", 10, 2, 7, NOW, by=("lin",)))
    chain.report("S001", f.RecountAsked("TEE", not_by="lin"), person="amy")
    chain.report("S001", f.SheetOpened("L1", "list", skus=("TEE",)), person="amy")
    taken = snapshot(chain.tx, "S001", now=NOW + 1000)
    assert [(s.id, s.kind, s.areas) for s in taken.sheets] == [
        (sheet, "full", ("Floor",)),
        ("L1", "list", ()),
        (listed, "list", ()),
    ]
    assert sorted((t.sku, t.reason, t.sheet, t.not_by) for t in taken.tasks) == [
        ("CAP", "asked", listed, ""),
        ("TEE", "asked", "L1", ""),
        ("TEE", "recount", "", "lin"),
    ]
