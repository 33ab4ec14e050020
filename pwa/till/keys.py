"""Who may speak for a till: one key for the store, or a key for each till by name. And how often.

`YIPAN_TILL_KEY` is one key, or several with names: `T1:key-of-one T2:key-of-two`. A named key speaks for its
own till only, so that a till that was stolen is shut out alone.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

NAME = re.compile(r"[0-9A-Za-z_.-]{1,24}\Z")
_NAMED = re.compile(r"([0-9A-Za-z_.-]{1,24}):(\S+)\Z")

PER_S = 500
BURST = 2_000
"""Requests a second and at once, per key: a busy store's tills stay far below, a loop gone wild does not."""
WRONG_KEYS = 60
WRONG_S = 600.0
"""Wrong keys in so many seconds, from everybody together: then a wrong key is not even told so."""


@dataclass(slots=True)
class Bucket:
    left: float
    at: float


@dataclass
class TillKeys:
    """Asked for every request. A key that is right is never kept out by others' wrong ones."""

    keys: dict[bytes, str]
    """Hash of the key, and the till it speaks for; '' for the store's one key."""
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[bytes, Bucket] = field(default_factory=dict)
    _wrong: list[float] = field(default_factory=list)

    @classmethod
    def read(cls, text: str, clock: Callable[[], float] = time.monotonic) -> TillKeys:
        keys = {}
        for part in text.replace(",", " ").split():
            named = _NAMED.match(part)
            name, key = (named[1], named[2]) if named else ("", part)
            keys[_hashed(key)] = name
        return cls(keys, clock)

    def check(self, authorization: str, said: str) -> tuple[int, str, int]:
        """(200, the till's name, 0), or (401 or 429, '', seconds to wait)."""
        hashed = _hashed(authorization.removeprefix("Bearer ").strip())
        name = self.keys.get(hashed)
        now = self.clock()
        if name is None:
            return self._not_known(now)
        bucket = self._buckets.get(hashed)
        if bucket is None:
            bucket = self._buckets[hashed] = Bucket(BURST, now)
        bucket.left = min(BURST, bucket.left + (now - bucket.at) * PER_S)
        bucket.at = now
        if bucket.left < 1:
            return 429, "", 1
        bucket.left -= 1
        return 200, name or (said if NAME.match(said) else "till"), 0

    def _not_known(self, now: float) -> tuple[int, str, int]:
        self._wrong = [at for at in self._wrong[-WRONG_KEYS:] if now - at < WRONG_S]
        if len(self._wrong) >= WRONG_KEYS:
            return 429, "", 60
        self._wrong.append(now)
        return 401, "", 0


def _hashed(key: str) -> bytes:
    """Looked up by hash, so that the time of an answer says nothing about a key."""
    return hashlib.sha256(key.encode()).digest() if key else b""
