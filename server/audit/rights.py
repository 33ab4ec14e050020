"""Rule 1, and the half of rule 3 that is about stock: rights add up, and every movement counts once."""

from __future__ import annotations

from server.audit.arithmetic import COLUMNS, of_decision
from server.audit.reading import LEDGER_COLUMNS, Place, Reading
from server.audit.verdict import Audit

_LEDGER = ", ".join(LEDGER_COLUMNS)
_STORE = ", ".join(COLUMNS)
_NOTHING = [0] * len(LEDGER_COLUMNS)


def named(row: tuple[int, ...]) -> str:
    return " ".join(f"{name} {units}" for name, units in zip(COLUMNS, row, strict=True))


def centre_stock(seen: Reading, found: Audit, touched: set[Place]) -> None:
    promised: dict[Place, int] = {
        (store, sku): units
        for store, sku, units in seen.centre.execute(
            "SELECT a.store, l.sku, SUM(l.reserved) FROM assignment_line l"
            " JOIN assignment a ON a.fence = l.fence WHERE l.reserved <> 0 GROUP BY a.store, l.sku"
        )
    }
    from_zero: dict[str, bool] = {}
    rows = _all_rows(seen, touched | promised.keys()) if seen.first else _rows(seen, touched)
    for (store, sku), units in rows.items():
        place, who = (store, sku), f"{store} {sku}"
        on_hand, reserved, share, pool, debt, damaged, hold = units
        if on_hand + debt != reserved + share + pool:
            found.against(
                "no_oversell",
                f"{who}: {on_hand} on hand + {debt} debt is not {reserved} + {share} + {pool} rights",
            )
        if min(reserved, share, pool, damaged, hold) < 0:
            found.against(
                "no_oversell", f"{who}: below zero: {dict(zip(LEDGER_COLUMNS, units, strict=True))}"
            )
        if reserved != promised.get(place, 0):
            found.against(
                "no_oversell", f"{who}: reserved {reserved}, assignments hold {promised.get(place, 0)}"
            )
        if reserved + share + pool > on_hand and not _a_fact_says_why(seen, place):
            found.against("no_oversell", f"{who}: rights exceed stock by {debt}, and no fact says why")
        if seen.ledger.get(place, _NOTHING) != list(units):
            found.against(
                "exactly_once",
                f"{who}: the book says {units}, its ledger adds up to {seen.ledger.get(place)}",
            )
        expected, actual = seen.books[store].row(sku), (on_hand, share, debt, damaged, hold)
        if store not in from_zero:
            from_zero[store] = seen.adds_up_from_zero(store)
        if from_zero[store] and expected != actual:
            found.against(
                "exactly_once",
                f"{who}: facts and decisions make {named(expected)}; the centre has {named(actual)}",
            )


def _all_rows(seen: Reading, known: set[Place]) -> dict[Place, tuple[int, ...]]:
    rows = {
        (row[0], row[1]): tuple(row[2:])
        for row in seen.centre.execute(f"SELECT store, sku, {_LEDGER} FROM stock")
    }
    for place in known - rows.keys():
        rows[place] = tuple(_NOTHING)
    return rows


def _rows(seen: Reading, places: set[Place]) -> dict[Place, tuple[int, ...]]:
    rows = {}
    for place in places:
        row = seen.centre.execute(
            f"SELECT {_LEDGER} FROM stock WHERE store = ? AND sku = ?", place
        ).fetchone()
        rows[place] = tuple(_NOTHING) if row is None else tuple(row)
    return rows


def _a_fact_says_why(seen: Reading, place: Place) -> bool:
    """Debt is allowed where a recorded physical fact made it so."""
    row = seen.centre.execute(
        "SELECT 1 FROM stock_ledger WHERE store = ? AND sku = ? AND number > 0 AND debt > 0 LIMIT 1",
        place,
    ).fetchone()
    return row is not None


def unbacked_promises(seen: Reading, found: Audit) -> None:
    """An open promise holds a reservation for all that it still has to bring."""
    for fence, store, sku, wanted, reserved in seen.centre.execute(
        "SELECT a.fence, a.store, l.sku, l.qty - l.short - l.released, l.reserved FROM assignment a"
        " JOIN assignment_line l ON l.fence = a.fence"
        " WHERE a.ended_at = 0 AND a.released_at = 0 AND l.qty - l.short - l.released > l.reserved"
    ):
        found.against(
            "no_oversell",
            f"assignment {fence} at {store} still promises {wanted} of {sku} and holds {reserved}",
        )


def store_stock(seen: Reading, found: Audit) -> None:
    """Each fact and each decision has moved the store's own stock once."""
    for side in seen.changed:
        taken = int(side.meta("decisions_number", "0"))
        while side.ahead and side.ahead[0][0] <= taken:
            _, kind, body = side.ahead.popleft()
            for effect in of_decision(kind, body):
                side.book.add(effect)
        if seen.first:
            rows = {row[0]: tuple(row[1:]) for row in side.db.execute(f"SELECT sku, {_STORE} FROM stock")}
            for sku in side.book.moved:
                rows.setdefault(sku, (0,) * len(COLUMNS))
        else:
            rows = {}
            for sku in side.book.moved:
                row = side.db.execute(f"SELECT {_STORE} FROM stock WHERE sku = ?", (sku,)).fetchone()
                rows[sku] = (0,) * len(COLUMNS) if row is None else tuple(row)
        side.book.moved.clear()
        from_zero = seen.adds_up_from_zero(side.code)
        for sku, units in rows.items():
            if units[1] < 0:
                found.against("no_oversell", f"store {side.code} {sku}: share {units[1]} is below zero")
            if from_zero and side.book.row(sku) != units:
                found.against(
                    "exactly_once",
                    f"store {side.code} {sku}: facts and decisions make {named(side.book.row(sku))};"
                    f" the store has {named(units)}",
                )
