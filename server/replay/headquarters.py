"""The centre's core without its sockets: one connection, one writer, one end per store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from server.db import Tx
from server.replay.adapters import Ends
from server.replay.clock import Clock
from server.replay.line import Frames
from sync.ids import Dice
from sync.link.centre_end import CentreEnd
from sync.link.clock import Reading
from sync.link.ending import Ending
from sync.sqlite import writing

T = TypeVar("T")


class Headquarters:
    def __init__(self, db: Tx, clock: Clock, dice: Dice) -> None:
        self.db = db
        self.dice = dice
        self.send: dict[str, Callable[[Frames], None]] = {}
        self._clock = clock
        self._make = Ends(lambda: clock.now, dice)
        self._ends: dict[str, CentreEnd] = {}
        self.commits = 0

    @property
    def _now(self) -> Reading:
        return Reading.exact(self._clock.now)

    def write(self, job: Callable[[Tx], T], *, answering: str = "") -> T:
        """One job, one commit; then what it decided goes to the stores that are connected.

        The store that is being answered is not looked at here: its answer has to leave first.
        """
        with writing(self.db):
            answer = job(self.db)
            frames = self._woken(answering)
        self.commits += 1
        for store, some in frames:
            self.send[store](some)
        return answer

    def _woken(self, answering: str) -> list[tuple[str, Frames]]:
        touched, self.db.touched = self.db.touched, set()
        frames: list[tuple[str, Frames]] = []
        for store in sorted(self._concerned(touched) - {answering}):
            some = self._ends[store].woken(self.db, self._now)
            if some:
                frames.append((store, some))
        return frames

    def _concerned(self, touched: set[str]) -> set[str]:
        """Connected stores that a hint speaks of: `store:S001`, `stream:people:S001`, `stream:catalogue`."""
        stores = set()
        for hint in touched:
            kind, _, name = hint.partition(":")
            if kind == "store":
                stores.add(name)
            elif kind == "stream":
                _, _, owner = name.partition(":")
                stores |= {owner} if owner else self._ends.keys()
        return stores & self._ends.keys()

    def was_told(self, order_no: str, fence: int) -> bool:
        """Whether the shopper has the message that this pickup is ready."""
        row = self.db.execute(
            "SELECT 1 FROM event WHERE order_no = ? AND kind = 'ready' AND fence = ?", (order_no, fence)
        ).fetchone()
        return row is not None

    # -- the line ---------------------------------------------------------------------------

    def line_up(self, store: str) -> None:
        end = self._ends[store] = self._make.new()
        self.send[store](end.connected(self.db, self._now))

    def closing(self, store: str) -> Ending | None:
        end = self._ends.get(store)
        return None if end is None else end.closing

    def line_down(self, store: str) -> None:
        end = self._ends.pop(store, None)
        if end is not None:
            self.write(lambda tx: end.disconnected(tx, self._now))

    def take(self, store: str, frames: Frames) -> None:
        end = self._ends[store]
        if all(end.needs_no_transaction(frame) for frame in frames):
            answers: list[bytes] = []
            for frame in frames:
                answers += end.received(None, self._now, frame)
            # Rows and snapshots are read apart from the writer, and only where some may wait.
            look = end.sent > end.taken or any(b'"l":' in frame for frame in frames)
        else:
            answers = self.write(
                lambda tx: [answer for frame in frames for answer in end.received(tx, self._now, frame)],
                answering=store,
            )
            look = True
        if look:
            answers += end.woken(self.db, self._now)
        self.send[store](answers)

    def tick(self, store: str) -> None:
        end = self._ends.get(store)
        if end is not None:
            self.send[store](self.write(lambda tx: end.tick(tx, self._now), answering=store))
