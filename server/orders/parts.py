"""Fulfilment orders as the order's parts: made, divided, cancelled, and the order's own state that follows.

Every unit of an order is in exactly one open fulfilment order, or released, or
cancelled. Moving units to another part is therefore `cancelled` here and a new line there,
in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.cases.book import close_case, open_case
from server.db import Tx
from server.offers import doubt
from server.outbox.events import happened
from server.policy.read import policy
from server.routing.choice import Need
from server.routing.map import map_of
from server.views import quota


@dataclass(frozen=True, slots=True)
class PartLine:
    line: int
    order_line: int
    sellable: str
    sku: str
    qty: int


ROUTING_CASES = ("unroutable", "pickup_stuck", "too_many_attempts")


def make_part(
    tx: Tx, fo: str, order_no: str, lines: Iterable[PartLine], now: int, *, attempts: int = 0
) -> None:
    tx.execute(
        "INSERT INTO fulfilment_order (fo, order_no, state, fence, store, attempts, next_try_at, made_at)"
        " VALUES (?,?,'waiting',0,'',?,0,?)",
        (fo, order_no, attempts, now),
    )
    tx.executemany(
        "INSERT INTO fulfilment_line (fo, line, order_line, sellable, sku, qty, released, cancelled)"
        " VALUES (?,?,?,?,?,?,0,0)",
        [(fo, one.line, one.order_line, one.sellable, one.sku, one.qty) for one in lines],
    )


def split_off(tx: Tx, fo: str, lines: Iterable[tuple[int, int]], now: int) -> str:
    """Move (line, qty) into a fulfilment order of their own; its number.

    Its turns are counted on from here: the cap is the order's, and a short does not start it anew.
    """
    order_no, attempts = tx.execute(
        "SELECT order_no, attempts FROM fulfilment_order WHERE fo = ?", (fo,)
    ).fetchone()
    count = tx.execute("SELECT count(*) FROM fulfilment_order WHERE order_no = ?", (order_no,)).fetchone()[0]
    moved = []
    for number, (line, qty) in enumerate(lines, start=1):
        row = tx.execute(
            "UPDATE fulfilment_line SET cancelled = cancelled + ?1 WHERE fo = ?2 AND line = ?3"
            " AND qty - released - cancelled >= ?1 RETURNING order_line, sellable, sku",
            (qty, fo, line),
        ).fetchone()
        assert row is not None, f"{fo} line {line} has no {qty} units left to move"
        moved.append(PartLine(number, row["order_line"], row["sellable"], row["sku"], qty))
    new = f"{order_no}-{count + 1}"
    make_part(tx, new, order_no, moved, now, attempts=attempts)
    quota.divided(tx, fo, new)
    return new


def stand_in(tx: Tx, order_no: str, instead_of: int, sku: str, qty: int, now: int) -> str:
    """A line of the order that stands in for another, and the part that brings it; its number.

    A line of its own, so that whatever counts by order line and item counts it right.
    """
    last = tx.execute("SELECT max(line) FROM shop_order_line WHERE order_no = ?", (order_no,)).fetchone()[0]
    tx.execute(
        "INSERT INTO shop_order_line (order_no, line, sellable, qty, price_fen, instead_of, substitutes)"
        " SELECT order_no, ?, ?, ?, 0, line, substitutes FROM shop_order_line"
        " WHERE order_no = ? AND line = ?",
        (last + 1, sku, qty, order_no, instead_of),
    )
    count = tx.execute("SELECT count(*) FROM fulfilment_order WHERE order_no = ?", (order_no,)).fetchone()[0]
    fo = f"{order_no}-{count + 1}"
    make_part(tx, fo, order_no, [PartLine(1, last + 1, "", sku, qty)], now)
    return fo


def open_needs(tx: Tx, fo: str) -> tuple[Need, ...]:
    """What this fulfilment order still has to bring."""
    return tuple(
        Need(row["line"], row["sku"], row["left"], row["order_line"] if row["sellable"] else 0)
        for row in tx.execute(
            "SELECT line, order_line, sellable, sku, qty - released - cancelled AS left"
            " FROM fulfilment_line WHERE fo = ? AND qty > released + cancelled ORDER BY line",
            (fo,),
        )
    )


def let_wait(tx: Tx, fo: str, now: int, *, channel: str, kind: str, order_no: str, first: bool) -> None:
    """Nobody can do it now: try again when its stock grows, and on a timer. A person can see it at once."""
    retry = policy(tx, "retry_s", channel, kind) * 1000
    tx.execute(
        "UPDATE fulfilment_order SET state = 'waiting', fence = 0, store = '', next_try_at = ? WHERE fo = ?",
        (now + retry, fo),
    )
    skus = [need.sku for need in open_needs(tx, fo)]
    map_of(tx).wait(fo, skus)
    if first:
        happened(tx, "waiting", at=now, order_no=order_no, fo=fo, channel=channel, data={"skus": skus})
        open_case(tx, "unroutable", now=now, order_no=order_no, fo=fo, params={"skus": ", ".join(skus)})


def to_person(tx: Tx, fo: str, case_kind: str, now: int, *, order_no: str, store: str = "") -> str:
    """Routing has come to its end: a case is open and a person decides."""
    _wait_no_more(tx, fo)
    tx.execute(
        "UPDATE fulfilment_order SET state = 'person', fence = 0, store = '', next_try_at = 0 WHERE fo = ?",
        (fo,),
    )
    settle_cases(tx, fo, now, outcome="escalated")
    return open_case(tx, case_kind, now=now, order_no=order_no, fo=fo, store=store)


def found_store(tx: Tx, fo: str, now: int) -> None:
    """A waiting part was routed after all."""
    _wait_no_more(tx, fo)
    settle_cases(tx, fo, now, outcome="routed")


def settle_cases(tx: Tx, fo: str, now: int, *, outcome: str) -> None:
    """Close what routing asked a person about this part: it has settled itself."""
    order_no = fo.rsplit("-", 1)[0]
    for row in tx.execute(
        "SELECT id FROM open_case WHERE order_no = ? AND fo = ? AND state = 'open' AND kind IN (?,?,?)",
        (order_no, fo, *ROUTING_CASES),
    ).fetchall():
        close_case(tx, row["id"], now=now, by="", outcome=outcome)


def cancel_part(tx: Tx, fo: str, now: int) -> None:
    """What was not released is cancelled. The part's end, whatever it was waiting for."""
    _wait_no_more(tx, fo)
    state = tx.execute("SELECT state FROM fulfilment_order WHERE fo = ?", (fo,)).fetchone()[0]
    tx.execute(
        "UPDATE fulfilment_line SET cancelled = qty - released WHERE fo = ? AND qty > released + cancelled",
        (fo,),
    )
    quota.cancelled(tx, fo, state)
    released = tx.execute("SELECT sum(released) FROM fulfilment_line WHERE fo = ?", (fo,)).fetchone()[0]
    tx.execute(
        "UPDATE fulfilment_order SET state = ?, next_try_at = 0 WHERE fo = ?",
        ("released" if released else "cancelled", fo),
    )
    settle_cases(tx, fo, now, outcome="cancelled")


def settle_order(tx: Tx, order_no: str, now: int) -> str:
    """The order's state, from its parts; written when it changed."""
    order = tx.execute("SELECT state, channel FROM shop_order WHERE no = ?", (order_no,)).fetchone()
    states = [
        row[0]
        for row in tx.execute("SELECT state FROM fulfilment_order WHERE order_no = ?", (order_no,)).fetchall()
    ]
    if any(state not in ("released", "cancelled") for state in states):
        state = "cancel_requested" if order["state"] == "cancel_requested" else "open"
    elif "cancelled" in states and doubt.may_be_out(tx, order_no):
        # Nobody is told that it is over, and refunded, while a store may be handing it over.
        state = order["state"]
        tx.execute("INSERT INTO meta (key, value) VALUES (?, '1') ON CONFLICT DO NOTHING", (doubt.HELD,))
    else:
        state = "done" if "released" in states else "cancelled"
    if state != order["state"]:
        closed = now if state in ("done", "cancelled") else 0
        tx.execute("UPDATE shop_order SET state = ?, closed_at = ? WHERE no = ?", (state, closed, order_no))
        if closed:
            _nothing_left_to_ask(tx, order_no, now)
        if state == "cancelled":
            happened(tx, "cancelled", at=now, order_no=order_no, channel=order["channel"])
        tx.touched.add(f"order:{order_no}")
    return state


def _nothing_left_to_ask(tx: Tx, order_no: str, now: int) -> None:
    """The order is over: who holds it and whether it was fetched is no question any more."""
    for row in tx.execute(
        "SELECT id FROM open_case WHERE order_no = ? AND state = 'open'"
        " AND kind IN ('store_silent', 'no_show')",
        (order_no,),
    ).fetchall():
        close_case(tx, row["id"], now=now, by="", outcome="order_over")


def _wait_no_more(tx: Tx, fo: str) -> None:
    skus = [row[0] for row in tx.execute("SELECT sku FROM fulfilment_line WHERE fo = ?", (fo,)).fetchall()]
    map_of(tx).wait_no_more(fo, skus)
