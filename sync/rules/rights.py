"""The rights to one SKU at one location, and what a movement does to them. Pure.

    on_hand + debt = reserved + share + pool        reserved, share, pool ≥ 0

`pool` is always what remains. The centre's book keeps these figures in its tables and the bench plays
with them in memory; both move them here, so what is measured is what runs.
"""

from __future__ import annotations

from typing import NamedTuple

from sync.rules.stock import Move


class Rights(NamedTuple):
    on_hand: int = 0
    reserved: int = 0
    share: int = 0
    pool: int = 0
    debt: int = 0


class Settled(NamedTuple):
    rights: Rights
    found: int
    """Units that neither the reported rights nor the pool covered: debt that the centre found."""
    paid: int
    """Debt that the pool paid at once."""
    phantom_share: int
    """Units the store took from a share that the centre never gave it."""


def settle(old: Rights, move: Move, *, reserved: int = 0, share: int | None = None) -> Settled:
    """Move stock and reservation. What goes beyond rights is clamped and becomes debt; free pool pays debt.

    `share` takes the place of the move's own where the two differ (rights of a closed incarnation are void).
    """
    own = move.share if share is None else share
    new_reserved = max(0, old.reserved + reserved)
    new_share = max(0, old.share + own)
    on_hand = old.on_hand + move.on_hand
    debt = old.debt + move.debt
    pool = on_hand + debt - new_reserved - new_share
    found = max(0, -pool)
    debt, pool = debt + found, max(0, pool)
    paid = min(max(debt, 0), pool)
    return Settled(
        Rights(on_hand, new_reserved, new_share, pool - paid, debt - paid),
        found,
        paid,
        max(0, -(old.share + own)),
    )


def promise(old: Rights, qty: int) -> Rights | None:
    """Reserve units of the pool, or None: one more than the pool has is never promised."""
    if qty > old.pool:
        return None
    return old._replace(reserved=old.reserved + qty, pool=old.pool - qty)


def grantable(old: Rights, qty: int) -> int:
    """How many units the pool can give to the share. It is lowered first, the store is told afterwards."""
    return min(max(qty, 0), old.pool)


def givable(share: int, asked: int) -> int:
    """How many units of its share a store gives when it is asked: never more than it has."""
    return min(max(asked, 0), max(share, 0))
