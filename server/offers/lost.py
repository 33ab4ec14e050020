"""Goods that left under a turn which this centre has lost: it was put back from a backup, the store was not.

The order may be older than the turn. Then the units it got are not brought by anybody else: what still wanted
them is taken off, the turns for them end (or are asked back), and a person finds both facts on the case.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.db import Tx
from server.facts.source import Source
from server.offers import turn
from server.orders import parts
from server.outbox.events import happened

Goods = Iterable[tuple[str, int]]


def left(tx: Tx, source: Source, order_no: str, goods: Goods) -> None:
    """Count what left where the order still wants it. What nobody wants left twice: the case says so."""
    touched: list[str] = []
    for sku, qty in goods:
        for fo, line, wanted in tx.execute(
            "SELECT l.fo, l.line, l.qty - l.released - l.cancelled FROM fulfilment_line l"
            " JOIN fulfilment_order f ON f.fo = l.fo WHERE f.order_no = ? AND l.sku = ?"
            " AND l.qty > l.released + l.cancelled ORDER BY l.fo, l.line",
            (order_no, sku),
        ).fetchall():
            units = min(qty, wanted)
            if units <= 0:
                break
            qty -= units
            tx.execute(
                "UPDATE fulfilment_line SET released = released + ? WHERE fo = ? AND line = ?",
                (units, fo, line),
            )
            touched.append(fo)
        touched += _too_late_to_cancel(tx, source, order_no, sku, qty)
    for fo in dict.fromkeys(touched):
        _not_by_another(tx, fo, source.now)
    if touched:
        parts.settle_order(tx, order_no, source.now)


def _too_late_to_cancel(tx: Tx, source: Source, order_no: str, sku: str, qty: int) -> list[str]:
    """A cancellation that was not final yet: the goods are out, so these units are not cancelled."""
    rows = tx.execute(
        "SELECT l.fo, l.line, l.cancelled FROM fulfilment_line l JOIN fulfilment_order f ON f.fo = l.fo"
        " JOIN shop_order o ON o.no = f.order_no WHERE o.no = ? AND o.state = 'cancel_requested'"
        " AND f.state = 'cancelled' AND l.sku = ? AND l.cancelled > 0 ORDER BY l.fo, l.line",
        (order_no, sku),
    ).fetchall()
    touched: list[str] = []
    for fo, line, cancelled in rows:
        units = min(qty, cancelled)
        if units <= 0:
            break
        qty -= units
        tx.execute(
            "UPDATE fulfilment_line SET released = released + ?1, cancelled = cancelled - ?1"
            " WHERE fo = ?2 AND line = ?3",
            (units, fo, line),
        )
        touched.append(fo)
    if touched:
        happened(tx, "cancel_failed", at=source.now, store=source.store, order_no=order_no, notify=False)
    return touched


def came_back(tx: Tx, source: Source, order_no: str, goods: Goods) -> None:
    """The hand-over was undone: the order wants the units again, from whomever."""
    touched: list[str] = []
    for sku, qty in goods:
        for fo, line, had in tx.execute(
            "SELECT l.fo, l.line, l.released FROM fulfilment_line l JOIN fulfilment_order f ON f.fo = l.fo"
            " WHERE f.order_no = ? AND l.sku = ? AND l.released > 0 ORDER BY l.fo, l.line",
            (order_no, sku),
        ).fetchall():
            units = min(qty, had)
            if units <= 0:
                break
            qty -= units
            tx.execute(
                "UPDATE fulfilment_line SET released = released - ? WHERE fo = ? AND line = ?",
                (units, fo, line),
            )
            touched.append(fo)
    for fo in dict.fromkeys(touched):
        state = tx.execute("SELECT state FROM fulfilment_order WHERE fo = ?", (fo,)).fetchone()[0]
        if state == "released":
            tx.execute(
                "UPDATE fulfilment_order SET state = 'waiting', fence = 0, store = '' WHERE fo = ?", (fo,)
            )
            turn.route(tx, fo, source.now)
    if touched:
        parts.settle_order(tx, order_no, source.now)


def _not_by_another(tx: Tx, fo: str, now: int) -> None:
    more = bool(parts.open_needs(tx, fo))
    (fence,) = tx.execute("SELECT fence FROM fulfilment_order WHERE fo = ?", (fo,)).fetchone()
    if fence:
        # Nobody brings a part of an offer: what is still wanted is offered anew without these units.
        turn.end_turn(tx, fence, "reassigned" if more else "released_elsewhere", now, again=more)
    if not more:
        parts.found_store(tx, fo, now)
        tx.execute("UPDATE fulfilment_order SET state = 'released', next_try_at = 0 WHERE fo = ?", (fo,))
