"""Why stock moved: goes into the ledger with every row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    reason: str
    """Kind of the fact or decision, or what the centre did (promise, free, …)."""
    now: int
    incarnation: str = ""
    number: int = 0
    """The fact that caused it; 0 for the centre's own acts."""
    fence: int = 0
    person: str = ""
    note: str = ""


@dataclass(frozen=True)
class Beyond:
    """How far a movement went beyond rights, in units."""

    share: int = 0
    """Units the store took from a share that the centre never gave it."""
    debt: int = 0
    """Units that neither the reported rights nor the pool covered; they are debt now."""

    def __add__(self, other: Beyond) -> Beyond:
        return Beyond(self.share + other.share, self.debt + other.debt)

    @property
    def any(self) -> bool:
        return bool(self.share or self.debt)
