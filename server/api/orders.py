"""Orders of a channel: place, read, cancel."""

from __future__ import annotations

import json
import sqlite3

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from server.api.keys import Caller
from server.api.problems import ApiRequest, lang_of
from server.api.types import CancelledOut, EventOut, LineOut, OrderIn, OrderLineOut, OrderOut, PartOut, moment
from server.board.words import state as state_words
from server.orders.cancel import cancel
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.pages import Texts, texts
from sync.rules.refusals import Why, refuse

HISTORY = 500


def as_new(body: OrderIn, channel: str) -> NewOrder:
    """The channel is the key's, never the body's."""
    return NewOrder(
        channel=channel,
        external_id=body.external_id,
        kind=body.kind,
        lines=tuple(
            NewLine(line.sku, line.qty, line.price_fen, tuple(line.substitutes)) for line in body.lines
        ),
        pickup_store=body.pickup_store,
        lat=body.lat,
        lon=body.lon,
        name=body.name,
        phone=body.phone,
        address=body.address,
        language=body.language,
        note=body.note,
        promised_by=int(body.promised_by.timestamp() * 1000) if body.promised_by else 0,
        substitution="" if body.substitution == "none" else body.substitution,
    )


def order_out(
    db: sqlite3.Connection, order_no: str, channel: str, own: Texts, *, repeated: bool = False
) -> OrderOut:
    """Where an order of this channel stands. Another channel's order is as unknown as none."""
    order = db.execute(
        "SELECT * FROM shop_order WHERE no = ? AND channel = ?", (order_no, channel)
    ).fetchone()
    if order is None:
        raise refuse(Why.UNKNOWN_ORDER, order=order_no)
    parts = []
    for fo in db.execute(
        "SELECT f.*, a.accept_by, a.owner_until, a.ownership, a.state AS stage, s.name_en, s.name_zh"
        " FROM fulfilment_order f LEFT JOIN assignment a ON a.fence = f.fence AND f.fence > 0"
        " LEFT JOIN store s ON s.code = f.store WHERE f.order_no = ? ORDER BY f.fo",
        (order_no,),
    ).fetchall():
        offered = fo["state"] == "offered"
        parts.append(
            PartOut(
                fulfilment_order=fo["fo"],
                state=fo["state"],
                says=_part_says(fo, own),
                store=fo["store"],
                accept_by=moment(fo["accept_by"] or 0) if offered else "",
                owner_until=moment(fo["owner_until"] or 0) if fo["state"] == "owned" else "",
                stage=fo["stage"] or "",
                lines=[
                    LineOut(line["sku"], line["qty"], line["released"], line["cancelled"])
                    for line in db.execute(
                        "SELECT * FROM fulfilment_line WHERE fo = ? ORDER BY line", (fo["fo"],)
                    )
                ],
            )
        )
    return OrderOut(
        order_no=order_no,
        external_id=order["external_id"],
        channel=order["channel"],
        kind=order["kind"],
        state=order["state"],
        says=state_words(order["state"], own),
        placed_at=moment(order["placed_at"]),
        pickup_store=order["pickup_store"],
        pickup_code=order["pickup_code"],
        lines=[
            OrderLineOut(
                line["sellable"],
                line["qty"],
                line["price_fen"],
                line["instead_of"],
                json.loads(line["substitutes"] or "[]"),
            )
            for line in db.execute(
                "SELECT * FROM shop_order_line WHERE order_no = ? ORDER BY line", (order_no,)
            )
        ],
        parts=parts,
        history=[
            event_out(row)
            for row in db.execute(
                "SELECT * FROM (SELECT * FROM event WHERE order_no = ? ORDER BY id DESC LIMIT ?) ORDER BY id",
                (order_no, HISTORY),
            )
        ],
        repeated=repeated,
    )


def event_out(row: sqlite3.Row) -> EventOut:
    return EventOut(
        id=row["id"],
        at=moment(row["at"]),
        kind=row["kind"],
        order_no=row["order_no"],
        fulfilment_order=row["fo"],
        store=row["store"],
        data=json.loads(row["data"] or "{}"),
    )


def _part_says(fo: sqlite3.Row, own: Texts) -> str:
    store = own.name(fo) or fo["store"]
    match fo["state"]:
        case "offered":
            return own.say(
                "offered to {store}, which answers by {time}", store=store, time=own.clock(fo["accept_by"])
            )
        case "owned":
            return own.say(
                "{store} has it: {stage}", store=store, stage=state_words(fo["stage"] or "accepted", own)
            )
        case other:
            return state_words(other, own)


@post("/orders", opt={"scope": "orders", "permission": "order.import"}, summary="Place an order")
async def place_order(request: ApiRequest, data: JSONBody[OrderIn]) -> Response[OrderOut]:
    """Idempotent by external_id: a repeat is answered with where the order stands (200 instead of 201)."""
    caller: Caller = request.user
    state, own = request.app.state, texts(lang_of(request))
    now = state.clock()
    new = as_new(data, caller.channel)
    placed = await state.writer.do(lambda tx: place(tx, new, now=now, dice=state.dice))
    answer = await state.writer.read(
        lambda db: order_out(db, placed.order_no, caller.channel, own, repeated=placed.repeated)
    )
    return Response(
        answer,
        status_code=200 if placed.repeated else 201,
        headers={"location": f"/api/v1/orders/{placed.order_no}"},
    )


@get("/orders/{order_no:str}", opt={"scope": "orders"}, summary="Read an order")
async def read_order(request: ApiRequest, order_no: FromPath[str]) -> OrderOut:
    caller: Caller = request.user
    own = texts(lang_of(request))
    found: OrderOut = await request.app.state.writer.read(
        lambda db: order_out(db, order_no, caller.channel, own)
    )
    return found


@get("/orders", opt={"scope": "orders"}, summary="Read an order by the channel's own id")
async def read_order_by_external_id(request: ApiRequest, external_id: FromQuery[str]) -> OrderOut:
    caller: Caller = request.user
    own = texts(lang_of(request))

    def read(db: sqlite3.Connection) -> OrderOut:
        row = db.execute(
            "SELECT no FROM shop_order WHERE channel = ? AND external_id = ?", (caller.channel, external_id)
        ).fetchone()
        if row is None:
            raise refuse(Why.UNKNOWN_ORDER, order=external_id)
        return order_out(db, row[0], caller.channel, own)

    found: OrderOut = await request.app.state.writer.read(read)
    return found


@post(
    "/orders/{order_no:str}/cancel",
    opt={"scope": "orders", "permission": "order.cancel"},
    status_code=200,
    summary="Cancel an order",
)
async def cancel_order(request: ApiRequest, order_no: FromPath[str]) -> CancelledOut:
    """Cancelled at once, or asked for where a store owns a part: nothing is refunded and handed over both."""
    caller: Caller = request.user
    state, own = request.app.state, texts(lang_of(request))
    now = state.clock()
    owner = await state.writer.read(
        lambda db: db.execute("SELECT channel FROM shop_order WHERE no = ?", (order_no,)).fetchone()
    )
    if owner is None or owner[0] != caller.channel:
        raise refuse(Why.UNKNOWN_ORDER, order=order_no)
    done = await state.writer.do(lambda tx: cancel(tx, order_no, now=now, by=caller.channel))
    says = {
        "cancelled": own.say("cancelled"),
        "cancel_requested": own.say("cancellation asked for, the store has not answered yet"),
    }.get(done.state, own.say("too late to cancel: the goods had left"))
    return CancelledOut(done.order_no, done.state, says, list(done.waiting_for), moment(done.until))


HANDLERS = [place_order, read_order, read_order_by_external_id, cancel_order]
