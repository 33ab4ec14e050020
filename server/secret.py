"""Keys of programs (channels, tills, store nodes): long random words, kept as their SHA-256 only.

A fast hash is right here: 130 random bits cannot be searched, and each request checks one. PINs are
short and go through argon2id (sync.rules.secrets).
"""

from __future__ import annotations

import hashlib
import hmac

from sync.ids import Dice, short_secret


def new_key(dice: Dice) -> str:
    return short_secret(dice, 26)


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def key_matches(key: str, hashed: str) -> bool:
    return bool(hashed) and hmac.compare_digest(hash_key(key), hashed)
