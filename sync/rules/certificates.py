"""When a certificate is to be renewed, and when somebody has to look. One answer for everybody who asks.

Renewal begins when a third of the life has passed, so that two thirds are left for an outage: with 90
days, a store may be without its line for sixty and still open its pages. Half of it gone and not
renewed is worth a word to a person; by then a month of tries has failed.
"""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000
MOST_DAYS = 90


@dataclass(frozen=True)
class Life:
    """Times in ms since 1970."""

    begins: int
    ends: int

    @property
    def renew_at(self) -> int:
        return self.begins + (self.ends - self.begins) // 3

    @property
    def late_at(self) -> int:
        return self.begins + (self.ends - self.begins) // 2

    def state(self, now: int) -> str:
        """fresh; due: to be renewed; late: should have been; expired."""
        if now >= self.ends:
            return "expired"
        if now >= self.late_at:
            return "late"
        return "due" if now >= self.renew_at else "fresh"

    def days_left(self, now: int) -> int:
        return max(0, (self.ends - now) // DAY_MS)
