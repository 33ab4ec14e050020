"""A store's part of the world at a cut: what the store starts from when the log alone will not do.

The cut names the last urgent decision and the last fact (of one incarnation) that it contains.
The store swaps its base for it and applies its own later facts again. Bulk streams (catalogue,
people, …) are not in it: they have cursors of their own. Rows are arrays on the wire, since a
store may hold 50,000 SKUs.
"""

from __future__ import annotations

import msgspec


class StockRow(msgspec.Struct, frozen=True, array_like=True):
    sku: str
    on_hand: int = 0
    share: int = 0
    debt: int = 0
    damaged: int = 0
    hold: int = 0
    suppressed: bool = False


class SnapLine(msgspec.Struct, frozen=True, array_like=True):
    line: int
    sku: str
    qty: int
    order_line: int = 0
    sellable: str = ""
    picked: int = 0
    short: int = 0
    released: int = 0
    put_back: int = 0
    instead_of: str = ""
    substitutes: tuple[str, ...] = ()


class SnapParcel(msgspec.Struct, frozen=True, array_like=True):
    code: str
    lines: tuple[tuple[int, int], ...]
    manifest: str = ""


class SnapAssignment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One assignment that still matters to the store: open, or ended without the store's word for it.

    The centre's columns, and the store's own progress as far as the centre knows it at the cut.
    """

    fence: int
    fo: str
    order: str
    kind: str
    offered_at: int
    accept_by: int
    lines: tuple[SnapLine, ...]
    channel: str = ""
    promised_by: int = 0
    attempt: int = 1
    shopper: str = ""
    phone_tail: str = ""
    code_salt: str = ""
    code_hash: str = ""
    address: str = ""
    note: str = ""
    confirmed: bool = False
    owner_until: int = 0
    withdrawn: bool = False
    """A withdrawal was decided before the cut."""
    withdrawn_at: int = 0
    withdrawn_reason: str = ""
    withdrawn_to: str = ""
    withdrawn_to_at: int = 0
    state: str = "offered"
    """As the store's facts up to the cut left it (sync.rules.states.State)."""
    ended_at: int = 0
    """When the store said that its turn is over (`withdrawal_taken`, `hold_expired`); 0 if it has not."""
    accepted_at: int = 0
    accepted_by: str = ""
    wave: str = ""
    tote: str = ""
    picker: str = ""
    location: str = ""
    manifest: str = ""
    released_at: int = 0
    released_by: str = ""
    collector: str = ""
    parcels: tuple[SnapParcel, ...] = ()
    substitution: str = ""


class SnapReturn(msgspec.Struct, frozen=True, array_like=True):
    """Goods that came back. Ungraded ones at least; graded ones guard against a second return."""

    id: str
    sku: str
    qty: int
    order: str = ""
    line: int = 0
    graded: int = 0
    reason: str = ""
    bought_elsewhere: bool = False
    received_at: int = 0
    received_by: str = ""
    grade: str = ""
    disposition: str = ""
    sale: str = ""


class SnapReturnable(msgspec.Struct, frozen=True, array_like=True):
    """What of an order can still come back, by all returns that the centre knew at the cut."""

    order: str
    line: int
    sku: str
    qty: int


class SnapTransfer(msgspec.Struct, frozen=True, array_like=True):
    code: str
    direction: str
    """in or out."""
    other: str
    sku: str
    qty: int
    received: int = 0
    at: int = 0


class SnapTask(msgspec.Struct, frozen=True, array_like=True):
    """Open work that is no assignment. A count asked by decision n has the id `count:<n>`."""

    id: str
    kind: str
    sku: str = ""
    reason: str = ""
    not_by: str = ""
    made_at: int = 0
    sheet: str = ""


class SnapSheet(msgspec.Struct, frozen=True, array_like=True):
    """A count sheet that is not closed. What was entered on it stays with the store that has it."""

    id: str
    kind: str
    name: str = ""
    areas: tuple[str, ...] = ()
    scope: str = ""
    blind: bool = True
    made_at: int = 0
    made_by: str = ""


class SnapSale(msgspec.Struct, frozen=True, array_like=True):
    """A line that a till sold, under its own number: told again, it is not booked again."""

    id: str
    sku: str
    qty: int
    at: int = 0
    voids: tuple[tuple[str, int, int], ...] = ()
    """Number, units and time of what the till took back of it before the goods left."""


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    store: str
    made_at: int
    decisions: int
    """Number of the last urgent decision contained."""
    decisions_chain: str = ""
    incarnation: str = ""
    """Whose facts are contained …"""
    facts: int = 0
    """… and the number of the last of them."""
    facts_chain: str = ""
    stock: tuple[StockRow, ...] = ()
    assignments: tuple[SnapAssignment, ...] = ()
    returns: tuple[SnapReturn, ...] = ()
    returnables: tuple[SnapReturnable, ...] = ()
    transfers: tuple[SnapTransfer, ...] = ()
    tasks: tuple[SnapTask, ...] = ()
    sheets: tuple[SnapSheet, ...] = ()
    sales: tuple[SnapSale, ...] = ()
    paused: bool = False
