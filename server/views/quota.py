"""What counts for a quota, written as orders are promised, divided and cancelled."""

from __future__ import annotations

from collections.abc import Iterable

from server.db import Tx
from server.routing.map import map_of


def promised_first(tx: Tx, fo: str, channel: str, skus: Iterable[str], now: int) -> None:
    """A part has its first store: from now on its units count for the channel's quotas."""
    views = map_of(tx).views
    if not views.concern(channel):
        return
    for sku in sorted(set(skus)):
        view = views.of(channel, sku)
        if view is not None and view.quota is not None:
            tx.execute(
                "INSERT INTO quota_use (fo, sku, channel, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (fo, sku, channel, now),
            )
            map_of(tx).forget_taken(channel, sku)


def divided(tx: Tx, fo: str, new: str) -> None:
    """Units moved to a part of their own go on counting there."""
    if map_of(tx).views:
        tx.execute(
            "INSERT INTO quota_use (fo, sku, channel, at) SELECT ?, sku, channel, at FROM quota_use"
            " WHERE fo = ? ON CONFLICT DO NOTHING",
            (new, fo),
        )


def cancelled(tx: Tx, fo: str, state: str) -> None:
    """What is cancelled counts no more; orders that wait for the quota are tried again.

    A part that waits frees no stock when it ends, so no movement tells the channel that there is room again.
    """
    kept = map_of(tx)
    if not kept.views:
        return
    rows = tx.execute("SELECT sku, channel FROM quota_use WHERE fo = ?", (fo,)).fetchall()
    for sku, channel in rows:
        kept.forget_taken(channel, sku)
        kept.try_again(sku)
    if rows and state in ("waiting", "person"):
        tx.execute(
            "INSERT INTO meta (key, value) VALUES (?, '1')"
            " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
            (f"quota_freed:{rows[0]['channel']}",),
        )
