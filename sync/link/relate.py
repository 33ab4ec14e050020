"""Where two copies of one log stand to each other, from numbers and chains alone. Pure.

Equal chains at a number mean equal contents up to there, so the place where two logs
part is found by halving: ask for chains in between until it is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sync.wire.chain import EMPTY

ASKED_AT_ONCE = 64


@dataclass(frozen=True)
class Relation:
    kind: Literal["follows", "behind", "parted", "missing", "ask"]
    """follows: the store's log contains ours. behind: it ends before ours does (an older copy).
    parted: both go on after a common beginning. missing: what we need next is not kept there any more."""
    common: int = 0
    """The last number up to which both are the same."""
    ask: tuple[int, ...] = ()


def relate(
    *,
    head: int,
    floor: int,
    checks: Mapping[int, str],
    applied: int,
    chain_at: Callable[[int], str | None],
) -> Relation:
    """`head`, `floor`, `checks`: the store's log as far as it has told. `applied`, `chain_at`: ours."""
    known = {0: EMPTY, **checks}
    if head >= applied:
        if applied < floor:
            return Relation("missing")
        if applied not in known:
            return Relation("ask", ask=(applied,))
        if known[applied] == chain_at(applied):
            return Relation("follows", applied)
    low, high = 0, min(head, applied) + 1
    for number in sorted(one for one in known if one < high):
        if known[number] == chain_at(number):
            low = number
        else:
            high = number
            break
    lowest = max(low + 1, floor)
    if high - low > 1 and lowest < high:
        step = max(1, (high - lowest) // ASKED_AT_ONCE)
        asked = tuple(one for one in range(lowest, high, step) if one not in known)
        if asked:
            return Relation("ask", low, asked)
    return Relation("parted" if head >= applied else "behind", low)
