"""The centre's timers: everything that is due, in one call inside one transaction."""

from __future__ import annotations

from server.db import Tx
from server.offers import sweep
from server.stock import rebalance, transfers


def run_due(tx: Tx, now: int) -> int:
    """Do what is due; how much was done."""
    return sweep.sweep(tx, now) + transfers.overdue(tx, now) + rebalance.rebalance(tx, now)


def next_due(tx: Tx) -> int | None:
    """When something is due next, in ms since 1970; None while nothing can be."""
    dues = (sweep.next_due(tx), transfers.next_overdue(tx), rebalance.next_due(tx))
    return min((due for due in dues if due is not None), default=None)
