"""Which handhelds the store has: set up by a code of the store lead, used by whom, ended when lost.

A code has 40 bits, lives ten minutes, works once, and dies of five wrong tries. The handheld gets a
secret of its own, of which only a hash is kept here. All of this is the node's own and stays in this
file: the centre is not needed to replace a broken handheld while the line is down.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from sync.replica import read
from sync.rules.refusals import Refusal, Why
from sync.sqlite import Connection

LETTERS = 8
LIFE_MS = 10 * 60_000
TRIES = 5
KEPT_MS = 24 * 3_600_000
"""For so long a used or late code is told from one that never was."""
FORGOTTEN_MS = 30 * 86_400_000
"""A browser that signed in without being set up, and was not seen for so long, leaves the list."""
MOST_NAME = 40
SHELL = "shell"
"""Whose code it was where no person signed in for it: somebody at the box."""
POLICY = "handhelds"
"""`any`: whoever reaches the pages may sign in with a PIN. `listed`: only on a handheld that was set up."""
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


@dataclass(frozen=True)
class Begun:
    """A handheld that was just set up, or why it was not. The caller keeps the count in both cases."""

    name: str = ""
    refusal: Refusal | None = None


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def read_code(text: str) -> tuple[str, str]:
    """(store, code) of what was scanned or typed: an address, `S001.ABCDEFGH`, or letters alone."""
    inner = re.split(r"[?&#]code=", text.strip())[-1]
    store, dot, code = inner.rpartition(".")
    letters = re.sub(r"[^0-9A-Z]", "", (code if dot else inner).upper()).translate(_ALIKE)
    return store.strip().upper(), letters


def shown(code: str) -> str:
    """As a person reads it aloud and types it."""
    return f"{code[:4]}-{code[4:]}"


def invite(tx: Connection, code: str, *, name: str, person: str, now: int) -> int:
    """Keep a fresh code; until when it works. The one before it by the same person ends."""
    tx.execute("DELETE FROM handheld_code WHERE made_at < ?", (now - KEPT_MS,))
    tx.execute("DELETE FROM handheld_code WHERE made_by = ? AND used_at = 0", (person,))
    tx.execute(
        "INSERT INTO handheld_code (code_hash, name, made_by, made_at, until) VALUES (?, ?, ?, ?, ?)",
        (hashed(code), name[:MOST_NAME], person, now, now + LIFE_MS),
    )
    return now + LIFE_MS


def begin(tx: Connection, text: str, *, store: str, device: str, key: str, now: int) -> Begun:
    """Use a code for `device`. Two handhelds on one code: the transaction that comes first has it."""
    theirs, code = read_code(text)
    if theirs and theirs != store.upper():
        return Begun(refusal=Refusal(Why.START_CODE_ELSEWHERE, {"place": theirs, "store": store}))
    row = tx.execute("SELECT * FROM handheld_code WHERE code_hash = ?", (hashed(code),)).fetchone()
    if row is None:
        tx.execute("UPDATE handheld_code SET tries = tries + 1 WHERE used_at = 0 AND until > ?", (now,))
        return Begun(refusal=Refusal(Why.START_CODE_UNKNOWN, {"code": code[:12]}))
    if row["used_at"]:
        time = read.local_time(tx, row["used_at"], now)
        return Begun(refusal=Refusal(Why.START_CODE_USED, {"name": row["name"], "time": time}))
    if now >= row["until"] or row["tries"] >= TRIES:
        time = read.local_time(tx, row["until"], now)
        return Begun(refusal=Refusal(Why.START_CODE_OVER, {"time": time}))
    tx.execute("UPDATE handheld_code SET used_at = ? WHERE code_hash = ?", (now, row["code_hash"]))
    tx.execute(
        "INSERT INTO handheld (id, name, key_hash, added_at, added_by) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, key_hash = excluded.key_hash,"
        " added_at = excluded.added_at, added_by = excluded.added_by, ended_at = 0",
        (device, row["name"], hashed(key), now, row["made_by"]),
    )
    return Begun(name=row["name"])


def standing(db: Connection, device: str, key: str) -> str:
    """listed; plain (known or not, never set up); ended; strange (the id of one, without its key)."""
    row = db.execute("SELECT key_hash, ended_at FROM handheld WHERE id = ?", (device,)).fetchone()
    if row is None or not (row["key_hash"] or row["ended_at"]):
        return "plain"
    if row["ended_at"]:
        return "ended"
    return "listed" if key and hashed(key) == row["key_hash"] else "strange"


def may_sign_in(db: Connection, device: str, key: str) -> Refusal | None:
    stands = standing(db, device, key)
    if stands == "ended":
        return Refusal(Why.HANDHELD_ENDED, {"device": device})
    if stands != "listed" and only_listed(db):
        return Refusal(Why.HANDHELD_NOT_LISTED, {"device": device})
    return None


def only_listed(db: Connection) -> bool:
    store = read.meta(db, "store")
    return read.policy(db, f"{POLICY}:{store}", read.policy(db, POLICY)) == "listed"


def seen(tx: Connection, device: str, person: str, now: int) -> None:
    """Somebody has signed in on it."""
    tx.execute(
        "DELETE FROM handheld WHERE key_hash = '' AND ended_at = 0 AND seen_at < ?", (now - FORGOTTEN_MS,)
    )
    tx.execute(
        "INSERT INTO handheld (id, name, added_at, seen_at, seen_by) VALUES (?, '', ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, seen_by = excluded.seen_by",
        (device, now, now, person),
    )


def rename(tx: Connection, device: str, name: str) -> None:
    tx.execute("UPDATE handheld SET name = ? WHERE id = ?", (name[:MOST_NAME], device))


def end(tx: Connection, device: str, now: int) -> None:
    """Lost, stolen, given away: whoever is signed in on it is out with the next tap, line or no line."""
    tx.execute("UPDATE handheld SET ended_at = ? WHERE id = ? AND ended_at = 0", (now, device))
    tx.execute("DELETE FROM web_session WHERE device = ?", (device,))
