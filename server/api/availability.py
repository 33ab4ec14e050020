"""What may be promised to a channel, per SKU: the pool's free units that its views show it, never a share.

A few SKUs by name, thousands in one call, or what has changed since a cursor. The cursor is a place in the
stock ledger, so the feed forgets nothing and says nothing that did not happen. All are a moment's
answer: placing the order decides.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Annotated

from litestar import get, post
from litestar.params import FromQuery, JSONBody, Parameter

from server.api.keys import Caller
from server.api.problems import ApiError, ApiRequest
from server.api.types import AvailabilityOut, AvailabilityWish, AvailableOut, ChangesOut, moment
from server.views.shown import shown, signature
from sync.texts import N_

MOST_SKUS = 200
MOST_AT_ONCE = 10_000
MOST_BY_STORE = 1_000
"""SKUs of one call that is answered store by store: that answer is as long as the chain is large."""
FEED_ROWS = 5_000
"""Rows of the ledger that one call reads on."""


def available(
    db: sqlite3.Connection, channel: str, names: Iterable[str], now: int, *, by_store: bool
) -> tuple[list[AvailableOut], list[str]]:
    """Items, bundles or listings of the channel, in the order asked; and those that are none of them."""
    asked = list(dict.fromkeys(names))
    listed = dict(
        db.execute(
            "SELECT external_sku, sellable FROM listing WHERE channel = ?"
            " AND external_sku IN (SELECT value FROM json_each(?))",
            (channel, json.dumps(asked)),
        ).fetchall()
    )
    codes = {name: listed.get(name, name) for name in asked}
    wanted = json.dumps(sorted(set(codes.values())))
    parts: dict[str, list[tuple[str, int]]] = {}
    for sellable, sku, qty in db.execute(
        "SELECT sellable, sku, qty FROM sellable_part WHERE sellable IN (SELECT value FROM json_each(?))",
        (wanted,),
    ):
        parts.setdefault(sellable, []).append((sku, qty))
    for (sku,) in db.execute(
        "SELECT sku FROM item WHERE sku IN (SELECT value FROM json_each(?))", (wanted,)
    ).fetchall():
        parts.setdefault(sku, [(sku, 1)])
    skus = {sku for code in parts for sku, _ in parts[code]}
    totals, places = shown(db, channel, skus, now, by_store=by_store)
    found, unknown = [], []
    for name in asked:
        of = parts.get(codes[name])
        if of is None:
            unknown.append(name)
            continue
        total = min(totals.get(sku, 0) // qty for sku, qty in of)
        found.append(AvailableOut(name, total, _whole(of, places) if by_store else None))
    return found, unknown


def _whole(parts: list[tuple[str, int]], places: dict[str, dict[str, int]]) -> dict[str, int]:
    """How many of a bundle each store has all parts of."""
    (first, of_first), *rest = parts
    whole = {store: pool // of_first for store, pool in places.get(first, {}).items()}
    for sku, qty in rest:
        has = places.get(sku, {})
        whole = {store: min(n, has.get(store, 0) // qty) for store, n in whole.items()}
    return {store: n for store, n in sorted(whole.items()) if n}


def changes(db: sqlite3.Connection, channel: str, after: int, stores: str, now: int) -> ChangesOut:
    """What can be promised of whatever moved after a place in the ledger."""
    lowest, newest = db.execute("SELECT min(id), max(id) FROM stock_ledger").fetchone()
    lowest, newest = lowest or 1, newest or 0
    version = signature(db, channel, now)
    reread = after < lowest - 1 or after > newest or (bool(stores) and stores != version)
    if reread or after == 0:
        # Too long ago, of another life of this centre, or a store or a view changed: what moved is not all.
        return ChangesOut(moment(now), channel, newest, version, reread=True, more=False, items=[])
    rows = db.execute(
        "SELECT id, sku, pool, reason FROM stock_ledger WHERE id > ? ORDER BY id LIMIT ?", (after, FEED_ROWS)
    ).fetchall()
    upto = rows[-1][0] if rows else after
    moved = {row[1] for row in rows if row[2] or row[3] in ("suppressed", "counted")}
    items, _ = available(db, channel, _names(db, channel, moved), now, by_store=False)
    return ChangesOut(moment(now), channel, upto, version, reread=False, more=upto < newest, items=items)


def _names(db: sqlite3.Connection, channel: str, skus: set[str]) -> list[str]:
    """The items, the bundles they are in, and what the channel calls either."""
    moved = json.dumps(sorted(skus))
    bundles = {
        row[0]
        for row in db.execute(
            "SELECT DISTINCT sellable FROM sellable_part WHERE sku IN (SELECT value FROM json_each(?))",
            (moved,),
        )
    }
    codes = skus | bundles
    listings = {
        row[0]
        for row in db.execute(
            "SELECT external_sku FROM listing WHERE channel = ?"
            " AND sellable IN (SELECT value FROM json_each(?))",
            (channel, json.dumps(sorted(codes))),
        )
    }
    return sorted(codes | listings)


def _own(request: ApiRequest, channel: str) -> Caller:
    caller: Caller = request.user
    if channel and channel != caller.channel:
        raise ApiError(
            403,
            "other-channel",
            N_("This key belongs to channel {own}, not to {asked}."),
            N_("Leave the channel out, or use that channel's own key."),
            own=caller.channel,
            asked=channel[:80],
        )
    return caller


async def _answer(request: ApiRequest, caller: Caller, names: list[str], by_store: bool) -> AvailabilityOut:
    state = request.app.state
    now = state.clock()

    def read(db: sqlite3.Connection) -> AvailabilityOut:
        found, unknown = available(db, caller.channel, names, now, by_store=by_store)
        return AvailabilityOut(moment(now), caller.channel, found, unknown)

    answer: AvailabilityOut = await state.writer.read(read)
    return answer


@get("/availability", opt={"scope": "availability"}, summary="What may be promised now")
async def availability(
    request: ApiRequest,
    sku: Annotated[list[str], Parameter(min_items=1, max_items=MOST_SKUS)],
    channel: FromQuery[str] = "",
    by_store: FromQuery[bool] = False,
) -> AvailabilityOut:
    """A moment's answer: placing the order decides. Repeat `sku` for several."""
    return await _answer(request, _own(request, channel), sku, by_store)


@post(
    "/availability",
    opt={"scope": "availability"},
    status_code=200,
    summary="What may be promised now, of thousands of SKUs",
)
async def availability_of_many(request: ApiRequest, data: JSONBody[AvailabilityWish]) -> AvailabilityOut:
    """The same for up to 10,000 SKUs in one call; 1,000 when asked store by store."""
    caller = _own(request, data.channel)
    if data.by_store and len(data.skus) > MOST_BY_STORE:
        raise ApiError(
            400,
            "too-many",
            N_("{asked} SKUs were asked for store by store; at most {most} are answered."),
            N_("Ask in several calls, or leave by_store out."),
            asked=len(data.skus),
            most=MOST_BY_STORE,
        )
    return await _answer(request, caller, data.skus, data.by_store)


@get(
    "/availability/changes",
    opt={"scope": "availability"},
    summary="What may be promised now, of whatever has moved",
)
async def availability_changes(
    request: ApiRequest, after: FromQuery[int] = 0, stores: FromQuery[str] = ""
) -> ChangesOut:
    """Give back `next` and `stores` of the last answer. `reread`: ask for everything once, then go on."""
    caller: Caller = request.user
    state = request.app.state
    now = state.clock()
    answer: ChangesOut = await state.writer.read(
        lambda db: changes(db, caller.channel, max(after, 0), stores, now)
    )
    return answer


HANDLERS = [availability, availability_of_many, availability_changes]
