"""Sessions in the replica, so that they outlive a power cut. PINs are judged by `sync.replica.people`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sync.ids import Dice
from sync.sqlite import Connection

IDLE_MS = 10 * 60_000
"""A handheld left on a shelf signs itself out."""
LONGEST_MS = 12 * 3_600_000
TOUCH_MS = 30_000
"""`used_at` is written at most this often: a page view must not cost a commit."""


@dataclass(frozen=True)
class Session:
    token: str
    person: str
    name: str
    role: str
    language: str
    device: str
    used_at: int


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def find(db: Connection, token: str, now: int) -> Session | None:
    """The live session of a cookie. A person who was removed has none from that moment on."""
    hashed = token_hash(token)
    row = db.execute(
        "SELECT s.person, s.device, s.opened_at, s.used_at, p.name, p.role, p.language, l.value AS chosen"
        " FROM web_session s JOIN person p ON p.id = s.person AND p.active = 1"
        " LEFT JOIN meta l ON l.key = 'language:' || s.person WHERE s.token = ?",
        (hashed,),
    ).fetchone()
    if row is None or now - row["used_at"] > IDLE_MS or now - row["opened_at"] > LONGEST_MS:
        return None
    language = row["chosen"] or row["language"]
    return Session(hashed, row["person"], row["name"], row["role"], language, row["device"], row["used_at"])


def touch(db: Connection, token: str, now: int) -> None:
    db.execute("UPDATE web_session SET used_at = max(used_at, ?) WHERE token = ?", (now, token))
    db.execute(
        "UPDATE handheld SET seen_at = max(seen_at, ?)"
        " WHERE id = (SELECT device FROM web_session WHERE token = ?)",
        (now, token),
    )


def close(db: Connection, token: str) -> None:
    db.execute("DELETE FROM web_session WHERE token = ?", (token_hash(token),))


def choose_language(db: Connection, person: str, language: str) -> None:
    """Kept at the node: the person row itself is the centre's."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (f"language:{person}", language),
    )


def locked_for(db: Connection, person: str, now: int) -> int:
    """Milliseconds for which this person may not try again."""
    row = db.execute("SELECT locked_until FROM person WHERE id = ?", (person,)).fetchone()
    return max(row["locked_until"] - now, 0) if row else 0


def open_session(db: Connection, person: str, device: str, now: int, dice: Dice) -> str:
    """A new session; the cookie's value. Another person's session on this handheld ends."""
    token = dice(24).hex()
    db.execute("DELETE FROM web_session WHERE device = ? OR used_at < ?", (device, now - LONGEST_MS))
    db.execute(
        "INSERT INTO web_session (token, person, device, opened_at, used_at) VALUES (?, ?, ?, ?, ?)",
        (token_hash(token), person, device, now, now),
    )
    return token
