"""PINs and pickup codes: how they are kept and checked. Salts come from the caller's dice.

A PIN is argon2id (19 MiB, two passes, one lane): slow on purpose, since a stolen replica may be
searched. A pickup code is short-lived, checked at one store only and guarded by five tries
that survive restarts; it is kept as a keyed hash, which a chain can afford for every order.
"""

from __future__ import annotations

import hashlib
import hmac

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Checked when nobody has the name, so that the answer takes as long as for a real person.
_NOBODY = _HASHER.hash("nobody", salt=b"yipan nobody 000")


def hash_pin(pin: str, salt: bytes) -> str:
    """`salt`: 16 bytes of the caller's dice."""
    return _HASHER.hash(pin, salt=salt)


def pin_matches(hashed: str, pin: str) -> bool:
    try:
        return _HASHER.verify(hashed or _NOBODY, pin) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def hash_code(code: str, salt: str) -> str:
    """What a store keeps of a pickup code (`Offered.code_hash`, with `Offered.code_salt`)."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())  # blanks and dashes do not count
    return hashlib.blake2b(plain.encode(), key=salt.encode()[:64], digest_size=20).hexdigest()


def code_matches(code: str, salt: str, hashed: str) -> bool:
    return bool(hashed) and hmac.compare_digest(hash_code(code, salt), hashed)
