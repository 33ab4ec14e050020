"""A scan, wherever the person is: goods into a tote or back to the shelf, a tote taken over, a parcel.

One scan is one commit and one fact. A wrong scan is a loud refusal that names what it is and what
is wanted; nothing is guessed.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sync.replica import read
from sync.replica.commands.base import Desk, Result, command
from sync.replica.commands.picking import claimed, enough, picked, wrong_item
from sync.replica.commands.putback import back
from sync.replica.resolve import Item, ParcelCode, Tote, resolve, tote_code
from sync.rules.refusals import Why, refuse
from sync.rules.states import State, Step
from sync.wire import facts as f


class Scan(msgspec.Struct, frozen=True):
    code: str
    wave: str = ""
    fence: int = 0


@command("scan", Scan, "pick")
def scan(desk: Desk, args: Scan) -> Result:
    found = resolve(desk.tx, args.code)
    if found is None:
        raise refuse(Why.UNKNOWN_CODE, code=args.code.strip()[:64])
    if isinstance(found, ParcelCode):
        row = desk.assignment(found.fence)
        return {
            "kind": "parcel",
            "parcel": found.code,
            "fence": found.fence,
            "fo": row["fo"],
            "state": row["state"],
        }
    if isinstance(found, Tote):
        return _tote(desk, found)
    if not args.wave and not args.fence:
        shelf = read.shelf(desk.tx, found.sku)
        return {
            "kind": "item",
            "sku": found.sku,
            "on_hand": shelf.on_hand,
            "share": shelf.share,
            "there": shelf.there,
            "shelf": read.shelf_place(desk.tx, found.sku),
        }
    rows = _rows(desk, args)
    if len(rows) == 1 and rows[0]["state"] == State.PUT_BACK:
        return back(desk, rows[0], found.sku, 1, args.code)
    return _pick(desk, rows, found, args.code)


def _rows(desk: Desk, args: Scan) -> list[sqlite3.Row]:
    if args.fence:
        return [desk.assignment(args.fence)]
    rows = desk.tx.execute(
        "SELECT * FROM assignment WHERE wave = ? AND wave <> '' ORDER BY accept_by, fence", (args.wave,)
    ).fetchall()
    if not rows:
        raise refuse(Why.UNKNOWN_TASK, wave=args.wave)
    return rows


def _tote(desk: Desk, found: Tote) -> Result:
    """A tote's code carries a task from one handheld, perhaps a dead one, to the next."""
    row = desk.assignment(found.fence)
    taken_over = row["picker"] not in ("", desk.ctx.person) and row["state"] == State.PICKING
    if taken_over:
        desk.record(f.PickStarted(row["wave"], row["tote"]), fence=found.fence)
    return {
        "kind": "tote",
        "fence": found.fence,
        "fo": row["fo"],
        "wave": row["wave"],
        "tote": row["tote"],
        "code": tote_code(row["wave"], row["tote"]),
        "state": row["state"],
        "taken_over": taken_over,
    }


def _pick(desk: Desk, rows: list[sqlite3.Row], item: Item, code: str) -> Result:
    """The open line of this SKU that has waited longest, over all totes of the wave."""
    full: sqlite3.Row | None = None
    wanted: sqlite3.Row | None = None
    for row in rows:
        for line in read.lines(desk.tx, row["fence"]):
            still_open = line["picked"] + line["short"] < line["qty"]
            if line["sku"] == item.sku:
                if still_open:
                    desk.assignment(row["fence"], Step.PICK)
                    claimed(desk, row)
                    return picked(desk, row, line, 1, code, item.serial)
                full = full or line
            elif still_open and (wanted is None or line["later"] < wanted["later"]):
                wanted = line
    if full is not None:
        raise enough(desk, full)
    if wanted is not None:
        raise wrong_item(desk, item.sku, wanted["sku"])
    raise desk.not_now(rows[0])
