"""Chance that does not depend on the order of events.

A decision about a basket, a line or an assignment is drawn from the seed and the
thing's own name. Two runs that differ in one place therefore stay comparable
everywhere else, and a failing run replays exactly.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable


class Chance:
    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()
        self._stream = random.Random(seed)

    def share(self, *name: object) -> float:
        """A number in [0, 1) that belongs to this name."""
        text = "\x1f".join(map(str, name)).encode()
        digest = hashlib.blake2b(text, key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def exponential(self, mean: float, *name: object) -> float:
        return -mean * math.log(1.0 - self.share(*name))

    def around(self, median: float, spread: float, *name: object) -> float:
        """Log-normal: `spread` 0.7 puts nine of ten below two and a half medians."""
        first = max(self.share(*name, "r"), 1e-12)
        normal = math.sqrt(-2.0 * math.log(first)) * math.cos(2 * math.pi * self.share(*name, "a"))
        return median * math.exp(spread * normal)

    def rounded(self, expected: float, *name: object) -> int:
        """A whole number with this expectation."""
        whole = math.floor(expected)
        return whole + (self.share(*name) < expected - whole)

    @property
    def bytes(self) -> Callable[[int], bytes]:
        """For ids, which have to differ but mean nothing."""
        return self._stream.randbytes
