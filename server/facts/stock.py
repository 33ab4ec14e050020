"""Facts that move stock without an assignment: tills, deliveries, transfers, counts, losses, returns.

The body says how the store split its movement; the centre repeats it by plain addition. What then
goes beyond rights is repaired by the book and named here: verdict `forced`, with a case.
"""

from __future__ import annotations

import msgspec

from server.cases.book import open_case
from server.cases.notes import counted
from server.counts.book import count_fact
from server.db import Tx
from server.facts import tills
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.outbox.events import happened
from server.returns.book import graded, returned
from server.routing.map import let_in
from server.stock import book, transfers
from server.stores.pause import pause
from sync.rules.stock import moves
from sync.wire import decisions as d
from sync.wire import facts as f


def stock_fact(tx: Tx, source: Source, body: f.Body) -> Verdict:
    """The effect of a fact that belongs to no assignment."""
    store, fact, now = source.store, source.fact, source.now
    if isinstance(body, f.StorePaused):
        pause(tx, store, body.paused, body.reason, now=now, person=fact.person)
        return APPLIED
    sku = str(getattr(body, "sku", ""))
    minted = isinstance(body, f.Credited) and body.qty > -_debt(tx, store, sku)
    beyond = book.apply_moves(tx, store, moves(body), source.cause(_paper(body)))
    verdict = APPLIED
    count_fact(tx, source, body)
    match body:
        case f.Counted():
            book.unsuppress(tx, store, sku)
            if body.found > 0:
                let_in(tx, store, sku)
            if _loaded_unheard(tx, store, sku, fact.seen):
                # The goods of that file may be in both figures. Nobody here can say, so: count again.
                book.suppress(tx, store, sku, now=now, reason="loaded_meanwhile", ask_count=True)
            counted(tx, store, sku, found=body.found, expected=body.expected, now=now, person=fact.person)
            happened(
                tx,
                "count_closed",
                at=now,
                store=store,
                person=fact.person,
                data={"sku": sku, "expected": body.expected, "found": body.found, "occurred_at": fact.at},
            )
        case f.Adjusted():
            happened(
                tx,
                "stock_adjusted",
                at=now,
                store=store,
                person=fact.person,
                data={"sku": sku, "qty": -body.qty, "to": body.to, "reason": body.reason},
            )
        case f.Received():
            verdict = transfers.arrived(tx, source, body)
        case f.TransferSent():
            verdict = transfers.sent(tx, source, body)
        case f.Returned() | f.SaleReturned():
            verdict = returned(tx, source, body)
        case f.TillUnclear():
            verdict = tills.unclear(tx, source, body)
        case f.Graded():
            verdict = graded(tx, source, body)
        case _:
            pass
    tills.settled(tx, source, body)
    if beyond.any or minted:
        over = beyond.share + beyond.debt or int(getattr(body, "qty", 0))
        case = open_case(
            tx,
            "beyond_rights",
            now=now,
            store=store,
            sku=sku,
            params={"kind": fact.kind, "qty": over},
            evidence=[source.evidence()],
            join=True,
        )
        return Verdict("forced", "beyond_rights", case)
    return verdict


def _loaded_unheard(tx: Tx, store: str, sku: str, seen: int) -> bool:
    """Whether the centre has loaded stock of a SKU here that the store had not heard of when it counted."""
    for (raw,) in tx.execute(
        "SELECT raw FROM decision WHERE store = ? AND number > ? AND kind = 'stock_loaded'", (store, seen)
    ):
        said = d.body_of(msgspec.json.decode(raw, type=d.Decision))
        assert isinstance(said, d.StockLoaded)
        if any(row[0] == sku for row in said.rows):
            return True
    return False


def _paper(body: f.Body) -> str:
    """What the ledger row is found by again: the delivery's, transfer's or sale's own number."""
    match body:
        case f.Received():
            return body.document
        case f.TransferSent():
            return body.transfer
        case f.Sold() | f.SaleReturned() | f.SaleVoided():
            return body.sale
        case f.Adjusted():
            return body.reason
        case _:
            return ""


def _debt(tx: Tx, store: str, sku: str) -> int:
    row = tx.execute("SELECT debt FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    return int(row[0]) if row else 0
