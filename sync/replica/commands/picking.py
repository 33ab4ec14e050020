"""Picking: waves with totes, units by line, shorts with reasons. Scans are in `scanning`."""

from __future__ import annotations

import json
import sqlite3

import msgspec

from sync.ids import made_of
from sync.replica import read
from sync.replica.commands.base import Desk, Result, command, quantity
from sync.replica.resolve import item_of, tote_code
from sync.rules.reasons import REASONS
from sync.rules.refusals import Why, refuse
from sync.rules.states import Step, allows
from sync.wire import facts as f

WAVE_MOST = 10
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class StartWave(msgspec.Struct, frozen=True):
    fences: tuple[int, ...]


class Pick(msgspec.Struct, frozen=True):
    fence: int
    line: int
    qty: int = 1
    code: str = ""


class UndoPick(msgspec.Struct, frozen=True):
    fence: int
    line: int
    qty: int = 1


class Short(msgspec.Struct, frozen=True):
    fence: int
    line: int
    qty: int
    reason: str
    note: str = ""
    instead: str = ""
    substitute: str = ""
    """A code of what the shopper takes instead."""
    chosen: str = ""
    """The SKU that was tapped in the list of what may come instead; what is scanned as well must be that."""
    agreed_by: str = ""


class PickLater(msgspec.Struct, frozen=True):
    fence: int
    line: int


@command("start_wave", StartWave, "pick")
def start_wave(desk: Desk, args: StartWave) -> Result:
    fences = list(dict.fromkeys(args.fences))
    most = min(read.policy_number(desk.tx, "wave_max", WAVE_MOST), len(LETTERS))
    if not fences:
        raise refuse(Why.BAD_QUANTITY, qty=0)
    if len(fences) > most:
        raise refuse(Why.WAVE_FULL, most=most)
    rows = [desk.assignment(fence, Step.START) for fence in fences]
    for row in rows:
        claimed(desk, row)
    wave = "W" + made_of(desk.ctx.command, 6)
    totes = []
    for letter, row in zip(LETTERS, rows, strict=False):
        desk.record(f.PickStarted(wave, letter), fence=row["fence"])
        totes.append(
            {"fence": row["fence"], "fo": row["fo"], "tote": letter, "code": tote_code(wave, letter)}
        )
    return {"wave": wave, "totes": totes}


@command("pick", Pick, "pick")
def pick(desk: Desk, args: Pick) -> Result:
    row = desk.assignment(args.fence)
    line = desk.line(row, args.line)
    left = line["qty"] - line["picked"] - line["short"]
    if left <= 0 and line["picked"] and row["state"] in ("picking", "picked"):
        raise enough(desk, line)
    desk.assignment(args.fence, Step.PICK)
    claimed(desk, row)
    quantity(args.qty, left, line["sku"])
    serial = _check_code(desk, line, args.code) if args.code else ""
    return picked(desk, row, line, args.qty, args.code, serial)


def _check_code(desk: Desk, line: sqlite3.Row, code: str) -> str:
    """A pick with a code is a scan of that line: anything else is loud."""
    item = item_of(desk.tx, code)
    if item is None:
        raise refuse(Why.UNKNOWN_CODE, code=code[:64])
    if item.sku != line["sku"]:
        raise wrong_item(desk, item.sku, line["sku"])
    return item.serial


def picked(desk: Desk, row: sqlite3.Row, line: sqlite3.Row, qty: int, code: str, serial: str) -> Result:
    """Record units of a line. One scan is one fact."""
    sku, fence = line["sku"], line["fence"]
    item = desk.tx.execute("SELECT serialised FROM item WHERE sku = ?", (sku,)).fetchone()
    if item is not None and item[0] and not serial:
        raise refuse(Why.SERIAL_WANTED, item=desk.item(sku), sku=sku)
    if serial:
        if qty != 1:
            raise refuse(Why.BAD_QUANTITY, qty=qty)
        used = desk.tx.execute(
            "SELECT a.order_no FROM serial s JOIN assignment a USING (fence)"
            " WHERE s.sku = ? AND s.serial = ?",
            (sku, serial),
        ).fetchone()
        if used is not None:
            raise refuse(Why.SERIAL_USED, serial=serial, sku=sku, order=used[0])
    desk.record(f.Picked(line["line"], qty, code.strip()[:90], serial), fence=fence)
    after = desk.assignment(fence)
    return {
        "kind": "picked",
        "fence": fence,
        "fo": row["fo"],
        "line": line["line"],
        "tote": row["tote"],
        "sku": sku,
        "qty": qty,
        "picked": line["picked"] + qty,
        "left": line["qty"] - line["picked"] - line["short"] - qty,
        "state": after["state"],
    }


@command("undo_pick", UndoPick, "pick")
def undo_pick(desk: Desk, args: UndoPick) -> Result:
    row = desk.assignment(args.fence, Step.UNDO_PICK)
    claimed(desk, row)
    line = desk.line(row, args.line)
    quantity(args.qty, line["picked"], line["sku"])
    desk.record(f.PickUndone(args.line, args.qty), fence=args.fence)
    return {"fence": args.fence, "line": args.line, "picked": line["picked"] - args.qty}


@command("short", Short, "order.reject")
def short(desk: Desk, args: Short) -> Result:
    row = desk.assignment(args.fence, Step.SHORT)
    claimed(desk, row)
    line = desk.line(row, args.line)
    reason = REASONS.get(args.reason)
    if reason is None or not reason.for_short:
        raise refuse(Why.UNKNOWN_REASON, reason=args.reason)
    instead = ""
    if args.instead:
        instead = desk.sku(args.instead)
        if instead == line["sku"]:
            raise refuse(Why.UNKNOWN_SKU, sku=args.instead)
    quantity(args.qty, line["qty"] - line["short"], line["sku"])
    substitute, consent = _substitute(desk, args, row, line) if args.substitute or args.chosen else ("", "")
    untouched = line["qty"] - line["short"] - line["picked"]
    if args.qty > untouched:
        # Found broken while packing: the unit leaves the tote first, then it is short.
        desk.record(f.PickUndone(args.line, args.qty - untouched), fence=args.fence)
    if substitute:
        # First, so that the pool has them when the centre hears of the order's new line.
        desk.record(f.Gave(substitute, args.qty))
    agreed_by = args.agreed_by[:80] if consent == "asked" else ""
    told = (args.line, args.qty, args.reason, args.note, instead, line["sku"], substitute, consent, agreed_by)
    desk.record(f.Shorted(*told), fence=args.fence)
    after = desk.assignment(args.fence)
    return {
        "fence": args.fence,
        "line": args.line,
        "short": line["short"] + args.qty,
        "state": after["state"],
        "count_asked": reason.asks_count,
    }


def _substitute(desk: Desk, args: Short, row: sqlite3.Row, line: sqlite3.Row) -> tuple[str, str]:
    """What the shopper takes instead, and how they agreed. Only of what this store may give by itself."""
    sku, mode = desk.sku(args.substitute or args.chosen), row["substitution"]
    if args.chosen and sku != args.chosen:
        raise wrong_item(desk, sku, args.chosen)
    if not mode or line["sellable"] or sku == line["sku"] or args.reason == "shopper_cancelled":
        raise refuse(Why.NO_SUBSTITUTE, order=row["order_no"], item=desk.item(line["sku"]), sku=line["sku"])
    if line["substitutes"] and sku not in json.loads(line["substitutes"]):
        raise refuse(Why.NOT_LISTED, found=desk.item(sku), found_sku=sku, item=desk.item(line["sku"]))
    if mode == "ask" and not args.agreed_by.strip():
        raise refuse(Why.CONSENT_WANTED, order=row["order_no"])
    found = desk.tx.execute("SELECT share FROM stock WHERE sku = ? AND suppressed = 0", (sku,)).fetchone()
    share = found[0] if found else 0
    if share < args.qty:
        raise refuse(Why.NO_SHARE, share=share, item=desk.item(sku), sku=sku, qty=args.qty)
    return sku, "asked" if mode == "ask" else "order"


@command("pick_later", PickLater, "pick")
def pick_later(desk: Desk, args: PickLater) -> Result:
    """The line goes to the end of the walk. Nothing happened, so there is no fact."""
    row = desk.assignment(args.fence, Step.PICK)
    desk.line(row, args.line)
    last = desk.tx.execute(
        "SELECT max(l.later) FROM assignment_line l JOIN assignment a USING (fence) "
        "WHERE a.fence = ?1 OR (a.wave <> '' AND a.wave = ?2)",
        (args.fence, row["wave"]),
    ).fetchone()[0]
    desk.tx.execute(
        "UPDATE assignment_line SET later = ? WHERE fence = ? AND line = ?",
        (last + 1, args.fence, args.line),
    )
    desk.hints.add(f"assignment:{args.fence}")
    return {"fence": args.fence, "line": args.line, "later": last + 1}


def claimed(desk: Desk, row: sqlite3.Row) -> None:
    """A task that somebody picks is theirs, until its tote is scanned by the next."""
    if row["picker"] not in ("", desk.ctx.person) and allows(row["state"], Step.START):
        raise refuse(
            Why.CLAIMED,
            person=desk.name(row["picker"]),
            order=row["order_no"],
            tote=tote_code(row["wave"], row["tote"]) if row["wave"] else row["order_no"],
        )


def enough(desk: Desk, line: sqlite3.Row) -> Exception:
    return refuse(
        Why.ENOUGH_PICKED,
        qty=line["picked"],
        item=desk.item(line["sku"]),
        sku=line["sku"],
    )


def wrong_item(desk: Desk, found: str, wanted: str) -> Exception:
    return refuse(
        Why.WRONG_ITEM,
        found=desk.item(found),
        found_sku=found,
        wanted=desk.item(wanted),
        wanted_sku=wanted,
        shelf=read.shelf_place(desk.tx, wanted),
    )
