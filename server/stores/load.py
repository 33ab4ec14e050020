"""Regions and stores: loaded from rows, published to every store (a handheld shows who has what)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from server.db import Tx
from server.link.decide import publish_many
from server.loading.cells import code, decimal, text, whole, yes
from server.loading.rows import BadRow, Loaded, Row, Rows, each
from server.routing.map import on_store
from server.secret import hash_key, new_key
from sync.ids import Dice
from sync.texts import N_

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def load_regions(tx: Tx, rows: Rows | Iterable[Row]) -> Loaded:
    """Columns: code, name_en or name_zh (or name)."""

    def take(row: Row) -> None:
        region = code(row, "code")
        name_en, name_zh = _names(row, region)
        tx.execute(
            "INSERT INTO region (code, name_en, name_zh) VALUES (?,?,?) ON CONFLICT (code)"
            " DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh",
            (region, name_en, name_zh),
        )

    return each(rows, take)


def load_stores(tx: Tx, rows: Rows | Iterable[Row]) -> Loaded:
    """Columns: code, name_en or name_zh, region; kind (store, warehouse), lat, lon, timezone,
    opening_hours (JSON, or `10:00-22:00` for every day), capacity_per_day, rank, can_pickup, can_ship,
    can_same_day, active.

    Pause and the node's token are not of this file: the first is the floor's, the second a secret.
    """
    news: dict[str, dict[str, Any] | None] = {}

    def take(row: Row) -> None:
        store = code(row, "code")
        name_en, name_zh = _names(row, store)
        region = code(row, "region")
        if not tx.execute("SELECT 1 FROM region WHERE code = ?", (region,)).fetchone():
            raise BadRow(N_("There is no region {region}."), region=region)
        kind = text(row, "kind", "store")
        if kind not in ("store", "warehouse"):
            raise BadRow(N_("{column} must be one of {words}."), column="kind", words="store, warehouse")
        warehouse = kind == "warehouse"
        values = (
            store,
            name_en,
            name_zh,
            region,
            kind,
            decimal(row, "lat", 0.0, least=-90, most=90),
            decimal(row, "lon", 0.0, least=-180, most=180),
            _timezone(row),
            _hours(row),
            whole(row, "capacity_per_day", 0, least=0),
            whole(row, "rank", 100, least=0),
            yes(row, "can_pickup", not warehouse),
            yes(row, "can_ship", True),
            yes(row, "can_same_day", True),
            yes(row, "active", True),
        )
        tx.execute(
            "INSERT INTO store (code, name_en, name_zh, region, kind, lat, lon, timezone, opening_hours,"
            " capacity_per_day, rank, can_pickup, can_ship, can_same_day, active)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (code) DO UPDATE SET"
            " name_en = excluded.name_en, name_zh = excluded.name_zh, region = excluded.region,"
            " kind = excluded.kind, lat = excluded.lat, lon = excluded.lon, timezone = excluded.timezone,"
            " opening_hours = excluded.opening_hours, capacity_per_day = excluded.capacity_per_day,"
            " rank = excluded.rank, can_pickup = excluded.can_pickup, can_ship = excluded.can_ship,"
            " can_same_day = excluded.can_same_day, active = excluded.active",
            values,
        )
        on_store(tx, store)
        news[store] = {
            "name_en": name_en,
            "name_zh": name_zh,
            "region": region,
            "lat": values[5],
            "lon": values[6],
            "timezone": values[7],
        }

    loaded = each(rows, take)
    publish_many(tx, "stores", news)
    return loaded


def new_token(tx: Tx, store: str, dice: Dice) -> str | None:
    """A new token for a store's node; the old one stops working. None: no such store."""
    token = new_key(dice)
    row = tx.execute(
        "UPDATE store SET token_hash = ? WHERE code = ? RETURNING code", (hash_key(token), store)
    ).fetchone()
    return token if row else None


def _names(row: Row, fallback: str) -> tuple[str, str]:
    name = text(row, "name", "")
    name_en = text(row, "name_en", name) or text(row, "name_zh", "") or fallback
    return name_en, text(row, "name_zh", name) or name_en


def _timezone(row: Row) -> str:
    zone = text(row, "timezone", "UTC")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise BadRow(N_("“{zone}” is no time zone; write Asia/Shanghai, for example."), zone=zone) from None
    return zone


def _hours(row: Row) -> str:
    """Opening hours as JSON {"mon": ["10:00", "22:00"]}; {} is always open, a missing day is closed."""
    given = row.get("opening_hours") or {}
    if isinstance(given, str):
        if "-" in given and "{" not in given:
            start, _, end = given.partition("-")
            given = {day: [start.strip(), end.strip()] for day in _DAYS}
        else:
            try:
                given = json.loads(given)
            except ValueError:
                given = None
    good = isinstance(given, dict) and all(
        day in _DAYS and isinstance(span, list) and len(span) == 2 and all(map(_is_time, span))
        for day, span in given.items()
    )
    if not good or given is None:
        raise BadRow(
            N_("Opening hours must look like 10:00-22:00 or {example}."),
            example='{"mon": ["10:00", "22:00"]}',
        )
    return json.dumps(given, sort_keys=True)


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or len(value) != 5 or value[2] != ":":
        return False
    hours, minutes = value[:2], value[3:]
    return (
        hours.isdigit()
        and minutes.isdigit()
        and ((int(hours) < 24 and int(minutes) < 60) or value == "24:00")
    )
