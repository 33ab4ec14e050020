"""How much may be under way in a lane, so that bulk never stands in front of an urgent decision.

The line itself is first in, first out: what has been handed to it cannot be overtaken.
So bulk keeps only as little under way as the line takes in about a second; the window
grows while answers come fast and shrinks when they come slowly.
"""

from __future__ import annotations

from collections import deque


class Window:
    """Bytes under way against a limit. Acknowledged up to a number, they are free again."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sent: deque[tuple[int, int, int]] = deque()
        self.under_way = 0

    @property
    def open(self) -> bool:
        """Whether one more frame may go. At least one frame may always be under way."""
        return self.limit > 0 and (self.under_way < self.limit)

    def sent(self, number: int, size: int, at: int) -> None:
        self._sent.append((number, size, at))
        self.under_way += size

    def acknowledged(self, number: int) -> int | None:
        """Free everything up to `number`; when the last of it was sent, or None if nothing was."""
        at = None
        while self._sent and self._sent[0][0] <= number:
            _, size, at = self._sent.popleft()
            self.under_way -= size
        return at

    def waiting_since(self) -> int | None:
        """When the oldest frame under way was sent."""
        return self._sent[0][2] if self._sent else None

    def clear(self) -> None:
        self._sent.clear()
        self.under_way = 0


class AdaptiveWindow(Window):
    SMALLEST = 16 * 1024
    LARGEST = 1024 * 1024
    FAST_MS = 700
    SLOW_MS = 1_500

    def __init__(self) -> None:
        super().__init__(2 * self.SMALLEST)

    def answered(self, number: int, now: int) -> None:
        sent_at = self.acknowledged(number)
        if sent_at is None or self.limit == 0:
            return
        if now - sent_at <= self.FAST_MS:
            self.limit = min(self.LARGEST, self.limit * 2)
        elif now - sent_at >= self.SLOW_MS:
            self.limit = max(self.SMALLEST, self.limit // 2)
