"""A small chain on a real database, and the centre's app over it, for the tests of its web face."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from server.app import make_app
from server.catalogue.load import load_items, load_listings, load_sellables
from server.config import CentreConfig
from server.db import Tx, open_centre
from server.main import listening_socket, make_server
from server.people.load import load_channels, load_people
from server.schema import fresh
from server.stock.load import load_stock
from server.stores.load import load_regions, load_stores
from sync.sqlite import writing

NOON = 1_795_320_000_000
KEY = "KEYOFTHETESTSHOPOFALLTESTS"
STOCK_KEY = "KEYOFTHETESTERPOFALLTESTS0"
PIN = "246810"

STORES = (
    ("S001", "Nanjing Road", "南京路店", "EAST", 31.2397, 121.4752),
    ("S002", "Hangzhou Lakeside", "杭州湖滨店", "EAST", 30.2590, 120.1650),
    ("S003", "Chengdu Taikoo Li", "成都太古里店", "WEST", 30.6550, 104.0830),
)
ITEMS = (
    ("TEE-WHITE-M", "Linen shirt", "亚麻衬衫", "06901234567892", 19900),
    ("CAP-NAVY", "Cap", "棒球帽", "", 9900),
    ("COAT-CAMEL-L", "Wool coat", "羊毛大衣", "", 99900),
)


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def clock_of(config: CentreConfig) -> Clock:
    """The clock of a centre that `new_centre` made."""
    assert isinstance(config.clock, Clock)
    return config.clock


def seeded(seed: int = 7) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


def fill(tx: Tx, now: int = NOON, *, stock: int = 10) -> None:
    """Two regions, three stores, three items, a bundle, two channels, two managers and an associate."""
    dice = seeded()
    load_regions(tx, [{"code": "EAST", "name_en": "East", "name_zh": "华东"},
                      {"code": "WEST", "name_en": "West", "name_zh": "西部"}])  # fmt: skip
    stores = [
        {"code": code, "name_en": en, "name_zh": zh, "region": region, "lat": lat, "lon": lon,
         "timezone": "Asia/Shanghai"}
        for code, en, zh, region, lat, lon in STORES
    ]  # fmt: skip
    assert not load_stores(tx, stores).errors
    items = [
        {"sku": sku, "name_en": en, "name_zh": zh, "gtins": gtin, "price_fen": price}
        for sku, en, zh, gtin, price in ITEMS
    ]
    loaded = load_items(tx, items, now=now)
    assert not loaded.errors, loaded.errors
    load_sellables(
        tx, [{"code": "SET-1", "name_en": "Set", "name_zh": "套装", "parts": "TEE-WHITE-M*2 CAP-NAVY"}]
    )
    load_channels(
        tx,
        [
            {"code": "shop", "name": "Shop", "key": KEY},
            {"code": "erp", "name": "ERP", "key": STOCK_KEY, "scopes": "catalogue stock"},
        ],
    )
    load_listings(tx, [{"channel": "shop", "external_sku": "X-1", "sellable": "TEE-WHITE-M"}])
    people = [
        {"id": "hq", "name": "Wei Chen", "role": "hq_ops", "pin": PIN, "language": "en"},
        {"id": "east", "name": "Min Zhao", "role": "regional_manager", "region": "EAST", "pin": PIN},
        {"id": "lin", "name": "Lin", "role": "associate", "store": "S001", "pin": PIN},
    ]
    found = load_people(tx, people, dice=dice)
    assert not found.errors, found.errors
    if stock:
        for code, *_ in STORES:
            load_stock(
                tx,
                [{"sku": sku, "qty": stock} for sku, *_ in ITEMS],
                document=f"OPEN-{code}",
                now=now,
                store=code,
            )


@lru_cache(maxsize=8)
def _filled(now: int, stock: int) -> Tx:
    """Made once per process; each centre is a copy."""
    db = fresh()
    with writing(db):
        fill(db, now, stock=stock)
    return db


def new_centre(folder: Path, *, stock: int = 10, now: int = NOON) -> CentreConfig:
    """A filled database in a folder, and the config of a centre over it with a clock that stands still."""
    folder.mkdir(parents=True, exist_ok=True)
    db = open_centre(folder / "centre.db")
    try:
        _filled(now, stock).backup(db)
    finally:
        db.close()
    return CentreConfig(data_dir=folder, timers=False, clock=Clock(now), dice=seeded(11))


@contextmanager
def database(config: CentreConfig) -> Iterator[Tx]:
    """A second connection, as the command line has one."""
    db = open_centre(config.database)
    try:
        yield db
    finally:
        db.close()


@contextmanager
def client(config: CentreConfig, **headers: str) -> Iterator[TestClient[Litestar]]:
    with TestClient(make_app(config), raise_server_exceptions=False) as web:
        web.headers.update(headers)
        yield web


@contextmanager
def api(config: CentreConfig, key: str = KEY, language: str = "en") -> Iterator[TestClient[Litestar]]:
    with client(config, **{"authorization": f"Bearer {key}", "accept-language": language}) as web:
        yield web


def csrf(web: TestClient[Litestar]) -> str:
    web.get("/sign-in")
    return str(web.cookies["yipan_centre_csrf"])


def sign_in(web: TestClient[Litestar], person: str = "hq", pin: str = PIN) -> Any:
    return web.post(
        "/sign-in", data={"person": person, "pin": pin, "_csrf_token": csrf(web)}, follow_redirects=False
    )


ORDER: dict[str, Any] = {
    "external_id": "A-1",
    "kind": "pickup",
    "pickup_store": "S001",
    "lat": 31.24,
    "lon": 121.47,
    "name": "Li Wang",
    "phone": "13800001111",
    "lines": [{"sku": "TEE-WHITE-M", "qty": 1, "price_fen": 19900}],
}


@contextmanager
def running(config: CentreConfig) -> Iterator[str]:
    """The centre under uvicorn in a thread, for a browser. Yields its address."""
    listener = listening_socket("127.0.0.1", 0)
    server = make_server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the centre did not start"
        assert time.monotonic() < until, "the centre did not start in time"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
