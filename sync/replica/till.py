"""The till's question: may I sell this? Answered from the store's own rights, at once, line or no line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sync.replica import read
from sync.replica.resolve import item_of
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


def blocks(db: Connection) -> bool:
    """Policy `till_mode`: block (or 1), else warn."""
    return read.policy(db, "till_mode", "warn").strip('"').lower() in ("block", "1")


def question(db: Connection, code: str, qty: int = 1) -> Answer:
    item = item_of(db, code)
    return answer(db, code, item.sku, qty) if item else Answer(Says.UNKNOWN, code, qty)


def lacking(db: Connection, rows: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """What a sale lacks in the share though it lies there free: (SKU, units) to ask the centre for."""
    wanted: dict[str, int] = {}
    for code, qty in rows:
        item = item_of(db, code)
        if item is not None and qty > 0:
            wanted[item.sku] = wanted.get(item.sku, 0) + qty
    found = []
    for sku, qty in wanted.items():
        shelf = read.shelf(db, sku)
        if shelf.share < qty <= shelf.free:
            found.append((sku, qty - shelf.share))
    return found


def answer(db: Connection, code: str, sku: str, qty: int) -> Answer:
    shelf = read.shelf(db, sku)
    promised = tuple(read.promised_to(db, sku))
    if shelf.share >= qty:
        says = Says.YES
    elif shelf.free >= qty:
        says = Says.ASK
    elif shelf.there > 0 and promised:
        says = Says.PROMISED
    else:
        says = Says.NONE
    return Answer(says, code, qty, sku, shelf.share, shelf.there, blocks(db), promised)
