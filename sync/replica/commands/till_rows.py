"""What a till says has happened already: sales, returns and sales taken back, hours or a night later.

A fact is never refused. Each row is booked once, by the till's own number of the sale and line. What cannot
be booked (a code nobody knows, a number used before for other goods) is recorded as `till_unclear`, moves no
stock, becomes a case at the centre, and is tried again when the catalogue changes or the row comes again.

**A count in between.** A sale at ten that arrives at night, and a count of the same SKU at two: the count did
not find the unit, so it is out of stock already, and booking the sale would take it out twice. So a movement
that the till dates before the last count moves nothing (`counted`), one after it is booked. Where that
cannot be told (the file names only the day, or both happened within two minutes by two clocks) the movement
is booked, which at worst hides a unit for a while, and the SKU is counted again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from sync.replica import notices, read, till
from sync.replica.commands.base import Desk
from sync.rules.stock import split_gain, split_loss
from sync.sqlite import Connection
from sync.wire import facts as f

LONGEST_SALE = 40
CLOCKS_MS = 120_000
"""Two clocks in one shop are rarely this far apart."""
MOST_UNITS = 100_000
KEEP_MS = 400 * 24 * 3_600_000
"""A row is remembered for so long; a file older than that would be booked again."""
KEEP_FILES = 60
TRY_AGAIN = 1_000


class TillRow(msgspec.Struct, frozen=True, omit_defaults=True):
    what: Literal["sale", "return", "void"]
    sale: str
    line: str
    """Number of the line within its sale; empty for a void of the whole sale."""
    code: str = ""
    qty: int = 0
    at: int = 0
    """The till's time, ms since 1970."""
    within: int = 0
    """The till says no more than that it was within so many ms after `at` (a day without a time)."""
    price_fen: int = -1
    till: str = ""
    of: str = ""
    """Of a return or void that has a number of its own: the sale that it belongs to."""
    store: str = ""
    """Of a return: the store that sold it."""
    said: str = ""
    problem: str = ""
    """Why the row cannot be booked as it is, known before looking anything up (`not_whole`)."""

    @property
    def id(self) -> str:
        return f"{self.what}:{self.sale}/{self.line}"


class Taken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a row."""

    state: Literal["booked", "repeated", "unclear"]
    reason: str = ""
    debt: int = 0
    promised_to: tuple[str, ...] = ()
    """Where the sale went beyond the share: the orders whose goods it took, the newest first."""
    counted: int = 0
    doubt: bool = False
    row: str = ""


@dataclass(frozen=True)
class Line:
    """One booked line of a sale, and what of it has not come back."""

    id: str
    sku: str
    qty: int
    left: int


class Unclear(Exception):
    pass


def take(desk: Desk, row: TillRow) -> Taken:
    """Book a row, or say why not. The same row again changes nothing."""
    known = desk.tx.execute("SELECT state, reason FROM till_row WHERE id = ?", (row.id,)).fetchone()
    if known is not None and known["state"] == "booked":
        return _again(desk, row)
    if row.till:
        desk.ctx = replace(desk.ctx, device=row.till[:24])
    cleared = row.code[:64] or row.sale if known is not None else ""
    try:
        taken = _BOOK[row.what](desk, row, cleared)
    except Unclear as unclear:
        reason = str(unclear)
        if known is None:
            _tell(desk, row, reason)
        _remember(desk, row, "unclear", reason)
        return Taken("unclear", reason, row=row.id)
    _remember(desk, row, "booked", "")
    return taken


def _again(desk: Desk, row: TillRow) -> Taken:
    """Heard before. With other content under the same number it is another thing, and a person's."""
    before = desk.tx.execute("SELECT body FROM till_row WHERE id = ?", (row.id,)).fetchone()
    first = msgspec.json.decode(before["body"], type=TillRow)
    if (first.code, first.qty) == (row.code, row.qty):
        return Taken("repeated", row=row.id)
    other = msgspec.structs.replace(row, line=f"{row.line}~{row.code[:20]}*{row.qty}")
    known = desk.tx.execute("SELECT 1 FROM till_row WHERE id = ?", (other.id,)).fetchone()
    if known is None:
        _tell(desk, other, "number_used")
        _remember(desk, other, "unclear", "number_used")
    return Taken("unclear", "number_used", row=other.id)


def _tell(desk: Desk, row: TillRow, reason: str) -> None:
    desk.record(
        f.TillUnclear(
            row.id[:80], row.what, reason, row.code[:64], row.qty, row.sale, row.at, said=row.said[:200]
        )
    )


def _remember(desk: Desk, row: TillRow, state: str, reason: str) -> None:
    desk.tx.execute(
        "INSERT INTO till_row (id, state, reason, body, at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason",
        (row.id, state, reason, msgspec.json.encode(row).decode(), desk.now),
    )


# --- booking -----------------------------------------------------------------------------


def _sell(desk: Desk, row: TillRow, cleared: str) -> Taken:
    number = f"{row.sale}/{row.line}"
    booked = desk.tx.execute("SELECT sku, qty FROM till_sale WHERE id = ?", (number,)).fetchone()
    found = _goods(desk, row)
    if booked is not None:
        if (booked["sku"], booked["qty"]) != (found.sku, row.qty):
            raise Unclear("number_used")
        return Taken("repeated", row=row.id)  # the till had asked for it before
    counted, doubt = _in_count(desk.tx, found.sku, row)
    units = 0 if counted else row.qty
    loss = split_loss(units, share=found.share)
    price = row.price_fen if row.price_fen >= 0 else price_of(desk, found.sku)
    desk.record(
        f.Sold(
            found.sku,
            row.qty,
            loss.share,
            loss.debt,
            number,
            price,
            sold_at=row.at,
            counted=row.qty - units,
            doubt=doubt,
            cleared=cleared,
        )
    )
    promised = read.promised_to(desk.tx, found.sku) if loss.debt else []
    return Taken(
        "booked",
        debt=loss.debt,
        promised_to=tuple(p.fo for p in reversed(promised)),
        counted=row.qty - units,
        doubt=doubt,
        row=row.id,
    )


def _take_back(desk: Desk, row: TillRow, cleared: str) -> Taken:
    sku = _goods(desk, row).sku
    number = f"{desk.store}:{row.sale}/{row.line}"[:60]
    if desk.tx.execute("SELECT 1 FROM goods_return WHERE id = ?", (number,)).fetchone() is not None:
        return Taken("repeated", row=row.id)  # a box that lost its list of rows has heard it from the centre
    other = row.store if row.store != desk.store else ""
    sale = row.of or (row.sale if lines_of(desk.tx, row.sale) else "")
    # A till that names no sale is not doubted for it; one that names a sale is held to it.
    doubt = doubt_of(desk.tx, sale, sku, row.qty) if sale and not other else ""
    desk.record(
        f.SaleReturned(
            sku,
            row.qty,
            sale,
            number,
            other,
            returned_at=row.at,
            doubt=doubt,
            cleared=cleared,
        )
    )
    return Taken("booked", doubt=bool(doubt), reason=doubt, row=row.id)


def _void(desk: Desk, row: TillRow, cleared: str) -> Taken:
    sale = row.of or row.sale
    lines = lines_of(desk.tx, sale)
    if not lines:
        raise Unclear("unknown_sale")
    if row.line and not row.of:
        lines = [line for line in lines if line.id == f"{sale}/{row.line}"]
        if not lines or (row.qty and row.qty > lines[0].left):
            raise Unclear("unknown_sale" if not lines else "too_many")
    counted = 0
    for line in lines:
        units = min(line.left, row.qty or line.left) if len(lines) == 1 else line.left
        if units:
            counted += void_line(desk, line, units, row, cleared)
    return Taken("booked", counted=counted, row=row.id)


_BOOK = {"sale": _sell, "return": _take_back, "void": _void}


def void_line(desk: Desk, line: Line, units: int, row: TillRow | None = None, cleared: str = "") -> int:
    """Units of a booked line are on the shelf again: debt first, then the share up to its target."""
    counted, doubt = _in_count(desk.tx, line.sku, row) if row else (False, False)
    shelf = read.shelf(desk.tx, line.sku)
    real = 0 if counted else units
    gain = split_gain(real, share=shelf.share, debt=shelf.debt, target=shelf.target(real))
    done = desk.tx.execute("SELECT count(*) FROM till_void WHERE sale_line = ?", (line.id,)).fetchone()[0]
    desk.record(
        f.SaleVoided(
            f"{line.id}~{done + 1}",
            line.sku,
            units,
            line.id,
            gain.paid,
            gain.share,
            gain.pool,
            units - real,
            row.at if row else 0,
            doubt,
            cleared,
        )
    )
    return units if row is None else units - real


def _goods(desk: Desk, row: TillRow) -> till.Stands:
    if row.problem:
        raise Unclear(row.problem)
    if not 1 <= row.qty <= MOST_UNITS:
        raise Unclear("not_whole")
    found = till.stands(desk.tx, row.code)
    if found is None:
        raise Unclear("unknown_code")
    return found


def _in_count(tx: Connection, sku: str, row: TillRow) -> tuple[bool, bool]:
    """(a count has found this movement already, nobody can say)."""
    found = tx.execute("SELECT at FROM last_count WHERE sku = ?", (sku,)).fetchone()
    if found is None or not row.at:
        return False, False
    first, last = row.at - CLOCKS_MS, row.at + row.within + CLOCKS_MS
    if found[0] > last:
        return True, False
    return False, found[0] >= first


# --- what is known of a sale -----------------------------------------------------------------


def lines_of(tx: Connection, sale: str) -> list[Line]:
    """Booked lines of a sale; what came back over the counter is taken off the first lines of its SKU."""
    if not sale:
        return []
    rows = tx.execute(
        "SELECT s.id, s.sku, s.qty, s.qty - (SELECT coalesce(sum(v.qty), 0) FROM till_void v "
        "WHERE v.sale_line = s.id) FROM till_sale s WHERE s.sale = ? ORDER BY length(s.id), s.id",
        (sale,),
    ).fetchall()
    back = {
        row[0]: row[1]
        for row in tx.execute(
            "SELECT sku, sum(qty) FROM goods_return WHERE sale = ? AND sale <> '' GROUP BY sku", (sale,)
        )
    }
    found = []
    for number, sku, qty, left in rows:
        taken = min(left, back.get(sku, 0))
        back[sku] = back.get(sku, 0) - taken
        found.append(Line(number, sku, qty, left - taken))
    return found


def left_of(tx: Connection, sale: str, sku: str) -> int:
    return sum(line.left for line in lines_of(tx, sale) if line.sku == sku)


def doubt_of(tx: Connection, sale: str, sku: str, qty: int) -> Literal["", "unknown_sale", "too_many"]:
    """What does not fit about goods that come back for a sale of this store."""
    if all(line.sku != sku for line in lines_of(tx, sale)):
        return "unknown_sale"
    return "too_many" if qty > left_of(tx, sale, sku) else ""


def price_of(desk: Desk, sku: str) -> int:
    row = desk.tx.execute("SELECT price_fen FROM item WHERE sku = ?", (sku,)).fetchone()
    return int(row[0]) if row else 0


# --- afterwards ------------------------------------------------------------------------------


def try_again(desk: Desk) -> int:
    """Rows whose code nobody knew, once the catalogue has changed. How many could be booked."""
    if desk.tx.execute("SELECT 1 FROM till_row WHERE state = 'unclear' LIMIT 1").fetchone() is None:
        return 0  # asked every second: a store without such rows writes nothing
    cursor = read.meta(desk.tx, "stream_catalogue", "0")
    if cursor == read.meta(desk.tx, "till_tried", "0"):
        return 0
    desk.tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('till_tried', ?)", (cursor,))
    rows = desk.tx.execute(
        "SELECT body FROM till_row WHERE state = 'unclear' AND reason = 'unknown_code' "
        "ORDER BY at, id LIMIT ?",
        (TRY_AGAIN,),
    ).fetchall()
    taken = [take(desk, msgspec.json.decode(row["body"], type=TillRow)) for row in rows]
    return sum(one.state == "booked" for one in taken)


def keep_report(desk: Desk, name: str, digest: str, report: dict[str, Any]) -> None:
    tx = desk.tx
    number = tx.execute(
        "INSERT INTO till_file (name, digest, heard_at, report) VALUES (?, ?, ?, ?)",
        (name, digest, desk.now, json.dumps(report, ensure_ascii=False)),
    ).lastrowid
    tx.execute("DELETE FROM till_file WHERE id <= ?", ((number or 0) - KEEP_FILES,))
    tx.execute("DELETE FROM till_row WHERE at < ? AND state = 'booked'", (desk.now - KEEP_MS,))
    broken, unclear = int(report.get("broken", 0)), int(report.get("unclear", 0))
    if broken or unclear:
        notices.make(
            tx, f"till_file:{digest}", "till_file", desk.now, 0, name=name, broken=broken, unclear=unclear
        )
        desk.hints.add("notice")


def reports(db: Connection, most: int = 10) -> list[dict[str, Any]]:
    """The newest files first, each as it was reported, with the time it was heard."""
    rows = db.execute("SELECT * FROM till_file ORDER BY id DESC LIMIT ?", (most,)).fetchall()
    return [{"name": row["name"], "heard_at": row["heard_at"], **json.loads(row["report"])} for row in rows]
