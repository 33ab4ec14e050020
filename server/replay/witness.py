"""What the simulated people saw with their own eyes, kept outside all databases."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bought:
    """One unit that somebody carries home, and where it could be brought back."""

    store: str
    customer: str
    order_no: str = ""
    line: int = 0
    sale: str = ""


@dataclass
class Witness:
    told: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """Per store: number of a fact and the command whose person was told "saved"."""
    refused: Counter[str] = field(default_factory=Counter)
    """Refusals by command and reason."""
    counts: Counter[str] = field(default_factory=Counter)
    codes: dict[str, str] = field(default_factory=dict)
    """Pickup codes, as the shoppers got them."""
    customers: dict[str, str] = field(default_factory=dict)
    """Order number: customer."""
    collected: set[str] = field(default_factory=set)
    """Fulfilment orders whose goods a shopper has in hand."""
    bought: dict[str, deque[Bought]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=200)))
    """By SKU, newest last."""

    def brings_back(self, sku: str, customer: str) -> Bought | None:
        """The unit this customer bought, else anybody's newest."""
        units = self.bought[sku]
        for unit in reversed(units):
            if unit.customer == customer:
                units.remove(unit)
                return unit
        return units.pop() if units else None
