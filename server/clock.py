"""The centre's time: what deadlines are judged by, and what stores are told.

It runs with the machine's own clock, which nobody can set, and follows the wall clock so slowly that no
store's bounds are broken by it. A wall clock that is set by an hour would end every open offer and hold at
once. Set forward, the time is taken over after the open deadlines have been moved by as much (`server.app`):
nobody can tell it from time in which the centre was away. Set back, it is waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SLEW_PER_MILLION = 500
"""Half of what stores allow between two clocks that run (`sync.link.clock.DRIFT_PER_MILLE`)."""
STEP_MS = 60_000
"""The wall clock ahead by more than this was set, or the machine stood still and did not count it."""


def _wall_ns() -> int:
    return time.time_ns()


def _own_ns() -> int:
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """Milliseconds since 1970. Never goes back; may be asked from any thread."""

    def __init__(self, wall_ns: Callable[[], int] = _wall_ns, own_ns: Callable[[], int] = _own_ns) -> None:
        self._wall, self._own = wall_ns, own_ns
        self._at, self._then = wall_ns(), own_ns()
        self._turn = threading.Lock()

    def __call__(self) -> int:
        with self._turn:
            own = self._own()
            passed, self._then = max(0, own - self._then), own
            most = passed * SLEW_PER_MILLION // 1_000_000
            off = self._wall() - (self._at + passed)
            self._at += passed + max(-most, min(most, off))
            return self._at // 1_000_000

    def ahead(self) -> int:
        """How far the wall clock is ahead, where that is a step; else 0."""
        now = self()
        off = self._wall() // 1_000_000 - now
        return off if off > STEP_MS else 0

    def step(self, ms: int) -> None:
        """Take a step over. Deadlines have been moved before."""
        with self._turn:
            self._at += max(0, ms) * 1_000_000
