"""What the conversation needs from the tables on either side.

Protocols only: the SQL is in `sync.replica.log` and `server.link.logs`. A log that an
end writes can be read from a position; of a log that the other end writes, an end
keeps the position up to which it has applied it, in the same transaction as the effect.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sync.rules.moment import Moment
from sync.wire.decisions import Decision
from sync.wire.facts import Fact
from sync.wire.frames import Check

Tx = sqlite3.Connection


class Item(NamedTuple):
    number: int
    raw: bytes
    chain: str


class WrittenLog(Protocol):
    """A log that this end writes: numbers without holes, a chain over the bytes."""

    def head(self, tx: Tx) -> Check: ...

    def floor(self, tx: Tx) -> int:
        """Items up to here have been forgotten."""
        ...

    def chain_at(self, tx: Tx, number: int) -> str | None:
        """None where the log does not reach, or does not reach back."""
        ...

    def after(self, tx: Tx, number: int, count: int, size: int) -> list[Item]:
        """The next items, at most `count` and about `size` bytes, at least one if there is one."""
        ...


@dataclass(frozen=True)
class Standing:
    """Where a replica stands: everything its hello says that comes from the database."""

    incarnation: str
    parents: tuple[tuple[str, int], ...]
    centre: str
    acked: int
    prunable: int
    decisions: Check
    needs_snapshot: bool
    streams: Mapping[str, int]
    fence: int
    schema: str
    clock: str


class StoreLog(WrittenLog, Protocol):
    """The replica's tables as the store's end of the link sees them."""

    def standing(self, tx: Tx) -> Standing: ...

    def keep(self, tx: Tx, values: Mapping[str, str | int]) -> None:
        """Remember positions (`acked`, `prunable`, `centre`, `session`, `clock`, …)."""
        ...

    def set_decisions(self, tx: Tx, number: int, chain: str, fence: int) -> None: ...

    def set_stream(self, tx: Tx, stream: str, cursor: int) -> None: ...

    def forget_streams(self, tx: Tx) -> None: ...

    def fork(self, tx: Tx, incarnation: str, number: int) -> None:
        """Take a new incarnation that continues the present one up to `number`."""
        ...

    def stage(self, tx: Tx, id: str, part: int, parts: int, data: bytes) -> None:
        """Keep a part of a snapshot; parts of any other snapshot are dropped."""
        ...

    def staged(self, tx: Tx) -> tuple[str, int]:
        """The snapshot on its way in, and how many parts from the first on are here."""
        ...

    def staged_content(self, tx: Tx) -> bytes: ...

    def unstage(self, tx: Tx) -> None: ...

    def recorded_at(self, tx: Tx, number: int) -> int:
        """When the first fact from `number` on was recorded; 0 if there is none."""
        ...

    def prune(self, tx: Tx, upto: int, recorded_before: int) -> int: ...


class Applier(Protocol):
    """What the store does with what comes down. Raising means: cannot be applied here."""

    def decision(self, tx: Tx, number: int, decision: Decision, moment: Moment) -> None: ...

    def rows(self, tx: Tx, stream: str, rows: Sequence[dict[str, Any]], moment: Moment) -> None: ...

    def rebase(self, tx: Tx, content: bytes, facts: int, moment: Moment) -> None:
        """Replace the base by a snapshot whose cut has seen `facts` of the store's own facts."""
        ...

    def digest(self, tx: Tx) -> Any: ...


@dataclass(frozen=True)
class KnownReplica:
    incarnation: str
    state: str
    host: str
    applied: int
    chain: str
    backed_up: int
    parent: str
    fork: int
    note: str = ""
    beginning: str = ""
    """Chain of fact `fork`, where the facts up to there are kept nowhere."""


@dataclass(frozen=True)
class KnownSession:
    number: int
    incarnation: str
    host: str
    heard_at: int
    open: bool
    unsent: int = 0
    """Facts that the store said were waiting, when it was last heard."""


class CentreLog(Protocol):
    """The centre's tables as its end of the link to one store sees them."""

    @property
    def decisions(self) -> WrittenLog: ...

    def incarnation(self, tx: Tx) -> str: ...

    def new_incarnation(self, tx: Tx, incarnation: str, now: int) -> None: ...

    def raise_fence(self, tx: Tx, heard: int, now: int) -> None:
        """Make sure that every fence given from now on is above one that a store has heard of."""
        ...

    def key(self, tx: Tx) -> tuple[str, bool] | None:
        """Hash of the node's token, and whether the store is active. None: no such store."""
        ...

    def session(self, tx: Tx) -> KnownSession: ...

    def open_session(
        self, tx: Tx, number: int, incarnation: str, host: str, software: str, now: int
    ) -> None: ...

    def note_heard(self, tx: Tx, heard_at: int, unsent: int, oldest: int, taken: int) -> None: ...

    def heard_out(self, tx: Tx, now: int) -> None:
        """The store has told all that it did, and works by what this centre says."""
        ...

    def close_session(self, tx: Tx, number: int, now: int) -> None: ...

    def replica(self, tx: Tx, incarnation: str) -> KnownReplica | None: ...

    def live(self, tx: Tx) -> KnownReplica | None: ...

    def add_replica(self, tx: Tx, replica: KnownReplica, now: int) -> None: ...

    def set_state(self, tx: Tx, incarnation: str, state: str, note: str) -> None: ...

    def set_host(self, tx: Tx, incarnation: str, host: str) -> None: ...

    def chain_at(self, tx: Tx, incarnation: str, number: int) -> str | None:
        """The chain of the facts taken from this incarnation and those it continues."""
        ...

    def holder(self, tx: Tx, number: int, chain: str) -> str:
        """The incarnation under which the fact with this number and chain was taken; empty if none."""
        ...

    def take(
        self,
        tx: Tx,
        incarnation: str,
        number: int,
        raw: bytes,
        chain: str,
        fact: Fact | None,
        verdict: str,
        note: str,
        now: int,
    ) -> None: ...

    def advance(self, tx: Tx, incarnation: str, applied: int, chain: str) -> None: ...

    def tell_verdict(
        self, tx: Tx, number: int, fact: Fact | None, verdict: str, note: str, case: str, now: int
    ) -> None: ...

    def streams(self, tx: Tx) -> Sequence[str]: ...

    def last_row(self, tx: Tx) -> int:
        """The highest cursor that any stream has reached."""
        ...

    def rows_after(
        self, tx: Tx, stream: str, cursor: int, count: int, size: int
    ) -> list[tuple[int, str, bytes]]: ...

    def trouble(
        self, tx: Tx, kind: str, params: Mapping[str, Any], evidence: Sequence[tuple[str, int, str]], now: int
    ) -> str:
        """Open a case for a person (or join an open one of the same kind); its id."""
        ...

    def settled(self, tx: Tx, kind: str) -> bool:
        """No case of this kind is open for the store: a person has decided."""
        ...
