"""What a store knows about the centre's time: a lower and an upper bound, from pongs.

The centre judges deadlines. A store without a line can only keep two bounds on the
centre's clock, and let each right be judged by the one that is safe. The bounds follow
the machine's clock that counts suspended time; the wall clock is never trusted to
give time back, only to widen doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from sync.rules.moment import Moment

DRIFT_PER_MILLE = 1
"""How much a machine's own clock may run fast or slow."""
JUMP_MS = 5_000
"""The wall clock ahead of the machine's own clock by more than this: time passed that it did not count."""
FAR_MS = 10 * 365 * 24 * 3600 * 1000
"""Added to the last known time when nothing bounds it from above."""


@dataclass(frozen=True)
class Reading:
    """One look at the machine's clocks."""

    mono: int
    """Milliseconds since boot, suspended time included."""
    wall: int
    """Milliseconds since 1970, as the machine believes."""
    boot: str = ""
    """Changes with every boot: then `mono` starts over."""

    @classmethod
    def exact(cls, now: int) -> Reading:
        """For simulations: one clock that is right."""
        return cls(now, now)


class Saved(msgspec.Struct, frozen=True, omit_defaults=True):
    low: int
    high: int
    mono: int
    wall: int
    boot: str


class LinkClock:
    """Bounds on the centre's time. Starts in doubt until a pong, or with what was saved."""

    def __init__(self, saved: str = "") -> None:
        self._saved = msgspec.json.decode(saved, type=Saved) if saved else None

    def heard(self, asked_mono: int, now: Reading, centre_time: int) -> None:
        """The centre said `centre_time` at some moment between the question and now."""
        low, high = centre_time, centre_time + max(0, now.mono - asked_mono)
        known = self._bounds(now)
        # Narrow what is known as long as both can be true; else believe what was just said.
        if known is not None and max(low, known[0]) <= min(high, known[1]):
            low, high = max(low, known[0]), min(high, known[1])
        self._saved = Saved(low, high, now.mono, now.wall, now.boot)

    def moment(self, now: Reading) -> Moment:
        bounds = self._bounds(now)
        if bounds is not None:
            low, high = bounds
            return Moment(low, (low + high) // 2, high)
        # Rebooted without a line, or never heard. The centre's time is not before what was last
        # heard; nothing says how much later it is, so every right with an end counts as ended.
        floor = self._saved.low if self._saved else 0
        best = max(floor, now.wall)
        return Moment(floor, best, best + FAR_MS)

    @property
    def certain(self) -> bool:
        return self._saved is not None

    def save(self) -> str:
        return msgspec.json.encode(self._saved).decode() if self._saved else ""

    def _bounds(self, now: Reading) -> tuple[int, int] | None:
        last = self._saved
        if last is None or last.boot != now.boot or now.mono < last.mono:
            return None
        passed = now.mono - last.mono
        slack = passed * DRIFT_PER_MILLE // 1000
        uncounted = (now.wall - last.wall) - passed
        jumped = uncounted if uncounted > JUMP_MS else 0
        return last.low + passed - slack, last.high + passed + slack + jumped
