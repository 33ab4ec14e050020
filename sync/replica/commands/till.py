"""Till sales, returns and voids: out of the share first, beyond it only if the till insists, as debt.

Each is booked once by the till's own number, whatever the command id: tills repeat by themselves. What a
till *asks* may be refused. What it says has *happened* is booked row by row and never refused
(`sync.replica.commands.till_rows`).
"""

from __future__ import annotations

import msgspec

from sync.replica import read
from sync.replica import till as asking
from sync.replica.commands import till_rows
from sync.replica.commands.base import Desk, Result, command, quantity
from sync.replica.commands.till_rows import LONGEST_SALE, TillRow
from sync.rules.refusals import Refused, Why, refuse
from sync.rules.stock import split_loss
from sync.wire import facts as f

MOST_ROWS = 500
"""Rows of one sale, or of one bite of a file: one transaction."""


class Back(msgspec.Struct, frozen=True):
    """Goods that come back in the same breath: an exchange."""

    code: str
    qty: int = 1
    sale: str = ""
    store: str = ""


class TillSale(msgspec.Struct, frozen=True):
    sale: str
    rows: tuple[tuple[str, int], ...]
    insist: bool = False
    back: tuple[Back, ...] = ()


class TillReturn(msgspec.Struct, frozen=True):
    sku: str
    qty: int
    sale: str = ""
    store: str = ""
    """The store that sold it, where it is another one."""
    insist: bool = False


class TillVoid(msgspec.Struct, frozen=True):
    sale: str


class TillRows(msgspec.Struct, frozen=True):
    rows: tuple[TillRow, ...]


class TillFile(msgspec.Struct, frozen=True):
    name: str
    digest: str
    report: dict[str, object]


@command("till_sale", TillSale, "till.sell")
def till_sale(desk: Desk, args: TillSale) -> Result:
    sale = args.sale.strip()
    if not sale or len(sale) > LONGEST_SALE or not (args.rows or args.back):
        raise refuse(Why.NOT_UNDERSTOOD, problem="sale")
    if len(args.rows) + len(args.back) > MOST_ROWS:
        raise refuse(Why.NOT_UNDERSTOOD, problem=f"rows > {MOST_ROWS}")
    wanted = [(found_here(desk, code), code, quantity(qty)) for code, qty in args.rows]
    booked = desk.tx.execute(
        "SELECT sku, qty FROM till_sale WHERE sale = ? ORDER BY length(id), id", (sale,)
    ).fetchall()
    if booked:
        if [tuple(row) for row in booked] != [(found.sku, qty) for found, _code, qty in wanted]:
            raise refuse(Why.SALE_DIFFERS, sale=sale)
        return {"sale": sale, "repeated": True, "debt": 0, "rows": [], "back": []}
    if args.back:
        desk.must("return.receive")
    back = [take_back(desk, one.code, one.qty, one.sale, one.store, args.insist) for one in args.back]
    rows, debt = [], 0
    for number, (found, code, qty) in enumerate(wanted, 1):
        # Read again: an earlier row of the same sale may have taken from the same share.
        answer = asking.judged(desk.tx, found_here(desk, code) if number > 1 else found, code, qty)
        if not answer.may_sell and not (args.insist and answer.may_insist):
            raise refused(desk, answer)
        loss = split_loss(qty, share=answer.share)
        price = till_rows.price_of(desk, answer.sku)
        desk.record(f.Sold(answer.sku, qty, loss.share, loss.debt, f"{sale}/{number}", price))
        debt += loss.debt
        rows.append(
            {
                "sku": answer.sku,
                "qty": qty,
                "share": loss.share,
                "debt": loss.debt,
                "promised_to": [p.fo for p in reversed(answer.promised_to)] if loss.debt else [],
            }
        )
    return {"sale": sale, "repeated": False, "debt": debt, "rows": rows, "back": back}


def found_here(desk: Desk, code: str) -> asking.Stands:
    found = asking.stands(desk.tx, code)
    if found is None:
        raise refuse(Why.UNKNOWN_CODE, code=code)
    return found


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
    return take_back(desk, args.sku, args.qty, args.sale, args.store, args.insist)


def take_back(desk: Desk, code: str, qty: int, sale: str, store: str, insist: bool) -> Result:
    """Into the hold. Of a sale of this store at most what it had left; of another store's on the till's
    word, which the centre checks; without a sale only if the till insists, because money went back."""
    sku, sale = found_here(desk, code).sku, sale.strip()
    quantity(qty)
    other = store.strip() if store.strip() != desk.store else ""
    if other and not desk.tx.execute("SELECT 1 FROM store WHERE code = ?", (other,)).fetchone():
        raise refuse(Why.UNKNOWN_STORE, store=other)
    doubt = "" if other else till_rows.doubt_of(desk.tx, sale, sku, qty)
    if doubt == "unknown_sale" and not insist:
        raise refuse(Why.UNKNOWN_SALE, sale=sale, sku=sku)
    if doubt == "too_many" and not insist:
        left = till_rows.left_of(desk.tx, sale, sku)
        raise refuse(Why.RETURN_TOO_MANY, left=left, sku=sku, order=sale)
    return_id = "R" + desk.ctx.new_id()[-10:]
    desk.record(f.SaleReturned(sku, qty, sale, return_id, other, doubt=doubt))
    hold = read.shelf(desk.tx, sku).hold
    return {"return_id": return_id, "sale": sale, "sku": sku, "qty": qty, "hold": hold, "doubt": doubt}


@command("till_void", TillVoid, "till.sell")
def till_void(desk: Desk, args: TillVoid) -> Result:
    """Take a whole sale back before the goods left: what it took is on the shelf again."""
    sale = args.sale.strip()
    lines = till_rows.lines_of(desk.tx, sale)
    if not lines:
        raise refuse(Why.NOTHING_TO_VOID, sale=sale)
    rows = [
        {"sku": line.sku, "qty": till_rows.void_line(desk, line, line.left)} for line in lines if line.left
    ]
    return {"sale": sale, "repeated": not rows, "rows": rows}


@command("till_rows", TillRows, "till.sell")
def take_rows(desk: Desk, args: TillRows) -> Result:
    """What has happened at a till, told later. Row by row; none is refused."""
    if len(args.rows) > MOST_ROWS:
        raise refuse(Why.NOT_UNDERSTOOD, problem=f"rows > {MOST_ROWS}")
    return {"rows": [msgspec.to_builtins(till_rows.take(desk, row)) for row in args.rows]}


@command("till_file", TillFile, "till.sell")
def till_file(desk: Desk, args: TillFile) -> Result:
    """A file was worked through: keep what it brought, and tell staff if something needs them."""
    till_rows.keep_report(desk, args.name[:120], args.digest, args.report)
    return {}
