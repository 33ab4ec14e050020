"""Fills a new centre with the demo's chain, through the same loaders that uploads use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.catalogue.load import load_items, load_sellables, load_shelves
from server.db import open_centre
from server.demo.goods import BUNDLES, REGIONS, STOCK_PER_SKU, STORES, DemoPerson, items
from server.loading.rows import Loaded
from server.people.load import load_channels, load_people
from server.policy.read import set_policy
from server.schema import upgrade
from server.secret import new_key
from server.stock.load import load_stock
from server.stores.load import load_regions, load_stores, new_token
from sync.ids import short_secret
from sync.sqlite import writing

APP_CHANNEL = "APP"
"""A shop with a webhook receiver: the demo itself."""
WEB_CHANNEL = "WEB"
"""A shop without one: its messages stand on the centre's log page."""
SCOPES = "orders availability catalogue stock"


@dataclass
class Keys:
    """The secrets of one demo. Printed where a person needs them, kept nowhere."""

    tokens: dict[str, str] = field(default_factory=dict)
    app: str = ""
    web: str = ""
    till: str = ""
    webhook_secret: str = ""


class SeedFailed(Exception):
    """A loader did not take the demo's own rows."""


def seed(
    database: Path,
    stores: int,
    people: Sequence[DemoPerson],
    *,
    now: int,
    policy: Mapping[str, int],
    webhook_url: str = "",
    webhook_secret: str = "",
) -> Keys:
    upgrade(database)
    db = open_centre(database)
    keys = Keys(app=new_key(os.urandom), web=new_key(os.urandom), till=short_secret(os.urandom, 24))
    keys.webhook_secret = webhook_secret
    goods = items()
    chosen = STORES[:stores]
    try:
        with writing(db):
            _take(load_regions(db, REGIONS))
            _take(load_stores(db, [_store(store) for store in chosen]))
            _take(load_items(db, [_item(item) for item in goods], now=now))
            _take(load_sellables(db, [_bundle(bundle) for bundle in BUNDLES]))
            for store in chosen:
                shelves = [{"sku": item.sku, "location": item.shelf} for item in goods]
                _take(load_shelves(db, shelves, store=store.code))
            _take(load_people(db, [_person(person) for person in people], dice=os.urandom))
            _take(load_channels(db, _channels(keys, webhook_url)))
            for name, value in policy.items():
                set_policy(db, name, value)
            for store in chosen:
                keys.tokens[store.code] = new_token(db, store.code, os.urandom) or ""
        with writing(db):
            rows = [
                {"store": store.code, "sku": item.sku, "qty": STOCK_PER_SKU}
                for store in chosen
                for item in goods
            ]
            _take(load_stock(db, rows, document="demo-opening-stock", now=now))
    finally:
        db.close()
    return keys


def _take(loaded: Loaded) -> None:
    if loaded.errors:
        raise SeedFailed("; ".join(error.sentence() for error in loaded.errors[:5]))


def _store(store: Any) -> dict[str, Any]:
    return {
        "code": store.code,
        "name_en": store.name_en,
        "name_zh": store.name_zh,
        "region": "EAST",
        "lat": store.lat,
        "lon": store.lon,
        "rank": store.rank,
        "timezone": "Asia/Shanghai",
    }


def _item(item: Any) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "name_en": item.name_en,
        "name_zh": item.name_zh,
        "detail_en": item.detail_en,
        "detail_zh": item.detail_zh,
        "gtins": [item.gtin],
        "price_fen": item.price_fen,
    }


def _bundle(bundle: Any) -> dict[str, Any]:
    code, name_en, name_zh, parts = bundle
    return {"code": code, "name_en": name_en, "name_zh": name_zh, "parts": [list(part) for part in parts]}


def _person(person: DemoPerson) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "store": person.store,
        "region": person.region,
        "pin": person.pin,
        "language": person.language,
    }


def _channels(keys: Keys, webhook_url: str) -> list[dict[str, Any]]:
    return [
        {
            "code": APP_CHANNEL,
            "name": "Demo app",
            "key": keys.app,
            "scopes": SCOPES,
            "webhook_url": webhook_url,
            "webhook_secret": keys.webhook_secret,
        },
        {"code": WEB_CHANNEL, "name": "Demo shop", "key": keys.web, "scopes": SCOPES},
    ]
