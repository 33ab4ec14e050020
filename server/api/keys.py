"""Who calls the API: a channel, by its key. It may do what its scopes and the permission table both allow.

How often, is bounded here too: per key a bucket that a busy day does not empty and a loop gone wild
does; per address a few unknown keys, so that guessing does not keep the database busy.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import (
    NotAuthorizedException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.handlers import BaseRouteHandler

from server.secret import hash_key
from server.signin.second import address_of
from server.signin.session import Addresses
from sync.rules.permissions import Actor, may

KEEP_MS = 5_000
"""How long a looked-up key is believed without asking again: a withdrawn key dies this fast."""
KEPT = 1_000
UNKNOWN_KEYS = 60
"""Unknown keys from one address in ten minutes."""

PERMISSION = {
    "orders": "order.view",
    "availability": "stock.view",
    "catalogue": "catalogue.feed",
    "stock": "stock.feed",
    "views": "stock.quota",
}
"""What each scope asks of the permission table."""


@dataclass(frozen=True)
class Caller:
    """A channel that calls. Orders it sees are its own; it never names another channel."""

    channel: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor(person=self.channel, role="channel", channel=self.channel)


class Keys:
    """Keys looked up lately. One per process."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Caller | None, int]] = {}
        self.addresses = Addresses(free=UNKNOWN_KEYS)
        self._left: dict[str, tuple[float, int]] = {}
        """What is left in each channel's bucket, and when that was."""

    def take(self, channel: str, now: int, *, per_s: int, burst: int) -> float:
        """Take one request from a channel's bucket: 0, or the seconds until there is one again."""
        left, at = self._left.get(channel, (float(burst), now))
        left = min(float(burst), left + max(0, now - at) * per_s / 1000)
        if left < 1:
            self._left[channel] = (left, now)
            return (1 - left) / per_s
        self._left[channel] = (left - 1, now)
        return 0

    def keep(self, hashed: str, caller: Caller | None, now: int) -> None:
        if len(self.known) >= KEPT:
            self.known.clear()
        self.known[hashed] = (caller, now)


def caller_of(db: sqlite3.Connection, hashed: str) -> Caller | None:
    row = db.execute(
        "SELECT code, scopes FROM channel WHERE key_hash = ? AND key_hash <> '' AND active", (hashed,)
    ).fetchone()
    return Caller(row["code"], frozenset(str(row["scopes"]).split())) if row else None


async def needs_key(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every API route: a known key, the route's scope, and the permission table's word."""
    kind, _, key = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise NotAuthorizedException
    state = connection.app.state
    hashed, now = hash_key(key.strip()), state.clock()
    address = address_of(connection)
    kept = state.api_keys.known.get(hashed)
    if kept is not None and 0 <= now - kept[1] < KEEP_MS:
        caller = kept[0]
    else:
        if state.api_keys.addresses.closed(address, now):
            raise TooManyRequestsException(headers={"retry-after": "60"})
        caller = await state.writer.read(lambda db: caller_of(db, hashed))
        state.api_keys.keep(hashed, caller, now)
    if caller is None:
        state.api_keys.addresses.failed(address, now)
        raise NotAuthorizedException
    config = state.config
    if config.api_per_s:
        wait = state.api_keys.take(caller.channel, now, per_s=config.api_per_s, burst=config.api_burst)
        if wait:
            raise TooManyRequestsException(headers={"retry-after": str(math.ceil(wait))})
    scope = handler.opt.get("scope", "")
    if scope not in caller.scopes:
        raise PermissionDeniedException
    permission = handler.opt.get("permission", PERMISSION[scope])
    if may(caller.actor, permission, channel=caller.channel, read=True) is not None:
        raise PermissionDeniedException
    connection.scope["user"] = caller
