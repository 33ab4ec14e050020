"""Choosing the location: complete > nearest > priority, split as last resort.

Pure: the pool, the stores and the order come in, a plan goes out. Every choice ends in a
total order (distance in metres, rank, store code), so every run chooses the same
store. A store that is closed now comes after every open one; its time to accept begins
when it opens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from server.routing.hours import Hours

EARTH_M = 6_371_008.8
_METRE = 1 / EARTH_M
Vector = tuple[float, float, float]
NOWHERE: Vector = (0.0, 0.0, 0.0)


@dataclass(slots=True)
class StoreFacts:
    """What routing knows of a location. `vector` is its place on the unit sphere."""

    code: str
    region: str
    vector: Vector
    rank: int
    hours: Hours
    capacity: int = 0
    kinds: frozenset[str] = frozenset(("pickup", "shipment", "same_day"))
    asked: bool = True
    """Active and not paused."""


@dataclass(frozen=True, slots=True)
class Need:
    """One line of what has to be brought. Lines of one `bundle` go together or not at all."""

    line: int
    sku: str
    qty: int
    bundle: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A fulfilment order looking for a location."""

    kind: str
    needs: tuple[Need, ...]
    at: Vector = NOWHERE
    pickup_store: str = ""
    excluded: frozenset[str] = frozenset()
    down: frozenset[str] = frozenset()
    """Stores without a line: asked after the others when an offer has lapsed already."""
    may_move_m: int = 0
    margin_m: int = 0
    """A shipment may come from this much farther than the nearest, from who needs the goods least."""
    may_split: bool = True
    max_parts: int = 4
    partial: bool = True
    channel: str = ""
    again: bool = False
    """A store had it before: the shopper was promised it under the views of that time."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one location is asked to do. `opens_at` is 0 for one that is open."""

    store: str
    distance_m: int
    lines: tuple[tuple[int, int], ...]
    opens_at: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    shares: tuple[Share, ...] = ()
    missing: tuple[tuple[int, int], ...] = ()
    """(line, qty) that no location can do now."""


@dataclass(slots=True)
class Supply:
    """What routing looks at. `usable(store, sku, now)` is False where the SKU is left out for a while."""

    stores: Mapping[str, StoreFacts]
    pool_of: Callable[[str], Mapping[str, int]]
    room: Callable[[StoreFacts, int], bool]
    """Capacity left today."""
    left_out: Mapping[tuple[str, str], int] = field(default_factory=dict)
    own_need: Callable[[str, tuple[Need, ...]], float] | None = None
    """How much a store will need the goods at its own till and counter; None: not known."""


def vector_of(lat: float, lon: float) -> Vector:
    """A place on the unit sphere; (0, 0), where nobody lives, stands for an unknown place."""
    if not lat and not lon:
        return NOWHERE
    latitude, longitude = math.radians(lat), math.radians(lon)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def distance_m(a: Vector, b: Vector) -> int:
    """Great-circle distance; 0 when either place is unknown."""
    if a == NOWHERE or b == NOWHERE:
        return 0
    return round(2 * EARTH_M * math.asin(min(1.0, math.sqrt(_chord2(a, b)) / 2)))


def _chord2(a: Vector, b: Vector) -> float:
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return x * x + y * y + z * z


def choose(wish: Wish, supply: Supply, now: int) -> Plan:
    """Where a fulfilment order goes. What nobody can do now is in `missing`."""
    everything = tuple((need.line, need.qty) for need in wish.needs)
    if wish.kind == "pickup" and wish.pickup_store:
        return _pickup(wish, supply, now, everything)
    having = _having_all(wish, supply)
    found = _one_store(wish, supply, now, having)
    if found is not None:
        if wish.margin_m > 0 and supply.own_need is not None and len(having) > 1:
            found = _needing_least(wish, supply, now, having, found)
        return Plan((_share(found, wish, everything, now),))
    if not wish.may_split or not wish.partial:
        return Plan(missing=everything)
    return _split(wish, supply, now)


def _pickup(wish: Wish, supply: Supply, now: int, everything: tuple[tuple[int, int], ...]) -> Plan:
    """The shopper's own choice first; then a store near enough; then what the chosen one has."""
    chosen = supply.stores.get(wish.pickup_store)
    able = chosen is not None and _may_ask(chosen, wish, supply, now)
    having = _having_all(wish, supply)
    if chosen is not None and able and chosen.code in having:
        return Plan((_share(chosen, wish, everything, now),))
    if wish.may_move_m > 0 and chosen is not None:
        near = [
            code
            for code in having
            if code != chosen.code
            and distance_m(chosen.vector, supply.stores[code].vector) <= wish.may_move_m
        ]
        found = _one_store(wish, supply, now, near)
        if found is not None:
            return Plan((_share(found, wish, everything, now),))
    if chosen is not None and able and wish.partial:
        has = _cover(wish.needs, chosen.code, supply, now)
        return _whole_bundles(wish, (_share(chosen, wish, tuple(has), now),) if has else ())
    return Plan(missing=everything)


def _having_all(wish: Wish, supply: Supply) -> list[str]:
    """Stores whose pool covers every line, the rarest SKU first so that the rest is looked up for few."""
    totals: dict[str, int] = {}
    for need in wish.needs:
        totals[need.sku] = totals.get(need.sku, 0) + need.qty
    pools = sorted(((supply.pool_of(sku), qty) for sku, qty in totals.items()), key=lambda p: len(p[0]))
    (first, wanted), rest = pools[0], pools[1:]
    codes = [code for code, pool in first.items() if pool >= wanted]
    for pool_by_store, qty in rest:
        if not codes:
            break
        has = pool_by_store.get
        codes = [code for code in codes if has(code, 0) >= qty]
    return codes


def _one_store(wish: Wish, supply: Supply, now: int, codes: Iterable[str]) -> StoreFacts | None:
    """Open before closed, then the nearest, then the rank, then the code."""
    stores, (x, y, z) = supply.stores, wish.at
    known = wish.at != NOWHERE
    ranked = []
    for code in codes:
        store = stores.get(code)
        if store is None:
            continue
        if known:
            a, b, c = store.vector
            ranked.append(((a - x) ** 2 + (b - y) ** 2 + (c - z) ** 2, code))
        else:
            ranked.append((0.0, code))
    ranked.sort()
    skus = {need.sku for need in wish.needs} if supply.left_out else ()
    best: StoreFacts | None = None
    best_key: tuple[bool, bool, int, int, str] | None = None
    reach = math.inf
    for chord2, code in ranked:
        if chord2 > reach:
            break
        store = stores[code]
        if not _may_ask(store, wish, supply, now):
            continue
        if skus and any(supply.left_out.get((code, sku), 0) > now for sku in skus):
            continue
        closed, down = not store.hours.is_open(now), code in wish.down
        if closed and not store.hours.opens_at(now):
            continue
        key = (closed, down, distance_m(wish.at, store.vector), store.rank, code)
        if best_key is None or key < best_key:
            best, best_key = store, key
        if not closed and not down and reach == math.inf:
            # Nothing farther can win, only a better rank within the same metre.
            reach = (math.sqrt(chord2) + _METRE) ** 2
    return best


def _needing_least(
    wish: Wish, supply: Supply, now: int, codes: Iterable[str], nearest: StoreFacts
) -> StoreFacts:
    """Of the stores as open as the nearest and not much farther, the one likeliest to be left with the goods.

    The same total order decides between equals, so every run still chooses the same store.
    """
    assert supply.own_need is not None
    reach = distance_m(wish.at, nearest.vector) + wish.margin_m
    closed, down = not nearest.hours.is_open(now), nearest.code in wish.down
    best, best_key = nearest, (math.inf, 0, 0, "")
    for code in codes:
        store = supply.stores.get(code)
        if store is None or not _may_ask(store, wish, supply, now):
            continue
        if store is not nearest and (
            (not store.hours.is_open(now)) != closed
            or (code in wish.down) != down
            or any(supply.left_out.get((code, need.sku), 0) > now for need in wish.needs)
        ):
            continue
        away = distance_m(wish.at, store.vector)
        if away > reach:
            continue
        key = (supply.own_need(code, wish.needs), away, store.rank, code)
        if key < best_key:
            best, best_key = store, key
    return best


def _may_ask(store: StoreFacts, wish: Wish, supply: Supply, now: int) -> bool:
    return (
        store.asked
        and store.code not in wish.excluded
        and wish.kind in store.kinds
        and (not store.capacity or supply.room(store, now))
    )


def _split(wish: Wish, supply: Supply, now: int) -> Plan:
    """The store that brings most of what is left, then the nearest; and again for the rest."""
    left = {need.line: need for need in wish.needs}
    codes: set[str] = set()
    for need in wish.needs:
        codes.update(supply.pool_of(need.sku))
    able = [
        store
        for code in codes
        if (store := supply.stores.get(code)) is not None
        and _may_ask(store, wish, supply, now)
        and (store.hours.is_open(now) or store.hours.opens_at(now))
    ]
    shares: list[Share] = []
    while left and able and len(shares) < wish.max_parts:
        best_key: tuple[int, bool, bool, int, int, str] | None = None
        best: tuple[StoreFacts, list[tuple[int, int]]] | None = None
        for store in able:
            has = _cover(left.values(), store.code, supply, now)
            if has:
                key = (
                    -sum(qty for _, qty in has),
                    not store.hours.is_open(now),
                    store.code in wish.down,
                    distance_m(wish.at, store.vector),
                    store.rank,
                    store.code,
                )
                if best_key is None or key < best_key:
                    best_key, best = key, (store, has)
        if best is None:
            break
        store, has = best
        able.remove(store)
        shares.append(_share(store, wish, tuple(has), now))
        for line, qty in has:
            need = left.pop(line)
            if need.qty > qty:
                left[line] = Need(line, need.sku, need.qty - qty, need.bundle)
    return _whole_bundles(wish, tuple(shares))


def _cover(needs: Iterable[Need], store: str, supply: Supply, now: int) -> list[tuple[int, int]]:
    """What of these lines the store's pool covers."""
    spent: dict[str, int] = {}
    has: list[tuple[int, int]] = []
    for need in needs:
        if supply.left_out.get((store, need.sku), 0) > now:
            continue
        free = supply.pool_of(need.sku).get(store, 0) - spent.get(need.sku, 0)
        qty = min(need.qty, free)
        if qty > 0:
            spent[need.sku] = spent.get(need.sku, 0) + qty
            has.append((need.line, qty))
    return has


def _whole_bundles(wish: Wish, shares: tuple[Share, ...]) -> Plan:
    """Nobody wants half a set: a bundle that is not covered to the last part is left for later."""
    covered: dict[int, int] = {}
    for share in shares:
        for line, qty in share.lines:
            covered[line] = covered.get(line, 0) + qty
    torn = {need.bundle for need in wish.needs if need.bundle and covered.get(need.line, 0) < need.qty}
    dropped = {need.line for need in wish.needs if need.bundle in torn}
    kept = []
    for share in shares:
        lines = tuple(pair for pair in share.lines if pair[0] not in dropped)
        if lines:
            kept.append(Share(share.store, share.distance_m, lines, share.opens_at))
    missing = []
    for need in wish.needs:
        lacking = need.qty if need.line in dropped else need.qty - covered.get(need.line, 0)
        if lacking > 0:
            missing.append((need.line, lacking))
    return Plan(tuple(kept), tuple(missing))


def _share(store: StoreFacts, wish: Wish, lines: tuple[tuple[int, int], ...], now: int) -> Share:
    opens = 0 if store.hours.is_open(now) else store.hours.opens_at(now)
    return Share(store.code, distance_m(wish.at, store.vector), lines, opens)
