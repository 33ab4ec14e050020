"""Who does something, when, and under which command: what every change to the replica is told."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True)
class Context:
    moment: Moment
    person: str
    role: str
    device: str
    command: str
    """The command's id, made before the first try; `auto:<n>` when the node acts by itself."""
    line_up: bool
    new_id: Callable[[], str]
    """Ids for things the command makes (parcels, returns, waves); brings clock and dice with it."""
