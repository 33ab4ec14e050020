"""Rule 1 and the stock half of rule 3: each planted violation is found, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit_audit import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def broken(scene: Scene, **how: Any) -> set[str]:
    return {rule for rule, count in scene.audit(**how).rules.items() if count}


def test_a_sound_system_breaks_no_rule(scene: Scene) -> None:
    found = scene.audit()
    assert found.ok, found.details


def test_rights_that_do_not_add_up_are_found(scene: Scene) -> None:
    scene.history("UPDATE stock SET pool = pool + 1")
    assert "no_oversell" in broken(scene)


def test_a_right_below_zero_is_found_even_when_the_sum_is_right(scene: Scene) -> None:
    scene.history("UPDATE stock SET pool = -1, share = share + 5")
    assert "no_oversell" in broken(scene)


def test_a_reservation_that_no_assignment_holds_is_found(scene: Scene) -> None:
    scene.move("promise", reserved=1, pool=-1)
    assert broken(scene) == {"no_oversell"}


def test_an_open_promise_without_a_reservation_is_found(scene: Scene) -> None:
    scene.centre.execute("UPDATE assignment_line SET reserved = 0")
    scene.move("free", reserved=-1, pool=1)
    assert broken(scene) == {"no_oversell"}


def test_debt_needs_a_fact_that_caused_it(scene: Scene) -> None:
    scene.decide("debt_paid", {"sku": "A", "qty": -1})
    scene.move("debt", debt=1, pool=1)
    scene.store.execute("UPDATE stock SET debt = debt + 1")
    assert broken(scene) == {"no_oversell"}


def test_debt_that_a_forced_sale_made_is_no_oversell(scene: Scene) -> None:
    number = scene.fact("sold", {"sku": "A", "qty": 1, "share": 0, "debt": 1, "sale": "T-2/1"})
    scene.move("sold", on_hand=-1, debt=1, number=number)
    scene.store.execute("UPDATE stock SET on_hand = on_hand - 1, debt = debt + 1")
    assert broken(scene) == set()


def test_stock_that_its_ledger_does_not_explain_is_found(scene: Scene) -> None:
    scene.centre.execute("UPDATE stock SET on_hand = on_hand + 1, pool = pool + 1")
    assert "exactly_once" in broken(scene)


def test_a_fact_applied_twice_at_the_centre_is_found_though_the_ledger_agrees(scene: Scene) -> None:
    scene.move("sold", on_hand=-1, share=-1, number=2)
    assert "exactly_once" in broken(scene, settled=False)


def test_a_fact_applied_twice_at_the_store_is_found(scene: Scene) -> None:
    scene.store.execute("UPDATE stock SET on_hand = on_hand - 1, share = share - 1")
    assert "exactly_once" in broken(scene, settled=False)


def test_a_decision_counts_at_the_store_only_once_it_is_taken(scene: Scene) -> None:
    scene.decide("granted", {"sku": "A", "qty": 2}, taken=False)
    scene.move("granted", share=2, pool=-2)
    assert broken(scene, settled=False) == set()
    assert broken(scene, settled=True) == {"agreement"}


def test_a_till_sale_booked_twice_is_found(scene: Scene) -> None:
    number = scene.fact("sold", {"sku": "A", "qty": 1, "share": 1, "sale": "T-1/1"})
    scene.move("sold", on_hand=-1, share=-1, number=number)
    scene.store.execute("UPDATE stock SET on_hand = on_hand - 1, share = share - 1")
    assert broken(scene) == {"exactly_once"}


def test_a_log_whose_old_part_was_forgotten_is_judged_by_what_is_left(scene: Scene) -> None:
    scene.history("DELETE FROM decision WHERE number = 1")
    assert broken(scene) == set()
    scene.store.execute("UPDATE stock SET on_hand = on_hand + 1")
    assert broken(scene) == {"agreement"}
