"""Deadlines."""

from __future__ import annotations

from server.db import Tx


def sweep(tx: Tx, now: int) -> int:
    """Everything whose time has come; how much was done."""
    raise NotImplementedError  # signature first; the body follows with the next commit


def next_due(tx: Tx) -> int | None:
    raise NotImplementedError  # signature first; the body follows with the next commit
