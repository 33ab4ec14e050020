"""What a fact does to the store as a whole: whether it takes new work."""

from __future__ import annotations

from sync.replica.context import Context
from sync.replica.effects.base import of_kind
from sync.sqlite import Connection
from sync.wire import facts as f


@of_kind.register
def _(body: f.StorePaused, tx: Connection, ctx: Context, fence: int) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('pause', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (body.reason or "paused" if body.paused else "",),
    )
