"""What a paper says, apart from any printer: lines of text, bars, square codes.

The same paper goes to a label printer, a receipt roll and an office printer. Each of them draws with
what it has; only text that it has no letters for is sent as a picture.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

SMALL, NORMAL, BIG, HUGE = 2.6, 3.4, 5.0, 18.0
"""Heights of letters in mm."""


def clean(text: str) -> str:
    """One line without control characters: what a printer could take for a command never reaches it."""
    kept = ("" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn") else sign for sign in text)
    return " ".join("".join(" " if sign in "\r\n\t" else sign for sign in kept).split())


def plain(text: str) -> bool:
    """Whether every printer has letters for it."""
    return all(" " <= sign <= "~" for sign in text)


@dataclass(frozen=True)
class Say:
    """A line of text, wrapped where it is too long. `instead`: where nothing here can draw its letters."""

    text: str
    mm: float = NORMAL
    bold: bool = False
    instead: str = ""


@dataclass(frozen=True)
class Bars:
    """A code that any scanner reads, with its letters under it (Code 128)."""

    code: str
    mm: float = 14.0


@dataclass(frozen=True)
class Square:
    """A QR code with text beside it."""

    code: str
    mm: float = 16.0
    says: tuple[Say, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A line across."""


Block = Say | Bars | Square | Rule


@dataclass(frozen=True)
class Paper:
    title: str
    blocks: tuple[Block, ...] = field(default=())
