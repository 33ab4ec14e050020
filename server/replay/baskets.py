"""Turns invoices into what shoppers of a chain would do.

The source is a wholesaler without stores: its invoices are long, its quantities
large. Invoices are cut into baskets of one to six lines, one unit a line by default,
and each basket goes, by hash, to a till, to a pickup or to a shipment. The file's
own cancellations become returns, its stock adjustments become counts and write-offs.
Fees are nobody's goods and are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from server.replay.dice import Chance
from server.replay.lines import Line

LONGEST = 6
SPREAD_MS = 45 * 60_000
"""Baskets of one invoice come over this time: a wholesaler's order was one moment, shoppers are not."""
BATCH_MS = 8 * 3600_000
"""An invoice with a `DOT` fee gathers a day's web orders: they came over the hours before it."""


@dataclass(frozen=True)
class Basket:
    name: str
    """Unique and stable: the invoice and the number of the cut."""
    at: int
    way: str
    """till, pickup, shipment or same_day."""
    rows: tuple[tuple[str, int, int], ...]
    """SKU, quantity, price of one in fen."""
    customer: str
    country: str


@dataclass(frozen=True)
class Comeback:
    """Goods that a customer brings back."""

    name: str
    at: int
    sku: str
    qty: int
    customer: str


@dataclass(frozen=True)
class Shrink:
    """A clerk's correction of stock: `qty` below zero is gone or broken, above zero was found."""

    name: str
    at: int
    sku: str
    qty: int
    note: str


@dataclass
class Demand:
    baskets: list[Basket] = field(default_factory=list)
    comebacks: list[Comeback] = field(default_factory=list)
    shrinks: list[Shrink] = field(default_factory=list)
    items: dict[str, tuple[str, int]] = field(default_factory=dict)
    """SKU: name and price in fen, as first seen with a name."""
    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Units asked for per SKU over the whole file; what opening stock is sized by."""
    lines_read: int = 0
    fees: int = 0

    @property
    def begins_at(self) -> int:
        return min(self._times())

    @property
    def ends_at(self) -> int:
        return max(self._times())

    def _times(self) -> list[int]:
        return [b.at for b in self.baskets] + [c.at for c in self.comebacks] + [s.at for s in self.shrinks]


def demand(
    lines: Iterable[Line],
    chance: Chance,
    *,
    most_units: int = 1,
    tills: float = 0.6,
    pickups: float = 0.2,
    same_day: float = 0.15,
    limit: int = 0,
) -> Demand:
    """`limit` stops after that many baskets; `same_day` is a share of the shipments."""
    found = Demand()
    invoices: dict[str, list[Line]] = {}
    batched: set[str] = set()
    for line in lines:
        found.lines_read += 1
        if line.name or line.sku not in found.items:
            old = found.items.get(line.sku)
            if line.kind == "sale" and (old is None or not old[0]):
                found.items[line.sku] = (line.name, line.price_fen or (old[1] if old else 0))
        if line.kind == "fee":
            found.fees += 1
            if line.sku == "DOT":
                batched.add(line.invoice)
        elif line.kind == "sale":
            invoices.setdefault(line.invoice, []).append(line)
        elif line.kind == "cancellation":
            found.comebacks.append(
                Comeback(
                    f"{line.invoice}/{len(found.comebacks)}",
                    line.at,
                    line.sku,
                    min(abs(line.qty), most_units),
                    line.customer,
                )
            )
        else:
            qty = max(-3, min(3, line.qty))
            found.shrinks.append(
                Shrink(f"{line.invoice}/{len(found.shrinks)}", line.at, line.sku, qty, line.name)
            )
    for invoice, rows in invoices.items():
        found.baskets += _cut(
            invoice, rows, chance, most_units, tills, pickups, same_day, batched=invoice in batched
        )
    found.baskets.sort(key=lambda b: (b.at, b.name))
    if limit and len(found.baskets) > limit:
        found.baskets = found.baskets[:limit]
        last = found.baskets[-1].at
        found.comebacks = [c for c in found.comebacks if c.at <= last]
        found.shrinks = [s for s in found.shrinks if s.at <= last]
    for basket in found.baskets:
        for sku, qty, _ in basket.rows:
            found.units[sku] += qty
    for sku in [c.sku for c in found.comebacks] + [s.sku for s in found.shrinks]:
        found.items.setdefault(sku, (sku, 0))
    return found


def _cut(
    invoice: str,
    rows: list[Line],
    chance: Chance,
    most_units: int,
    tills: float,
    pickups: float,
    same_day: float,
    *,
    batched: bool,
) -> Iterable[Basket]:
    start, number = 0, 0
    while start < len(rows):
        number += 1
        name = f"{invoice}-{number}"
        size = 1 + int(chance.share("size", name) * (LONGEST // 2 if batched else LONGEST))
        part = rows[start : start + size]
        start += size
        merged: dict[str, tuple[int, int]] = {}
        for line in part:
            qty, _ = merged.get(line.sku, (0, 0))
            merged[line.sku] = (min(qty + line.qty, most_units), line.price_fen)
        draw = chance.share("way", name)
        if draw < tills:
            way = "till"
        elif draw < tills + pickups:
            way = "pickup"
        else:
            way = "same_day" if chance.share("same day", name) < same_day else "shipment"
        when = chance.share("when", name)
        delay = -when * BATCH_MS if batched else when * SPREAD_MS if number > 1 else 0.0
        yield Basket(
            name,
            part[0].at + int(delay),
            way,
            tuple((sku, qty, price) for sku, (qty, price) in merged.items()),
            part[0].customer,
            part[0].country,
        )
