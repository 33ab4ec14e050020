"""A shop that sells, takes back, voids and counts, and its till tells late: in the end the book is the shelf.

The model is a shelf with real units on it, kept by hand beside the product. Files come late, twice,
overlapping, cut and shuffled; counts fall in between. Whatever order things are told in, once everything was
told the book says what lies there, and each sale is booked once.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from sync.replica.commands.till_rows import TillRow
from sync.wire.facts import Sold
from tests.kit_replica import HOUR, MINUTE, Shop

SKUS = ("TEE-M", "JEANS", "SOCKS")


class Day:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.shop = Shop(seed=seed)
        self.shop.stock(TEE_M=(30, 12), JEANS=(20, 9), SOCKS=(12, 0))
        self.there = {"TEE-M": 30, "JEANS": 20, "SOCKS": 12}
        self.log: list[TillRow] = []
        self.sold: list[TillRow] = []

    def live(self) -> None:
        """A sale that the till asks for: told at once."""
        sku = self.dice.choice(SKUS)
        if self.there[sku]:
            sale = f"L-{self.shop.now}"
            self.shop.ok("till_sale", "till", sale=sale, rows=[[sku, 1]], insist=True)
            self.there[sku] -= 1
            self.log.append(TillRow("sale", sale, "1", sku, 1, self.shop.now))  # its file tells it again

    def sell(self) -> None:
        sku, qty = self.dice.choice(SKUS), self.dice.choice((1, 1, 2))
        if self.there[sku] >= qty:
            row = TillRow("sale", f"F-{self.shop.now}", "1", sku, qty, self.shop.now)
            self.log.append(row)
            self.sold.append(row)
            self.there[sku] -= qty

    def void(self) -> None:
        if self.sold:
            sale = self.sold.pop(self.dice.randrange(len(self.sold)))
            self.log.append(TillRow("void", sale.sale, "", at=self.shop.now))
            self.there[sale.code] += sale.qty

    def bring_back(self) -> None:
        """Into the hold, not onto the shelf."""
        if self.sold:
            sale = self.sold.pop(self.dice.randrange(len(self.sold)))
            self.log.append(
                TillRow("return", f"R-{self.shop.now}", "1", sale.code, sale.qty, self.shop.now, of=sale.sale)
            )

    def count(self) -> None:
        sku = self.dice.choice(SKUS)
        self.shop.ok("count", self.dice.choice(("lin", "wei")), sku=sku, found=self.there[sku])

    def file(self, rows: list[TillRow]) -> None:
        """As the reader of files orders it: sales first."""
        order: dict[str, int] = {"sale": 0, "return": 1, "void": 2}
        rows = sorted(rows, key=lambda row: order[row.what])
        for start in range(0, len(rows), 7):
            self.shop.ok("till_rows", "till", rows=rows[start : start + 7])

    def some_file(self) -> None:
        start = self.dice.randrange(len(self.log) + 1)
        rows = self.log[start:]
        self.dice.shuffle(rows)
        self.file(rows)


@pytest.mark.parametrize("seed", range(25))
def test_once_everything_was_told_the_book_is_the_shelf(seed: int) -> None:
    day = Day(seed)
    day.shop.rows(
        "policy", [("count_review_units", {"value": "1000"}), ("count_review_value_fen", {"value": "9" * 9})]
    )
    deeds: list[tuple[Any, int]] = [
        (day.live, 4), (day.sell, 8), (day.void, 2), (day.bring_back, 1), (day.count, 2), (day.some_file, 1),
    ]  # fmt: skip
    for _ in range(60):
        day.shop.now += 5 * MINUTE
        deed = day.dice.choices([one for one, _ in deeds], [weight for _, weight in deeds])[0]
        deed()
    day.shop.now += HOUR
    day.file(day.log)
    books = {sku: day.shop.units(sku) for sku in SKUS}
    day.file(day.log[10:] + day.log)
    for sku in SKUS:
        assert day.shop.units(sku) == books[sku], "the same files again changed something"
        assert books[sku]["on_hand"] == day.there[sku], (seed, sku)
        assert books[sku]["share"] >= 0
    facts = [body.sale for _, body in day.shop.facts("sold") if isinstance(body, Sold)]
    assert len(facts) == len(set(facts))
    assert day.shop.count("SELECT count(*) FROM till_row WHERE state = 'unclear'") == 0
