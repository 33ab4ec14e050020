"""A reading of the centre's clock as far as a store can know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """The centre's time as the store knows it, in milliseconds since 1970.

    Rights are judged by the bound that is safe, screens show `now`.
    """

    earliest: int
    now: int
    latest: int

    @classmethod
    def exact(cls, now: int) -> Moment:
        return cls(now, now, now)

    @property
    def error(self) -> int:
        return max(self.latest - self.now, self.now - self.earliest)
