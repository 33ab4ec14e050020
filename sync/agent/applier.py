"""What comes down, put into the replica: the link's Applier over the store's own rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sync.replica import decisions, rebase
from sync.replica.context import Context, Moment
from sync.replica.digest import digest
from sync.wire.decisions import Decision
from sync.wire.snapshot import Snapshot

_snapshot = msgspec.json.Decoder(Snapshot).decode


class ReplicaApplier:
    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self.hints: set[str] = set()
        """What changed since somebody last emptied it."""

    def decision(self, tx: sqlite3.Connection, number: int, decision: Decision, moment: Moment) -> None:
        self.hints |= decisions.apply_decision(tx, number, decision, self.context(moment, f"auto:{number}"))

    def rows(
        self, tx: sqlite3.Connection, stream: str, rows: Sequence[dict[str, Any]], moment: Moment
    ) -> None:
        decisions.apply_rows(tx, stream, rows)
        self.hints.add(f"stream:{stream}")

    def rebase(self, tx: sqlite3.Connection, content: bytes, facts: int, moment: Moment) -> None:
        rebase.rebase(tx, _snapshot(content), self.context(moment, "auto:rebase"), above=facts)
        self.hints |= {"all", "notice"}

    def digest(self, tx: sqlite3.Connection) -> Any:
        return digest(tx)

    def context(self, moment: Moment, command: str) -> Context:
        """The node acts by itself: because the centre said so, or because time did."""
        return Context(
            moment=moment,
            person="node",
            role="node",
            device="node",
            command=command,
            line_up=True,
            new_id=self._new_id,
        )
