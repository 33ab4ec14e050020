"""The centre's timers: everything that is due, in one call inside one transaction."""

from __future__ import annotations

from server.db import Tx
from server.offers.sweep import next_due as next_due
from server.offers.sweep import sweep


def run_due(tx: Tx, now: int) -> int:
    """Do what is due; how much was done."""
    return sweep(tx, now)
