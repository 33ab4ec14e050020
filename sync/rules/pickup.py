"""The pickup code: what the shopper shows and the store checks without the centre.

The code goes to the shopper only. A store gets salt and hash with the offer, and
limits the tries per order: six digits can be guessed from a hash by whoever holds
the file, so the limit and the files' own protection are what guard the goods.
"""

from __future__ import annotations

import hashlib
import hmac

from sync.ids import Dice

DIGITS = 6
_ROUNDS = 1_000


def make_code(dice: Dice) -> str:
    """Six digits, evenly spread."""
    return f"{int.from_bytes(dice(8), 'big') % 10**DIGITS:0{DIGITS}d}"


def make_salt(dice: Dice) -> str:
    return dice(8).hex()


def code_hash(salt: str, code: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", code.encode(), salt.encode(), _ROUNDS, 16).hex()


def code_fits(salt: str, wanted_hash: str, code: str) -> bool:
    """Whether this is the code, compared in constant time. Blanks and dashes do not count."""
    plain = "".join(letter for letter in code if letter.isdigit())
    return bool(wanted_hash) and hmac.compare_digest(code_hash(salt, plain), wanted_hash)
