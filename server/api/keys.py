"""Who calls the API: a channel, by its key. It may do what its scopes and the permission table both allow."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from server.secret import hash_key
from sync.rules.permissions import Actor, may

KEEP_MS = 5_000
"""How long a looked-up key is believed without asking again: a withdrawn key dies this fast."""
KEPT = 1_000

PERMISSION = {
    "orders": "order.view",
    "availability": "stock.view",
    "catalogue": "catalogue.feed",
    "stock": "stock.feed",
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

    def keep(self, hashed: str, caller: Caller | None, now: int) -> None:
        if len(self.known) >= KEPT:
            self.known.clear()
        self.known[hashed] = (caller, now)


def caller_of(db: sqlite3.Connection, hashed: str) -> Caller | None:
    row = db.execute(
        "SELECT code, scopes FROM channel WHERE key_hash = ? AND key_hash <> '' AND active", (hashed,)
    ).fetchone()
    return Caller(row["code"], frozenset(str(row["scopes"]).split())) if row else None


async def needs_key(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """Guard of every API route: a known key, the route's scope, and the permission table's word."""
    kind, _, key = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise NotAuthorizedException
    state = connection.app.state
    hashed, now = hash_key(key.strip()), state.clock()
    kept = state.api_keys.known.get(hashed)
    if kept is not None and 0 <= now - kept[1] < KEEP_MS:
        caller = kept[0]
    else:
        caller = await state.writer.read(lambda db: caller_of(db, hashed))
        state.api_keys.keep(hashed, caller, now)
    if caller is None:
        raise NotAuthorizedException
    scope = handler.opt.get("scope", "")
    if scope not in caller.scopes:
        raise PermissionDeniedException
    permission = handler.opt.get("permission", PERMISSION[scope])
    if may(caller.actor, permission, channel=caller.channel, read=True) is not None:
        raise PermissionDeniedException
    connection.scope["user"] = caller
