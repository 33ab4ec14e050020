"""Assigning, ending a turn, routing again."""

from __future__ import annotations

from server.db import Tx


def route(tx: Tx, fo: str, now: int) -> int:
    """Find a store for a fulfilment order and offer it; the fence, or 0 when it waits now."""
    raise NotImplementedError  # signature first; the body follows with the next commit


def assign(tx: Tx, fo: str, store: str, now: int, *, distance_m: int = 0) -> int:
    """Offer to this store under a new fence; 0 when it has not got the units."""
    raise NotImplementedError  # signature first; the body follows with the next commit


def end_turn(tx: Tx, fence: int, reason: str, now: int, *, person: str = "", again: bool = True) -> int:
    """End or (when the store owns it) ask to end a turn; the next fence, or 0."""
    raise NotImplementedError  # signature first; the body follows with the next commit
