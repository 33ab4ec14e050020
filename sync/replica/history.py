"""The last movements of each SKU in this store, kept for people: the stock page says how it came to this.

A line is written when a fact is recorded or a decision applied, never when a rebase applies facts again,
so each movement is told once. Nothing is judged by these lines, and they are in no snapshot: a new box begins
without a past, and the centre's ledger has it all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.replica.context import Context
from sync.rules import stock
from sync.sqlite import Connection, Row
from sync.wire import decisions as d
from sync.wire import facts as f

KEPT = 200_000
"""Lines kept at most; a busy store has these for months."""
TIDY_EVERY = 500
SHOWN = 12

_INSERT = (
    "INSERT INTO movement (sku, at, kind, units, on_hand, share, debt, fence, person, note)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True)
class Line:
    sku: str
    units: int
    note: str = ""


def fact(tx: Connection, body: f.Body, ctx: Context, fence: int) -> None:
    """One fact of this store. `ctx.command` of the node's own acts begins with `auto`: nobody did them."""
    person = "" if ctx.command.startswith("auto") else ctx.person
    _write(
        tx,
        _lines(tx, body, fence),
        f.NAMES[type(body)],
        _moves(tx, body, fence),
        ctx.moment.now,
        fence,
        person,
    )


def decision(tx: Connection, body: d.Body, fence: int, at: int) -> None:
    """One decision of the centre that moves stock or a promise."""
    match body:
        case d.Granted():
            lines = [Line(body.sku, body.qty)]
        case d.DebtPaid():
            lines = [Line(body.sku, body.qty)]
        case d.StockLoaded():
            lines = [Line(sku, qty, body.document) for sku, qty, _share in body.rows]
        case d.Offered():
            lines = [Line(line.sku, line.qty) for line in body.lines]
        case d.Withdrawn():
            lines = [
                Line(row[0], row[1], body.reason)
                for row in tx.execute(
                    "SELECT sku, sum(qty - short - released) FROM assignment_line WHERE fence = ?"
                    " GROUP BY sku",
                    (fence,),
                )
            ]
        case d.TransferAnnounced():
            lines = [Line(sku, qty, body.sender) for sku, qty in body.rows]
        case _:
            return
    _write(tx, lines, d.NAMES[type(body)], list(stock.decided(body)), at, fence, "")


def last(db: Connection, sku: str, most: int = SHOWN) -> list[Row]:
    """The newest movements first."""
    return db.execute(
        "SELECT m.*, a.order_no, a.fo FROM movement m LEFT JOIN assignment a ON a.fence = m.fence"
        " WHERE m.sku = ? ORDER BY m.id DESC LIMIT ?",
        (sku, most),
    ).fetchall()


def why_suppressed(db: Connection, sku: str) -> Row | None:
    """The movement that said that the SKU cannot be found."""
    found: Row | None = db.execute(
        "SELECT * FROM movement WHERE sku = ? AND kind IN ('shorted', 'declined') AND note = 'not_found'"
        " ORDER BY id DESC LIMIT 1",
        (sku,),
    ).fetchone()
    return found


def _lines(tx: Connection, body: f.Body, fence: int) -> list[Line]:
    match body:
        case f.Picked() | f.PickUndone() | f.PutBack():
            return [Line(sku, body.qty) for sku in _sku(tx, fence, body.line)]
        case f.Shorted():
            own = [Line(sku, body.qty, body.reason) for sku in _sku(tx, fence, body.line)]
            return own + ([Line(body.instead, body.qty, "found_instead")] if body.instead else [])
        case f.HandedOver() | f.HandoverUndone() | f.Shipped():
            units: dict[str, int] = {}
            for line, qty in body.lines:
                for sku in _sku(tx, fence, line):
                    units[sku] = units.get(sku, 0) + qty
            return [Line(sku, qty) for sku, qty in units.items()]
        case f.Declined():
            return [Line(body.sku, 0, body.reason)] if body.sku else []
        case f.Counted():
            return [Line(body.sku, body.found)]
        case _:
            sku = getattr(body, "sku", "")
            return (
                [Line(sku, int(getattr(body, "qty", 0)), _note(body))] if isinstance(sku, str) and sku else []
            )


def _note(body: f.Body) -> str:
    match body:
        case f.Received():
            return body.document
        case f.TransferSent():
            return body.to
        case f.Adjusted():
            return body.to
        case f.Graded():
            return body.disposition
        case _:
            return ""


def _moves(tx: Connection, body: f.Body, fence: int) -> list[stock.Move]:
    match body:
        case f.HandedOver() | f.Shipped():
            return list(
                stock.released((sku, qty) for line, qty in body.lines for sku in _sku(tx, fence, line))
            )
        case f.HandoverUndone():
            return list(
                stock.released((sku, -qty) for line, qty in body.lines for sku in _sku(tx, fence, line))
            )
        case f.Shorted():
            return [move for sku in _sku(tx, fence, body.line) for move in stock.moves(body, sku)]
        case _:
            return list(stock.moves(body))


def _sku(tx: Connection, fence: int, line: int) -> list[str]:
    row = tx.execute("SELECT sku FROM assignment_line WHERE fence = ? AND line = ?", (fence, line)).fetchone()
    return [str(row[0])] if row else []


def _write(
    tx: Connection,
    lines: Iterable[Line],
    kind: str,
    moves: Iterable[stock.Move],
    at: int,
    fence: int,
    person: str,
) -> None:
    moved: dict[str, tuple[int, int, int]] = {}
    for move in moves:
        on_hand, share, debt = moved.get(move.sku, (0, 0, 0))
        moved[move.sku] = (on_hand + move.on_hand, share + move.share, debt + move.debt)
    rows = [
        (line.sku, at, kind, line.units, *moved.get(line.sku, (0, 0, 0)), fence, person, line.note)
        for line in lines
    ]
    if not rows:
        return
    tx.executemany(_INSERT, rows)
    newest = tx.execute("SELECT max(id) FROM movement").fetchone()[0]
    if newest // TIDY_EVERY != (newest - len(rows)) // TIDY_EVERY:
        tx.execute("DELETE FROM movement WHERE id <= ?", (newest - KEPT,))
