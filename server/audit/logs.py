"""Reads the logs of both sides and recomputes their chains from the raw bytes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from server.audit.arithmetic import Book

EMPTY = "0" * 16


def chain_after(before: str, raw: bytes) -> str:
    """The chain hash of a log one item longer."""
    return hashlib.blake2b(before.encode() + raw, digest_size=8).hexdigest()


def reads(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Envelope and body of a fact or decision; an unreadable one is an empty pair."""
    try:
        envelope = msgspec.json.decode(raw)
        if not isinstance(envelope, dict):
            return {}, {}
        body = envelope.get("b", {})
        return envelope, body if isinstance(body, dict) else {}
    except msgspec.DecodeError:
        return {}, {}


class Entry(NamedTuple):
    store: str
    incarnation: str
    number: int
    kind: str
    fence: int
    verdict: str
    envelope: dict[str, Any]
    body: dict[str, Any]


@dataclass
class Chain:
    """How far a log was read."""

    number: int = 0
    chain: str = EMPTY
    whole: bool = True
    """False where the old part of the log had been forgotten before we looked: sums from zero say nothing."""
    complaints: list[str] = field(default_factory=list)

    def take(self, who: str, number: int, chain: str, raw: bytes) -> None:
        if self.number == 0 and number > 1:
            self.whole = False
        elif number != self.number + 1:
            self.complaints.append(f"{who}: number {number} follows {self.number}")
        elif chain_after(self.chain, raw) != chain:
            self.complaints.append(f"{who}: chain of number {number} does not fit its bytes")
        self.number, self.chain = number, chain

    def complain(self) -> list[str]:
        told, self.complaints = self.complaints, []
        return told


@dataclass
class StoreSide:
    """One store's database, how far it was read, and what its stock should be."""

    code: str
    db: sqlite3.Connection
    facts: Chain = field(default_factory=Chain)
    book: Book = field(default_factory=Book)
    ahead: deque[tuple[int, str, dict[str, Any]]] = field(default_factory=deque)
    """Decisions that the centre made and the store had not applied when we last looked."""
    sku_of: dict[tuple[int, int], str] = field(default_factory=dict)
    chains: dict[int, str] = field(default_factory=dict)
    """Recomputed chain per fact number above the last one compared with the centre's."""
    sales: dict[str, int] = field(default_factory=dict)
    incarnation: str = ""
    version: int = -1

    def has_changed(self) -> bool:
        """Whether anybody committed here since the last time we asked. Costs next to nothing."""
        (version,) = self.db.execute("PRAGMA data_version").fetchone()
        known, self.version = self.version, version
        return known != version or self.db.in_transaction

    def meta(self, key: str, default: str = "") -> str:
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else str(row[0])

    def line_sku(self, fence: int, line: int) -> str:
        known = self.sku_of.get((fence, line))
        if known is None:
            row = self.db.execute(
                "SELECT sku FROM assignment_line WHERE fence = ? AND line = ?", (fence, line)
            ).fetchone()
            if row is None:
                return f"?{fence}/{line}"
            known = self.sku_of[fence, line] = str(row[0])
        return known

    def new_facts(self) -> Iterator[Entry]:
        for number, raw, chain, kind, fence, verdict in self.db.execute(
            "SELECT number, raw, chain, kind, fence, verdict FROM fact WHERE number > ? ORDER BY number",
            (self.facts.number,),
        ).fetchall():
            raw = bytes(raw)
            self.facts.take(f"store {self.code}", number, chain, raw)
            self.chains[number] = chain
            envelope, body = reads(raw)
            yield Entry(self.code, self.incarnation, number, kind, fence, verdict, envelope, body)
