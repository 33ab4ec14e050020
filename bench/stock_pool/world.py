"""The world that `pool.py` plays: real order lines cut into shoppers, made-up stores, lines that go down.

The source knows no stores and no stock. One unit a line; an invoice goes by hash to a till, to a pickup at
one store, or to a shipment from any store (the lines of a day's batch of web sales each by themselves);
stores stand in the largest cities and draw demand by the root of population. The warm-up weeks give
the rates; each later week is played by itself, from an opening stock of the expected demand,
randomly rounded.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from server.replay.dice import Chance
from server.replay.lines import SHOP_TIME, Line, read_lines
from server.replay.places import by_people, read_cities
from server.routing.choice import StoreFacts, vector_of
from server.routing.hours import Hours
from sync.rules import sizing

TILL, PICKUP, SHIPMENT = "till", "pickup", "shipment"
WAYS = ((0.6, TILL), (0.8, PICKUP), (1.0, SHIPMENT))
HOUR_MS = 3_600_000
WEEK_H = 168
PRIOR_DAYS = 28.0
"""How many days of a store's own sales weigh as much as what the chain's sales say about it."""


class BadData(Exception):
    """The file can be read, and there is nothing in it to play."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody wants one unit. `store` is where they stand, or for a shipment the city it goes to."""

    at: float
    """Hours since the first Monday, local time."""
    way: str
    store: int
    sku: int


@dataclass(frozen=True)
class Rates:
    """Units a day and the hour profile, as the warm-up weeks teach them."""

    till: list[list[float]]
    """By SKU and store."""
    pickup: list[list[float]]
    shipment: list[float]
    """By SKU, from any store."""
    profile: tuple[float, ...]


@dataclass
class World:
    stores: list[StoreFacts]
    skus: int
    weeks: list[list[Ask]]
    """The weeks that are played."""
    opening: list[list[list[int]]]
    """Units by played week, SKU and store."""
    ghosts: list[list[list[int]]]
    """Units of them that only the book has."""
    rates: Rates
    down: list[list[tuple[float, float]]]
    """Per store: from, until; hours since the first Monday."""
    outage_h: list[float]
    """Per store: the mean that its warm-up weeks taught."""
    begins: float = 0.0
    most: int = 0
    """Units that somebody who knows everything would have sold."""
    asked: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Source:
    """The file's lines by week, read once for all seeds."""

    weeks: dict[int, list[Line]]
    batched: frozenset[str]
    monday_ms: int

    @classmethod
    def read(cls, path: Path, first_week: int = 0, weeks: int = 0) -> Source:
        """`first_week` and `weeks` cut a part out of a longer file, for a look at other periods."""
        lines = [line for line in read_lines(path) if line.kind in ("sale", "fee")]
        if not lines:
            raise BadData("no sales in it")
        first = datetime.fromtimestamp(min(line.at for line in lines) / 1000, SHOP_TIME)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        monday_ms = int(midnight.timestamp() * 1000) - midnight.weekday() * 24 * HOUR_MS
        monday_ms += first_week * WEEK_H * HOUR_MS
        found: dict[int, list[Line]] = defaultdict(list)
        for line in lines:
            week = (line.at - monday_ms) // (WEEK_H * HOUR_MS)
            if line.kind == "sale" and 0 <= week < (weeks or 10_000):
                found[int(week)].append(line)
        batched = frozenset(line.invoice for line in lines if line.sku == "DOT")
        return cls(dict(found), batched, monday_ms)


def make_world(
    source: Source, cities: Path | None, *, stores: int, skus: int, warmup: int, offline: float,
    mean_outage: float, phantom: float, seed: int,
) -> World:  # fmt: skip
    chance = Chance(seed)
    known = read_cities(cities)
    # More stores than cities: the largest have several.
    places = [known[n % len(known)] for n in range(stores)]
    weighted = by_people(places)
    facts = [
        StoreFacts(f"S{n:03}", city.region, vector_of(city.lat, city.lon), 100, Hours("{}", "UTC"))
        for n, city in enumerate(places)
    ]
    last = max(source.weeks, default=-1)
    if last < warmup:
        raise BadData(f"{last + 1} weeks are no more than the {warmup} to learn from")
    learnt = [line for week in range(warmup) for line in source.weeks.get(week, [])]
    popular = [sku for sku, _ in sorted(Counter(x.sku for x in learnt).items(), key=lambda p: (-p[1], p[0]))]
    if not popular:
        raise BadData(f"nothing was sold in the {warmup} weeks to learn from")
    index = {sku: n for n, sku in enumerate(popular[:skus])}

    def shoppers(lines: list[Line]) -> list[Ask]:
        found = []
        for number, line in enumerate(lines):
            if line.sku not in index:
                continue
            alone = line.invoice in source.batched
            name = f"{line.invoice}/{number}" if alone else line.invoice
            draw = chance.share("way", name)
            way = next(way for upto, way in WAYS if draw < upto)
            at = (line.at - source.monday_ms) / HOUR_MS
            if alone:
                # A day's web sales carry one time stamp: they came over the trading day.
                at = at - at % 24 + 8 + 10 * chance.share("when", name)
            found.append(Ask(at, way, weighted.index(chance.share("where", name)), index[line.sku]))
        return sorted(found, key=lambda ask: (ask.at, ask.sku, ask.store, ask.way))

    before = shoppers(learnt)
    total = Counter(ask.sku for ask in before)
    weeks = [shoppers(source.weeks.get(week, [])) for week in range(warmup, last + 1)]
    if not any(weeks):
        raise BadData("what sold in the weeks to learn from is not asked for afterwards")
    down = _outages(len(facts), warmup + len(weeks), offline, mean_outage, chance)
    until = warmup * WEEK_H
    opening, ghosts = [], []
    for week in range(len(weeks)):
        stock = [
            [
                chance.rounded(total[k] / warmup * share, "stock", week, k, s)
                for s, share in enumerate(weighted.shares)
            ]
            for k in range(len(index))
        ]
        dice = random.Random(f"{seed}/{week}/ghosts")
        opening.append(stock)
        ghosts.append([[sum(dice.random() < phantom for _ in range(n)) for n in row] for row in stock])
    world = World(
        facts, len(index), weeks, opening, ghosts, _rates(before, len(index), len(facts), warmup * 7), down,
        [_learnt_outage(spans, until) for spans in down], float(until),
    )  # fmt: skip
    for week in weeks:
        world.asked.update(ask.way for ask in week)
    world.most = sum(_clairvoyant(world, week) for week in range(len(weeks)))
    return world


def _rates(asks: list[Ask], skus: int, stores: int, days: int) -> Rates:
    """By the product's own estimator: a store's own sales, pulled towards what the chain says about it."""
    sold = {way: [[0] * stores for _ in range(skus)] for way in (TILL, PICKUP, SHIPMENT)}
    hours = Counter(int(ask.at) % 24 for ask in asks)
    for ask in asks:
        sold[ask.way][ask.sku][ask.store] += 1

    def by_store(way: str) -> list[list[float]]:
        places = [sum(row[s] for row in sold[way]) for s in range(stores)]
        everything = max(sum(places), 1)
        return [
            [
                sizing.rate(row[s], days, prior=sum(row) / days * places[s] / everything, weight=PRIOR_DAYS)
                for s in range(stores)
            ]
            for row in sold[way]
        ]

    count = max(len(asks), 1)
    profile = tuple(hours.get(hour, 0) / count for hour in range(24))
    return Rates(by_store(TILL), by_store(PICKUP), [sum(row) / days for row in sold[SHIPMENT]], profile)


def _outages(
    stores: int, weeks: int, share: float, mean: float, chance: Chance
) -> list[list[tuple[float, float]]]:
    """Exponential both ways; the share holds from the first minute on."""
    found: list[list[tuple[float, float]]] = []
    for store in range(stores):
        spans: list[tuple[float, float]] = []
        at, is_down, turn = 0.0, chance.share("starts down", store) < share, 0
        while share > 0 and at < weeks * WEEK_H:
            turn += 1
            lasts = chance.exponential(mean if is_down else mean * (1 - share) / share, "outage", store, turn)
            if is_down:
                spans.append((at, at + lasts))
            at, is_down = at + lasts, not is_down
        found.append(spans)
    return found


def _learnt_outage(spans: list[tuple[float, float]], until: float) -> float:
    ended = [b - a for a, b in spans if b <= until]
    return sizing.outage_hours(sum(ended), len(ended))


def _clairvoyant(world: World, week: int) -> int:
    """All stock is there on Monday, so order does not matter: first what is bound to a place, then others."""
    bound: Counter[tuple[int, int]] = Counter()
    shipped: Counter[int] = Counter()
    for ask in world.weeks[week]:
        if ask.way == SHIPMENT:
            shipped[ask.sku] += 1
        else:
            bound[ask.sku, ask.store] += 1
    sold = 0
    for k in range(world.skus):
        real = [n - g for n, g in zip(world.opening[week][k], world.ghosts[week][k], strict=True)]
        here = [min(n, bound[k, s]) for s, n in enumerate(real)]
        sold += sum(here) + min(sum(real) - sum(here), shipped[k])
    return sold


def confidence(values: list[float]) -> float:
    """Half the width of a 95 % interval of the mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return 1.96 * spread / math.sqrt(len(values))
