"""Counts of more than one thing: a list that somebody asks for, or everything, area by area.

On a list each SKU is counted in one go with the `count` command. A full count keeps what was entered per
area, each entry with the book of its moment (sync.rules.counting); the sheet is judged when it is closed.
All of it is the store's own work and goes on with the line cut.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sync.replica import log, read
from sync.replica.commands.base import Desk, Lead, Result, command
from sync.replica.commands.difference import Finding, above_the_limit, book, settle
from sync.replica.counting import Sheet, asked, sheet, unseen, verdicts
from sync.rules.counting import Difference
from sync.rules.reasons import LOST_RIGHTS
from sync.rules.refusals import Why, refuse
from sync.wire import facts as f

MOST_SKUS = 300
MOST_AREAS = 8
MOST_AT_ONCE = 300
"""Differences that one command books: the writer serves the whole store."""


class OpenSheet(msgspec.Struct, frozen=True):
    kind: Literal["list", "full"]
    title: str = ""
    skus: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    scope: str = ""
    blind: bool | None = None


class EnterCount(msgspec.Struct, frozen=True):
    sheet: str
    area: str
    sku: str
    found: int
    instead: bool = False


class FinishArea(msgspec.Struct, frozen=True):
    sheet: str
    area: str
    again: bool = False


class CloseSheet(msgspec.Struct, frozen=True):
    sheet: str
    unseen: Literal["", "zero", "leave", "cancel"] = ""
    """What becomes of goods that nobody came across: there are none, or the book stays.
    `cancel`: nothing of the count holds."""


class ConfirmVariances(msgspec.Struct, frozen=True):
    skus: tuple[str, ...]
    lead: Lead | None = None


class Recount(msgspec.Struct, frozen=True):
    sku: str


@command("open_sheet", OpenSheet, "stock.ask_count")
def open_sheet(desk: Desk, args: OpenSheet) -> Result:
    blind = read.policy(desk.tx, "count_blind", "yes") != "no" if args.blind is None else args.blind
    made = "L" + desk.ctx.new_id()[-9:]
    name = args.title.strip()[:40]
    if args.kind == "list":
        skus = tuple(dict.fromkeys(desk.sku(code) for code in args.skus))
        if not 1 <= len(skus) <= MOST_SKUS:
            raise refuse(Why.BAD_QUANTITY, qty=len(skus))
        desk.record(f.SheetOpened(made, "list", name, skus=skus, blind=blind))
    else:
        areas = tuple(dict.fromkeys(area.strip()[:40] for area in args.areas if area.strip()))
        if not 1 <= len(areas) <= MOST_AREAS:
            raise refuse(Why.BAD_QUANTITY, qty=len(areas))
        other = desk.tx.execute(
            "SELECT name, id FROM count_sheet WHERE kind = 'full' AND state = 'open'"
        ).fetchone()
        if other is not None:
            # Two full counts over the same goods would each book the same difference.
            raise refuse(Why.COUNT_GOES_ON, name=other["name"] or other["id"])
        scope = args.scope.strip()[:24]
        desk.record(f.SheetOpened(made, "full", name, areas=areas, scope=scope, blind=blind))
    desk.hints.add("task")
    return {"sheet": made}


@command("enter_count", EnterCount, "stock.count")
def enter_count(desk: Desk, args: EnterCount) -> Result:
    """What lies in this area. Written down at once; it changes the book when the sheet is closed."""
    sku = desk.sku(args.sku)
    at = _open(desk, args.sheet, args.area)
    if args.found < 0:
        raise refuse(Why.BAD_QUANTITY, qty=args.found)
    place = read.shelf_place(desk.tx, sku)
    if not place.startswith(at.scope):
        raise refuse(Why.NOT_IN_COUNT, item=desk.item(sku), sku=sku, shelf=place, scope=at.scope)
    if at.areas[args.area].finished:
        raise refuse(Why.AREA_FINISHED, area=args.area)
    there, position = read.shelf(desk.tx, sku).there, log.head(desk.tx)[0]
    desk.record(f.CountEntered(at.id, args.area, sku, args.found, there, position, args.instead))
    desk.hints.add("task")
    return {"sku": sku, "found": args.found, "area": args.area, "here": _entered(desk, at.id, args.area, sku)}


@command("finish_area", FinishArea, "stock.count")
def finish_area(desk: Desk, args: FinishArea) -> Result:
    at = _open(desk, args.sheet, args.area)
    if bool(at.areas[args.area].finished) != args.again:
        return {"area": args.area, "open": at.open_areas}  # a colleague was quicker
    desk.record(f.AreaFinished(at.id, args.area, log.head(desk.tx)[0], args.again))
    desk.hints.add("task")
    return {"area": args.area, "open": _open(desk, args.sheet).open_areas}


@command("close_sheet", CloseSheet, "stock.ask_count")
def close_sheet(desk: Desk, args: CloseSheet) -> Result:
    """Judge a full count. Small differences are booked, others wait; `left` says how many are still to do."""
    at = _open(desk, args.sheet)
    if args.unseen == "cancel":
        desk.record(f.SheetClosed(at.id, cancelled=True))
        desk.hints.add("task")
        return {"booked": 0, "waiting": 0, "left": 0}
    if at.kind != "full":
        raise refuse(Why.UNKNOWN_SHEET, sheet=args.sheet)
    if at.open_areas:
        raise refuse(Why.AREAS_OPEN, areas=at.open_areas)
    nowhere = unseen(desk.tx, at)
    if nowhere and not args.unseen:
        raise refuse(Why.GOODS_UNSEEN, skus=len(nowhere))
    waiting = booked = left = 0
    news = asked(desk.tx)
    for one in list(verdicts(desk.tx, at, nowhere if args.unseen == "zero" else {})):
        if not (one.difference.units or one.sku in news):
            continue
        if waiting + booked >= MOST_AT_ONCE:
            left += 1
            continue
        tasks = read.count_tasks(desk.tx, one.sku)
        low = any(task["reason"] == LOST_RIGHTS for task in tasks)
        ids = tuple(task["id"] for task in tasks)
        finding = Finding(one.sku, one.difference, one.by, one.position, at.id, ids, one.looked_at, low)
        waits = settle(desk, finding)
        waiting, booked = waiting + waits, booked + (not waits)
    if not left:
        desk.record(f.SheetClosed(at.id))
    desk.hints.add("task")
    return {"booked": booked, "waiting": waiting, "left": left}


@command("confirm_variances", ConfirmVariances, "stock.confirm_count")
def confirm_variances(desk: Desk, args: ConfirmVariances) -> Result:
    """A second person stands by differences that wait: they are booked as of the moment of the count."""
    if not args.skus or len(args.skus) > MOST_AT_ONCE:
        raise refuse(Why.BAD_QUANTITY, qty=len(args.skus))
    who = desk.second("stock.confirm_count", args.lead)
    if not who and args.lead is not None and args.lead.person:
        who = desk.lead("stock.confirm_count", args.lead)  # a lead who counted, and another one beside them
    who = who or desk.ctx.person
    for sku in dict.fromkeys(args.skus):
        row = desk.tx.execute("SELECT * FROM variance WHERE sku = ? AND state = 'open'", (sku,)).fetchone()
        if row is None:
            raise refuse(Why.NO_VARIANCE, item=desk.item(sku), sku=sku)
        by = tuple(row["counted_by"].split())
        difference = Difference(row["expected"], row["found"], bool(row["moved"]))
        if who in by and above_the_limit(desk, sku, difference.units):
            raise refuse(Why.OWN_COUNT, person=desk.name(who), item=desk.item(sku), sku=sku)
        tasks = tuple(dict.fromkeys((*row["tasks"].split(), *_ids(desk, sku))))
        book(
            desk,
            Finding(sku, difference, by, row["position"], row["sheet"], tasks, row["looked_at"]),
            allowed_by=who,
        )
    return {"skus": list(args.skus), "by": who}


@command("recount", Recount, "stock.count")
def recount(desk: Desk, args: Recount) -> Result:
    """Doubt a difference that waits: somebody else counts again, in one go."""
    row = desk.tx.execute("SELECT * FROM variance WHERE sku = ? AND state = 'open'", (args.sku,)).fetchone()
    if row is None:
        raise refuse(Why.NO_VARIANCE, item=desk.item(args.sku), sku=args.sku)
    by = row["counted_by"].split()
    desk.record(f.RecountAsked(args.sku, row["sheet"], by[0] if len(by) == 1 else ""))
    desk.hints.add("task")
    return {"sku": args.sku}


def _open(desk: Desk, wanted: str, area: str = "") -> Sheet:
    found = sheet(desk.tx, wanted)
    if found is None or found.state != "open" or (area and area not in found.areas):
        raise refuse(Why.UNKNOWN_SHEET, sheet=wanted)
    return found


def _ids(desk: Desk, sku: str) -> tuple[str, ...]:
    return tuple(task["id"] for task in read.count_tasks(desk.tx, sku))


def _entered(desk: Desk, of: str, area: str, sku: str) -> int:
    row = desk.tx.execute(
        "SELECT coalesce(sum(found), 0) FROM count_entry"
        " WHERE sheet = ? AND area = ? AND sku = ? AND void = 0",
        (of, area, sku),
    ).fetchone()
    return int(row[0])
