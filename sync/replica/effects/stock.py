"""What a fact does to the stock table: differences that add up, and goods that are hidden for a while."""

from __future__ import annotations

from collections.abc import Iterable

from sync.rules import stock
from sync.rules.counting import shifts_of
from sync.rules.reasons import REASONS
from sync.sqlite import Connection
from sync.wire import facts as f


def apply_stock(tx: Connection, body: f.Body, fence: int) -> None:
    """Alone for a fact whose other effects are still in place when the stock table was swapped."""
    match body:
        case f.HandedOver() | f.Shipped():
            move(tx, stock.released(skus_of(tx, fence, body.lines)))
        case f.HandoverUndone():
            move(tx, stock.released((sku, -qty) for sku, qty in skus_of(tx, fence, body.lines)))
        case f.Shorted():
            known = skus_of(tx, fence, ((body.line, body.qty),))
            for sku, _qty in known or ([(body.sku, body.qty)] if body.sku else []):
                move(tx, stock.moves(body, sku))
                if body.reason in REASONS and REASONS[body.reason].suppresses_sku:
                    _suppress(tx, sku)
        case f.Declined():
            if body.sku and body.reason in REASONS and REASONS[body.reason].suppresses_sku:
                _suppress(tx, body.sku)
        case f.Counted():
            move(tx, stock.moves(body))
            tx.execute("UPDATE stock SET suppressed = 0 WHERE sku = ? AND suppressed = 1", (body.sku,))
        case _:
            move(tx, stock.moves(body))
    if isinstance(body, f.Adjusted | f.Shorted | f.Sold | f.SaleVoided):
        _doubt(tx, body, fence)


def move(tx: Connection, moves: Iterable[stock.Move]) -> None:
    for m in moves:
        # UPDATE first: the row an upsert proposes would have to pass `share >= 0` by itself.
        changed = tx.execute(
            "UPDATE stock SET on_hand = on_hand + ?, share = share + ?, debt = debt + ?, "
            "damaged = damaged + ?, hold = hold + ? WHERE sku = ?",
            (m.on_hand, m.share, m.debt, m.damaged, m.hold, m.sku),
        ).rowcount
        if not changed:
            tx.execute(
                "INSERT INTO stock (sku, on_hand, share, debt, damaged, hold) VALUES (?, ?, ?, ?, ?, ?)",
                (m.sku, m.on_hand, m.share, m.debt, m.damaged, m.hold),
            )


def _doubt(tx: Connection, body: f.Body, fence: int) -> None:
    """The book is corrected about the past: a difference that waits may be about the same units."""
    known = dict(tx.execute("SELECT line, sku FROM assignment_line WHERE fence = ?", (fence,)).fetchall())
    for sku, _units, corrects in shifts_of(body, lambda line: known.get(line, "")):
        if corrects:
            tx.execute("UPDATE variance SET moved = 1 WHERE sku = ? AND state = 'open'", (sku,))


def _suppress(tx: Connection, sku: str) -> None:
    tx.execute(
        "INSERT INTO stock (sku, suppressed) VALUES (?, 1) ON CONFLICT (sku) DO UPDATE SET suppressed = 1",
        (sku,),
    )


def skus_of(tx: Connection, fence: int, lines: Iterable[tuple[int, int]]) -> list[tuple[str, int]]:
    known = dict(tx.execute("SELECT line, sku FROM assignment_line WHERE fence = ?", (fence,)).fetchall())
    return [(known[line], qty) for line, qty in lines if line in known]
