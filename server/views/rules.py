"""Which view counts for a channel and a SKU, and what it leaves of the pool. Pure.

The most special one counts, kind by kind: the channel's own before the one for every channel,
then the SKU itself before the longest beginning before every SKU, then the store before every
store. So a channel that says nothing about a SKU has what holds for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

ANY = "*"
KINDS = ("safety_stock", "threshold", "quota", "percent")
DAY_MS = 86_400_000
KEPT = 200_000
"""Answers kept in memory; beyond that they are found anew."""


@dataclass(frozen=True, slots=True)
class Rule:
    channel: str
    store: str
    sku: str
    kind: str
    value: int
    days: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """What holds for one channel and one SKU."""

    safety: int = 0
    """Units of each store's pool that the channel is not shown."""
    safety_at: Mapping[str, int] = field(default_factory=dict)
    """The same at stores with a number of their own."""
    threshold: int = 0
    """Where less than this is left in all stores together, the channel is shown nothing."""
    percent: int = 100
    """Part of what is left that the channel is shown."""
    quota: int | None = None
    """Units that may be promised to the channel, counted from `begins`."""
    days: int = 0
    since: int = 0

    def of_store(self, store: str, pool: int) -> int:
        """What the channel may take of one store's pool."""
        return max(0, pool - self.safety_at.get(store, self.safety))

    def begins(self, now: int) -> int:
        """Since when the quota counts."""
        if not self.days or now < self.since:
            return self.since
        long = self.days * DAY_MS
        return self.since + (now - self.since) // long * long

    def most(self, seen: int, taken: int) -> int:
        """Of `seen` units in all stores together: how many the channel may take."""
        if seen < self.threshold:
            return 0
        most = seen * self.percent // 100
        return most if self.quota is None else max(0, min(most, self.quota - taken))

    @property
    def limits(self) -> bool:
        """There is a limit on all stores together, not only store by store."""
        return self.threshold > 0 or self.percent < 100 or self.quota is not None


class Views:
    """All views, asked by channel and SKU."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: dict[str, dict[tuple[str, str], dict[str, Rule]]] = {kind: {} for kind in KINDS}
        self._channels: set[str] = set()
        self._windows: dict[str, set[tuple[int, int]]] = {}
        self._kept: dict[tuple[str, str], View | None] = {}
        for rule in rules:
            if rule.kind not in self._rules:
                continue  # of a newer program
            self._rules[rule.kind].setdefault((rule.channel, rule.sku), {})[rule.store] = rule
            self._channels.add(rule.channel)
            if rule.days:
                self._windows.setdefault(rule.channel, set()).add((rule.since, rule.days))

    def __bool__(self) -> bool:
        return bool(self._channels)

    def concern(self, channel: str) -> bool:
        return channel in self._channels or ANY in self._channels

    def of(self, channel: str, sku: str) -> View | None:
        """None: the channel sees the whole pool of this SKU."""
        if not self.concern(channel):
            return None
        key = (channel, sku)
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = self._find(channel, sku)
        return self._kept[key]

    def windows(self, channel: str, now: int) -> list[int]:
        """When the quotas that begin anew began last: changes when one does."""
        found = self._windows.get(channel, set()) | self._windows.get(ANY, set())
        return sorted(View(days=days, since=since).begins(now) for since, days in found)

    def _find(self, channel: str, sku: str) -> View | None:
        safety = self._first("safety_stock", channel, sku)
        threshold = self._first("threshold", channel, sku)
        percent = self._first("percent", channel, sku)
        quota = self._first("quota", channel, sku)
        stores = {
            store for by_store in self._matching("safety_stock", channel, sku) for store in by_store
        } - {ANY}
        everywhere = safety.value if safety else 0
        own = {store: self._first("safety_stock", channel, sku, store) for store in stores}
        at = {store: rule.value for store, rule in own.items() if rule and rule.value != everywhere}
        view = View(
            safety=everywhere,
            safety_at=at,
            threshold=threshold.value if threshold else 0,
            percent=percent.value if percent else 100,
            quota=quota.value if quota else None,
            days=quota.days if quota else 0,
            since=quota.since if quota else 0,
        )
        return view if view.limits or view.safety or at else None

    def _matching(self, kind: str, channel: str, sku: str) -> Iterator[dict[str, Rule]]:
        rules = self._rules[kind]
        if not rules:
            return
        for name in dict.fromkeys((channel, ANY)):
            exact = rules.get((name, sku))
            if exact:
                yield exact
            for length in range(len(sku), -1, -1):
                found = rules.get((name, sku[:length] + ANY))
                if found and found is not exact:
                    yield found

    def _first(self, kind: str, channel: str, sku: str, store: str = ANY) -> Rule | None:
        for by_store in self._matching(kind, channel, sku):
            rule = by_store.get(store) or by_store.get(ANY)
            if rule is not None:
                return rule
        return None


class Wanted(Protocol):
    """A line of what has to be brought, as routing has it."""

    @property
    def line(self) -> int: ...
    @property
    def sku(self) -> str: ...
    @property
    def qty(self) -> int: ...
    @property
    def bundle(self) -> int: ...


def within(needs: Iterable[Wanted], most: Mapping[str, int]) -> dict[int, int]:
    """How many units of each line stay below the limits of their SKUs. A bundle is whole or nothing."""
    left = dict(most)
    may: dict[int, int] = {}
    torn: set[int] = set()
    rows = list(needs)
    for need in rows:
        units = min(need.qty, left[need.sku]) if need.sku in left else need.qty
        may[need.line] = units
        if need.sku in left:
            left[need.sku] -= units
        if need.bundle and units < need.qty:
            torn.add(need.bundle)
    return {need.line: 0 if need.bundle in torn else may[need.line] for need in rows}
