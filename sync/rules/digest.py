"""Sums over stock and work that both sides compute and compare at the same cut.

A row's hash is added up, so neither side has to sort or to send its rows; 16 buckets of SKUs tell
roughly where a difference is. Rows that are all zero do not count: one side may have made them
and the other not.

Stock rows: (sku, on_hand, share, debt, damaged, hold). `reserved` and `pool` are the centre's alone.
Work rows: (fence, line, picked, short, released, put_back) of every line of an assignment that the
store owns and still works: confirmed, not ended, no withdrawal decided, state accepted to staged.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

BUCKETS = 16
_MASK = (1 << 64) - 1

Sums = dict[str, list[int | str]]
"""Per bucket [rows, sum of their hashes in hex]."""

WORKED = ("accepted", "picking", "picked", "packed", "staged")


def digest(stock: Iterable[tuple[str, int, int, int, int, int]], work: Iterable[tuple[int, ...]]) -> Sums:
    counts = [0] * (BUCKETS + 1)
    totals = [0] * (BUCKETS + 1)
    for row in stock:
        if not any(row[1:]):
            continue
        number = _hash("|".join(map(str, row)))
        bucket = _hash(row[0]) % BUCKETS
        counts[bucket] += 1
        totals[bucket] = (totals[bucket] + number) & _MASK
    for line in work:
        counts[BUCKETS] += 1
        totals[BUCKETS] = (totals[BUCKETS] + _hash("|".join(map(str, line)))) & _MASK
    names = [*(f"stock/{number}" for number in range(BUCKETS)), "work"]
    return {name: [counts[i], f"{totals[i]:016x}"] for i, name in enumerate(names)}


def differences(mine: Sums, theirs: Sums) -> list[str]:
    """The buckets that do not agree."""
    return sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
