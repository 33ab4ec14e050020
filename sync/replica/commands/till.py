"""Till sales and returns. The store's share first; beyond it only if the till insists, as debt.

A sale is booked once by the till's own number, whatever the command id: tills repeat by themselves.
"""

from __future__ import annotations

import msgspec

from sync.replica import read
from sync.replica import till as asking
from sync.replica.commands.base import Desk, Result, command, quantity
from sync.rules.refusals import Refused, Why, refuse
from sync.rules.stock import split_loss
from sync.wire import facts as f


class TillSale(msgspec.Struct, frozen=True):
    sale: str
    rows: tuple[tuple[str, int], ...]
    insist: bool = False


class TillReturn(msgspec.Struct, frozen=True):
    sale: str
    sku: str
    qty: int


@command("till_sale", TillSale, "till.sell")
def till_sale(desk: Desk, args: TillSale) -> Result:
    sale = args.sale.strip()[:40]
    if not sale or not args.rows:
        raise refuse(Why.NOT_UNDERSTOOD, problem="sale")
    wanted = [(desk.sku(code), code, quantity(qty)) for code, qty in args.rows]
    booked = desk.tx.execute(
        "SELECT sku, qty FROM till_sale WHERE sale = ? ORDER BY length(id), id", (sale,)
    ).fetchall()
    if booked:
        if [tuple(row) for row in booked] != [(sku, qty) for sku, _code, qty in wanted]:
            raise refuse(Why.SALE_DIFFERS, sale=sale)
        return {"sale": sale, "repeated": True, "debt": 0, "rows": []}
    rows, debt = [], 0
    for number, (sku, code, qty) in enumerate(wanted, 1):
        answer = asking.answer(desk.tx, code, sku, qty)
        if not answer.may_sell and not (args.insist and answer.may_insist):
            raise refused(desk, answer)
        loss = split_loss(qty, share=answer.share)
        price = desk.tx.execute("SELECT price_fen FROM item WHERE sku = ?", (sku,)).fetchone()
        desk.record(f.Sold(sku, qty, loss.share, loss.debt, f"{sale}/{number}", price[0] if price else 0))
        debt += loss.debt
        rows.append(
            {
                "sku": sku,
                "qty": qty,
                "share": loss.share,
                "debt": loss.debt,
                "promised_to": [p.fo for p in reversed(answer.promised_to)] if loss.debt else [],
            }
        )
    return {"sale": sale, "repeated": False, "debt": debt, "rows": rows}


def refused(desk: Desk, answer: asking.Answer) -> Refused:
    """Names whom the units are promised to, newest first: the one a person would ask to wait."""
    promised = [p.fo for p in reversed(answer.promised_to)]
    common = {
        "item": desk.item(answer.sku),
        "sku": answer.sku,
        "qty": answer.qty,
        "share": answer.share,
        "says": str(answer.says),
        "may_insist": answer.may_insist,
        "orders": [p.order for p in reversed(answer.promised_to)],
    }
    if answer.says is asking.Says.PROMISED:
        return refuse(Why.PROMISED, promised=promised, **common)
    return refuse(Why.NO_SHARE, **common)


@command("till_return", TillReturn, "return.receive")
def till_return(desk: Desk, args: TillReturn) -> Result:
    sale, sku = args.sale.strip(), desk.sku(args.sku)
    quantity(args.qty)
    sold = desk.tx.execute(
        "SELECT coalesce(sum(qty), 0) FROM till_sale WHERE sale = ? AND sku = ?", (sale, sku)
    ).fetchone()[0]
    if not sold:
        raise refuse(Why.UNKNOWN_SALE, sale=sale, sku=sku)
    back = desk.tx.execute(
        "SELECT coalesce(sum(qty), 0) FROM goods_return WHERE sale = ? AND sale <> '' AND sku = ?",
        (sale, sku),
    ).fetchone()[0]
    if args.qty > sold - back:
        raise refuse(Why.RETURN_TOO_MANY, left=sold - back, sku=sku, order=sale)
    return_id = "R" + desk.ctx.new_id()[-10:]
    desk.record(f.SaleReturned(sku, args.qty, sale, return_id))
    return {
        "return_id": return_id,
        "sale": sale,
        "sku": sku,
        "qty": args.qty,
        "hold": read.shelf(desk.tx, sku).hold,
    }
