"""Putting goods back: after a withdrawal, an expired hold, or a refusal at the counter.

Units count as sellable again when they are scanned back, not before.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sync.replica import read
from sync.replica.commands.base import Desk, Result, command, quantity
from sync.replica.resolve import item_of
from sync.rules.refusals import Why, refuse
from sync.rules.states import Step
from sync.wire import facts as f


class PutBackArgs(msgspec.Struct, frozen=True):
    fence: int
    code: str = ""
    line: int = 0
    qty: int = 1


@command("put_back", PutBackArgs, "put_back")
def put_back(desk: Desk, args: PutBackArgs) -> Result:
    row = desk.assignment(args.fence)
    if args.code:
        item = item_of(desk.tx, args.code)
        if item is None:
            raise refuse(Why.UNKNOWN_CODE, code=args.code[:64])
        return back(desk, row, item.sku, args.qty, args.code)
    return back(desk, row, desk.line(row, args.line)["sku"], args.qty, "", args.line)


def back(desk: Desk, row: sqlite3.Row, sku: str, qty: int, code: str, line: int = 0) -> Result:
    """Record units of a SKU as back on the shelf: the first line that still holds some of it."""
    fence = row["fence"]
    desk.assignment(fence, Step.FINISH_PUT_BACK)
    waiting = read.to_put_back(desk.tx, fence)
    matching = [w for w in waiting if w[1] == sku and line in (0, w[0])]
    if not matching:
        mine = next((w for w in read.lines(desk.tx, fence) if w["sku"] == sku), None)
        if mine is not None or not waiting:
            raise refuse(Why.TOO_MANY, left=0, sku=sku, qty=qty)
        raise refuse(
            Why.WRONG_ITEM,
            found=desk.item(sku),
            found_sku=sku,
            wanted=desk.item(waiting[0][1]),
            wanted_sku=waiting[0][1],
            shelf=read.shelf_place(desk.tx, waiting[0][1]),
        )
    number, _sku, left = matching[0]
    quantity(qty, left, sku)
    desk.record(f.PutBack(number, qty, code.strip()[:90]), fence=fence)
    desk.hints.add(f"stock:{sku}")
    after = desk.assignment(fence)
    return {
        "kind": "put_back",
        "fence": fence,
        "fo": row["fo"],
        "line": number,
        "sku": sku,
        "qty": qty,
        "left": sum(w[2] for w in waiting) - qty,
        "state": after["state"],
        "shelf": read.shelf_place(desk.tx, sku),
    }
