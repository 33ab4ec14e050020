"""The chain hash: what makes a position more than a number.

A log's chain after item n is a hash of its chain after n-1 and of item n's bytes.
Two logs with the same chain at n hold the same n items, so a copy that was
restored, cloned or tampered with is found by comparing one short string.
"""

from __future__ import annotations

from hashlib import blake2b

EMPTY = "0" * 16
"""The chain of a log that holds nothing yet."""


def next_chain(prev: str, raw: bytes) -> str:
    """The chain after `raw` was added to a log whose chain was `prev`: 16 hex letters."""
    return blake2b(prev.encode("ascii") + raw, digest_size=8).hexdigest()
