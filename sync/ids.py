"""Ids made from a clock reading and dice that the caller brings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

Dice = Callable[[int], bytes]
"""Random bytes of a given length; `os.urandom` in programs, a seeded generator in tests."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: int, dice: Dice) -> str:
    """A UUIDv7 (RFC 9562) as 26 letters of Crockford's base 32: text order is time order.

    `now` is milliseconds since 1970.
    """
    tail = int.from_bytes(dice(10), "big")
    number = (now & ((1 << 48) - 1)) << 80
    number |= 0x7 << 76 | (tail >> 68) << 64
    number |= 0b10 << 62 | (tail & ((1 << 62) - 1))
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def made_of(command: str, letters: int, n: int = 0) -> str:
    """A code for the `n`-th thing that a command makes, out of the command's own id.

    A handheld that works alone and the store node that does the same command later give it the
    same code, so a label that was written meanwhile stays true.
    """
    digest = hashlib.blake2b(f"{command}/{n}".encode(), digest_size=10).digest()
    number = int.from_bytes(digest, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(75, 75 - 5 * letters, -5))


def short_secret(dice: Dice, letters: int = 16) -> str:
    """A secret that a person may have to type, without letters that look alike."""
    return "".join(_ALPHABET[byte & 31] for byte in dice(letters))
