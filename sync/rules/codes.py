"""What a scanner reads: GTINs in all their forms, GS1 element strings, Digital Links, bare SKUs.

GTINs are compared as 14 digits, always. biip reads GS1; what it does not take (a printed
"(01)…", a stray symbol, an EAN-8 that also looks like an element string) is tidied up first.
"""

from __future__ import annotations

from dataclasses import dataclass

from biip import ParseConfig, ParseError, parse

LONGEST = 512
"""No symbol that staff scan is longer; a longer input is a stuck scanner or an attack."""

SEPARATORS = ("\x1d", "~", "{GS}", "<GS>")
"""FNC1, and what device profiles put in its place, since a keyboard cannot type it."""

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


def scanned(raw: str) -> Scanned:
    """Read a code. Never raises: what is no GS1 code comes back as its bare text."""
    text = raw.strip()[:LONGEST]
    if not text.isascii() or not text:
        return Scanned(raw.strip())  # GS1 knows ASCII only; other digits must not pass for these
    plain = gtin14(text)
    if plain:
        # Before biip: an EAN-8 is also a sound element string with AI 96.
        return Scanned(text, gtin=plain)
    for mark in SEPARATORS[1:]:
        text = text.replace(mark, "\x1d")
    if text.startswith("(") and ")" in text:
        text = _from_print(text)
    try:
        result = parse(text, config=_CONFIG)
    except (ParseError, ValueError):
        return Scanned(raw.strip())
    message = result.gs1_message
    if result.gs1_digital_link_uri is not None:
        strings = result.gs1_digital_link_uri.element_strings
    elif message is not None:
        strings = message.element_strings
    else:
        return Scanned(raw.strip(), gtin=result.gtin.as_gtin_14() if result.gtin else "")
    found = {s.ai.ai: s for s in strings}
    gtin = found["01"].gtin if "01" in found else None
    expiry = found["17"].date if "17" in found else None
    return Scanned(
        raw.strip(),
        gtin=gtin.as_gtin_14() if gtin else "",
        serial=found["21"].value if "21" in found else "",
        lot=found["10"].value if "10" in found else "",
        expiry=expiry.isoformat() if expiry else "",
    )


def _from_print(text: str) -> str:
    """The text under a symbol, "(01)…(21)…", as the symbol itself would be read."""
    parts = [part for part in text.split("(") if part]
    return "\x1d".join(part.replace(")", "", 1) for part in parts)
