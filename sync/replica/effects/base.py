"""Where each kind of fact enters what it does, and what several of them do."""

from __future__ import annotations

from functools import singledispatch

from sync.replica.context import Context
from sync.sqlite import Connection
from sync.wire import facts as f


@singledispatch
def of_kind(body: f.Body, tx: Connection, ctx: Context, fence: int) -> None:
    """Kinds that move only stock."""


def count_task(tx: Connection, sku: str, reason: str, ctx: Context) -> None:
    """A two-minute count by another person than the one who found it. Works with the line down."""
    tx.execute(
        "INSERT OR IGNORE INTO task (id, kind, sku, reason, not_by, made_at) VALUES (?, 'count', ?, ?, ?, ?)",
        (f"count:{ctx.command}:{sku}", sku, reason, ctx.person, ctx.moment.now),
    )
