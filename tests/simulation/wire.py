"""The network between a store and the centre: late, twice, out of order, never, or to one side only."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count

from sync.link.centre_end import CentreEnd


@dataclass(eq=False)
class Wire:
    """One connection. Each side learns by itself that it is over, perhaps much later than the other."""

    number: int
    store: str
    end: CentreEnd
    store_open: bool = True
    centre_open: bool = True
    looked: bool = False
    """The centre has looked at its logs since the greeting."""
    holes: set[str] = field(default_factory=set)
    """Ways (`up`, `down`) in which everything vanishes without a word."""
    last_due: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    last: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class Sky:
    """All frames under way, by the time at which they arrive. None instead of a frame: the line's end."""

    under_way: list[tuple[int, int, Wire, str, bytes | None]] = field(default_factory=list)
    turn: count[int] = field(default_factory=count)

    def put(self, due: int, wire: Wire, way: str, data: bytes | None, *, in_order: bool = True) -> None:
        if in_order:
            due = max(due, wire.last_due[way])
            wire.last_due[way] = due
        heapq.heappush(self.under_way, (due, next(self.turn), wire, way, data))

    @property
    def next_due(self) -> int | None:
        return self.under_way[0][0] if self.under_way else None

    def pop(self, now: int) -> tuple[Wire, str, bytes | None] | None:
        if not self.under_way or self.under_way[0][0] > now:
            return None
        _, _, wire, way, data = heapq.heappop(self.under_way)
        return wire, way, data

    def drop(self, wire: Wire) -> None:
        self.under_way = [one for one in self.under_way if one[2] is not wire]
        heapq.heapify(self.under_way)
