"""What happened to a channel's orders, for systems that would rather ask than be called; and its outbox."""

from __future__ import annotations

import sqlite3
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from server.api.keys import Caller
from server.api.orders import event_out
from server.api.problems import ApiRequest
from server.api.types import EventsOut, MessageOut, OutboxOut, moment

WINDOW = 50_000
"""Events looked at in one call: a channel with few orders must not make the database walk for long."""
Most = Annotated[int, Parameter(ge=1, le=1_000)]
After = Annotated[int, Parameter(ge=0)]


def _window(db: sqlite3.Connection, after: int) -> int:
    newest: int = db.execute("SELECT COALESCE(MAX(id), 0) FROM event").fetchone()[0]
    return max(after, min(newest, after + WINDOW))


@get("/events", opt={"scope": "orders"}, summary="What happened, oldest first")
async def events(request: ApiRequest, after: After = 0, limit: Most = 200) -> EventsOut:
    """Ask again with after=next_after. Only events of this channel's orders."""
    caller: Caller = request.user

    def read(db: sqlite3.Connection) -> EventsOut:
        upto = _window(db, after)
        rows = db.execute(
            "SELECT e.* FROM event e JOIN shop_order o ON o.no = e.order_no"
            " WHERE e.id > ? AND e.id <= ? AND o.channel = ? ORDER BY e.id LIMIT ?",
            (after, upto, caller.channel, limit),
        ).fetchall()
        return EventsOut([event_out(row) for row in rows], rows[-1]["id"] if len(rows) == limit else upto)

    found: EventsOut = await request.app.state.writer.read(read)
    return found


@get("/outbox", opt={"scope": "orders"}, summary="Messages to this channel")
async def outbox(request: ApiRequest, after: After = 0, limit: Most = 200) -> OutboxOut:
    """The same messages that are sent as webhooks, delivered or not; ids are their idempotency keys."""
    caller: Caller = request.user

    def read(db: sqlite3.Connection) -> OutboxOut:
        upto = _window(db, after)
        rows = db.execute(
            "SELECT * FROM outgoing WHERE channel = ? AND event_id > ? AND event_id <= ?"
            " ORDER BY event_id, id LIMIT ?",
            (caller.channel, after, upto, limit),
        ).fetchall()
        return OutboxOut(
            [
                MessageOut(
                    id=row["id"],
                    event=row["event_id"],
                    at=moment(row["at"]),
                    kind=row["kind"],
                    order_no=row["order_no"],
                    state=row["state"],
                    attempts=row["attempts"],
                    payload=msgspec.Raw(row["payload"].encode()),
                )
                for row in rows
            ],
            rows[-1]["event_id"] if len(rows) == limit else upto,
        )

    found: OutboxOut = await request.app.state.writer.read(read)
    return found


HANDLERS = [events, outbox]
