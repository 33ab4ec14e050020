"""What a scanned or typed code means in this store: goods, a tote, a parcel, or nothing known."""

from __future__ import annotations

from dataclasses import dataclass

from sync.rules.codes import bare, scanned
from sync.sqlite import Connection


@dataclass(frozen=True)
class Item:
    sku: str
    serial: str = ""
    gtin: str = ""


@dataclass(frozen=True)
class Tote:
    fence: int


@dataclass(frozen=True)
class ParcelCode:
    code: str
    fence: int


def resolve(db: Connection, code: str) -> Item | Tote | ParcelCode | None:
    """Goods first: they are what is scanned a thousand times a day."""
    text = bare(code)
    return item_of(db, code) or _tote(db, text) or _parcel(db, text)


def item_of(db: Connection, code: str) -> Item | None:
    """The goods behind a code: a SKU as typed, or a GTIN in any GS1 form."""
    text = bare(code)
    if not text:
        return None
    if db.execute("SELECT 1 FROM item WHERE sku = ?", (text,)).fetchone():
        return Item(text)
    read = scanned(text)
    if read.gtin:
        row = db.execute("SELECT sku FROM gtin WHERE gtin = ?", (read.gtin,)).fetchone()
        return Item(row[0], read.serial, read.gtin) if row else None
    # Staff type what the label says, whatever the case of the letters.
    row = db.execute("SELECT sku FROM item WHERE sku = ?", (text.upper(),)).fetchone()
    return Item(row[0]) if row else None


def tote_code(wave: str, tote: str) -> str:
    """What the label on a tote says: the wave and the letter of the tote in it."""
    return f"{wave}-{tote}"


def _tote(db: Connection, code: str) -> Tote | None:
    wave, dash, tote = code.upper().rpartition("-")
    if not dash or not wave:
        return None
    row = db.execute(
        "SELECT fence FROM assignment WHERE wave = ? AND wave <> '' AND tote = ?", (wave, tote)
    ).fetchone()
    return Tote(row[0]) if row else None


def _parcel(db: Connection, code: str) -> ParcelCode | None:
    row = db.execute("SELECT code, fence FROM parcel WHERE code = ?", (code.upper(),)).fetchone()
    return ParcelCode(row[0], row[1]) if row else None
