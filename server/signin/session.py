"""Sessions of managers and the limit on guessing. Core: an open transaction, a clock, dice.

The cookie's secret is kept as its hash only. A wrong PIN is counted before the PIN is looked at,
in a transaction of its own, so that a thousand guesses sent at once are a thousand tries, and the
count outlives a restart.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass

from server.db import Tx
from sync.ids import Dice, short_secret
from sync.rules.permissions import SCOPES, Actor, Scope

IDLE_MS = 12 * 3600 * 1000
"""A board on a wall stays on for a shift; its stream counts as use."""
LONGEST_MS = 7 * 24 * 3600 * 1000
TOUCH_MS = 10 * 60 * 1000
FREE_TRIES = 5
FIRST_LOCK_MS = 5 * 60 * 1000
LONGEST_LOCK_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Manager:
    """Who asks. What they may see follows from role and place alone."""

    id: str
    name: str
    role: str
    store: str
    region: str
    language: str

    @property
    def actor(self) -> Actor:
        return Actor(person=self.id, role=self.role, store=self.store, region=self.region)

    @property
    def scope_region(self) -> str:
        """The region they see; empty for the whole chain."""
        return self.region if SCOPES[self.role] is Scope.REGION else ""


def is_manager(role: str) -> bool:
    """Store staff sign in at their store's node, everybody above a store here."""
    return SCOPES.get(role) in (Scope.REGION, Scope.GROUP)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def take_try(tx: Tx, person: str, *, now: int) -> int:
    """Count one try for this id. Returns 0 when it may be made, else until when the id is locked."""
    tries, until = _tries(tx, person)
    if until > now:
        return until
    tries += 1
    locked = 0
    if tries >= FREE_TRIES:
        locked = now + min(FIRST_LOCK_MS << min(tries - FREE_TRIES, 16), LONGEST_LOCK_MS)
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (f"signin:{person}", f"{tries},{locked}"),
    )
    return 0


def forget_tries(tx: Tx, person: str) -> None:
    tx.execute("DELETE FROM meta WHERE key = ?", (f"signin:{person}",))


def _tries(tx: sqlite3.Connection, person: str) -> tuple[int, int]:
    row = tx.execute("SELECT value FROM meta WHERE key = ?", (f"signin:{person}",)).fetchone()
    if row is None:
        return 0, 0
    tries, until = str(row[0]).split(",")
    return int(tries), int(until)


def pin_hash_of(tx: sqlite3.Connection, person: str) -> tuple[str, str]:
    """(hash, role) of an active person; empty for nobody."""
    row = tx.execute("SELECT pin_hash, role FROM person WHERE id = ? AND active", (person,)).fetchone()
    return (str(row["pin_hash"]), str(row["role"])) if row else ("", "")


def open_session(tx: Tx, person: str, *, now: int, dice: Dice) -> str:
    """A new session; returns the cookie's secret. Old ones of everybody are swept on the way."""
    secret = short_secret(dice, 40)
    tx.execute(
        "DELETE FROM web_session WHERE used_at < ? OR opened_at < ?", (now - IDLE_MS, now - LONGEST_MS)
    )
    tx.execute(
        "INSERT INTO web_session (token, person, opened_at, used_at) VALUES (?, ?, ?, ?)",
        (hashed(secret), person, now, now),
    )
    forget_tries(tx, person)
    return secret


def close_session(tx: Tx, secret: str) -> None:
    tx.execute("DELETE FROM web_session WHERE token = ?", (hashed(secret),))


def touch_session(tx: Tx, token: str, *, now: int) -> None:
    tx.execute("UPDATE web_session SET used_at = ? WHERE token = ? AND used_at < ?", (now, token, now))


def session(tx: sqlite3.Connection, token: str, *, now: int) -> tuple[Manager, int] | None:
    """The manager behind a cookie (by its hash) and when it was last used; None when it is over."""
    row = tx.execute(
        "SELECT p.id, p.name, p.role, p.store, p.region, p.language, s.used_at FROM web_session s"
        " JOIN person p ON p.id = s.person"
        " WHERE s.token = ? AND p.active AND s.used_at >= ? AND s.opened_at >= ?",
        (token, now - IDLE_MS, now - LONGEST_MS),
    ).fetchone()
    if row is None or not is_manager(row["role"]):
        return None
    return Manager(*(row[key] for key in ("id", "name", "role", "store", "region", "language"))), row[
        "used_at"
    ]


class Addresses:
    """Wrong PINs (or keys) by address, in memory and bounded: one machine may not try everybody's.

    The lock on an id is the durable one; this only makes trying one PIN on every id slow. Somebody who
    gets in costs their address nothing, so an office behind one address is no burden to itself.
    """

    def __init__(self, free: int = 30, window_ms: int = 10 * 60 * 1000, kept: int = 10_000) -> None:
        self.free, self.window_ms, self.kept = free, window_ms, kept
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def closed(self, address: str, now: int) -> bool:
        since, count = self._failed.get(address, (now, 0))
        return count >= self.free and now - since < self.window_ms

    def failed(self, address: str, now: int) -> None:
        since, count = self._failed.pop(address, (now, 0))
        self._failed[address] = (since, count + 1) if now - since < self.window_ms else (now, 1)
        while len(self._failed) > self.kept:
            self._failed.popitem(last=False)
