"""Virtual time: what is to happen next, and nothing in between."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Deed = Callable[[], object]


class Clock:
    """Deeds in order of their time; those of one moment in the order they were planned."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._heap: list[tuple[int, int, Deed]] = []
        self._turn = count()

    def at(self, when: float, deed: Deed) -> None:
        heapq.heappush(self._heap, (max(int(when), self.now), next(self._turn), deed))

    def after(self, wait_ms: float, deed: Deed) -> None:
        self.at(self.now + wait_ms, deed)

    @property
    def next_at(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def step(self) -> bool:
        """Do the next deed. False when there is none."""
        if not self._heap:
            return False
        when, _, deed = heapq.heappop(self._heap)
        self.now = when
        deed()
        return True
