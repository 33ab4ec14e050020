"""How long to wait before the next try: full jitter under a doubling ceiling.

Reset only after a line that was healthy for a minute and on which the centre acknowledged
something. A handshake alone proves nothing: a centre that accepts and closes at once
would otherwise be called every second by every store.
"""

from __future__ import annotations

from sync.ids import Dice

HEALTHY_MS = 60_000


class Backoff:
    def __init__(self, base_s: float, cap_s: float, dice: Dice) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._dice = dice
        self.tries = 0

    def next_s(self, shortest_s: float = 0.0, longest_s: float = 0.0) -> float:
        """The next wait. `shortest_s`/`longest_s`: what the centre asked for, spread by this store."""
        ceiling = min(self._cap_s, self._base_s * 2.0 ** min(self.tries, 30))
        self.tries += 1
        spread = int.from_bytes(self._dice(4), "big") / 2**32
        asked = shortest_s + (max(longest_s, shortest_s) - shortest_s) * spread
        return max(asked, ceiling * spread)

    def ended(self, lasted_ms: int, progress: int) -> None:
        if lasted_ms >= HEALTHY_MS and progress > 0:
            self.tries = 0
