"""The store's side of the comparison with the centre (`sync.rules.digest`)."""

from __future__ import annotations

from sync.rules import digest as rules
from sync.sqlite import Connection

_WORKED = ", ".join(f"'{state}'" for state in rules.WORKED)


def digest(db: Connection) -> rules.Sums:
    stock = db.execute("SELECT sku, on_hand, share, debt, damaged, hold FROM stock")
    work = db.execute(
        "SELECT l.fence, l.line, l.picked, l.short, l.released, l.put_back FROM assignment_line l "
        "JOIN assignment a USING (fence) WHERE a.ownership = 'confirmed' "
        f"AND a.state IN ({_WORKED}) AND l.open = 1"
    )
    return rules.digest((tuple(row) for row in stock), (tuple(row) for row in work))
