"""The till's question: may I sell this? Answered from the store's own rights, at once, line or no line.

One statement reads everything the answer needs: a till asks while a shopper waits, and each statement is a
chance to wait for the writer's thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sync.replica import read
from sync.rules.codes import check_digit, gtin14, scanned
from sync.sqlite import Connection


class Says(StrEnum):
    YES = "yes"
    """Out of the store's share: sell."""
    ASK = "ask"
    """Units lie there that no order here is promised, but the right to them is the centre's pool."""
    PROMISED = "promised"
    """What lies there is promised to orders."""
    NONE = "none"
    """By the records nothing lies there. The shopper may hold the proof of the opposite."""
    UNKNOWN = "unknown"
    """No such goods in the catalogue."""


@dataclass(frozen=True)
class Answer:
    says: Says
    code: str
    qty: int
    sku: str = ""
    share: int = 0
    there: int = 0
    blocked: bool = False
    """Mode `block`: what is not in the share is not sold. Else a till may insist, and it becomes debt."""
    promised_to: tuple[read.Promise, ...] = ()

    @property
    def may_sell(self) -> bool:
        return self.says is Says.YES

    @property
    def may_insist(self) -> bool:
        return self.says in (Says.ASK, Says.PROMISED, Says.NONE) and not self.blocked


class Stands(NamedTuple):
    """One SKU as a till has to know it; the same figures as `read.Shelf`."""

    sku: str
    on_hand: int
    share: int
    promised: int
    loose: int
    stranded: int
    mode: str

    @property
    def there(self) -> int:
        return self.on_hand - self.loose

    @property
    def free(self) -> int:
        return self.on_hand - self.promised - self.stranded

    @property
    def blocked(self) -> bool:
        return blocking(self.mode)


_LOOSE = "picked - released - put_back"
_STANDS = f"""
WITH goods (sku) AS (
  SELECT sku FROM (
    SELECT sku, 1 AS rank FROM item WHERE sku = ?1
    UNION ALL SELECT sku, 2 FROM gtin WHERE gtin = ?2
    UNION ALL SELECT sku, 3 FROM item WHERE sku = ?3
  ) ORDER BY rank LIMIT 1
)
SELECT goods.sku, coalesce(s.on_hand, 0),
  CASE WHEN EXISTS (SELECT 1 FROM meta WHERE key = 'rights_void' AND value <> '') THEN 0
  ELSE coalesce(s.share, 0) END,
  (SELECT coalesce(sum(qty - short - released - put_back), 0) FROM assignment_line
   WHERE sku = goods.sku AND open = 1),
  (SELECT coalesce(sum({_LOOSE}), 0) FROM assignment_line
   WHERE sku = goods.sku AND picked > released + put_back),
  (SELECT coalesce(sum({_LOOSE}), 0) FROM assignment_line
   WHERE sku = goods.sku AND picked > released + put_back AND open = 0),
  coalesce(
    (SELECT value FROM policy WHERE key = 'till_mode:' || (SELECT value FROM meta WHERE key = 'store')),
    (SELECT value FROM policy WHERE key = 'till_mode'), 'warn')
FROM goods LEFT JOIN stock s ON s.sku = goods.sku
"""


def blocking(mode: str) -> bool:
    """Policy `till_mode`: block (or 1), else warn."""
    return mode.strip('"').lower() in ("block", "1")


def stands(db: Connection, code: str) -> Stands | None:
    """How the goods behind a code stand here; None for a code that the catalogue does not know."""
    text = code.strip()
    if not text:
        return None
    plain = gtin14(text)
    row = db.execute(_STANDS, (text, plain, "" if plain else text.upper())).fetchone()
    if row is None and not plain:
        # Only now the long way of reading GS1: a plain number or a typed SKU is what tills send.
        read_as = scanned(text).gtin
        row = db.execute(_STANDS, ("", read_as, "")).fetchone() if read_as else None
    if row is None and weighed(text):
        row = db.execute(_STANDS, ("", weighed(text), "")).fetchone()
    return Stands(*row) if row is not None else None


def weighed(code: str) -> str:
    """The GTIN under which a variable-weight article stands in a catalogue: price or weight all zeros.

    In-store numbers (prefix 2) carry the weight or the price of the piece in their last five digits.
    """
    digits = code[1:] if len(code) == 14 and code.startswith("0") else code
    if not (len(digits) == 13 and digits.isascii() and digits.isdigit() and digits[0] == "2"):
        return ""
    bare = digits[:7] + "00000"
    return f"0{bare}{check_digit(bare)}"


def question(db: Connection, code: str, qty: int = 1) -> Answer:
    found = stands(db, code)
    return judged(db, found, code, qty) if found else Answer(Says.UNKNOWN, code, qty)


def lacking(db: Connection, rows: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """What a sale lacks in the share though it lies there free: (SKU, units) to ask the centre for."""
    wanted: dict[str, tuple[Stands, int]] = {}
    for code, qty in rows:
        found = stands(db, code)
        if found is not None and qty > 0:
            before = wanted[found.sku][1] if found.sku in wanted else 0
            wanted[found.sku] = (found, before + qty)
    return [(sku, qty - one.share) for sku, (one, qty) in wanted.items() if one.share < qty <= one.free]


def judged(db: Connection, found: Stands, code: str, qty: int) -> Answer:
    promised = tuple(read.promised_to(db, found.sku)) if found.promised else ()
    if found.share >= qty:
        says = Says.YES
    elif found.free >= qty:
        says = Says.ASK
    elif found.there > 0 and promised:
        says = Says.PROMISED
    else:
        says = Says.NONE
    return Answer(says, code, qty, found.sku, found.share, found.there, found.blocked, promised)
