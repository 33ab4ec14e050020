"""Work on the shelf: counting, receiving, sending to another store, taking goods out of sale.

Units that arrive pay debt first, fill the share up to its target, and the rest is the pool's;
units that leave take the share first, and the rest is debt.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sync.replica import log, read
from sync.replica.commands.base import Desk, Lead, Result, command, quantity
from sync.replica.commands.difference import Finding, settle
from sync.rules.counting import Difference
from sync.rules.reasons import LOST_RIGHTS
from sync.rules.refusals import Why, refuse
from sync.rules.stock import split_gain, split_loss
from sync.wire import facts as f

ADJUST_ALONE = 2
"""Units that an associate may take out of sale without a store lead; policy `adjust_alone`."""


class Count(msgspec.Struct, frozen=True):
    sku: str
    found: int
    task: str = ""


class Receive(msgspec.Struct, frozen=True):
    code: str
    qty: int
    document: str = ""


class SendTransfer(msgspec.Struct, frozen=True):
    to: str
    rows: tuple[tuple[str, int], ...]


class Adjust(msgspec.Struct, frozen=True):
    sku: str
    qty: int
    reason: str
    to: Literal["damaged", "gone"] = "damaged"
    lead: Lead | None = None


@command("count", Count, "stock.count")
def count(desk: Desk, args: Count) -> Result:
    """Units found on the sales shelf; those in totes and on the waiting shelf are not counted with them."""
    sku = desk.sku(args.sku)
    if args.found < 0:
        raise refuse(Why.BAD_QUANTITY, qty=args.found)
    tasks = read.count_tasks(desk.tx, sku)
    if args.task and all(task["id"] != args.task for task in tasks):
        raise refuse(Why.UNKNOWN_TASK, task=args.task)
    for task in tasks:
        if task["not_by"] == desk.ctx.person:
            raise refuse(Why.OWN_FINDING, person=desk.name(desk.ctx.person), sku=sku)
    answered = [task["id"] for task in tasks]
    on_sheet = next((task["sheet"] for task in tasks if task["sheet"]), "")
    found = Difference(read.shelf(desk.tx, sku).there, args.found, moved=False)
    # A difference that waited is of an older moment: this count takes its place, and answers its tasks.
    older = desk.tx.execute(
        "SELECT tasks FROM variance WHERE sku = ? AND state <> 'applied'", (sku,)
    ).fetchone()
    for_tasks = tuple(dict.fromkeys([*answered, *(older["tasks"].split() if older else ())]))
    position = log.head(desk.tx)[0]
    low = any(task["reason"] == LOST_RIGHTS for task in tasks)
    finding = Finding(sku, found, (desk.ctx.person,), position, on_sheet, for_tasks, book_is_low=low)
    waits = settle(desk, finding)
    return {
        "sku": sku,
        "expected": found.expected,
        "found": args.found,
        "difference": found.units,
        "tasks": answered,
        "waits": waits,
    }


@command("receive", Receive, "stock.receive")
def receive(desk: Desk, args: Receive) -> Result:
    sku = desk.sku(args.code)
    quantity(args.qty)
    shelf = read.shelf(desk.tx, sku)
    gain = split_gain(args.qty, share=shelf.share, debt=shelf.debt, target=shelf.target(args.qty))
    document = args.document.strip()[:40]
    desk.record(f.Received(sku, args.qty, gain.paid, gain.share, gain.pool, document))
    announced = desk.tx.execute(
        "SELECT qty, received FROM transfer WHERE code = ? AND direction = 'in' AND sku = ?", (document, sku)
    ).fetchone()
    return {
        "sku": sku,
        "qty": args.qty,
        "document": document,
        "announced": announced["qty"] if announced else 0,
        "received": announced["received"] if announced else args.qty,
    }


@command("send_transfer", SendTransfer, "stock.transfer")
def send_transfer(desk: Desk, args: SendTransfer) -> Result:
    if (
        args.to == desk.store
        or not desk.tx.execute("SELECT 1 FROM store WHERE code = ?", (args.to,)).fetchone()
    ):
        raise refuse(Why.UNKNOWN_STORE, store=args.to)
    if not args.rows:
        raise refuse(Why.BAD_QUANTITY, qty=0)
    transfer = "T" + desk.ctx.new_id()[-8:]
    for code, qty in args.rows:
        sku = desk.sku(code)
        quantity(qty)
        shelf = read.shelf(desk.tx, sku)
        if qty > shelf.there:
            raise refuse(Why.LESS_THAN_THERE, there=max(shelf.there, 0), sku=sku, qty=qty)
        if qty > shelf.free:
            promised = read.promised_to(desk.tx, sku)
            raise refuse(
                Why.PROMISED, item=desk.item(sku), sku=sku, promised=[p.order for p in reversed(promised)]
            )
        loss = split_loss(qty, share=shelf.share)
        desk.record(f.TransferSent(transfer, args.to, sku, qty, loss.share, loss.debt))
    return {"transfer": transfer, "to": args.to, "rows": [list(row) for row in args.rows]}


@command("adjust", Adjust, "stock.adjust_down")
def adjust(desk: Desk, args: Adjust) -> Result:
    sku = desk.sku(args.sku)
    shelf = read.shelf(desk.tx, sku)
    quantity(args.qty)
    if args.qty > shelf.there:
        raise refuse(Why.LESS_THAN_THERE, there=max(shelf.there, 0), sku=sku, qty=args.qty)
    if not args.reason.strip():
        raise refuse(Why.UNKNOWN_REASON, reason="")
    alone = read.policy_number(desk.tx, "adjust_alone", ADJUST_ALONE)
    by = desk.second("stock.adjust_down", args.lead) if args.qty > alone else ""
    loss = split_loss(args.qty, share=shelf.share)
    desk.record(f.Adjusted(sku, args.qty, loss.share, loss.debt, args.to, args.reason.strip()[:80], by))
    return {"sku": sku, "qty": args.qty, "to": args.to}
