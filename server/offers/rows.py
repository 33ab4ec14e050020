"""What the offers room reads: a fulfilment order with its order, a turn with its lines."""

from __future__ import annotations

from dataclasses import dataclass

from server.db import Tx
from sync.rules.states import Ownership, State


@dataclass(slots=True)
class PartRow:
    """A fulfilment order and what it needs to know of its order."""

    fo: str
    order_no: str
    state: str
    fence: int
    attempts: int
    next_try_at: int
    """Set while it waits, so a part with it has been called unroutable."""
    kind: str
    channel: str
    order_state: str
    pickup_store: str
    lat: float
    lon: float
    promised_by: int
    name: str
    phone: str
    address: str
    note: str
    code_salt: str
    code_hash: str
    substitution: str = ""


@dataclass(slots=True)
class TurnRow:
    """One store's turn at a fulfilment order."""

    fence: int
    fo: str
    store: str
    attempt: int
    offered_at: int
    accept_by: int
    state: str
    ownership: str
    accepted_at: int
    confirmed_at: int
    owner_until: int
    withdraw_requested_at: int
    ended_at: int
    ended_reason: str
    fo_state: str
    fo_fence: int
    order_no: str
    kind: str
    channel: str
    order_state: str

    @property
    def current(self) -> bool:
        """Only under the current fence does a fact change who holds what."""
        return self.fo_fence == self.fence and self.ended_at == 0

    @property
    def owned(self) -> bool:
        return self.ownership == Ownership.CONFIRMED

    @property
    def provisional(self) -> bool:
        """Accepted in time, and not confirmed while another store may hold it: see `doubt`."""
        return self.ownership == Ownership.PROVISIONAL

    @property
    def cancelling(self) -> bool:
        return self.order_state == "cancel_requested"


@dataclass(slots=True)
class LineRow:
    line: int
    sku: str
    qty: int
    reserved: int
    picked: int
    short: int
    released: int
    put_back: int

    @property
    def in_hand(self) -> int:
        """Good units in a tote, parcel or on the waiting shelf. One found broken there is short as well."""
        broken = max(0, min(self.short, self.picked + self.short - self.qty))
        return max(0, self.picked - broken - self.released - self.put_back)


_PART = (
    "SELECT f.fo, f.order_no, f.state, f.fence, f.attempts, f.next_try_at, o.kind, o.channel, o.state,"
    " o.pickup_store, o.lat, o.lon, o.promised_by, o.name, o.phone, o.address, o.note, o.code_salt,"
    " o.code_hash, o.substitution FROM fulfilment_order f JOIN shop_order o ON o.no = f.order_no"
    " WHERE f.fo = ?"
)
_TURN = (
    "SELECT a.fence, a.fo, a.store, a.attempt, a.offered_at, a.accept_by, a.state, a.ownership,"
    " a.accepted_at, a.confirmed_at, a.owner_until, a.withdraw_requested_at, a.ended_at, a.ended_reason,"
    " f.state, f.fence, f.order_no, o.kind, o.channel, o.state"
    " FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo JOIN shop_order o ON o.no = f.order_no"
    " WHERE a.fence = ?"
)
STANDS_IN_FOR = (
    " LEFT JOIN shop_order_line own ON own.order_no = ?2 AND own.line = fl.order_line"
    " LEFT JOIN shop_order_line missing ON missing.order_no = ?2 AND missing.line = own.instead_of"
)
"""Of fl, a line of a part: the order's line (`own`), and what it stands in for (`missing`). ?2: the order."""


def part_of(tx: Tx, fo: str) -> PartRow:
    """KeyError when there is no such fulfilment order."""
    row = tx.execute(_PART, (fo,)).fetchone()
    if row is None:
        raise KeyError(fo)
    return PartRow(*row)


def turn_of(tx: Tx, fence: int) -> TurnRow | None:
    row = tx.execute(_TURN, (fence,)).fetchone()
    return None if row is None else TurnRow(*row)


def lines_of(tx: Tx, fence: int) -> dict[int, LineRow]:
    return {
        row[0]: LineRow(*row)
        for row in tx.execute(
            "SELECT line, sku, qty, reserved, picked, short, released, put_back"
            " FROM assignment_line WHERE fence = ? ORDER BY line",
            (fence,),
        )
    }


def state_when_over(state: str, in_hand: int, *, declined: bool = False) -> State:
    """Where a turn rests that is over: released stays released, goods in hand have to go back."""
    if state in (State.RELEASED, State.DECLINED, State.CLOSED) and not in_hand:
        return State(state)
    if in_hand:
        return State.PUT_BACK
    return State.DECLINED if declined else State.CLOSED


def next_fence(tx: Tx) -> int:
    """Grows with every assignment and is never given twice. Part of the assignment's own transaction."""
    row = tx.execute(
        "INSERT INTO meta (key, value) VALUES ('fence', '1')"
        " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
    ).fetchone()
    return int(row[0])
