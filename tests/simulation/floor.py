"""What simulated people physically did, whatever any database says: goods on shelves, in totes, on trucks,
in shoppers' hands. Knows nothing of the product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Place:
    """One store, as a camera under its ceiling would see it."""

    shelf: Counter[str] = field(default_factory=Counter)
    totes: dict[int, Counter[int]] = field(default_factory=dict)
    """Fence: units by line, in tote, parcel or on the waiting shelf."""
    desk: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Returned goods that wait for grading, by return id: SKU and units."""
    damaged: Counter[str] = field(default_factory=Counter)
    sales: list[tuple[str, str, int]] = field(default_factory=list)
    """Till sales that could come back: sale, SKU, units."""

    def tote(self, fence: int) -> Counter[int]:
        return self.totes.setdefault(fence, Counter())


@dataclass
class Bought:
    """An order as its shopper knows it."""

    no: str
    external: str
    kind: str
    want: Counter[str]
    code: str = ""
    got: Counter[str] = field(default_factory=Counter)
    """Units that left a store for this shopper and were not taken back over the counter."""
    forced: Counter[str] = field(default_factory=Counter)
    """Those of them that left by a supervisor's override."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Units that left, where no disk holds the fact any more: nobody can know, so they may leave again."""
    told_cancelled: bool = False
    swapped: int = 0
    """Units of other articles that a store has offered instead; they are in `want` beside the first ones."""


@dataclass
class Floor:
    codes: tuple[str, ...]
    skus: tuple[str, ...]
    stores: dict[str, Place] = field(default_factory=dict)
    orders: dict[str, Bought] = field(default_factory=dict)
    trucks: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Goods between stores: transfer, receiver, SKU, units."""
    early: dict[str, Counter[str]] = field(default_factory=dict)
    """Units that left for an order whose channel has had no answer yet, and sends it again some time."""
    left: dict[str, list[tuple[Bought, str, int]]] = field(default_factory=dict)
    """Releases by command: order, SKU, units."""
    unanswered: list[object] = field(default_factory=list)
    """Orders whose answer was lost: the channel sends them again."""

    def __post_init__(self) -> None:
        self.stores = {code: Place() for code in self.codes}
