"""The chain before a history begins: a few stores, five items, one bundle, real replicas.

Everything goes in through the same doors as at a customer's, once per process and number of stores; every
history starts from copies of these databases.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from argon2 import PasswordHasher

from server.catalogue.load import load_items, load_sellables
from server.db import Tx, open_centre
from server.people.load import load_channels, load_people
from server.schema import fresh
from server.stores.load import load_regions, load_stores, new_token
from sync import sqlite
from sync.ids import new_id
from sync.link.proof import token_hash
from sync.replica import decisions
from sync.replica.open import open_replica

NINE = 1_795_335_600_000
"""2026-11-22 09:00 UTC."""
SKUS = ("TEE", "JEAN", "SOCK", "CAP", "BELT")
BUNDLE = "SET"
PARTS = {"SET": (("CAP", 1), ("SOCK", 2))}
PIN = "2468"
PEOPLE = (("A", "associate"), ("B", "associate"), ("L", "store_lead"))
_PLACES = ((31.23, 121.47), (31.20, 121.43), (30.27, 120.15), (32.06, 118.80), (29.87, 121.54))


@dataclass(frozen=True)
class Chain:
    codes: tuple[str, ...]
    keys: dict[str, str]
    centre: Tx
    replicas: dict[str, sqlite.Connection]


_MADE: dict[int, Chain] = {}


def chain(stores: int) -> Chain:
    if stores not in _MADE:
        _MADE[stores] = _make(stores)
    return _MADE[stores]


def _make(stores: int) -> Chain:
    rng = Random(f"chain of {stores}")
    codes = tuple(f"S{number:03d}" for number in range(1, stores + 1))
    tx = fresh(incarnation="C0")
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN, salt=b"salt for a tests")
    keys = {}
    with sqlite.writing(tx):
        _good(load_regions(tx, [{"code": "EAST", "name_en": "East", "name_zh": "华东"}]))
        rows: list[Any] = [
            {
                "code": code,
                "name_en": f"Store {code}",
                "name_zh": code,
                "region": "EAST",
                "lat": _PLACES[number % len(_PLACES)][0],
                "lon": _PLACES[number % len(_PLACES)][1],
                "timezone": "Asia/Shanghai",
                "rank": number + 1,
            }
            for number, code in enumerate(codes)
        ]
        _good(load_stores(tx, rows))
        _good(load_channels(tx, [{"code": "web", "name": "Web"}]))
        items = [{"sku": sku, "name_en": sku.title(), "price_fen": 9900} for sku in SKUS]
        _good(load_items(tx, items, now=NINE))
        bundle = {"code": BUNDLE, "name_en": "Set", "parts": [list(part) for part in PARTS[BUNDLE]]}
        _good(load_sellables(tx, [bundle]))
        people: list[Any] = [
            {"id": f"{code}-{name}", "name": name, "role": role, "store": code, "pin_hash": hashed}
            for code in codes
            for name, role in PEOPLE
        ]
        _good(load_people(tx, people, dice=rng.randbytes))
        for code in codes:
            token = new_token(tx, code, rng.randbytes)
            assert token is not None
            keys[code] = token_hash(token)
    tx.touched.clear()
    return Chain(codes, keys, tx, {code: _replica(tx, code, rng) for code in codes})


def _replica(tx: Tx, code: str, rng: Random) -> sqlite.Connection:
    """As if the bulk streams had come down already, which is how most days begin."""
    from server.link.logs import StoreTables

    db = open_replica(":memory:", code, rng.randbytes, NINE)
    tables = StoreTables(code)
    import msgspec

    with sqlite.writing(db):
        for stream in tables.streams(tx):
            rows = tables.rows_after(tx, stream, 0, 1000, 1_000_000)
            if rows:
                name = stream.partition(":")[0]
                decisions.apply_rows(
                    db, name, [{"key": key, "body": msgspec.json.decode(body)} for _, key, body in rows]
                )
                db.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (f"stream_{stream}", rows[-1][0]))
        db.execute("INSERT INTO meta (key, value) VALUES ('centre_incarnation', 'C0')")
    return db


def centre_copy(db: sqlite.Connection) -> Tx:
    """A centre's database as another process opens it."""
    made = open_centre(":memory:")
    db.backup(made)
    return made


def replica_copy(db: sqlite.Connection) -> sqlite.Connection:
    made = sqlite.connect(":memory:")
    db.backup(made)
    return made


def empty_replica(code: str, rng: Random, now: int) -> sqlite.Connection:
    """A new box: the schema and a name, nothing else."""
    global _EMPTY
    if _EMPTY is None:
        _EMPTY = open_replica(":memory:", "S000", Random("an empty box").randbytes, NINE)
    made = replica_copy(_EMPTY)
    made.execute("UPDATE meta SET value = ? WHERE key = 'store'", (code,))
    made.execute("UPDATE meta SET value = ? WHERE key = 'incarnation'", (new_id(now, rng.randbytes),))
    return made


_EMPTY: sqlite.Connection | None = None


def _good(loaded: Any) -> None:
    errors = getattr(loaded, "errors", ())
    assert not errors, [error.sentence() for error in errors]
