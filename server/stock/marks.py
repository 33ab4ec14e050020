"""Which SKUs moved where since the split of their rights was last looked at. In memory, bounded.

A lost mark costs nothing but time: the background sweep comes by anyway.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from server.db import Tx

MOST = 100_000
MOST_AWAY = 5_000
"""SKUs of one store."""
Place = tuple[str, str]
"""Store and SKU."""
START: Place = ("", "")


class Marks:
    def __init__(self) -> None:
        self.moved: dict[Place, int] = {}
        """When, oldest first; a second movement does not push the look further away."""
        self.away: dict[str, set[str]] = {}
        """SKUs of stores whose line was down when their turn came."""
        self.asked: dict[Place, int] = {}
        """When a store was last asked for units."""
        self.swept: Place = START
        """How far the sweep has come."""
        self.round_at = 0
        """When its present round began."""

    def keep_for_later(self, store: str, sku: str) -> None:
        """The store's line is down. What there is no room for is found by the sweep."""
        skus = self.away.setdefault(store, set())
        if len(skus) < MOST_AWAY:
            skus.add(sku)


_MARKS: WeakKeyDictionary[Tx, Marks] = WeakKeyDictionary()


def marks_of(tx: Tx) -> Marks:
    kept = _MARKS.get(tx)
    if kept is None:
        kept = _MARKS[tx] = Marks()
    return kept


def mark(tx: Tx, store: str, sku: str, now: int) -> None:
    """The book moved this row."""
    moved = marks_of(tx).moved
    if len(moved) < MOST:
        moved.setdefault((store, sku), now)
