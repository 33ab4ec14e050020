"""Catalogue uploads: items with GTINs, bundles, channel listings, shelves.

Each row is checked whole before anything of it is written, so a bad line leaves nothing behind.
What stores need goes out on the bulk streams once per upload; rows that say what they said before
are not sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from server.db import Tx
from server.link.decide import publish_many
from server.loading.cells import code, text, whole, words, yes
from server.loading.rows import BadRow, Loaded, Row, Rows, each
from sync.rules.codes import gtin14
from sync.texts import N_


def load_items(tx: Tx, rows: Rows | Iterable[Row], *, now: int) -> Loaded:
    """Columns: sku, name_en or name_zh (or name); detail_en, detail_zh, gtins, price_fen, serialised.

    A GTIN that an item had before and that the row does not name any more stays: codes on goods in
    the stores do not change because a file was shorter.
    """
    owners: dict[str, str] = dict(tx.execute("SELECT gtin, sku FROM gtin").fetchall())
    sellables = {row[0] for row in tx.execute("SELECT code FROM sellable")}
    codes_of: dict[str, list[str]] = {}
    for gtin, sku in owners.items():
        codes_of.setdefault(sku, []).append(gtin)
    items: dict[str, tuple[Any, ...]] = {}
    gtins: dict[str, str] = {}
    news: dict[str, dict[str, Any] | None] = {}

    def take(row: Row) -> None:
        sku = code(row, "sku")
        if sku in sellables:
            raise BadRow(N_("{sku} is the code of a bundle already."), sku=sku)
        name_en, name_zh = _names(row)
        detail = text(row, "detail", "")
        detail_en, detail_zh = text(row, "detail_en", detail), text(row, "detail_zh", detail)
        price = whole(row, "price_fen", 0, least=0)
        serialised = yes(row, "serialised", False)
        mine = _gtins(row, sku, owners)
        for gtin in mine:
            if gtin not in owners:
                owners[gtin] = gtins[gtin] = sku
                codes_of.setdefault(sku, []).append(gtin)
        items[sku] = (sku, name_en, name_zh, detail_en, detail_zh, price, serialised)
        news[sku] = {
            "name_en": name_en,
            "name_zh": name_zh,
            "detail_en": detail_en,
            "detail_zh": detail_zh,
            "gtins": sorted(codes_of.get(sku, [])),
            "price_fen": price,
            "serialised": serialised,
        }

    loaded = each(rows, take)
    tx.executemany(
        "INSERT INTO item (sku, name_en, name_zh, detail_en, detail_zh, price_fen, serialised)"
        " VALUES (?,?,?,?,?,?,?) ON CONFLICT (sku) DO UPDATE SET name_en = excluded.name_en,"
        " name_zh = excluded.name_zh, detail_en = excluded.detail_en, detail_zh = excluded.detail_zh,"
        " price_fen = excluded.price_fen, serialised = excluded.serialised",
        items.values(),
    )
    tx.executemany("INSERT INTO gtin (gtin, sku) VALUES (?,?)", gtins.items())
    publish_many(tx, "catalogue", news)
    if tx.execute("SELECT 1 FROM fact WHERE verdict = 'parked' LIMIT 1").fetchone():
        from server.facts.parked import retry_parked  # facts know every room; the catalogue needs none

        retry_parked(tx, now=now, note="unknown_sku")
    return loaded


def load_sellables(tx: Tx, rows: Rows | Iterable[Row]) -> Loaded:
    """Bundles. Columns: code, name_en or name_zh; parts: `SKU*2 SKU2`, or a list of [sku, qty] in JSON."""

    def take(row: Row) -> None:
        bundle = code(row, "code")
        if _has(tx, "item", "sku", bundle):
            raise BadRow(N_("{sku} is the SKU of an item already."), sku=bundle)
        name_en, name_zh = _names(row)
        parts = _parts(tx, row)
        tx.execute(
            "INSERT INTO sellable (code, name_en, name_zh) VALUES (?,?,?) ON CONFLICT (code)"
            " DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh",
            (bundle, name_en, name_zh),
        )
        tx.execute("DELETE FROM sellable_part WHERE sellable = ?", (bundle,))
        tx.executemany(
            "INSERT INTO sellable_part (sellable, sku, qty) VALUES (?,?,?)",
            [(bundle, sku, qty) for sku, qty in parts.items()],
        )
        news[bundle] = {
            "name_en": name_en,
            "name_zh": name_zh,
            "parts": [[sku, qty] for sku, qty in parts.items()],
        }

    news: dict[str, dict[str, Any] | None] = {}
    loaded = each(rows, take)
    publish_many(tx, "sellables", news)
    return loaded


def load_listings(tx: Tx, rows: Rows | Iterable[Row], *, channel: str = "") -> Loaded:
    """What a channel calls a sellable. Columns: channel (unless given), external_sku, sellable."""

    def take(row: Row) -> None:
        place = channel or code(row, "channel")
        external = text(row, "external_sku")
        sellable = code(row, "sellable", code(row, "sku", "")) or code(row, "sellable")
        if not _has(tx, "channel", "code", place):
            raise BadRow(N_("There is no channel {channel}."), channel=place)
        if not _has(tx, "item", "sku", sellable) and not _has(tx, "sellable", "code", sellable):
            raise BadRow(N_("{sku} is neither an item nor a bundle of the catalogue."), sku=sellable)
        tx.execute(
            "INSERT INTO listing (channel, external_sku, sellable) VALUES (?,?,?)"
            " ON CONFLICT (channel, external_sku) DO UPDATE SET sellable = excluded.sellable",
            (place, external, sellable),
        )

    return each(rows, take)


def load_shelves(tx: Tx, rows: Rows | Iterable[Row], *, store: str = "") -> Loaded:
    """Where an item lies. Columns: store (unless given), sku, location; an empty one removes it."""
    stores = {row[0] for row in tx.execute("SELECT code FROM store")}
    skus = {row[0] for row in tx.execute("SELECT sku FROM item")}
    news: dict[str, dict[str, dict[str, Any] | None]] = {}

    def take(row: Row) -> None:
        place = store or code(row, "store")
        sku = code(row, "sku")
        location = text(row, "location", "")
        if place not in stores:
            raise BadRow(N_("There is no store {store}."), store=place)
        if sku not in skus:
            raise BadRow(N_("{sku} is not in the catalogue."), sku=sku)
        news.setdefault(place, {})[sku] = {"location": location} if location else None

    loaded = each(rows, take)
    for place, shelves in news.items():
        tx.executemany(
            "INSERT INTO shelf (store, sku, location) VALUES (?,?,?)"
            " ON CONFLICT (store, sku) DO UPDATE SET location = excluded.location",
            [(place, sku, body["location"]) for sku, body in shelves.items() if body],
        )
        tx.executemany(
            "DELETE FROM shelf WHERE store = ? AND sku = ?",
            [(place, sku) for sku, body in shelves.items() if not body],
        )
        publish_many(tx, f"shelves:{place}", shelves)
    return loaded


def _names(row: Row) -> tuple[str, str]:
    """In English and Chinese: one for both where only one is said."""
    name = text(row, "name", "")
    name_en = text(row, "name_en", name) or text(row, "name_zh", "")
    if not name_en:
        raise BadRow(N_("{column} is missing."), column="name_en")
    return name_en, text(row, "name_zh", name) or name_en


def _gtins(row: Row, sku: str, owners: dict[str, str]) -> list[str]:
    found: list[str] = []
    for word in words(row, "gtins") or words(row, "gtin"):
        gtin = gtin14(word)
        if not gtin:
            raise BadRow(N_("“{gtin}” is no GTIN: its check digit or length is wrong."), gtin=word[:40])
        if owners.get(gtin, sku) != sku:
            raise BadRow(N_("GTIN {gtin} belongs to {sku} already."), gtin=gtin, sku=owners[gtin])
        found.append(gtin)
    return found


def _parts(tx: Tx, row: Row) -> dict[str, int]:
    given = row.get("parts")
    pairs: list[tuple[str, Any]]
    if isinstance(given, list) and all(isinstance(one, list) and len(one) == 2 for one in given):
        pairs = [(str(one[0]), one[1]) for one in given]
    else:
        pairs = [
            (sku, qty or "1")
            for sku, _, qty in (word.replace("×", "*").partition("*") for word in words(row, "parts"))
        ]
    if not pairs:
        raise BadRow(N_("A bundle needs parts, such as “TEE-WHITE-M*2 CAP”."))
    parts: dict[str, int] = {}
    for sku, qty in pairs:
        if not _has(tx, "item", "sku", sku):
            raise BadRow(N_("{sku} is not in the catalogue."), sku=sku)
        parts[sku] = parts.get(sku, 0) + whole({"parts": qty}, "parts", least=1, most=1000)
    return parts


def _has(tx: Tx, table: str, column: str, value: str) -> bool:
    return tx.execute(f"SELECT 1 FROM {table} WHERE {column} = ?", (value,)).fetchone() is not None
