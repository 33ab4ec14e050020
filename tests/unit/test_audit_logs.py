"""Releases, durability, agreement and progress: each planted violation turns its rule red."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.audit import Auditor
from tests.kit_audit import NOON, Scene
from tests.unit.test_audit_rights import broken

MINUTE = 60_000


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def hand_over(scene: Scene, fence: int, qty: int = 1) -> None:
    """The store hands over, both sides book it, and the turn is over."""
    number = scene.fact("handed_over", {"lines": [[1, qty]], "proof": "code"}, fence=fence)
    scene.move("handed_over", on_hand=-qty, reserved=-qty, number=number)
    scene.centre.execute(
        "UPDATE assignment_line SET reserved = 0, released = ? WHERE fence = ?", (qty, fence)
    )
    scene.centre.execute(
        "UPDATE assignment SET state = 'released', released_at = ?, ended_at = ? WHERE fence = ?",
        (NOON, NOON, fence),
    )
    scene.centre.execute("UPDATE fulfilment_order SET state = 'released' WHERE fence = ?", (fence,))
    scene.store.execute("UPDATE assignment SET state = 'released' WHERE fence = ?", (fence,))
    scene.store.execute("UPDATE stock SET on_hand = on_hand - ?", (qty,))


def test_a_hand_over_breaks_no_rule(scene: Scene) -> None:
    hand_over(scene, 7)
    assert broken(scene) == set()


def released_twice(scene: Scene) -> None:
    hand_over(scene, 7)
    scene.order("YP-2", fence=8)
    scene.centre.execute("UPDATE assignment SET fo = 'YP-1-1' WHERE fence = 8")
    scene.centre.execute("DELETE FROM fulfilment_order WHERE order_no = 'YP-2'")
    scene.centre.execute("DELETE FROM shop_order WHERE no = 'YP-2'")
    scene.centre.execute("UPDATE fulfilment_order SET fence = 8")
    hand_over(scene, 8)


def test_a_unit_that_left_twice_is_found(scene: Scene) -> None:
    released_twice(scene)
    assert broken(scene) == {"one_release"}


def test_a_unit_that_left_twice_is_allowed_with_a_case_for_a_person(scene: Scene) -> None:
    released_twice(scene)
    scene.case("released_twice", order_no="YP-1")
    assert broken(scene) == set()


def test_a_hand_over_that_was_undone_does_not_count(scene: Scene) -> None:
    hand_over(scene, 7)
    number = scene.fact("handover_undone", {"lines": [[1, 1]]}, fence=7)
    scene.move("handover_undone", on_hand=1, pool=1, number=number)
    scene.store.execute("UPDATE stock SET on_hand = on_hand + 1")
    hand_over_again = scene.fact("handed_over", {"lines": [[1, 1]], "proof": "code"}, fence=7)
    scene.move("handed_over", on_hand=-1, pool=-1, number=hand_over_again)
    scene.store.execute("UPDATE stock SET on_hand = on_hand - 1")
    assert broken(scene) == set()


def test_a_line_that_released_more_than_it_had_is_found(scene: Scene) -> None:
    number = scene.fact("shipped", {"lines": [[1, 3]], "manifest": "M", "courier": "C"}, fence=7)
    scene.move("shipped", on_hand=-3, pool=-3, number=number)
    scene.store.execute("UPDATE stock SET on_hand = on_hand - 3")
    assert broken(scene, settled=False) == {"one_release"}


def test_a_changed_fact_no_longer_fits_its_chain(scene: Scene) -> None:
    scene.history("UPDATE fact SET raw = ? WHERE number = 1", b'{"k":"accepted","f":8,"b":{}}')
    assert broken(scene) == {"exactly_once"}


def test_other_bytes_under_a_good_chain_are_found(scene: Scene) -> None:
    scene.store.execute("UPDATE fact SET raw = X'7B7D', chain = 'x' WHERE number = 2")
    assert "exactly_once" in broken(scene)


def test_a_changed_decision_is_found(scene: Scene) -> None:
    scene.history("UPDATE decision SET raw = X'7B7D' WHERE kind = 'confirmed'")
    assert broken(scene) == {"exactly_once"}


def test_a_gap_in_the_log_is_found(scene: Scene) -> None:
    scene.fact("counted", {"sku": "A", "expected": 9, "found": 9})
    scene.history("DELETE FROM fact WHERE number = 2")
    scene.store.execute("DELETE FROM fact WHERE number = 2")
    assert "exactly_once" in broken(scene)


def test_a_fact_that_was_called_safe_and_is_not_at_the_centre_is_lost(scene: Scene) -> None:
    scene.history("DELETE FROM fact WHERE number = 2")
    assert "nothing_lost" in broken(scene, settled=False)


def test_an_unsent_fact_is_lost_only_when_everything_should_have_settled(scene: Scene) -> None:
    scene.fact("counted", {"sku": "A", "expected": 9, "found": 9}, taken=False)
    assert broken(scene, settled=False) == set()
    assert broken(scene, settled=True) == {"nothing_lost"}


def test_stock_that_differs_is_a_disagreement(scene: Scene) -> None:
    scene.store.execute("UPDATE stock SET hold = 1")
    assert "agreement" in broken(scene)


def test_an_assignment_that_only_one_side_thinks_open_is_a_disagreement(scene: Scene) -> None:
    scene.store.execute("UPDATE assignment SET withdrawn = 1")
    assert broken(scene) == {"agreement"}


def test_rows_of_a_bulk_stream_that_never_came_are_a_disagreement(scene: Scene) -> None:
    scene.insert("stream_row", stream="catalogue", key="A", seq=5, body=b'{"name_en":"A"}')
    scene.insert("stream_row", stream="people:S002", key="P", seq=6, body=b"{}")
    assert broken(scene, settled=False) == set()
    assert broken(scene) == {"agreement"}
    scene.store.execute("INSERT INTO meta VALUES ('stream_catalogue', '5')")
    assert broken(scene) == {"agreement"}, "the cursor is there, the item is not"
    scene.store.execute("INSERT INTO item (sku, name_en, name_zh) VALUES ('A', 'A', 'A')")
    assert broken(scene) == set()


def test_an_offer_left_after_its_deadline_is_late(scene: Scene) -> None:
    scene.centre.execute("UPDATE assignment SET ownership = 'none'")
    scene.centre.execute("UPDATE fulfilment_order SET state = 'offered'")
    assert broken(scene, now=NOON + 30 * MINUTE, settled=False) == set()
    assert broken(scene, now=NOON + 32 * MINUTE, settled=False) == {"on_time"}


def test_an_offer_taken_away_before_its_deadline_is_found(scene: Scene) -> None:
    scene.centre.execute("UPDATE assignment SET ended_at = offered_at + 60000, ended_reason = 'lapsed'")
    assert "on_time" in broken(scene, settled=False)


def test_a_parked_fact_needs_a_case_that_names_it(scene: Scene) -> None:
    scene.fact("teleported", {}, verdict="parked")
    assert broken(scene) == {"no_blockage"}
    scene.case("parked_fact", store="S001", evidence='[{"store": "S001", "incarnation": "I1", "number": 3}]')
    assert broken(scene) == set()


def test_a_held_lane_is_a_blockage(scene: Scene) -> None:
    scene.store.execute("INSERT INTO meta VALUES ('held_urgent', '4')")
    assert broken(scene) == {"no_blockage"}


def test_an_order_that_nobody_owns_is_found(scene: Scene) -> None:
    scene.centre.execute("UPDATE fulfilment_order SET store = 'S002'")
    assert broken(scene) == {"owned"}


def test_an_order_that_waits_for_a_person_needs_an_open_case(scene: Scene) -> None:
    hand_over(scene, 7)
    scene.centre.execute("UPDATE fulfilment_order SET state = 'person'")
    assert broken(scene) == {"owned"}
    scene.case("unroutable", order_no="YP-1")
    assert broken(scene) == set()


def test_a_unit_that_no_fulfilment_order_brings_is_found(scene: Scene) -> None:
    scene.centre.execute("UPDATE shop_order_line SET qty = 2")
    assert broken(scene) == {"owned"}


def test_two_open_assignments_of_one_fulfilment_order_are_found(scene: Scene) -> None:
    scene.order("YP-2", fence=8)
    scene.centre.execute("UPDATE assignment SET fo = 'YP-1-1' WHERE fence = 8")
    assert "owned" in broken(scene)


def test_a_second_look_reads_only_what_is_new_and_still_finds_it(scene: Scene) -> None:
    auditor = Auditor(scene.folder / "centre.db", {"S001": scene.folder / "S001.db"})
    assert auditor.look(now=NOON).ok
    number = scene.fact("sold", {"sku": "A", "qty": 1, "share": 1, "sale": "T-9/1"})
    scene.move("sold", on_hand=-1, share=-1, number=number)
    scene.store.execute("UPDATE stock SET on_hand = on_hand - 1, share = share - 1")
    assert auditor.look(now=NOON, settled=True).ok
    number = scene.fact("sold", {"sku": "A", "qty": 1, "share": 1, "sale": "T-10/1"})
    scene.move("sold", on_hand=-1, share=-1, number=number)  # and the store forgets to
    assert auditor.look(now=NOON).rules["exactly_once"] == 1
    auditor.close()
