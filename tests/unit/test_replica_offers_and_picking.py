"""Offers, waves, scans, shorts, parcels: what a store may do and what it is told when it may not."""

from __future__ import annotations

import pytest

from sync import sqlite
from sync.replica.commands import perform
from sync.rules.refusals import Why
from sync.texts import translator
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_replica import MINUTE, Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3), WATCH=(2, 1))
    return shop


def test_an_acceptance_is_provisional_until_the_confirmation_is_applied(shop: Shop) -> None:
    fence = shop.offer()
    assert shop.ok("accept", fence=fence)["provisional"] is False
    assert shop.state(fence) == ("accepted", "provisional")
    shop.confirm(fence)
    assert shop.state(fence) == ("accepted", "confirmed")


def test_accepting_with_the_line_down_says_so_in_the_fact(shop: Shop) -> None:
    fence = shop.offer()
    shop.line_up = False
    assert shop.ok("accept", fence=fence)["provisional"] is True
    assert shop.last()[1] == f.Accepted(provisional=True)


def test_a_repeated_command_id_gets_the_first_answer_and_does_nothing(shop: Shop) -> None:
    fence = shop.offer()
    first = shop.do("accept", fence=fence, command="tap-1")
    again = shop.do("accept", fence=fence, command="tap-1")
    assert (first.ok, first.result) == (again.ok, again.result) == (True, first.result)
    assert len(shop.facts("accepted")) == 1


def test_a_refused_command_is_refused_again_even_when_it_could_succeed_by_then(shop: Shop) -> None:
    fence = shop.offer()
    refused = shop.do("pick", fence=fence, line=1, command="tap-2")
    shop.ok("accept", fence=fence)
    assert shop.do("pick", fence=fence, line=1, command="tap-2").refusal == refused.refusal
    assert not shop.facts("picked")


def test_an_offer_that_surely_ran_out_is_refused_and_one_in_doubt_is_not(shop: Shop) -> None:
    fence = shop.offer()
    shop.now += 31 * MINUTE
    facts = shop.refused(Why.OFFER_LAPSED, "accept", fence=fence)
    assert facts["time"] == "17:30"  # the store's own zone
    shop.doubt = 5 * MINUTE
    shop.ok("accept", fence=fence)


def test_accepting_twice_names_who_was_first(shop: Shop) -> None:
    fence = shop.offer()
    shop.ok("accept", "wei", fence=fence)
    assert shop.refused(Why.ALREADY_DONE, "accept", fence=fence)["person"] == "Wei"


def test_a_decline_needs_a_reason_of_the_list_and_suppresses_what_was_not_found(shop: Shop) -> None:
    fence = shop.offer()
    shop.refused(Why.UNKNOWN_REASON, "decline", fence=fence, reason="label_mismatch")
    shop.ok("decline", fence=fence, reason="not_found")
    assert shop.state(fence) == ("declined", "ended")
    assert shop.units("TEE-M")["suppressed"] == 1
    assert shop.count("SELECT count(*) FROM task WHERE sku = 'TEE-M' AND not_by = 'lin'") == 1


def test_closing_declines_every_waiting_offer_and_pauses_the_store(shop: Shop) -> None:
    first, second, third = shop.offer(), shop.offer(), shop.offer()
    shop.ok("accept", fence=third)
    result = shop.ok("decline", fence=first, reason="store_closing")
    assert result["also_declined"] == [second]
    assert shop.state(third)[0] == "accepted"
    assert [b for _, b in shop.facts("store_paused")] == [f.StorePaused(True, "store_closing")]


def test_a_scan_picks_for_the_order_of_the_wave_that_has_waited_longest(shop: Shop) -> None:
    old = shop.owned([("TEE-M", 1), ("JEANS", 1)])
    shop.now += MINUTE
    new = shop.owned([("TEE-M", 2)])
    wave = shop.ok("start_wave", fences=[new, old])
    assert [t["tote"] for t in wave["totes"]] == ["A", "B"]
    hits = [shop.ok("scan", code="6901234567892", wave=wave["wave"]) for _ in range(3)]
    assert [(h["fence"], h["tote"]) for h in hits] == [(old, "B"), (new, "A"), (new, "A")]
    assert [h["state"] for h in hits] == ["picking", "picking", "picked"]


def test_one_scan_is_one_fact_and_one_row_of_it_fits_in_250_bytes(shop: Shop) -> None:
    fence = shop.owned()
    before = shop.count("SELECT count(*) FROM fact")
    ctx = shop.context(command="01JD0000000000000000000000")
    statements: list[str] = []
    shop.db.set_trace_callback(statements.append)
    with sqlite.writing(shop.db):
        perform(shop.db, "scan", {"code": "6901234567892", "fence": fence}, ctx)
    shop.db.set_trace_callback(None)
    assert shop.count("SELECT count(*) FROM fact") == before + 1
    assert sum(s.startswith("COMMIT") for s in statements) == 1
    assert shop.count("SELECT length(raw) FROM fact ORDER BY number DESC LIMIT 1") <= 230


@pytest.mark.parametrize(
    "code",
    [
        "TEE-M",
        "tee-m",
        "6901234567892",
        "06901234567892",
        "]E06901234567892",
        "010690123456789210LOT7",
        "https://id.example.cn/01/06901234567892",
    ],
)
def test_goods_are_known_by_sku_and_by_every_form_of_their_gtin(shop: Shop, code: str) -> None:
    fence = shop.owned()
    assert shop.ok("scan", code=code, fence=fence)["sku"] == "TEE-M"


def test_a_wrong_item_is_refused_loudly_with_what_it_is_and_what_is_wanted(shop: Shop) -> None:
    fence = shop.owned()
    outcome = shop.do("scan", code="036000291452", fence=fence)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Why.WRONG_ITEM
    english, chinese = translator("en"), translator("zh")
    assert (
        outcome.refusal.sentence(english) == "Wrong item: this is Jeans (JEANS). Wanted: T-shirt M (TEE-M)."
    )
    assert outcome.refusal.next_step(english) == "Put it back and scan TEE-M, shelf A-1-3."
    assert "牛仔裤" in outcome.refusal.sentence(chinese)
    assert shop.db.execute("SELECT picked FROM assignment_line WHERE fence = ?", (fence,)).fetchone()[0] == 0


def test_a_unit_too_many_and_an_unknown_code_are_refused(shop: Shop) -> None:
    fence = shop.owned([("TEE-M", 1), ("JEANS", 1)])
    shop.ok("scan", code="TEE-M", fence=fence)
    assert shop.refused(Why.ENOUGH_PICKED, "scan", code="TEE-M", fence=fence)["qty"] == 1
    shop.refused(Why.UNKNOWN_CODE, "scan", code="6901234567893", fence=fence)
    shop.refused(Why.UNKNOWN_CODE, "pick", fence=fence, line=2, code="nonsense")
    shop.refused(Why.WRONG_ITEM, "pick", fence=fence, line=2, code="TEE-M")
    shop.refused(Why.TOO_MANY, "pick", fence=fence, line=2, qty=2)
    shop.refused(Why.UNKNOWN_LINE, "pick", fence=fence, line=9)
    shop.refused(Why.UNKNOWN_TASK, "pick", fence=99, line=1)
    shop.refused(Why.BAD_QUANTITY, "pick", fence=fence, line=2, qty=0)
    shop.refused(Why.NOT_UNDERSTOOD, "pick", fence="abc", line=2)
    shop.refused(Why.UNKNOWN_COMMAND, "steal", fence=fence)


def test_a_scan_with_no_task_open_only_tells_what_it_is(shop: Shop) -> None:
    result = shop.ok("scan", code="6901234567892")
    assert (result["kind"], result["sku"], result["there"]) == ("item", "TEE-M", 10)


def test_a_piece_with_a_serial_number_is_picked_once(shop: Shop) -> None:
    one, two = shop.owned([("WATCH", 1)]), shop.owned([("WATCH", 1)])
    piece = "010000009638507421SN-5"
    shop.refused(Why.SERIAL_WANTED, "scan", code="WATCH", fence=one)
    shop.ok("scan", code=piece, fence=one)
    assert shop.refused(Why.SERIAL_USED, "scan", code=piece, fence=two)["order"].startswith("YP-000001")
    shop.ok("undo_pick", fence=one, line=1)
    shop.ok("scan", code=piece, fence=two)


def test_a_second_picker_is_told_who_has_it_and_takes_it_over_by_its_tote(shop: Shop) -> None:
    fence = shop.owned([("TEE-M", 2)])
    wave = shop.ok("start_wave", fences=[fence])
    shop.ok("scan", code="TEE-M", wave=wave["wave"])
    tote = wave["totes"][0]["code"]
    assert shop.refused(Why.CLAIMED, "start_wave", "wei", fences=[fence])["person"] == "Lin"
    assert shop.refused(Why.CLAIMED, "scan", "wei", code="TEE-M", fence=fence)["tote"] == tote
    assert shop.ok("scan", "wei", code=tote)["taken_over"] is True
    assert shop.ok("scan", "wei", code="TEE-M", fence=fence)["state"] == "picked"


def test_a_wave_has_a_limit_and_knows_its_lines_put_off(shop: Shop) -> None:
    fences = [shop.owned() for _ in range(3)]
    shop.rows("policy", [("wave_max", {"value": 2})])
    assert shop.refused(Why.WAVE_FULL, "start_wave", fences=fences)["most"] == 2
    shop.ok("start_wave", fences=fences[:2])
    before = len(shop.facts())
    assert shop.ok("pick_later", fence=fences[0], line=1)["later"] == 1
    assert shop.ok("pick_later", fence=fences[1], line=1)["later"] == 2
    assert len(shop.facts()) == before


def test_a_short_pick_suppresses_the_sku_and_asks_another_person_to_count(shop: Shop) -> None:
    fence = shop.owned([("TEE-M", 2)])
    shop.ok("pick", fence=fence, line=1)
    result = shop.ok("short", fence=fence, line=1, qty=1, reason="not_found")
    assert result["state"] == "picked"
    assert shop.units("TEE-M")["suppressed"] == 1
    assert shop.units("TEE-M")["on_hand"] == 10  # unchanged until counted
    shop.refused(Why.OWN_FINDING, "count", sku="TEE-M", found=8)
    shop.ok("count", "wei", sku="TEE-M", found=8)
    assert shop.units("TEE-M")["suppressed"] == 0
    assert shop.count("SELECT count(*) FROM task WHERE state = 'open'") == 0


def test_an_order_of_which_nothing_is_there_is_closed_by_its_zero_pick(shop: Shop) -> None:
    fence = shop.owned([("TEE-M", 2)])
    shop.ok("short", fence=fence, line=1, qty=2, reason="damaged")
    assert shop.state(fence) == ("closed", "ended")
    assert shop.units("TEE-M") == {
        "on_hand": 8,
        "share": 4,
        "debt": 0,
        "damaged": 2,
        "hold": 0,
        "suppressed": 0,
    }


def test_label_mismatch_takes_one_sku_down_and_the_other_up(shop: Shop) -> None:
    fence = shop.owned()
    shop.ok("short", fence=fence, line=1, qty=1, reason="label_mismatch", instead="JEANS")
    assert (shop.units("TEE-M")["on_hand"], shop.units("JEANS")["on_hand"]) == (9, 7)
    assert {r[0] for r in shop.db.execute("SELECT sku FROM task WHERE state = 'open'")} == {"TEE-M", "JEANS"}


def test_a_unit_found_broken_while_packing_leaves_the_tote_before_it_is_short(shop: Shop) -> None:
    fence = shop.picked([("TEE-M", 2)])
    shop.ok("short", fence=fence, line=1, qty=1, reason="damaged")
    line = shop.db.execute("SELECT picked, short FROM assignment_line WHERE fence = ?", (fence,)).fetchone()
    assert tuple(line) == (1, 1)
    assert [fact.kind for fact, _ in shop.facts()][-2:] == ["pick_undone", "shorted"]


def test_parcels_hold_every_picked_unit_exactly_once(shop: Shop) -> None:
    fence = shop.picked([("TEE-M", 2), ("JEANS", 1)])
    for wrong in ([[[1, 2]]], [[[1, 2], [2, 1]], [[1, 1]]], [[[1, 2], [2, 1], [3, 1]]]):
        shop.refused(Why.PARCELS_DIFFER, "pack", fence=fence, parcels=wrong)
    made = shop.ok("pack", fence=fence, parcels=[[[1, 1]], [[1, 1], [2, 1]]])["parcels"]
    assert len(set(made)) == 2
    again = shop.ok("pack", fence=fence)["parcels"]
    assert len(again) == 1
    assert shop.count("SELECT count(*) FROM parcel WHERE fence = ?", fence) == 1
    assert shop.ok("scan", code=again[0])["fence"] == fence
    shop.ok("stage", fence=fence, location="W-2")
    assert shop.row(fence)["location"] == "W-2"


def test_nothing_is_worked_before_it_is_accepted_nor_after_it_was_taken_back(shop: Shop) -> None:
    fence = shop.offer()
    shop.refused(Why.NOT_NOW, "pick", fence=fence, line=1)
    shop.refused(Why.NOT_NOW, "start_wave", fences=[fence])
    shop.ok("accept", fence=fence)
    shop.decide(d.Withdrawn("lapsed", "S002", "Xujiahui"), fence)
    assert shop.refused(Why.WITHDRAWN, "pick", fence=fence, line=1)["to"] == "Xujiahui"


def test_a_role_without_the_right_is_refused_before_anything_is_looked_at(shop: Shop) -> None:
    fence = shop.offer()
    for name, args in (("accept", {"fence": fence}), ("count", {"sku": "TEE-M", "found": 1})):
        shop.refused(Why.NOT_ALLOWED, name, "till", **args)
