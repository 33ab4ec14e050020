"""Pausing a store: it finishes what it has and is asked for nothing new."""

from __future__ import annotations

from server.db import Tx
from server.outbox.events import happened
from server.routing.map import on_store


def pause(tx: Tx, store: str, paused: bool, reason: str, *, now: int, person: str = "") -> bool:
    """True when something changed. Who did it and when is in the history."""
    row = tx.execute(
        "UPDATE store SET paused = ?, pause_reason = ? WHERE code = ?"
        " AND (paused <> ? OR pause_reason <> ?) RETURNING code",
        (paused, reason if paused else "", store, paused, reason if paused else ""),
    ).fetchone()
    if row is None:
        return False
    on_store(tx, store)
    happened(
        tx,
        "store_paused" if paused else "store_resumed",
        at=now,
        store=store,
        person=person,
        data={"reason": reason},
    )
    return True
