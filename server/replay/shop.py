"""One simulated store: its real replica, its end of the conversation, and its people's hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.replay.clock import Clock
from server.replay.line import Frames
from server.replay.witness import Witness
from sync.ids import Dice, new_id
from sync.link.clock import LinkClock, Reading
from sync.link.logs import Applier, StoreLog
from sync.link.store_end import StoreEnd
from sync.replica import log, till
from sync.replica import timers as replica_timers
from sync.replica.commands import Outcome, perform
from sync.replica.context import Context
from sync.sqlite import Connection, writing
from sync.wire.decisions import Decision

ROLES = {"A": "associate", "B": "associate", "L": "store_lead", "T": "till"}
PIN = "2468"


@dataclass(frozen=True)
class Deed:
    """A command and who gives it: A and B pick and pack, L leads, T is the till."""

    name: str
    args: dict[str, Any]
    by: str = "A"


class Listening:
    """An applier that also tells the staff what came, once it is committed."""

    def __init__(self, inner: Applier, heard: list[Decision]) -> None:
        self._inner = inner
        self._heard = heard
        self.rows = inner.rows
        self.rebase = inner.rebase
        self.digest = inner.digest

    def decision(self, tx: Any, number: int, decision: Decision, moment: Any) -> None:
        self._inner.decision(tx, number, decision, moment)
        self._heard.append(decision)


class Shop:
    def __init__(
        self,
        code: str,
        db: Connection,
        store_log: StoreLog,
        applier: Applier,
        *,
        key: str,
        clock: Clock,
        dice: Dice,
        witness: Witness,
    ) -> None:
        self.code = code
        self.db = db
        self.send: Callable[[Frames], None] = lambda frames: None
        self.news: Callable[[Decision], None] = lambda decision: None
        self._clock = clock
        self._dice = dice
        self._witness = witness
        self._heard: list[Decision] = []
        self._commands = 0
        self.commits = 0
        self._link_clock = LinkClock()
        self.end = StoreEnd(
            code,
            store_log,
            Listening(applier, self._heard),
            key=key,
            new_incarnation=self._new_id,
            clock=self._link_clock,
            host=code,
        )

    def _new_id(self) -> str:
        return new_id(self._clock.now, self._dice)

    @property
    def _now(self) -> Reading:
        return Reading.exact(self._clock.now)

    # -- the line ---------------------------------------------------------------------------

    def line_up(self) -> None:
        with writing(self.db):
            frames = self.end.connected(self.db, self._now)
        self.send(frames)

    def line_down(self) -> None:
        self.end.disconnected()

    def take(self, frames: Frames) -> None:
        """Frames of one moment, in one transaction; answers go out after the commit."""
        answers: list[bytes] = []
        with writing(self.db):
            for frame in frames:
                answers += self.end.received(self.db, self._now, frame)
        self.send(answers)
        self._tell_staff()

    def ask_for(self, rows: Sequence[tuple[str, int]]) -> bool:
        """A till asks for what its store's share lacks. True when there is an answer to wait for."""
        if not self.end.up:
            return False
        lacking = till.lacking(self.db, rows)
        if not lacking:
            return False
        question, frames = self.end.ask(lacking)
        self.send(frames)
        return bool(question)

    def tick(self) -> None:
        with writing(self.db):
            frames = self.end.tick(self.db, self._now)
        self.send(frames)

    def _tell_staff(self) -> None:
        heard = list(self._heard)
        self._heard.clear()
        for decision in heard:
            self.news(decision)

    # -- work -------------------------------------------------------------------------------

    def do(self, name: str, args: dict[str, Any], by: str = "A") -> Outcome:
        return self.all([Deed(name, args, by)])[0]

    def all(self, deeds: Sequence[Deed]) -> list[Outcome]:
        """Commands that wait together are committed together, as the node's writer does."""
        outcomes = []
        told = []
        self.commits += 1
        with writing(self.db):
            before = log.head(self.db)[0]
            for deed in deeds:
                context = self._context(deed.by)
                outcome = perform(self.db, deed.name, deed.args, context)
                outcomes.append(outcome)
                after = log.head(self.db)[0]
                told += [(number, context.command) for number in range(before + 1, after + 1)]
                before = after
                if outcome.refusal is not None:
                    self._witness.refused[f"{deed.name}: {outcome.refusal.reason}"] += 1
            self.end.keep(self.db, self._now)
            frames = self.end.recorded(self.db, self._now)
        self._witness.told[self.code] += told
        self.send(frames)
        return outcomes

    def timers(self) -> int:
        with writing(self.db):
            done = replica_timers.run_due(self.db, self._context("", role="node"))
            frames = self.end.recorded(self.db, self._now)
        self.send(frames)
        return done

    def _context(self, by: str, role: str = "") -> Context:
        self._commands += 1
        return Context(
            moment=self._link_clock.moment(self._now),
            person=f"{self.code}-{by}" if by else "node",
            role=role or ROLES[by],
            device=f"{self.code}-till" if by == "T" else f"{self.code}-pda",
            command=f"{self.code}-{self._commands:07d}",
            line_up=self.end.up,
            new_id=self._new_id,
        )
