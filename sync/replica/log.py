"""The store's own log of facts, and where it stands in every other log.

`append` is how a command records what happened: it writes the fact row and nothing
else, in the command's transaction. The rest is what the link needs to send the log,
to remember what the centre has taken, and to take a new name (incarnation) when this
database turns out to be an old copy. A new incarnation is a fork: it shares every
fact up to the fork and keeps the numbers and chains of its own facts after it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping

import msgspec

from sync.link.logs import Item, Standing
from sync.replica.context import Context
from sync.wire import facts
from sync.wire.chain import EMPTY, next_chain
from sync.wire.frames import Check

MAX_FACT_BYTES = 32 * 1024
"""A fact larger than this is a mistake of the caller; refusing it here keeps it off the wire."""

DOUBTFUL_MS = 24 * 3600 * 1000
"""An estimate worse than a day says nothing about the time: the fact carries error -1."""

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
        (
            number,
            raw,
            next_chain(chain, raw),
            kind,
            fence,
            ctx.person,
            ctx.device,
            ctx.command,
            ctx.moment.now,
        ),
    )
    return number


class ReplicaLog:
    """The same log as the store's end of the link needs it (sync.link.logs.StoreLog)."""

    def head(self, tx: sqlite3.Connection) -> Check:
        return head(tx)

    def floor(self, tx: sqlite3.Connection) -> int:
        return int(get(tx, "facts_floor", "0"))

    def chain_at(self, tx: sqlite3.Connection, number: int) -> str | None:
        row = tx.execute("SELECT chain FROM fact WHERE number = ?", (number,)).fetchone()
        if row is not None:
            return str(row[0])
        floor = self.floor(tx)
        return get(tx, "facts_floor_chain", EMPTY) if number == floor else None

    def after(self, tx: sqlite3.Connection, number: int, count: int, size: int) -> list[Item]:
        return read_after(
            tx.execute(
                "SELECT number, raw, chain FROM fact WHERE number > ? ORDER BY number LIMIT ?",
                (number, count),
            ),
            size,
        )

    def standing(self, tx: sqlite3.Connection) -> Standing:
        meta = {str(key): str(value) for key, value in tx.execute("SELECT key, value FROM meta")}
        return Standing(
            incarnation=meta["incarnation"],
            parents=tuple((name, number) for name, number in json.loads(meta.get("parents", "[]"))),
            centre=meta.get("centre_incarnation", ""),
            acked=int(meta.get("facts_acked", "0")),
            prunable=int(meta.get("facts_prunable", "0")),
            decisions=(int(meta.get("decisions_number", "0")), meta.get("decisions_chain", EMPTY)),
            needs_snapshot=meta.get("needs_snapshot", "0") == "1",
            streams={
                key.removeprefix(_STREAM): int(value)
                for key, value in meta.items()
                if key.startswith(_STREAM)
            },
            fence=int(meta.get("fence_heard", "0")),
            schema=meta.get("schema", ""),
            clock=meta.get("clock", ""),
        )

    def keep(self, tx: sqlite3.Connection, values: Mapping[str, str | int]) -> None:
        for key, value in values.items():
            put(tx, _KEPT.get(key, key), value)

    def set_decisions(self, tx: sqlite3.Connection, number: int, chain: str, fence: int) -> None:
        put(tx, "decisions_number", number)
        put(tx, "decisions_chain", chain)
        if fence > int(get(tx, "fence_heard", "0")):
            put(tx, "fence_heard", fence)

    def set_stream(self, tx: sqlite3.Connection, stream: str, cursor: int) -> None:
        put(tx, _STREAM + stream, cursor)

    def forget_streams(self, tx: sqlite3.Connection) -> None:
        tx.execute("DELETE FROM meta WHERE substr(key, 1, ?) = ?", (len(_STREAM), _STREAM))

    def fork(self, tx: sqlite3.Connection, incarnation: str, number: int) -> None:
        at = self.standing(tx)
        parents = [(at.incarnation, number), *((name, min(fork, number)) for name, fork in at.parents)]
        put(tx, "parents", json.dumps(parents[:MOST_PARENTS]))
        put(tx, "incarnation", incarnation)
        put(tx, "facts_acked", number)
        put(tx, "needs_snapshot", 1)
        # Its rights are those of an older day. They are void until the centre's snapshot has said which hold.
        put(tx, "rights_void", 1)
        tx.execute("UPDATE fact SET verdict = '', note = '' WHERE number > ?", (number,))
        self.unstage(tx)

    def stage(self, tx: sqlite3.Connection, id: str, part: int, parts: int, data: bytes) -> None:
        tx.execute("DELETE FROM snapshot_part WHERE id <> ?", (id,))
        tx.execute(
            "INSERT OR REPLACE INTO snapshot_part (id, part, parts, data) VALUES (?, ?, ?, ?)",
            (id, part, parts, data),
        )

    def staged(self, tx: sqlite3.Connection) -> tuple[str, int]:
        row = tx.execute("SELECT id, max(part) FROM snapshot_part GROUP BY id LIMIT 1").fetchone()
        return (str(row[0]), int(row[1])) if row is not None else ("", 0)

    def staged_content(self, tx: sqlite3.Connection) -> bytes:
        return b"".join(row[0] for row in tx.execute("SELECT data FROM snapshot_part ORDER BY part"))

    def unstage(self, tx: sqlite3.Connection) -> None:
        tx.execute("DELETE FROM snapshot_part")

    def recorded_at(self, tx: sqlite3.Connection, number: int) -> int:
        row = tx.execute(
            "SELECT recorded_at FROM fact WHERE number >= ? ORDER BY number LIMIT 1", (number,)
        ).fetchone()
        return int(row[0]) if row is not None else 0

    def prune(self, tx: sqlite3.Connection, upto: int, recorded_before: int) -> int:
        """Forget facts that a verified backup of the centre covers and that are old enough."""
        acked = int(get(tx, "facts_acked", "0"))
        row = tx.execute(
            "SELECT number, chain FROM fact WHERE number <= ? AND number < "
            "coalesce((SELECT min(number) FROM fact WHERE recorded_at >= ?), 9e18) "
            "ORDER BY number DESC LIMIT 1",
            (min(upto, acked), recorded_before),
        ).fetchone()
        if row is None:
            return 0
        put(tx, "facts_floor", int(row[0]))
        put(tx, "facts_floor_chain", str(row[1]))
        return tx.execute("DELETE FROM fact WHERE number <= ?", (row[0],)).rowcount


def read_after(rows: Iterable[sqlite3.Row], size: int) -> list[Item]:
    """The first items of a result whose bytes fit; one at least."""
    items: list[Item] = []
    for number, raw, chain in rows:
        size -= len(raw)
        if size < 0 and items:
            break
        items.append(Item(int(number), bytes(raw), str(chain)))
    return items


RETENTION_MS = 14 * 24 * 3600 * 1000
MOST_PARENTS = 16
_STREAM = "stream_"
_KEPT = {"acked": "facts_acked", "prunable": "facts_prunable", "centre": "centre_incarnation"}
