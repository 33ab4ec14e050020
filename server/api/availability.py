"""What may be promised to a channel, per SKU: the pool's free units, never a store's own share."""

from __future__ import annotations

import sqlite3
from typing import Annotated

from litestar import get
from litestar.params import FromQuery, Parameter

from server.api.keys import Caller
from server.api.problems import ApiError, ApiRequest
from server.api.types import AvailabilityOut, AvailableOut, moment
from sync.texts import N_

MOST_SKUS = 200


def available(db: sqlite3.Connection, channel: str, sku: str, *, by_store: bool) -> AvailableOut | None:
    """An item, a bundle or a listing of the channel; None when it is none of them."""
    row = db.execute(
        "SELECT sellable FROM listing WHERE channel = ? AND external_sku = ?", (channel, sku)
    ).fetchone()
    code = row[0] if row else sku
    parts = db.execute("SELECT sku, qty FROM sellable_part WHERE sellable = ?", (code,)).fetchall()
    if not parts:
        if db.execute("SELECT 1 FROM item WHERE sku = ?", (code,)).fetchone() is None:
            return None
        parts = [(code, 1)]
    whole: dict[str, int] = {}
    total: int | None = None
    for at, (part, qty) in enumerate(parts):
        pools = dict(
            db.execute(
                "SELECT k.store, k.pool FROM stock k JOIN store s ON s.code = k.store"
                " WHERE k.sku = ? AND k.pool > 0 AND NOT k.suppressed AND s.active AND NOT s.paused",
                (part,),
            ).fetchall()
        )
        free = sum(pools.values()) // qty
        total = free if total is None else min(total, free)
        if at == 0:
            whole = {store: pool // qty for store, pool in pools.items()}
        else:
            whole = {store: min(n, pools.get(store, 0) // qty) for store, n in whole.items()}
    return AvailableOut(
        sku, total or 0, {store: n for store, n in sorted(whole.items()) if n} if by_store else None
    )


@get("/availability", opt={"scope": "availability"}, summary="What may be promised now")
async def availability(
    request: ApiRequest,
    sku: Annotated[list[str], Parameter(min_items=1, max_items=MOST_SKUS)],
    channel: FromQuery[str] = "",
    by_store: FromQuery[bool] = False,
) -> AvailabilityOut:
    """A moment's answer: placing the order decides. Repeat `sku` for several."""
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
    state = request.app.state
    now = state.clock()

    def read(db: sqlite3.Connection) -> AvailabilityOut:
        found, unknown = [], []
        for one in dict.fromkeys(sku):
            item = available(db, caller.channel, one, by_store=by_store)
            if item is None:
                unknown.append(one)
            else:
                found.append(item)
        return AvailabilityOut(moment(now), caller.channel, found, unknown)

    answer: AvailabilityOut = await state.writer.read(read)
    return answer


HANDLERS = [availability]
