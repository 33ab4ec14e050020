"""Goods leave once, only under ownership, or under a supervisor's name; and what comes after."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync import sqlite
from sync.replica import effects, log, notices, timers
from sync.rules.refusals import Why
from sync.texts import translator
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.kit_replica import HOUR, MINUTE, PIN, Shop

AMY = {"person": "amy", "pin": PIN["amy"], "reason": "forgot the phone, passport seen"}


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.stock(TEE_M=(10, 4), JEANS=(6, 3))
    return shop


def run_due(shop: Shop) -> int:
    with sqlite.writing(shop.db):
        return timers.run_due(shop.db, shop.context("node", command=f"auto:{shop.now}"))


def test_the_right_code_hands_over_every_unit_and_takes_it_off_the_shelf(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 2), ("JEANS", 1)])
    result = shop.ok("hand_over", fence=fence, code="428 913", collector="Mei", proxy=True)
    assert (result["proof"], result["override"], result["state"]) == ("code", False, "released")
    assert shop.last()[1] == f.HandedOver(
        ((1, 2), (2, 1)), "code", "Mei", True, goods=(("JEANS", 1), ("TEE-M", 2)), order="YP-000001"
    )
    assert shop.units("TEE-M")["on_hand"] == 8
    assert shop.units("TEE-M")["share"] == 4  # reserved units left, not the store's own


def test_a_second_hand_over_is_told_when_and_by_whom(shop: Shop) -> None:
    fence = shop.staged()
    shop.ok("hand_over", "wei", fence=fence, code="428913")
    outcome = shop.do("hand_over", fence=fence, code="428913")
    assert outcome.refusal is not None
    assert outcome.refusal.sentence(translator("en")) == "YP-000001 was handed over at 17:00 by Wei."
    assert outcome.refusal.next_step(translator("en")) == "Ask the shopper for the newer code."
    assert "Wei" in outcome.refusal.sentence(translator("zh"))


def test_five_wrong_codes_lock_the_order_and_a_restart_gives_no_new_tries(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db")
    shop.stock(TEE_M=(10, 4))
    fence = shop.staged()
    for left in (4, 3):
        assert shop.refused(Why.WRONG_PICKUP_CODE, "hand_over", fence=fence, code="000000")["left"] == left
    shop.db.close()
    shop.db = sqlite.connect(tmp_path / "s.db")
    for left in (2, 1):
        assert shop.refused(Why.WRONG_PICKUP_CODE, "hand_over", fence=fence, code="000000")["left"] == left
    shop.refused(Why.CODE_LOCKED, "hand_over", fence=fence, code="000000")
    shop.refused(Why.CODE_LOCKED, "hand_over", fence=fence, code="428913")
    shop.ok("hand_over", fence=fence, override=AMY)


def test_a_repeated_wrong_try_is_counted_once(shop: Shop) -> None:
    fence = shop.staged()
    for _ in range(9):
        shop.do("hand_over", fence=fence, code="000000", command="same-tap")
    assert shop.row(fence)["code_tries"] == 1


def test_no_code_no_goods_and_an_order_without_a_code_wants_a_name(shop: Shop) -> None:
    fence = shop.staged()
    shop.refused(Why.CODE_WANTED, "hand_over", fence=fence, collector="Mei")
    other = shop.staged(kind="same_day", code="")
    shop.refused(Why.NAME_WANTED, "hand_over", fence=other)
    assert shop.ok("hand_over", fence=other, collector="Rider 7")["proof"] == "name"


def test_a_provisional_order_leaves_only_under_a_supervisors_name(shop: Shop) -> None:
    fence = shop.offer()
    shop.line_up = False
    shop.ok("accept", fence=fence)
    shop.ok("pick", fence=fence, line=1)
    shop.ok("pack", fence=fence)
    shop.ok("stage", fence=fence, location="W-1")
    shop.refused(Why.NOT_CONFIRMED, "hand_over", fence=fence, code="428913")
    shop.ok("hand_over", fence=fence, code="428913", override=AMY)
    body = shop.last()[1]
    assert isinstance(body, f.HandedOver)
    assert (body.proof, body.override_by) == ("code", "amy")


def test_a_withdrawn_order_leaves_only_under_a_supervisors_name(shop: Shop) -> None:
    fence = shop.staged()
    shop.decide(d.Withdrawn("reassigned", "S002", "Xujiahui"), fence)
    shop.refused(Why.WITHDRAWN, "hand_over", fence=fence, code="428913")
    shop.ok("hand_over", fence=fence, override=AMY)
    assert shop.state(fence)[0] == "released"


def test_the_hold_is_judged_by_the_latest_time_it_can_be(shop: Shop) -> None:
    fence = shop.staged()
    shop.now += 48 * HOUR - MINUTE
    shop.doubt = 2 * MINUTE
    shop.refused(Why.HOLD_OVER, "hand_over", fence=fence, code="428913")
    shop.doubt = MINUTE // 2
    shop.ok("hand_over", fence=fence, code="428913")


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ({"person": "amy", "pin": "000000", "reason": "x"}, Why.WRONG_PIN),
        ({"person": "wei", "pin": PIN["wei"], "reason": "x"}, Why.NOT_ALLOWED),
        ({"person": "lin", "pin": PIN["lin"], "reason": "x"}, Why.SAME_PERSON),
        ({"person": "bob", "pin": "1", "reason": "x"}, Why.UNKNOWN_PERSON),
        ({"person": "amy", "pin": PIN["amy"], "reason": " "}, Why.UNKNOWN_REASON),
        ({"person": "", "pin": "", "reason": "x"}, Why.NEEDS_LEAD),
    ],
)
def test_an_override_needs_another_persons_right_pin_and_a_reason(
    shop: Shop, override: dict[str, str], why: Why
) -> None:
    fence = shop.staged()
    shop.refused(why, "hand_over", fence=fence, override=override)
    assert shop.state(fence)[0] == "staged"


def test_wrong_pins_lock_the_person_longer_each_time_also_across_a_restart(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "s.db")
    shop.stock(TEE_M=(10, 4))
    fence = shop.staged()
    wrong = AMY | {"pin": "999999"}
    for left in (4, 3, 2, 1):
        assert shop.refused(Why.WRONG_PIN, "hand_over", fence=fence, override=wrong)["left"] == left
    shop.refused(Why.PIN_LOCKED, "hand_over", fence=fence, override=wrong)
    shop.db.close()
    shop.db = sqlite.connect(tmp_path / "s.db")
    shop.refused(Why.PIN_LOCKED, "hand_over", fence=fence, override=AMY)
    shop.rows(
        "people",
        [
            (
                "amy",
                {
                    "name": "Amy",
                    "role": "store_lead",
                    "active": True,
                    "pin_hash": shop.db.execute("SELECT pin_hash FROM person WHERE id = 'amy'").fetchone()[0],
                },
            )
        ],
    )
    shop.refused(Why.PIN_LOCKED, "hand_over", fence=fence, override=AMY)  # a re-sent row unlocks nobody
    shop.now += 5 * MINUTE
    shop.doubt = MINUTE
    shop.refused(Why.PIN_LOCKED, "hand_over", fence=fence, override=AMY)  # in doubt it is still locked
    shop.now += MINUTE
    shop.refused(Why.PIN_LOCKED, "hand_over", fence=fence, override=wrong)
    assert shop.count("SELECT locked_until FROM person WHERE id = 'amy'") == shop.now + MINUTE + 10 * MINUTE
    shop.now += 12 * MINUTE
    shop.ok("hand_over", fence=fence, override=AMY)
    assert shop.count("SELECT wrong_pins FROM person WHERE id = 'amy'") == 0


def test_what_the_shopper_does_not_take_goes_back_to_the_shelf(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 2), ("JEANS", 1)])
    shop.refused(Why.TOO_MANY, "hand_over", fence=fence, code="428913", refused=[[2, 2, "size"]])
    shop.ok("hand_over", fence=fence, code="428913", refused=[[1, 1, "colour"], [2, 1, "size"]])
    assert shop.state(fence)[0] == "put_back"
    assert shop.ok("scan", code="TEE-M", fence=fence)["left"] == 1
    shop.refused(Why.TOO_MANY, "scan", code="TEE-M", fence=fence)
    assert shop.ok("put_back", fence=fence, line=2)["state"] == "released"
    assert shop.units("TEE-M")["on_hand"] == 9
    assert shop.units("JEANS")["on_hand"] == 6


def test_a_hand_over_can_be_taken_back_for_a_minute(shop: Shop) -> None:
    fence = shop.staged([("TEE-M", 2)])
    shop.ok("hand_over", fence=fence, code="428913")
    shop.now += MINUTE
    assert shop.ok("undo_hand_over", fence=fence)["state"] == "staged"
    assert shop.units("TEE-M")["on_hand"] == 10
    assert shop.state(fence) == ("staged", "confirmed")
    shop.ok("hand_over", fence=fence, code="428913")
    shop.now += MINUTE + 1
    shop.refused(Why.TOO_LATE_TO_UNDO, "undo_hand_over", fence=fence)


def test_a_withdrawal_makes_a_put_back_and_tells_who_has_it_and_what_goes_where(shop: Shop) -> None:
    fence = shop.picked([("TEE-M", 2), ("JEANS", 1)])
    shop.now += 32 * MINUTE
    hints = shop.decide(d.Withdrawn("late", "S002", "Xujiahui", shop.now - MINUTE), fence)
    assert {"notice", f"assignment:{fence}"} <= hints
    assert shop.last()[1] == f.WithdrawalTaken("picked", 3)
    assert shop.state(fence) == ("put_back", "ended")
    [notice] = notices.open_notices(shop.db, translator("en"), shop.now)
    assert notice.sentence == (
        "YP-000001 was taken back at 17:32: the acceptance reached the centre too late. "
        "Xujiahui has it now, accepted at 17:31."
    )
    assert notice.next_step == "Put back: 2 × T-shirt M (A-1-3), 1 × Jeans (A-2-1)."
    [chinese] = notices.open_notices(shop.db, translator("zh"), shop.now)
    assert "牛仔裤" in chinese.next_step
    assert "taken back" not in chinese.sentence
    for code in ("TEE-M", "TEE-M", "JEANS"):
        shop.ok("scan", code=code, fence=fence)
    assert shop.state(fence) == ("closed", "ended")
    shop.ok("dismiss_notice", id=notice.id)
    assert notices.open_notices(shop.db, translator("en"), shop.now) == []


def test_a_withdrawn_offer_that_nobody_touched_is_closed_at_once(shop: Shop) -> None:
    fence = shop.offer()
    shop.decide(d.Withdrawn("lapsed"), fence)
    assert shop.state(fence) == ("closed", "ended")
    assert shop.last()[1] == f.WithdrawalTaken("offered", 0)


def test_a_withdrawal_of_what_this_store_never_heard_of_is_still_acknowledged(shop: Shop) -> None:
    shop.decide(d.Withdrawn("cancelled"), 77)
    fact, body = shop.last()
    assert (fact.fence, body) == (77, f.WithdrawalTaken("closed", 0))


def test_a_hold_that_ran_out_expires_once_and_becomes_a_put_back(shop: Shop) -> None:
    fence = shop.staged()
    assert run_due(shop) == 0
    assert timers.next_due(shop.db) == shop.row(fence)["owner_until"]
    shop.now += 48 * HOUR
    shop.doubt = 1
    assert run_due(shop) == 0, "not surely over"
    shop.now += 1
    assert run_due(shop) == 1
    assert run_due(shop) == 0
    assert shop.last()[1] == f.HoldExpired("staged", 1)
    assert shop.state(fence) == ("put_back", "ended")
    shop.refused(Why.HOLD_OVER, "hand_over", fence=fence, code="428913")
    shop.ok("put_back", fence=fence, code="6901234567892")
    assert shop.state(fence)[0] == "closed"


def test_a_box_that_restarts_without_a_line_keeps_what_it_owns_and_lets_nothing_go(shop: Shop) -> None:
    fence = shop.staged()
    shop.doubt = 10 * 365 * 24 * HOUR
    assert run_due(shop) == 0
    assert shop.state(fence) == ("staged", "confirmed")
    shop.refused(Why.HOLD_OVER, "hand_over", fence=fence, code="428913")
    shop.doubt = 0  # the line is back, and with it the time
    shop.ok("hand_over", fence=fence, code="428913")


def test_a_unit_that_an_older_record_had_forgotten_and_tells_of_again_is_one_unit(shop: Shop) -> None:
    fence = shop.staged()
    effects.apply(shop.db, f.Picked(1, 1), shop.context(), fence)
    assert shop.count("SELECT picked FROM assignment_line WHERE fence = ?", fence) == 1
    shop.decide(d.Withdrawn("reassigned", "S002", "Xujiahui"), fence)
    for _ in range(2):
        effects.apply(shop.db, f.PutBack(1, 1), shop.context(), fence)
    assert shop.count("SELECT put_back FROM assignment_line WHERE fence = ?", fence) == 1
    assert shop.state(fence)[0] == "closed"


def test_a_box_with_an_older_record_lets_nothing_go_before_the_centre_has_said_what_it_owns(
    shop: Shop,
) -> None:
    fence = shop.staged()
    log.put(shop.db, "needs_snapshot", 1)
    shop.refused(Why.NOT_CONFIRMED, "hand_over", fence=fence, code="428913")
    log.put(shop.db, "needs_snapshot", 0)
    shop.ok("hand_over", fence=fence, code="428913")


def test_the_shoppers_data_is_forgotten_a_day_after_the_work_ended(shop: Shop) -> None:
    fence = shop.staged()
    shop.ok("hand_over", fence=fence, code="428913", collector="Mei")
    shop.now += 23 * HOUR
    assert run_due(shop) == 0
    shop.now += 2 * HOUR
    assert run_due(shop) == 1
    row = shop.row(fence)
    assert (row["shopper"], row["phone_tail"], row["collector"], row["code_hash"]) == ("", "", "", "")
    assert run_due(shop) == 0


def test_a_manifest_leaves_whole_or_not_at_all(shop: Shop) -> None:
    one = shop.picked([("TEE-M", 2)], kind="shipment", code="")
    two = shop.staged(kind="shipment", code="")
    manifest = shop.ok("open_manifest", courier="SF")["manifest"]
    shop.refused(Why.MANIFEST_EMPTY, "ship", manifest=manifest)
    parcels = shop.ok("pack", fence=one, parcels=[[[1, 1]], [[1, 1]]])["parcels"]
    assert shop.ok("load", manifest=manifest, parcel=parcels[0])["missing"] == [parcels[1]]
    shop.refused(Why.PARCEL_MISSING, "ship", manifest=manifest)
    shop.ok("load", manifest=manifest, parcel=parcels[1].lower())
    shop.ok("load", manifest=manifest, fence=two)
    shop.decide(d.Withdrawn("cancelled"), two)
    shop.refused(Why.WITHDRAWN, "ship", manifest=manifest)
    shop.ok("unload", fence=two)
    assert shop.ok("ship", manifest=manifest)["fences"] == [one]
    assert shop.last()[1] == f.Shipped(
        ((1, 2),), manifest, "SF", tuple(sorted(parcels)), goods=(("TEE-M", 2),), order="YP-000001"
    )
    assert shop.units("TEE-M")["on_hand"] == 8
    shop.refused(Why.MANIFEST_CLOSED, "ship", manifest=manifest)
    shop.refused(Why.UNKNOWN_MANIFEST, "ship", manifest="M-NONE")
    shop.refused(Why.WRONG_WAY_OUT, "undo_hand_over", fence=one)


def test_an_overridden_manifest_flags_only_what_was_not_owned(shop: Shop) -> None:
    fences = [shop.staged(kind="shipment", code="") for _ in range(2)]
    manifest = shop.ok("open_manifest", courier="SF")["manifest"]
    for fence in fences:
        shop.ok("load", manifest=manifest, fence=fence)
    shop.decide(d.Withdrawn("cancelled"), fences[1])
    shop.ok("ship", manifest=manifest, override=AMY)
    assert [b.override_by for _, b in shop.facts("shipped") if isinstance(b, f.Shipped)] == ["", "amy"]


def test_each_kind_of_order_has_its_way_out(shop: Shop) -> None:
    pickup, shipment = shop.staged(), shop.staged(kind="shipment", code="")
    manifest = shop.ok("open_manifest", courier="SF")["manifest"]
    shop.refused(Why.WRONG_WAY_OUT, "load", manifest=manifest, fence=pickup)
    shop.refused(Why.WRONG_WAY_OUT, "hand_over", fence=shipment, collector="Mei")


def test_a_verdict_on_a_release_tells_of_the_case(shop: Shop) -> None:
    fence = shop.staged()
    shop.ok("hand_over", fence=fence, code="428913")
    number = shop.count("SELECT max(number) FROM fact")
    shop.decide(d.VerdictGiven(number, "stale", "handed_over", "old fence", "C-0007"), fence)
    [notice] = notices.open_notices(shop.db, translator("en"), shop.now)
    assert "C-0007" in notice.next_step
    row = shop.db.execute("SELECT verdict, note FROM fact WHERE number = ?", (number,)).fetchone()
    assert tuple(row) == ("stale", "C-0007")


def test_only_work_that_somebody_had_begun_makes_a_notice_to_put_away(shop: Shop) -> None:
    fence = shop.offer()
    shop.decide(d.Withdrawn("lapsed", "S002", "Xujiahui"), fence)
    assert notices.open_notices(shop.db, translator("en"), shop.now) == []
    row = shop.db.execute("SELECT * FROM notice WHERE fence = ?", (fence,)).fetchone()
    assert "Xujiahui has it now" in notices.shown(shop.db, row, translator("en"), shop.now).sentence


def test_a_second_word_on_a_withdrawal_takes_the_place_of_the_first(shop: Shop) -> None:
    fence = shop.offer()
    shop.line_up = False
    shop.ok("accept", fence=fence)
    shop.decide(d.Withdrawn("lapsed", "S002", "Xujiahui"), fence)
    shop.decide(d.Withdrawn("late", "S002", "Xujiahui"), fence)
    [notice] = notices.open_notices(shop.db, translator("zh"), shop.now)
    assert "接单到达总部时已超时" in notice.sentence
    assert "徐家汇店" in notice.sentence
    assert len(shop.facts("withdrawal_taken")) == 1
