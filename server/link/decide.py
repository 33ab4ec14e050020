"""Saying something to a store: the only two ways a decision or a bulk row is written.

Both append inside the caller's transaction, so what the centre decided and what it
tells the store are one commit. The hints they leave make the link look at its log
at once; a lost hint costs latency only.
"""

from __future__ import annotations

import msgspec

from server.db import Tx
from sync.wire import decisions
from sync.wire.chain import EMPTY, next_chain

_encode = msgspec.json.Encoder().encode


def decide(tx: Tx, store: str, body: decisions.Body, *, at: int, fence: int = 0) -> int:
    """Append a decision to the store's urgent log; its number in that log."""
    kind = decisions.NAMES[type(body)]
    raw = _encode(decisions.Decision(kind=kind, at=at, fence=fence, body=msgspec.Raw(_encode(body))))
    last = tx.execute(
        "SELECT number, chain FROM decision WHERE store = ? ORDER BY number DESC LIMIT 1", (store,)
    ).fetchone()
    number, chain = (last[0] + 1, last[1]) if last else (1, EMPTY)
    tx.execute(
        "INSERT INTO decision (store, number, kind, fence, at, chain, raw) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (store, number, kind, fence, at, next_chain(chain, raw), raw),
    )
    tx.touched.add(f"store:{store}")
    return int(number)


def publish(tx: Tx, stream: str, key: str, body: decisions.Row | None) -> None:
    """Set the newest body of a bulk row; None removes it. Older bodies of the key are not sent any more."""
    row = tx.execute(
        "INSERT INTO meta (key, value) VALUES ('stream_seq', '1') "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
    ).fetchone()
    tx.execute(
        "INSERT INTO stream_row (stream, key, seq, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (stream, key) DO UPDATE SET seq = excluded.seq, body = excluded.body",
        (stream, key, int(row[0]), _encode(body)),
    )
    tx.touched.add(f"stream:{stream}")


def publish_many(tx: Tx, stream: str, rows: dict[str, decisions.Row | None]) -> int:
    """Set many rows of a stream; returns how many changed.

    A row that says what it said before is left alone: a nightly upload of a whole catalogue must not
    send the whole catalogue to every store again.
    """
    if len(rows) < 100:
        before = {
            key: row[0]
            for key in rows
            if (
                row := tx.execute(
                    "SELECT body FROM stream_row WHERE stream = ? AND key = ?", (stream, key)
                ).fetchone()
            )
        }
    else:
        before = dict(tx.execute("SELECT key, body FROM stream_row WHERE stream = ?", (stream,)).fetchall())
    changed = [(key, raw) for key, body in rows.items() if before.get(key) != (raw := _encode(body))]
    if not changed:
        return 0
    last = tx.execute(
        "INSERT INTO meta (key, value) VALUES ('stream_seq', ?1) "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + ?1 RETURNING value",
        (len(changed),),
    ).fetchone()
    first = int(last[0]) - len(changed) + 1
    tx.executemany(
        "INSERT INTO stream_row (stream, key, seq, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (stream, key) DO UPDATE SET seq = excluded.seq, body = excluded.body",
        [(stream, key, seq, raw) for seq, (key, raw) in enumerate(changed, start=first)],
    )
    tx.touched.add(f"stream:{stream}")
    return len(changed)
