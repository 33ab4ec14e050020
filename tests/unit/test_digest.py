"""Both sides' sums agree exactly when their rows do."""

from __future__ import annotations

import random

from sync.replica.digest import digest as of_store
from sync.rules.digest import differences, digest
from tests.kit_replica import Shop

STOCK = [(f"SKU-{n}", n, n // 2, 0, 0, 0) for n in range(200)]
WORK = [(7, 1, 2, 0, 0, 0), (7, 2, 0, 1, 0, 0)]


def test_order_does_not_matter_and_empty_rows_do_not_count() -> None:
    shuffled = random.Random(1).sample(STOCK, len(STOCK))
    assert digest(STOCK, WORK) == digest([*shuffled, ("NEW", 0, 0, 0, 0, 0)], reversed(WORK))


def test_any_unit_out_of_place_shows_in_one_bucket() -> None:
    other = [*STOCK[:50], ("SKU-50", 50, 26, 0, 0, 0), *STOCK[51:]]
    found = differences(digest(STOCK, WORK), digest(other, WORK))
    assert len(found) == 1
    assert found[0].startswith("stock/")
    assert differences(digest(STOCK, WORK), digest(STOCK, WORK[:1])) == ["work"]


def test_a_row_twice_is_not_the_same_as_once() -> None:
    assert differences(digest(STOCK, WORK), digest([*STOCK, STOCK[7]], WORK))


def test_the_stores_sums_follow_its_tables() -> None:
    shop = Shop()
    shop.stock(TEE_M=(10, 4))
    before = of_store(shop.db)
    fence = shop.owned()
    assert differences(before, of_store(shop.db)) == ["work"]
    shop.ok("pick", fence=fence, line=1)
    assert of_store(shop.db) == digest([("TEE-M", 10, 4, 0, 0, 0)], [(fence, 1, 1, 0, 0, 0)])
