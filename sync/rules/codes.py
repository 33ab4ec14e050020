"""What a scanner reads: GTINs in all their forms, GS1 element strings, Digital Links, bare SKUs.

GTINs are compared as 14 digits, always. biip reads GS1; what it does not take (a printed
"(01)…", a stray symbol, an EAN-8 that also looks like an element string) is tidied up first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from biip import ParseConfig, ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_messages import GS1Message

LONGEST = 512
"""No symbol that staff scan is longer; a longer input is a stuck scanner or an attack."""

SEPARATORS = ("\x1d", "~", "{GS}", "<GS>")
"""FNC1, and what device profiles put in its place, since a keyboard cannot type it."""

AIM = re.compile(r"\][A-Za-z][0-9A-Fa-f]")
"""What a scanner says of the symbol it read, before the code itself."""
LINK = re.compile(r"https?://", re.IGNORECASE)
_CONFIG = ParseConfig(separator_chars=("\x1d",), gs1_element_strings_verify_date=False)


@dataclass(frozen=True)
class Scanned:
    """One reading. `gtin` is empty where the code carries none; `raw` is then perhaps a SKU."""

    raw: str
    gtin: str = ""
    serial: str = ""
    lot: str = ""
    expiry: str = ""
    """Date in ISO form."""
    sscc: str = ""
    """Of a parcel or pallet that somebody else packed."""


def check_digit(digits: str) -> int:
    """GS1's: weights 3 and 1 from the right."""
    return -sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits))) % 10


def valid_gtin(code: str) -> bool:
    return (
        code.isascii()
        and code.isdigit()
        and len(code) in (8, 12, 13, 14)
        and check_digit(code[:-1]) == int(code[-1])
    )


def gtin14(code: str) -> str:
    """The 14 digits of a GTIN of any length, or '' for what is none."""
    code = code.strip()
    return code.zfill(14) if valid_gtin(code) else ""


def bare(raw: str) -> str:
    """The code without what the scanner says of the symbol: `]C0TEE-M` is the SKU TEE-M."""
    return (
        AIM.sub("", raw.strip()[:LONGEST], count=1) if raw.strip().startswith("]") else raw.strip()[:LONGEST]
    )


def scanned(raw: str) -> Scanned:
    """Read a code. Never raises: what is no GS1 code comes back as its bare text."""
    code = bare(raw)
    if not code.isascii() or not code:
        return Scanned(code)  # GS1 knows ASCII only; other digits must not pass for these
    plain = gtin14(code)
    if plain:
        # Before biip: an EAN-8 is also a sound element string with AI 96.
        return Scanned(code, gtin=plain)
    text = code
    for mark in SEPARATORS[1:]:
        text = text.replace(mark, "\x1d")
    if text.startswith("(") and ")" in text:
        text = _from_print(text)
    found = _elements(text)
    sscc = found.get("00", "")
    sscc = sscc if sscc and check_digit(sscc[:-1]) == int(sscc[-1]) else ""
    gtin = gtin14(found.get("01", ""))
    if not gtin:
        return Scanned(code, sscc=sscc)
    return Scanned(
        code,
        gtin=gtin,
        serial=found.get("21", ""),
        lot=found.get("10", ""),
        expiry=found.get("date of 17", ""),
        sscc=sscc,
    )


def _elements(text: str) -> dict[str, str]:
    """Element strings by their identifier; empty where biip finds one of them unsound.

    Not biip's own guessing at what a code is: it takes any six digits, a pickup code say, for a UPC-E.
    """
    try:
        if LINK.match(text):
            strings = GS1DigitalLinkURI.parse(text, config=_CONFIG).element_strings
        else:
            strings = GS1Message.parse(text, config=_CONFIG).element_strings
    except (ParseError, ValueError):
        return {}
    found = {string.ai.ai: string.value for string in strings}
    dates = [string.date for string in strings if string.ai.ai == "17"]
    if dates and dates[-1] is not None:
        found["date of 17"] = dates[-1].isoformat()
    return found


def _from_print(text: str) -> str:
    """The text under a symbol, "(01)…(21)…", as the symbol itself would be read."""
    parts = [part for part in text.split("(") if part]
    return "\x1d".join(part.replace(")", "", 1) for part in parts)
