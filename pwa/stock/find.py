"""From whatever a person scans or types to goods."""

from __future__ import annotations

from pwa.desk import Desk
from sync.replica.resolve import item_of
from sync.sqlite import Connection, Row

MOST = 30


def find_sku(db: Connection, code: str) -> str:
    """The SKU of a GTIN, a GS1 code or a SKU itself; empty when nothing here has it."""
    found = item_of(db, code)
    return found.sku if found else ""


def search(desk: Desk, query: str) -> list[Row]:
    """Goods whose SKU begins with the words, then goods whose name holds them."""
    asked = query.strip()
    if len(asked) < 2:
        return []
    columns = "i.sku, i.name_en, i.name_zh, i.detail_en, i.detail_zh, coalesce(k.on_hand, 0) AS on_hand"
    tables = "item i LEFT JOIN stock k ON k.sku = i.sku"
    begins = asked.upper()
    rows = desk.rows(
        f"SELECT {columns} FROM {tables} WHERE i.sku >= ? AND i.sku < ? ORDER BY i.sku LIMIT {MOST}",
        begins,
        begins + "\U0010ffff",
    )
    if len(rows) < MOST:
        like = "%" + asked.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
        known = {row["sku"] for row in rows}
        rows += [
            row
            for row in desk.rows(
                f"SELECT {columns} FROM {tables} WHERE i.name_en LIKE ? ESCAPE '!' OR i.name_zh LIKE ?"
                f" ESCAPE '!'"
                f" LIMIT {MOST}",
                like,
                like,
            )
            if row["sku"] not in known
        ]
    return rows[:MOST]
