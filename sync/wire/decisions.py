"""Decisions: what the centre says to one store (urgent lane) and to many (bulk streams).

A decision carries either columns that only the centre owns or differences that
add up (`qty` of share granted). So it can be applied before or after facts that
the centre has not seen, with the same result: that is what lets a store show
base plus overlay by plain addition, and no decision ever erases an unsent fact.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    kind: str = msgspec.field(name="k")
    version: int = msgspec.field(name="v", default=1)
    at: int = msgspec.field(name="t")
    """The centre's time, in milliseconds since 1970."""
    fence: int = msgspec.field(name="f", default=0)
    body: msgspec.Raw = msgspec.field(name="b", default=msgspec.Raw(b"{}"))


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    pass


class OfferLine(msgspec.Struct, frozen=True, omit_defaults=True):
    line: int
    sku: str
    qty: int
    order_line: int = 0
    sellable: str = ""
    """Code of the bundle the item is part of; empty when sold as itself."""
    instead_of: str = ""
    """What of the order it stands in for, where that was missing; empty when it is what was ordered."""
    substitutes: tuple[str, ...] = ()
    """What may come instead of it, the shopper's first choice first; empty: whatever the store offers."""


class Offered(Body, frozen=True):
    """May accept until `accept_by`. Personal data is the least that work needs."""

    fo: str
    order: str
    kind: str
    """pickup, shipment or same_day."""
    accept_by: int
    lines: tuple[OfferLine, ...]
    promised_by: int = 0
    channel: str = ""
    shopper: str = ""
    """Masked name, e.g. `L. Wang`."""
    phone_tail: str = ""
    code_salt: str = ""
    code_hash: str = ""
    """What the pickup code is checked against; the code itself stays with the shopper."""
    address: str = ""
    """For the label of a shipment only."""
    note: str = ""
    attempt: int = 1
    substitution: str = ""
    """Whether the shopper takes another article instead: '' (no), ask (a pickup's) or allowed."""
    answers: str = ""
    """The command of this store that called for it: a short pick that named what comes instead."""


class Confirmed(Body, frozen=True):
    """The acceptance is binding: the store owns this fulfilment order."""

    owner_until: int


class Extended(Body, frozen=True):
    """Deadlines moved (the centre was away, or a person allowed longer)."""

    accept_by: int = 0
    owner_until: int = 0


class Withdrawn(Body, frozen=True):
    """The store's turn is over. What is picked goes back; releasing needs an override."""

    reason: str
    """lapsed, late, declined, cancelled, reassigned, no_show, debt, restored."""
    to_store: str = ""
    to_name: str = ""
    accepted_at: int = 0
    """When the new store accepted, if it had by then."""


class VerdictGiven(Body, frozen=True):
    """What became of a fact, where it was not simply applied."""

    number: int
    verdict: str
    kind: str
    reason: str = ""
    case: str = ""


class Granted(Body, frozen=True):
    sku: str
    qty: int


class Asked(Body, frozen=True):
    """The centre asks the store to give units of its share to the pool."""

    sku: str
    qty: int


class DebtPaid(Body, frozen=True):
    sku: str
    qty: int


class StockLoaded(Body, frozen=True):
    """HQ's stock upload: rows of (sku, qty, share). Differences, never absolute."""

    document: str
    rows: tuple[tuple[str, int, int], ...]


class CountAsked(Body, frozen=True):
    sku: str
    reason: str
    not_by: str = ""
    """The person who must not do it: nobody checks their own finding."""
    sheet: str = ""
    """The count sheet it is a line of. With areas the sheet is a full count, and `sku` is empty."""
    name: str = ""
    areas: tuple[str, ...] = ()
    """As in `sheet_opened`: goods come and go through the first one."""
    scope: str = ""
    blind: bool = True
    cancelled: bool = False
    """The sheet is taken back; what was applied of it stays."""


class TransferAnnounced(Body, frozen=True):
    """Goods are on their way here."""

    transfer: str
    sender: str
    rows: tuple[tuple[str, int], ...]


class ReturnKnown(Body, frozen=True):
    """What an order allows to be returned, wherever it was bought."""

    order: str
    lines: tuple[tuple[int, str, int], ...]
    """(order line, sku, returnable quantity)."""


KINDS: dict[str, type[Body]] = {
    "offered": Offered,
    "confirmed": Confirmed,
    "extended": Extended,
    "withdrawn": Withdrawn,
    "verdict": VerdictGiven,
    "granted": Granted,
    "asked": Asked,
    "debt_paid": DebtPaid,
    "stock_loaded": StockLoaded,
    "count_asked": CountAsked,
    "transfer_announced": TransferAnnounced,
    "return_known": ReturnKnown,
}

NAMES: dict[type[Body], str] = {body: kind for kind, body in KINDS.items()}

STREAMS = ("catalogue", "sellables", "stores", "policy", "people", "shelves", "needs")
"""Bulk streams. `people`, `shelves` and `needs` are kept per store (`people:S001`), the others are shared.

Rows are keyed and compacted; a row is `{"key": …, "body": {…} | null}`, null for a removed one.
catalogue: key SKU, body {name_en, name_zh, detail_en, detail_zh, gtins, price_fen, serialised}
sellables: key code, body {name_en, name_zh, parts: [[sku, qty], …]}
stores: key store code, body {name_en, name_zh, region, lat, lon, timezone}
policy: key name, body {value}
people: key person id, body {name, role, pin_hash, language, active}
shelves: key SKU, body {location}
needs: key SKU, body {till, online, favour}: see sync.rules.sizing
"""


def body_of(decision: Decision) -> Body | None:
    """The decoded body, or None when this version does not know the kind (the lane is then held)."""
    kind = KINDS.get(decision.kind)
    return None if kind is None else msgspec.json.decode(decision.body, type=kind)


Row = dict[str, Any]
