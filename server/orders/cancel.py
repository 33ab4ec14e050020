"""Cancelling an order."""

from __future__ import annotations

from server.db import Tx
from server.orders.new import Cancelled

__all__ = ["Cancelled", "cancel"]


def cancel(tx: Tx, order_no: str, *, now: int, by: str = "", reason: str = "") -> Cancelled:
    """Raises sync.rules.refusals.Refused for an order that is not known."""
    raise NotImplementedError  # signature first; the body follows with the next commit
