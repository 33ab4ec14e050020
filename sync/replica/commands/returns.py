"""Goods that come back: into a hold first, for sale only after grading by somebody else.

The store takes goods and grades them; whether money goes back is the centre's to decide.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sync.ids import made_of
from sync.replica import read
from sync.replica.commands.base import Desk, Lead, Result, command, quantity
from sync.rules.refusals import Why, refuse
from sync.rules.stock import split_gain
from sync.wire import facts as f


class TakeReturn(msgspec.Struct, frozen=True):
    order: str
    sku: str
    """SKU or any code of the goods."""
    qty: int
    reason: str
    line: int = 0
    elsewhere: bool = False


class BlindReturn(msgspec.Struct, frozen=True):
    sku: str
    qty: int
    reason: str
    lead: Lead | None = None


class Grade(msgspec.Struct, frozen=True):
    return_id: str
    qty: int
    grade: str
    disposition: Literal["restock", "damaged", "quarantine", "destroy", "vendor"]
    lead: Lead | None = None
    """Lets an associate release goods for sale with a store lead beside them."""


@command("take_return", TakeReturn, "return.receive")
def take_return(desk: Desk, args: TakeReturn) -> Result:
    order = args.order.strip().upper()
    if not order:
        raise refuse(Why.UNKNOWN_ORDER, order="")
    sku = desk.sku(args.sku)
    quantity(args.qty)
    known, since = _known(desk, order)
    line = args.line
    if known:
        lines = [(number, qty) for number, item, qty in known if item == sku and line in (0, number)]
        left = sum(qty for _number, qty in lines) - _came_back(desk, order, sku, line, since)
        if args.qty > left:
            raise refuse(Why.RETURN_TOO_MANY, left=max(left, 0), sku=sku, order=order)
        line = line or lines[0][0]
    elif not args.elsewhere:
        # Nothing here knows the order: it takes the person's word that it was bought elsewhere.
        raise refuse(Why.ORDER_NOT_HERE, order=order)
    return_id = "R" + made_of(desk.ctx.command, 10)
    desk.record(f.Returned(return_id, sku, args.qty, order, line, args.reason.strip()[:80], args.elsewhere))
    return {
        "return_id": return_id,
        "sku": sku,
        "qty": args.qty,
        "order": order,
        "line": line,
        "known": bool(known),
    }


def _known(desk: Desk, order: str) -> tuple[list[tuple[int, str, int]], int]:
    """(order line, SKU, units) that may come back, and since when returns here count against it.

    By the centre's word, which knew all returns of its day; else by what left this store.
    """
    told = desk.tx.execute(
        "SELECT line, sku, qty, told_at FROM returnable WHERE order_no = ? ORDER BY line, sku", (order,)
    ).fetchall()
    if told:
        return [(row[0], row[1], row[2]) for row in told], min(row[3] for row in told)
    left = desk.tx.execute(
        "SELECT l.order_line, l.sku, sum(l.released) FROM assignment_line l JOIN assignment a USING (fence) "
        "WHERE a.order_no = ? GROUP BY 1, 2 HAVING sum(l.released) > 0 ORDER BY 1, 2",
        (order,),
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in left], 0


def _came_back(desk: Desk, order: str, sku: str, line: int, since: int) -> int:
    found: int = desk.tx.execute(
        "SELECT coalesce(sum(qty), 0) FROM goods_return WHERE order_no = ?1 AND order_no <> '' AND sku = ?2 "
        "AND (?3 = 0 OR line IN (0, ?3)) AND received_at > ?4",
        (order, sku, line, since),
    ).fetchone()[0]
    return found


@command("blind_return", BlindReturn, "return.blind")
def blind_return(desk: Desk, args: BlindReturn) -> Result:
    sku = desk.sku(args.sku)
    quantity(args.qty)
    by = desk.second("return.blind", args.lead)
    return_id = "R" + made_of(desk.ctx.command, 10)
    desk.record(f.Returned(return_id, sku, args.qty, reason=args.reason.strip()[:80], allowed_by=by))
    return {"return_id": return_id, "sku": sku, "qty": args.qty}


@command("grade", Grade, "return.grade")
def grade(desk: Desk, args: Grade) -> Result:
    row = desk.tx.execute("SELECT * FROM goods_return WHERE id = ?", (args.return_id,)).fetchone()
    if row is None or row["graded"] >= row["qty"]:
        raise refuse(Why.UNKNOWN_RETURN, return_id=args.return_id)
    quantity(args.qty, row["qty"] - row["graded"], row["sku"])
    by, split = "", split_gain(0, share=0, debt=0, target=0)
    if args.disposition == "restock":
        by = desk.second("return.release", args.lead)
        if desk.ctx.person == row["received_by"] and not by:
            # Nobody turns their own word into goods for sale.
            by = _other(desk, args.lead, row["received_by"])
        shelf = read.shelf(desk.tx, row["sku"])
        split = split_gain(args.qty, share=shelf.share, debt=shelf.debt, target=shelf.target(args.qty))
    desk.record(
        f.Graded(
            args.return_id,
            row["sku"],
            args.qty,
            args.grade.strip()[:20],
            args.disposition,
            paid=split.paid,
            share=split.share,
            pool=split.pool,
            allowed_by=by,
        )
    )
    return {
        "return_id": args.return_id,
        "sku": row["sku"],
        "qty": args.qty,
        "disposition": args.disposition,
        "left": row["qty"] - row["graded"] - args.qty,
    }


def _other(desk: Desk, lead: Lead | None, receiver: str) -> str:
    if lead is None:
        raise refuse(Why.OWN_RECEIPT, person=desk.name(receiver))
    return desk.lead("return.release", lead)
