"""From what a person typed to the page that shows it."""

from __future__ import annotations

import sqlite3
from urllib.parse import quote


def find(db: sqlite3.Connection, asked: str) -> str:
    """The path of the page, or nothing."""
    upper = asked.upper()
    for table, column, value, path in (
        ("shop_order", "no", upper, "/orders/{}"),
        ("store", "code", upper, "/stores/{}"),
        ("item", "sku", asked, "/skus/{}"),
        ("item", "sku", upper, "/skus/{}"),
        ("open_case", "id", upper, "/cases/{}"),
    ):
        row = db.execute(f"SELECT {column} FROM {table} WHERE {column} = ?", (value,)).fetchone()
        if row is not None:
            return path.format(row[0])
    row = db.execute("SELECT order_no FROM fulfilment_order WHERE fo = ?", (upper,)).fetchone()
    if row is not None:
        return f"/orders/{row[0]}"
    if asked.isdigit():
        row = db.execute("SELECT sku FROM gtin WHERE gtin = ?", (asked.zfill(14),)).fetchone()
        if row is not None:
            return f"/skus/{row[0]}"
    row = db.execute("SELECT no FROM shop_order WHERE external_id = ? LIMIT 1", (asked,)).fetchone()
    if row is not None:
        return f"/orders/{row[0]}"
    row = db.execute(
        "SELECT code FROM store WHERE name_en LIKE :like OR name_zh LIKE :like ORDER BY code LIMIT 1",
        {"like": f"%{asked}%"},
    ).fetchone()
    if row is not None:
        return f"/stores/{row[0]}"
    like = f"%{asked}%"
    if db.execute(
        "SELECT 1 FROM item WHERE sku LIKE ? OR name_en LIKE ? OR name_zh LIKE ? LIMIT 1", (like, like, like)
    ).fetchone():
        return f"/skus?q={quote(asked)}"
    return ""
