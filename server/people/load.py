"""People with PINs and channels with keys, from rows. Secrets are hashed before they touch the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from server.db import Tx
from server.link.decide import publish_many
from server.loading.cells import code, text, yes
from server.loading.rows import BadRow, Loaded, Row, Rows, each
from server.secret import hash_key, new_key
from sync.ids import Dice
from sync.rules.permissions import ROLES, SCOPES, Scope
from sync.rules.secrets import hash_pin
from sync.texts import LANGUAGES, N_

_NOT_PEOPLE = ("node", "device", "channel", "till")
_PIN = re.compile(r"[0-9]{4,8}")
CHANNEL_SCOPES = ("orders", "availability", "catalogue", "stock", "views")


def load_people(tx: Tx, rows: Rows | Iterable[Row], *, dice: Dice) -> Loaded:
    """Columns: id, name, role; store or region as the role needs; pin (4 to 8 digits; kept when left empty),
    language, active. Published to the store where the person works; a move takes them off the old one.
    """
    news: dict[str, dict[str, dict[str, Any] | None]] = {}

    def take(row: Row) -> None:
        person = code(row, "id")
        name = text(row, "name")
        role = text(row, "role")
        if role not in ROLES or role in _NOT_PEOPLE:
            people = ", ".join(one for one in ROLES if one not in _NOT_PEOPLE)
            raise BadRow(N_("{column} must be one of {words}."), column="role", words=people)
        store, region = _place(tx, row, role)
        language = text(row, "language", "en")
        if language not in LANGUAGES:
            raise BadRow(
                N_("{column} must be one of {words}."), column="language", words=", ".join(LANGUAGES)
            )
        active = yes(row, "active", True)
        old = tx.execute("SELECT store, pin_hash FROM person WHERE id = ?", (person,)).fetchone()
        hashed = _pin_hash(row, old["pin_hash"] if old else "", dice)
        tx.execute(
            "INSERT INTO person (id, name, role, store, region, pin_hash, language, active)"
            " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " role = excluded.role, store = excluded.store, region = excluded.region,"
            " pin_hash = excluded.pin_hash, language = excluded.language, active = excluded.active",
            (person, name, role, store, region, hashed, language, active),
        )
        if not active:
            tx.execute("DELETE FROM web_session WHERE person = ?", (person,))
        if old and old["store"] and old["store"] != store:
            news.setdefault(old["store"], {})[person] = None
        if store:
            news.setdefault(store, {})[person] = {
                "name": name,
                "role": role,
                "pin_hash": hashed,
                "language": language,
                "active": active,
            }

    loaded = each(rows, take)
    for store, people in news.items():
        publish_many(tx, f"people:{store}", people)
    return loaded


def load_channels(tx: Tx, rows: Rows | Iterable[Row]) -> Loaded:
    """Columns: code, name; key (kept when left empty), scopes, webhook_url, webhook_secret, active."""

    def take(row: Row) -> None:
        channel = code(row, "code")
        name = text(row, "name", channel)
        scopes = text(row, "scopes", "orders availability").split()
        unknown = [scope for scope in scopes if scope not in CHANNEL_SCOPES]
        if unknown:
            raise BadRow(
                N_("{column} must be one of {words}."), column="scopes", words=", ".join(CHANNEL_SCOPES)
            )
        url = text(row, "webhook_url", "")
        if url and not url.startswith(("https://", "http://")):
            raise BadRow(N_("{column} must be an http or https address."), column="webhook_url")
        key = text(row, "key", "")
        if key and len(key) < 16:
            raise BadRow(N_("A key needs at least {least} letters."), least=16)
        old = tx.execute("SELECT key_hash, webhook_secret FROM channel WHERE code = ?", (channel,)).fetchone()
        tx.execute(
            "INSERT INTO channel (code, name, key_hash, scopes, webhook_url, webhook_secret, active)"
            " VALUES (?,?,?,?,?,?,?) ON CONFLICT (code) DO UPDATE SET name = excluded.name,"
            " key_hash = excluded.key_hash, scopes = excluded.scopes, webhook_url = excluded.webhook_url,"
            " webhook_secret = excluded.webhook_secret, active = excluded.active",
            (
                channel,
                name,
                hash_key(key) if key else (old["key_hash"] if old else ""),
                " ".join(scopes),
                url,
                text(row, "webhook_secret", old["webhook_secret"] if old else ""),
                yes(row, "active", True),
            ),
        )

    return each(rows, take)


def new_channel_key(tx: Tx, channel: str, dice: Dice) -> str | None:
    """A new key for a channel; the old one stops working. None: no such channel."""
    key = new_key(dice)
    row = tx.execute(
        "UPDATE channel SET key_hash = ? WHERE code = ? RETURNING code", (hash_key(key), channel)
    ).fetchone()
    return key if row else None


def channel_of_key(tx: Tx, key: str) -> str | None:
    """The active channel that holds this key."""
    row = tx.execute(
        "SELECT code FROM channel WHERE key_hash = ? AND active = 1 AND key_hash <> ''", (hash_key(key),)
    ).fetchone()
    return str(row["code"]) if row else None


def set_pin(tx: Tx, person: str, pin: str, dice: Dice) -> bool:
    """Give a person a new PIN and tell their store; False: nobody has this id."""
    row = tx.execute("SELECT * FROM person WHERE id = ?", (person,)).fetchone()
    if row is None:
        return False
    loaded = load_people(tx, [{**dict(row), "pin": pin}], dice=dice)
    if loaded.errors:
        raise BadRow(loaded.errors[0].text, **dict(loaded.errors[0].facts))
    return True


def _place(tx: Tx, row: Row, role: str) -> tuple[str, str]:
    store, region = code(row, "store", ""), code(row, "region", "")
    if SCOPES[role] is Scope.STORE:
        store = store or code(row, "store")
    if SCOPES[role] is Scope.REGION:
        region = region or code(row, "region")
    if store and not tx.execute("SELECT 1 FROM store WHERE code = ?", (store,)).fetchone():
        raise BadRow(N_("There is no store {store}."), store=store)
    if region and not tx.execute("SELECT 1 FROM region WHERE code = ?", (region,)).fetchone():
        raise BadRow(N_("There is no region {region}."), region=region)
    return store, region


def _pin_hash(row: Row, old: str, dice: Dice) -> str:
    given = row.get("pin")
    pin = "" if given is None else str(given).strip()
    if not pin:
        ready = text(row, "pin_hash", "")
        if ready and not ready.startswith("$argon2id$"):
            raise BadRow(N_("A ready PIN hash must be argon2id."))
        if ready or old:
            return ready or old
        raise BadRow(N_("{column} is missing."), column="pin")
    if not _PIN.fullmatch(pin):
        raise BadRow(N_("A PIN has 4 to 8 digits."))
    return hash_pin(pin, dice(16))
