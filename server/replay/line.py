"""The line between a store and the centre: it takes its time, and it is cut.

Frames of one moment travel together and arrive in order; what is on its way when the
line is cut is lost. Both ends learn of a cut at once here; silent lines are the
business of the fault tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.replay.clock import Clock

Frames = Sequence[bytes]


class Line:
    def __init__(
        self,
        clock: Clock,
        latency_ms: int,
        deliver_up: Callable[[Frames], None],
        deliver_down: Callable[[Frames], None],
    ) -> None:
        self.up = False
        self.frames = 0
        self.bytes = 0
        self.lost = 0
        self.cuts = 0
        self.down_ms = 0
        self._clock = clock
        self._latency_ms = latency_ms
        self._deliver = {"up": deliver_up, "down": deliver_down}
        self._life = 0
        self._since = clock.now
        self._dying: Callable[[], None] | None = None

    def die_soon(self, then: Callable[[], None]) -> None:
        """The next frame, whichever way it goes, is the one that the line breaks under."""
        self._dying = then

    def send(self, way: str, frames: Frames) -> None:
        if not frames:
            return
        if not self.up:
            self.lost += len(frames)
            return
        if self._dying is not None:
            self.lost += len(frames)
            self._clock.after(0, self._dying)
            self._dying = None
            return
        life = self._life
        self._clock.after(self._latency_ms, lambda: self._arrive(way, frames, life))

    def _arrive(self, way: str, frames: Frames, life: int) -> None:
        if life != self._life:
            self.lost += len(frames)
            return
        self.frames += len(frames)
        self.bytes += sum(map(len, frames))
        self._deliver[way](frames)

    def cut(self) -> None:
        if self.up:
            self.up, self._since, self._dying = False, self._clock.now, None
            self._life += 1
            self.cuts += 1

    def restore(self) -> None:
        if not self.up:
            self.up = True
            self._life += 1
            self.down_ms += self._clock.now - self._since
