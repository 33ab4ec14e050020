"""When lines go down and come back: exponential both ways, with a given share of the time down."""

from __future__ import annotations

from collections.abc import Callable

from server.replay.clock import Clock
from server.replay.dice import Chance


class Outages:
    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        share: float,
        mean_ms: float,
        cut: Callable[[str], None],
        restore: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._share = share
        self._mean_down = mean_ms
        self._mean_up = mean_ms * (1 - share) / share if share > 0 else 0.0
        self._cut = cut
        self._restore = restore
        self._turns = 0
        self.over = False

    def begin(self, store: str) -> None:
        """Some stores start the day without a line: the share holds from the first minute on."""
        if self._share <= 0:
            return
        if self._chance.share("starts down", store) < self._share:
            self._down(store)
        else:
            self._clock.after(self._wait(self._mean_up, store), lambda: self._down(store))

    def _wait(self, mean: float, store: str) -> float:
        self._turns += 1
        return self._chance.exponential(mean, "outage", store, self._turns)

    def _down(self, store: str) -> None:
        if self.over:
            return
        self._cut(store)
        self._clock.after(self._wait(self._mean_down, store), lambda: self._up(store))

    def _up(self, store: str) -> None:
        self._restore(store)
        if not self.over:
            self._clock.after(self._wait(self._mean_up, store), lambda: self._down(store))
