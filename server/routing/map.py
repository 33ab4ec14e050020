"""Pool by SKU and store in memory."""

from __future__ import annotations

from server.db import Tx


def on_stock(tx: Tx, store: str, sku: str, pool: int, suppressed: bool) -> None:
    """The book moved this row; `pool` is what is left now."""


def on_store(tx: Tx, store: str) -> None:
    """A store's facts changed (hours, pause, capacity, place)."""


def forget(tx: Tx) -> None:
    """A rollback, or another connection wrote: read again when asked."""
