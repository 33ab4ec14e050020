"""The support code: what a handheld knows of its own trouble, in letters that can be read aloud or scanned.

A device packs it (pwa/static/support.js), the help desk reads it. It names the device, the release and the
last happenings (which page, which kind of answer) and nobody's name, order or figure. Crockford's base 32
over deflated JSON: letters that are not mistaken for each other, and the short form of QR codes.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PACKED, PLAIN = "Y1", "Y0"
"""The first two signs: deflated with its checksum, or not, where a browser cannot."""
MOST_SIGNS = 4_000
MOST_BYTES = 20_000
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
FIELDS = ("device", "store", "version", "build", "language", "at", "state", "browser", "happened")


class Unreadable(Exception):
    """Not a support code, or one with signs missing."""


def pack(found: dict[str, Any], *, deflate: bool = True) -> str:
    raw = json.dumps([found[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":")).encode()
    data = zlib.compress(raw, 9) if deflate else raw
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    letters = "".join(LETTERS[int(bits[n : n + 5], 2)] for n in range(0, len(bits), 5))
    return (PACKED if deflate else PLAIN) + letters


def unpack(code: str) -> dict[str, Any]:
    """The fields by name; `happened` holds [seconds ago, kind, text, times] with the newest last."""
    signs = re.sub(r"[\s-]", "", code).upper().translate(_ALIKE)
    head, letters = signs[:2], signs[2:]
    if head not in (PACKED, PLAIN) or len(signs) > MOST_SIGNS or set(letters) - set(LETTERS):
        raise Unreadable(code[:20])
    bits = "".join(f"{LETTERS.index(sign):05b}" for sign in letters)
    data = bytes(int(bits[n : n + 8], 2) for n in range(0, len(bits) - 7, 8))
    try:
        if head == PACKED:
            taker = zlib.decompressobj()
            data = taker.decompress(data, MOST_BYTES)
            if not taker.eof:
                raise Unreadable(code[:20])
        values = json.loads(data)
        return dict(zip(FIELDS, values, strict=True))
    except (ValueError, TypeError, zlib.error) as error:
        raise Unreadable(code[:20]) from error


def lines(found: dict[str, Any]) -> list[str]:
    """For a terminal: the facts, then what happened, oldest first."""
    told = [f"{name}: {found[name]}" for name in FIELDS if name != "happened"]
    for row in found["happened"] if isinstance(found["happened"], list) else []:
        ago, kind, text, times = (*row, 1)[:4] if len(row) < 4 else row[:4]
        told.append(f"{ago:>8} s before  {kind}  {text}" + (f"  ×{times}" if times != 1 else ""))
    # A terminal obeys some signs: those of a forged code are shown, not sent.
    return ["".join(sign if sign.isprintable() else "?" for sign in line) for line in told]
