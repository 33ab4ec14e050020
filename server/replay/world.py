"""The chain before the first shopper: stores, people, goods, opening stock, lines.

Everything goes in through the same doors as at a customer's: the loaders of HQ's
files and the stock upload.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from server.catalogue.load import load_items
from server.db import Tx
from server.people.load import load_channels, load_people
from server.replay.baskets import Demand
from server.replay.dice import Chance
from server.replay.habits import Habits
from server.replay.places import REGIONS, City, Weighted
from server.replay.shop import PIN
from server.stock.load import load_stock
from server.stores.load import load_regions, load_stores
from sync.ids import Dice

PEOPLE = (("A", "associate", "Ann"), ("B", "associate", "Bo"), ("L", "store_lead", "Lin"))
WEEK_MS = 7 * 24 * 3600_000


@dataclass(frozen=True)
class Chain:
    codes: tuple[str, ...]
    cities: tuple[City, ...]
    nearness: Weighted
    weekly: Mapping[str, float]
    """Units a week that the whole chain is expected to sell, per SKU."""

    def expected(self, store: int, sku: str) -> float:
        return self.weekly.get(sku, 0.0) * self.nearness.shares[store]


def make_chain(cities: Iterable[City], stores: int, demand: Demand) -> Chain:
    chosen = tuple(cities)[:stores]
    codes = tuple(f"S{number:03d}" for number in range(1, len(chosen) + 1))
    weeks = max(1.0, (demand.ends_at - demand.begins_at) / WEEK_MS)
    weekly = {sku: units / weeks for sku, units in demand.units.items()}
    return Chain(codes, chosen, Weighted([city.people**0.5 for city in chosen]), weekly)


def read_eans(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as text:
        return {row["sku"]: row["ean13"] for row in csv.DictReader(text) if row["ean13"]}


def load_chain(
    tx: Tx, chain: Chain, demand: Demand, ean: Mapping[str, str], habits: Habits, *, now: int, dice: Dice
) -> None:
    regions = {city.region for city in chain.cities}
    _good(
        load_regions(
            tx,
            [
                {
                    "code": region,
                    "name_en": REGIONS.get(region, (region,))[0],
                    "name_zh": REGIONS.get(region, (region,))[-1],
                }
                for region in sorted(regions)
            ],
        )
    )
    _good(
        load_stores(
            tx,
            [
                {
                    "code": code,
                    "name_en": city.name,
                    "name_zh": city.name_zh,
                    "region": city.region,
                    "lat": city.lat,
                    "lon": city.lon,
                    "timezone": city.timezone,
                    "opening_hours": f"{habits.opens_at_hour:02d}:00-{habits.closes_at_hour:02d}:00",
                    "rank": number,
                }
                for number, (code, city) in enumerate(zip(chain.codes, chain.cities, strict=True), start=1)
            ],
        )
    )
    _good(load_channels(tx, [{"code": "web", "name": "Web shop"}]))
    _good(
        load_items(
            tx,
            [
                {"sku": sku, "name_en": name or sku, "price_fen": price, "gtins": ean.get(sku, "")}
                for sku, (name, price) in sorted(demand.items.items())
            ],
            now=now,
        )
    )
    # Hashing is slow on purpose, against thieves; simulated people have nothing to steal.
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN, salt=dice(16))
    people = [
        {"id": f"{code}-{letter}", "name": name, "role": role, "store": code, "pin_hash": hashed}
        for code in chain.codes
        for letter, role, name in PEOPLE
    ]
    _good(load_people(tx, people, dice=dice))


def full_shelf(chain: Chain, store: int, sku: str, habits: Habits, chance: Chance) -> float:
    """Units of a full shelf: some weeks of expected demand, and two to show where the item is carried."""
    expected = chain.expected(store, sku) * habits.cover_weeks
    carried = expected >= 1.0 or chance.share("carries", chain.codes[store], sku) < habits.carries
    return expected + habits.display if carried else 0.0


def opening_stock(
    chain: Chain, demand: Demand, habits: Habits, chance: Chance
) -> dict[str, list[tuple[str, int]]]:
    """Per store: full shelves, randomly rounded."""
    stock: dict[str, list[tuple[str, int]]] = {}
    for number, code in enumerate(chain.codes):
        shelves = (
            (sku, chance.rounded(full_shelf(chain, number, sku, habits, chance), "opening", code, sku))
            for sku in sorted(demand.units)
        )
        stock[code] = [(sku, units) for sku, units in shelves if units]
    return stock


def load_opening(tx: Tx, stock: Mapping[str, list[tuple[str, int]]], *, now: int) -> None:
    for code, rows in stock.items():
        wanted = [{"sku": sku, "qty": qty} for sku, qty in rows]
        _good(load_stock(tx, wanted, store=code, document="opening", now=now))


def _good(loaded: Any) -> None:
    errors = getattr(loaded, "errors", ())
    if errors:
        raise ValueError("; ".join(error.sentence() for error in errors[:5]))
