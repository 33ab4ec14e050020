"""Reading orders: where one stands, with its parts, turns and history. Read-only connections will do."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LineView:
    line: int
    sellable: str
    qty: int
    price_fen: int
    released: int
    """Units of it that left, in sellables; a bundle counts when its last part has left."""


@dataclass(frozen=True)
class ItemView:
    line: int
    order_line: int
    sellable: str
    sku: str
    qty: int
    released: int
    cancelled: int


@dataclass(frozen=True)
class TurnView:
    """One store's turn. `ended_reason` is set when it is over, or asked back."""

    fence: int
    store: str
    attempt: int
    offered_at: int
    accept_by: int
    state: str
    ownership: str
    accepted_at: int
    confirmed_at: int
    owner_until: int
    released_at: int
    withdraw_requested_at: int
    ended_at: int
    ended_reason: str
    distance_m: int
    person: str
    location: str


@dataclass(frozen=True)
class PartView:
    fo: str
    state: str
    store: str
    fence: int
    attempts: int
    next_try_at: int
    items: tuple[ItemView, ...]
    turns: tuple[TurnView, ...]


@dataclass(frozen=True)
class EventView:
    id: int
    at: int
    kind: str
    store: str
    fo: str
    fence: int
    person: str
    data: dict[str, Any]


@dataclass(frozen=True)
class OrderView:
    no: str
    channel: str
    external_id: str
    kind: str
    state: str
    placed_at: int
    promised_by: int
    pickup_store: str
    name: str
    phone: str
    address: str
    language: str
    note: str
    cancel_requested_at: int
    closed_at: int
    pickup_code: str
    """For the channel that placed the order; boards and stores do not show it."""
    lines: tuple[LineView, ...]
    parts: tuple[PartView, ...]
    history: tuple[EventView, ...]
    cases: tuple[str, ...]
    """Ids of open cases."""


def read_order(db: sqlite3.Connection, order_no: str) -> OrderView | None:
    order = db.execute(
        "SELECT no, channel, external_id, kind, state, placed_at, promised_by, pickup_store, name, phone,"
        " address, language, note, cancel_requested_at, closed_at, pickup_code FROM shop_order WHERE no = ?",
        (order_no,),
    ).fetchone()
    if order is None:
        return None
    parts = _parts(db, order_no)
    return OrderView(
        *tuple(order),
        lines=_lines(db, order_no, parts),
        parts=parts,
        history=history(db, order_no),
        cases=tuple(
            row[0]
            for row in db.execute(
                "SELECT id FROM open_case WHERE order_no = ? AND state = 'open' ORDER BY id", (order_no,)
            )
        ),
    )


def find_order(db: sqlite3.Connection, channel: str, external_id: str) -> str:
    """Our number of a channel's order; empty when it is not known."""
    row = db.execute(
        "SELECT no FROM shop_order WHERE channel = ? AND external_id = ?", (channel, external_id)
    ).fetchone()
    return str(row[0]) if row else ""


def history(db: sqlite3.Connection, order_no: str, limit: int = 500) -> tuple[EventView, ...]:
    """What happened to an order, oldest first; of a very long history the newest part."""
    rows = db.execute(
        "SELECT id, at, kind, store, fo, fence, person, data FROM event WHERE order_no = ?"
        " ORDER BY id DESC LIMIT ?",
        (order_no, limit),
    ).fetchall()
    return tuple(EventView(*tuple(row)[:7], data=json.loads(row[7])) for row in reversed(rows))


def _parts(db: sqlite3.Connection, order_no: str) -> tuple[PartView, ...]:
    items: dict[str, list[ItemView]] = {}
    for row in db.execute(
        "SELECT l.fo, l.line, l.order_line, l.sellable, l.sku, l.qty, l.released, l.cancelled"
        " FROM fulfilment_line l JOIN fulfilment_order f ON f.fo = l.fo WHERE f.order_no = ?"
        " ORDER BY l.fo, l.line",
        (order_no,),
    ):
        items.setdefault(row[0], []).append(ItemView(*tuple(row)[1:]))
    turns: dict[str, list[TurnView]] = {}
    for row in db.execute(
        "SELECT a.fo, a.fence, a.store, a.attempt, a.offered_at, a.accept_by, a.state, a.ownership,"
        " a.accepted_at, a.confirmed_at, a.owner_until, a.released_at, a.withdraw_requested_at, a.ended_at,"
        " a.ended_reason, a.distance_m, a.person, a.location"
        " FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo WHERE f.order_no = ? ORDER BY a.fence",
        (order_no,),
    ):
        turns.setdefault(row[0], []).append(TurnView(*tuple(row)[1:]))
    return tuple(
        PartView(
            *tuple(row), items=tuple(items.get(row[0], ())), turns=tuple(turns.get(row[0], ()))
        )
        for row in db.execute(
            "SELECT fo, state, store, fence, attempts, next_try_at FROM fulfilment_order WHERE order_no = ?"
            " ORDER BY made_at, length(fo), fo",
            (order_no,),
        )
    )


def _lines(db: sqlite3.Connection, order_no: str, parts: tuple[PartView, ...]) -> tuple[LineView, ...]:
    left: dict[tuple[int, str], int] = {}
    wanted: dict[tuple[int, str], int] = {}
    for part in parts:
        for item in part.items:
            key = (item.order_line, item.sku)
            left[key] = left.get(key, 0) + item.released
            # The first part holds all that was ordered; others hold what was moved there.
            wanted[key] = max(wanted.get(key, 0), item.qty)
    views = []
    for line, sellable, qty, price in db.execute(
        "SELECT line, sellable, qty, price_fen FROM shop_order_line WHERE order_no = ? ORDER BY line",
        (order_no,),
    ):
        shares = [left[key] * qty // wanted[key] for key in wanted if key[0] == line and wanted[key]]
        views.append(LineView(line, sellable, qty, price, min(shares, default=0)))
    return tuple(views)
