"""Why a session ends, and what is the machine's trouble rather than an item's."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

CLOSE_CODES = {
    "authenticate": 4401,
    "silent": 4408,
    "stuck": 4408,
    "superseded": 4409,
    "two_replicas": 4410,
    "gap": 4412,
    "chain": 4412,
    "protocol": 4426,
    "busy": 4429,
    "held": 4423,
    "not_a_frame": 4400,
    "too_big": 1009,
    "drain": 1012,
}
"""Websocket close codes for the codes of `Refuse`, `Bye` and our own endings."""


GREETING_MS = 20_000
"""So long a peer may say nothing before both know each other."""


@dataclass(frozen=True)
class Ending:
    code: str
    todo: str = "retry"
    """retry, authenticate, upgrade, person: what the store should do."""
    shortest: int = 0
    longest: int = 0
    """Milliseconds to wait before the next try; 0: as the back-off says."""

    @property
    def close_code(self) -> int:
        return CLOSE_CODES.get(self.code, 4400)


def of_silence(quiet_ms: int, *, greeted: bool, heartbeat: int) -> Ending | None:
    """Of a peer that was not heard: in the greeting for long, afterwards for three of its heartbeats."""
    return Ending("silent") if quiet_ms > (3 * heartbeat if greeted else GREETING_MS) else None


def is_the_machine(trouble: BaseException, tx: sqlite3.Connection) -> bool:
    """Disk full, I/O error, a locked file: never a reason to park or hold an item.

    SQLite takes the whole transaction back for the worst of these; then nothing may go on in it.
    """
    if not tx.in_transaction or isinstance(trouble, MemoryError):
        return True
    text = str(trouble)
    return isinstance(trouble, sqlite3.OperationalError) and any(
        word in text for word in ("full", "I/O", "locked", "readonly", "unable to open")
    )
