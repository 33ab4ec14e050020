"""The store's own log of facts, and where it stands in every other log.

`append` is how a command records what happened: it writes the fact row and nothing
else, in the command's transaction. The rest is what the link needs to send the log,
to remember what the centre has taken, and to take a new name (incarnation) when this
database turns out to be an old copy. A new incarnation is a fork: it shares every
fact up to the fork and keeps the numbers and chains of its own facts after it.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sync.replica.context import Context
from sync.wire import facts
from sync.wire.chain import EMPTY, next_chain

MAX_FACT_BYTES = 32 * 1024
"""A fact larger than this is a mistake of the caller; refusing it here keeps it off the wire."""

_encode = msgspec.json.Encoder().encode


def get(tx: sqlite3.Connection, key: str, default: str = "") -> str:
    row = tx.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else default


def put(tx: sqlite3.Connection, key: str, value: str | int) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, str(value)),
    )


def head(tx: sqlite3.Connection) -> tuple[int, str]:
    """Number and chain of the last fact ever recorded here, pruned ones included."""
    row = tx.execute("SELECT number, chain FROM fact ORDER BY number DESC LIMIT 1").fetchone()
    if row is not None:
        return int(row[0]), str(row[1])
    return int(get(tx, "facts_floor", "0")), get(tx, "facts_floor_chain", EMPTY)


def append(tx: sqlite3.Connection, body: facts.Body, ctx: Context, *, fence: int = 0) -> int:
    """Record a fact; its number. The envelope comes from the context."""
    kind = facts.NAMES[type(body)]
    error = ctx.moment.error
    raw = _encode(
        facts.Fact(
            kind=kind,
            command=ctx.command,
            person=ctx.person,
            device=ctx.device,
            at=ctx.moment.now,
            error=error if error <= DOUBTFUL_MS else -1,
            seen=int(get(tx, "decisions_number", "0")),
            fence=fence,
            body=msgspec.Raw(_encode(body)),
        )
    )
    if len(raw) > MAX_FACT_BYTES:
        raise ValueError(f"a fact of {len(raw)} bytes; the most is {MAX_FACT_BYTES}")
    number, chain = head(tx)
    number += 1
    tx.execute(
        "INSERT INTO fact (number, raw, chain, kind, fence, person, device, command, recorded_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, raw, next_chain(chain, raw), kind, fence, ctx.person, ctx.device, ctx.command, ctx.moment.now),
    )
    return number


DOUBTFUL_MS = 24 * 3600 * 1000
"""An estimate worse than a day says nothing about the time: the fact carries error -1."""
