"""Rule 2: a unit of an order line leaves at most one store."""

from __future__ import annotations

from server.audit.reading import Reading
from server.audit.verdict import Audit


def one_release(seen: Reading, found: Audit) -> None:
    """Judged from the facts that have come in: what an offline store did, nobody can know yet."""
    for fence, line in seen.newly_released:
        order, sku, order_line, qty = seen.line(fence, line)
        units = seen.line_released[fence, line]
        if units > qty or units < 0:
            found.against("one_release", f"assignment {fence} line {line} ({sku}) released {units} of {qty}")
        ordered = _ordered(seen, order, order_line, sku)
        left = seen.released[order, order_line, sku]
        if left > ordered and not _has_case(seen, order):
            found.against(
                "one_release",
                f"order {order} line {order_line}: {left} of {sku} left the stores, {ordered} were ordered,"
                " and no case tells a person",
            )
    seen.newly_released.clear()


def _ordered(seen: Reading, order: str, order_line: int, sku: str) -> int:
    row = seen.centre.execute(
        "SELECT l.qty * COALESCE((SELECT p.qty FROM sellable_part p"
        " WHERE p.sellable = l.sellable AND p.sku = ?), CASE WHEN l.sellable = ? THEN 1 ELSE 0 END)"
        " FROM shop_order_line l WHERE l.order_no = ? AND l.line = ?",
        (sku, sku, order, order_line),
    ).fetchone()
    return 0 if row is None else int(row[0])


def _has_case(seen: Reading, order: str) -> bool:
    return (
        seen.centre.execute("SELECT 1 FROM open_case WHERE order_no = ? LIMIT 1", (order,)).fetchone()
        is not None
    )
