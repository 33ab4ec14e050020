"""Goods that come back: always into a hold, whatever the papers say.

A shop assistant cannot see, with the line down, whether the same line was returned at another store
an hour ago. So the goods are taken, and the centre says afterwards what was too much: the return is
flagged, a case names both facts, and nobody is paid twice by a rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.cases.book import Evidence, open_case
from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.link.decide import decide
from server.outbox.events import happened
from sync.wire import decisions as d
from sync.wire import facts as f


def returned(tx: Tx, source: Source, body: f.Returned | f.SaleReturned) -> Verdict:
    """Units went into the hold of a store (the book has moved them); judge what they belong to."""
    order, line = (body.order, body.line) if isinstance(body, f.Returned) else ("", 0)
    known = tx.execute("SELECT 1 FROM shop_order WHERE no = ?", (order,)).fetchone() if order else None
    over = bool(known) and _over(tx, order, line, body.sku, body.qty)
    flagged = over or bool(order and not known)
    _keep(tx, source, body, order, line, flagged)
    happened(
        tx,
        "return_received",
        at=source.now,
        store=source.store,
        order_no=order if known else "",
        person=source.fact.person,
        data={"sku": body.sku, "qty": body.qty, "flagged": flagged, "occurred_at": source.fact.at},
    )
    if known:
        _tell_sellers(tx, order, source.store, source.now)
    if over:
        return Verdict("applied", "over_returned", _case_over(tx, source, order, line, body.sku))
    if flagged:
        case = open_case(
            tx,
            "unknown_order_return",
            now=source.now,
            store=source.store,
            order_no=order,
            sku=body.sku,
            params={"qty": body.qty},
            evidence=[source.evidence()],
            join=True,
        )
        return Verdict("applied", "unknown_order", case)
    return APPLIED


def graded(tx: Tx, source: Source, body: f.Graded) -> Verdict:
    """Units left the hold. More graded than came in is taken as a fact and told to a person."""
    row = tx.execute(
        "UPDATE goods_return SET graded = graded + ?1, grade = ?2, disposition = ?3,"
        " state = CASE WHEN state = 'flagged' THEN 'flagged'"
        "   WHEN graded + ?1 >= qty THEN 'graded' ELSE state END"
        " WHERE id = ?4 AND store = ?5 RETURNING order_no, qty, graded",
        (body.qty, body.grade, body.disposition, body.return_id, source.store),
    ).fetchone()
    order = row["order_no"] if row else ""
    known = order and tx.execute("SELECT 1 FROM shop_order WHERE no = ?", (order,)).fetchone()
    happened(
        tx,
        "return_graded",
        at=source.now,
        store=source.store,
        order_no=order if known else "",
        person=source.fact.person,
        data={"sku": body.sku, "qty": body.qty, "grade": body.grade, "disposition": body.disposition},
    )
    too_many = body.qty if row is None else max(0, row["graded"] - row["qty"])
    if not too_many:
        return APPLIED
    case = open_case(
        tx,
        "over_graded",
        now=source.now,
        store=source.store,
        order_no=order,
        sku=body.sku,
        params={"qty": too_many},
        evidence=[source.evidence()],
        join=True,
    )
    return Verdict("forced", "over_graded", case)


@dataclass(frozen=True)
class Returnable:
    line: int
    sku: str
    sold: int
    returned: int

    @property
    def left(self) -> int:
        return max(0, self.sold - self.returned)


def returnable(tx: Tx, order: str) -> list[Returnable]:
    """What an order allows to be returned, per order line and item.

    Sold counts what was released or may have been released by a store that has not been heard yet:
    a return may well arrive here before the hand-over it follows.
    """
    rows = tx.execute(
        """
        SELECT l.order_line AS line, l.sku AS sku,
               max(sum(l.qty - l.cancelled), sum(coalesce(r.released, 0))) AS sold
        FROM fulfilment_order fo
        JOIN fulfilment_line l ON l.fo = fo.fo
        LEFT JOIN (SELECT a.fo AS fo, al.line AS line, sum(al.released) AS released
                   FROM assignment a JOIN assignment_line al ON al.fence = a.fence
                   WHERE a.fo IN (SELECT fo FROM fulfilment_order WHERE order_no = ?1)
                   GROUP BY a.fo, al.line) r ON r.fo = l.fo AND r.line = l.line
        WHERE fo.order_no = ?1
        GROUP BY l.order_line, l.sku ORDER BY l.order_line, l.sku
        """,
        (order,),
    ).fetchall()
    back = {
        (row["line"], row["sku"]): row["qty"]
        for row in tx.execute(
            "SELECT line, sku, sum(qty) AS qty FROM goods_return WHERE order_no = ? GROUP BY line, sku",
            (order,),
        )
    }
    return [
        Returnable(row["line"], row["sku"], max(row["sold"], 0), back.get((row["line"], row["sku"]), 0))
        for row in rows
    ]


def _over(tx: Tx, order: str, line: int, sku: str, qty: int) -> bool:
    """Whether these units are more than the order line (and the order) still allows."""
    all_lines = returnable(tx, order)
    whole = sum(row.sold for row in all_lines if row.sku == sku)
    back = tx.execute(
        "SELECT coalesce(sum(qty), 0) FROM goods_return WHERE order_no = ? AND sku = ?", (order, sku)
    ).fetchone()[0]
    if back + qty > whole:
        return True
    of_line = [row for row in all_lines if row.line == line and row.sku == sku]
    return bool(line) and (not of_line or qty > of_line[0].sold - of_line[0].returned)


def _keep(
    tx: Tx, source: Source, body: f.Returned | f.SaleReturned, order: str, line: int, flagged: bool
) -> None:
    place = f"{source.store}:{source.incarnation}:{source.number}"
    wanted = body.return_id or place
    taken = tx.execute("SELECT 1 FROM goods_return WHERE id = ?", (wanted,)).fetchone()
    tx.execute(
        "INSERT INTO goods_return (id, order_no, line, store, sku, qty, state, received_at, person, reason,"
        " bought_elsewhere, sale, incarnation, number) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            place if taken else wanted,
            order,
            line,
            source.store,
            body.sku,
            body.qty,
            "flagged" if flagged else "held",
            source.now,
            source.fact.person,
            getattr(body, "reason", ""),
            getattr(body, "bought_elsewhere", False),
            getattr(body, "sale", ""),
            source.incarnation,
            source.number,
        ),
    )


def _case_over(tx: Tx, source: Source, order: str, line: int, sku: str) -> str:
    rows = [row for row in returnable(tx, order) if row.sku == sku and (not line or row.line == line)]
    earlier = tx.execute(
        "SELECT store, incarnation, number FROM goods_return WHERE order_no = ? AND sku = ?"
        " ORDER BY rowid DESC LIMIT 20",
        (order, sku),
    ).fetchall()
    facts = [Evidence(row["store"], row["incarnation"], row["number"], "returned") for row in earlier]
    back = tx.execute(
        "SELECT coalesce(sum(qty), 0) FROM goods_return WHERE order_no = ?1 AND sku = ?2"
        " AND (?3 = 0 OR line = ?3)",
        (order, sku, line),
    ).fetchone()[0]
    return open_case(
        tx,
        "over_returned",
        now=source.now,
        store=source.store,
        order_no=order,
        sku=sku,
        params={"sold": sum(row.sold for row in rows), "returned": back, "line": line},
        evidence=facts[::-1],
    )


def _tell_sellers(tx: Tx, order: str, store: str, now: int) -> None:
    """The stores that released this order learn what may still come back."""
    others = tx.execute(
        "SELECT DISTINCT a.store FROM fulfilment_order fo JOIN assignment a ON a.fo = fo.fo"
        " JOIN assignment_line al ON al.fence = a.fence"
        " WHERE fo.order_no = ? AND al.released > 0 AND a.store <> ? ORDER BY a.store",
        (order, store),
    ).fetchall()
    if not others:
        return
    lines = tuple((row.line, row.sku, row.left) for row in returnable(tx, order))
    for other in others:
        decide(tx, other["store"], d.ReturnKnown(order, lines), at=now)
