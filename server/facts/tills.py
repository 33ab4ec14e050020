"""What tills told late and nobody can book, and goods that came back and do not fit their sale: for a person.

Such a fact moves no stock that the store did not move itself. The case names the till's own row, so that
somebody can find the slip; it closes by itself once the store has booked the row.
"""

from __future__ import annotations

from server.cases.book import close_cases, open_case
from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import Verdict
from sync.wire import facts as f


def unclear(tx: Tx, source: Source, body: f.TillUnclear) -> Verdict:
    about = (body.code or body.sale)[:64]
    case = open_case(
        tx,
        "till_unclear",
        now=source.now,
        store=source.store,
        sku=about,
        params={"row": body.row, "code": about, "qty": body.qty, "reason": body.reason, "said": body.said},
        evidence=[source.evidence(body.row)],
        join=True,
    )
    return Verdict("applied", body.reason[:40], case)


def settled(tx: Tx, source: Source, body: f.Body) -> None:
    """A row that was unclear is booked now; goods that came back without their sale want a look."""
    cleared = getattr(body, "cleared", "")
    if cleared:
        close_cases(
            tx, "till_unclear", store=source.store, sku=cleared[:64], now=source.now, outcome="booked"
        )
    if isinstance(body, f.SaleReturned) and body.doubt:
        open_case(
            tx,
            "till_return",
            now=source.now,
            store=source.store,
            sku=body.sku,
            params={"qty": body.qty, "sale": body.sale, "doubt": body.doubt},
            evidence=[source.evidence(body.sale)],
            join=True,
        )
