"""One order with its history: what was bought, who works it, what happened when, what was told.

Those who may cancel it here, choose another store, or ask the store that owns it to give it back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream

from server.board.pulse import happening
from server.board.ticks import ticks
from server.board.words import ENDINGS, KINDS, case_words, happened_word, sentence, state
from server.offers.by_hand import ask_for_it, move_to, who_could
from server.orders.cancel import cancel
from server.pages import WebRequest, language_of, page, texts
from server.signin.second import second_person
from server.signin.session import Manager
from server.signin.web import check, within_reach
from sync.rules.permissions import may, needs_second
from sync.rules.refusals import Refused, Why, refuse


def masked_name(name: str) -> str:
    """Enough to recognise a shopper at the counter, not enough to look them up."""
    if not name:
        return ""
    first = name.split()[0]
    return f"{first[:1]}**" if len(first) == len(name) else f"{first[:1]}. {name.split()[-1][:1]}**"


def masked_phone(phone: str) -> str:
    digits = "".join(letter for letter in phone if letter.isdigit())
    return f"•••• {digits[-4:]}" if len(digits) >= 4 else ""


def order_now(db: sqlite3.Connection, no: str, manager: Manager) -> dict[str, Any] | None:
    """Everything the page shows, in one snapshot. Personal data leaves this function masked.

    `able` of a part: stores it could be offered to by this manager; None where nothing can be chosen.
    """
    order = db.execute("SELECT * FROM shop_order WHERE no = ?", (no,)).fetchone()
    if order is None:
        return None
    fulfilment = []
    for fo in db.execute("SELECT * FROM fulfilment_order WHERE order_no = ? ORDER BY fo", (no,)).fetchall():
        fulfilment.append(
            {
                "fo": dict(fo),
                "able": who_could(db, fo["fo"], region=manager.scope_region)
                if fo["state"] in ("waiting", "person", "offered") and order["state"] == "open"
                else None,
                "lines": db.execute(
                    "SELECT l.*, i.name_en, i.name_zh FROM fulfilment_line l"
                    " LEFT JOIN item i ON i.sku = l.sku WHERE l.fo = ? ORDER BY l.line",
                    (fo["fo"],),
                ).fetchall(),
                "turns": db.execute(
                    "SELECT a.*, s.name_en, s.name_zh FROM assignment a LEFT JOIN store s ON s.code = a.store"
                    " WHERE a.fo = ? ORDER BY a.fence DESC",
                    (fo["fo"],),
                ).fetchall(),
            }
        )
    return {
        "order": {
            key: order[key]
            for key in (
                "no",
                "channel",
                "external_id",
                "kind",
                "state",
                "placed_at",
                "promised_by",
                "pickup_store",
                "closed_at",
                "cancel_requested_at",
            )
        },
        "shopper": masked_name(order["name"]),
        "phone": masked_phone(order["phone"]),
        "has_note": bool(order["note"]),
        "lines": db.execute(
            "SELECT l.*, COALESCE(i.name_en, b.name_en, '') AS name_en,"
            " COALESCE(i.name_zh, b.name_zh, '') AS name_zh,"
            " (SELECT group_concat(value, ', ') FROM json_each(nullif(l.substitutes, ''))) AS others,"
            " b.code IS NOT NULL AS bundle FROM shop_order_line l LEFT JOIN item i ON i.sku = l.sellable"
            " LEFT JOIN sellable b ON b.code = l.sellable WHERE l.order_no = ? ORDER BY l.line",
            (no,),
        ).fetchall(),
        "fulfilment": fulfilment,
        "events": [
            happening(row)
            for row in db.execute(
                "SELECT id, at, kind, store, order_no, fo, fence, person, data FROM event"
                " WHERE order_no = ? ORDER BY id DESC LIMIT 500",
                (no,),
            )
        ],
        "returns": db.execute(
            "SELECT * FROM goods_return WHERE order_no = ? ORDER BY received_at", (no,)
        ).fetchall(),
        "cases": db.execute(
            "SELECT * FROM open_case WHERE order_no = ? ORDER BY opened_at DESC", (no,)
        ).fetchall(),
        "messages": db.execute(
            "SELECT id, kind, state, attempts, at, delivered_at, last_error, channel FROM outgoing"
            " WHERE order_no = ? ORDER BY at DESC, event_id DESC LIMIT 100",
            (no,),
        ).fetchall(),
        "newest": newest_of(db, no),
        "stores": {
            row[0]: row for row in db.execute("SELECT code, name_en, name_zh, region, timezone FROM store")
        },
        "people": dict(
            db.execute(
                "SELECT id, name FROM person WHERE id IN (SELECT person FROM event WHERE order_no = ?)", (no,)
            ).fetchall()
        ),
    }


def newest_of(db: sqlite3.Connection, no: str) -> int:
    row = db.execute("SELECT coalesce(max(id), 0) FROM event WHERE order_no = ?", (no,)).fetchone()
    return int(row[0])


def place_of(found: dict[str, Any], manager_region: str) -> str:
    """The region to judge by: the manager's own if any store of the order lies in it."""
    regions = set()
    for part in found["fulfilment"]:
        for turn in part["turns"]:
            if turn["store"] in found["stores"]:
                regions.add(found["stores"][turn["store"]]["region"])
    if found["order"]["pickup_store"] in found["stores"]:
        regions.add(found["stores"][found["order"]["pickup_store"]]["region"])
    return manager_region if manager_region in regions or not regions else sorted(regions)[0]


@get("/orders/{no:str}")
async def order_page(request: WebRequest, no: FromPath[str]) -> Response[str]:
    found, region = await _found(request, no)
    check(request, "order.view", region=region, read=True)
    return _order(request, found, region)


@get("/orders/{no:str}/changes")
async def order_changes(
    request: WebRequest, no: FromPath[str], seen: FromQuery[int] = 0
) -> Response[Any] | Stream:
    _, region = await _found(request, no)
    check(request, "order.view", region=region, read=True)
    return ticks(request, {f"order:{no}"}, lambda db: newest_of(db, no), seen)


async def _found(request: WebRequest, no: str) -> tuple[dict[str, Any], str]:
    """The order and the region to judge by."""
    manager = request.scope["user"]
    found = await request.app.state.writer.read(lambda db: order_now(db, no, manager))
    if found is None:
        raise refuse(Why.UNKNOWN_ORDER, order=no)
    return found, place_of(found, manager.scope_region)


def _order(
    request: WebRequest,
    found: dict[str, Any],
    region: str,
    *,
    trouble: str = "",
    next_step: str = "",
    status: int = 200,
) -> Response[str]:
    manager: Manager = request.scope["user"]
    own = texts(language_of(request))

    def store_name(code: str) -> str:
        return own.name(found["stores"][code]) if code in found["stores"] else code

    is_open = found["order"]["state"] == "open"
    return page(
        request,
        "orders/page.html",
        status=status,
        trouble=trouble,
        next_step=next_step,
        **found,
        tell=lambda e: sentence(e, own),
        state=lambda word: state(word, own),
        kind_word=lambda word: happened_word(word, own),
        ending=lambda word: own.say(ENDINGS[word]) if word in ENDINGS else word,
        kind=lambda word: own.say(KINDS[word]) if word in KINDS else word,
        store_name=store_name,
        case_sentence=lambda case: case_words(case, own, store_name(case["store"])),
        may_cancel=is_open and may(manager.actor, "order.cancel", region=region) is None,
        may_reassign=is_open and may(manager.actor, "order.reassign", region=region) is None,
        second=needs_second(manager.role, "order.cancel"),
    )


async def _acted(
    request: WebRequest, no: str, act: Callable[[dict[str, Any], str], Awaitable[None]]
) -> Response[Any]:
    """Do it and show the order; a refusal is said on the order's own page."""
    found, region = await _found(request, no)
    check(request, "order.view", region=region, read=True)
    try:
        await act(found, region)
    except Refused as no_:
        refusal, own = no_.refusal, texts(language_of(request))
        found, region = await _found(request, no)
        return _order(
            request,
            found,
            region,
            trouble=refusal.sentence(own.translate),
            next_step=refusal.next_step(own.translate),
            status=403 if refusal.reason in (Why.NOT_ALLOWED, Why.OUT_OF_SCOPE) else 409,
        )
    return Redirect(f"/orders/{no}", status_code=303)


@post("/orders/{no:str}/cancel", status_code=200)
async def cancel_order(request: WebRequest, no: FromPath[str]) -> Response[Any]:
    form, state = await request.form(), request.app.state

    async def act(_found: dict[str, Any], region: str) -> None:
        manager = check(request, "order.cancel", region=region)
        second = await second_person(request, manager, form, "order.cancel", region=region)
        now = state.clock()
        await state.writer.do(lambda tx: cancel(tx, no, now=now, by=manager.id, second=second))

    return await _acted(request, no, act)


@post("/orders/{no:str}/offer", status_code=200)
async def offer_order(request: WebRequest, no: FromPath[str]) -> Response[Any]:
    """A person chooses the store: of a part that waits, or of one whose offer nobody has accepted."""
    form, state = await request.form(), request.app.state
    fo, store = str(form.get("fo", ""))[:40], str(form.get("store", ""))[:40]

    async def act(found: dict[str, Any], region: str) -> None:
        manager = check(request, "order.reassign", region=region)
        _its_part(found, fo)
        await within_reach(request, store)
        now = state.clock()
        await state.writer.do(lambda tx: move_to(tx, fo, store, now, person=manager.id))

    return await _acted(request, no, act)


@post("/orders/{no:str}/ask-back", status_code=200)
async def ask_order_back(request: WebRequest, no: FromPath[str]) -> Response[Any]:
    """What a store owns is asked back; when the store has answered, it goes to the next one by itself."""
    form, state = await request.form(), request.app.state
    fo = str(form.get("fo", ""))[:40]

    async def act(found: dict[str, Any], region: str) -> None:
        manager = check(request, "order.reassign", region=region)
        part = _its_part(found, fo)
        await within_reach(request, part["fo"]["store"])
        now = state.clock()
        await state.writer.do(lambda tx: ask_for_it(tx, fo, now, person=manager.id))

    return await _acted(request, no, act)


def _its_part(found: dict[str, Any], fo: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = found["fulfilment"]
    for part in parts:
        if part["fo"]["fo"] == fo:
            return part
    raise refuse(Why.UNKNOWN_ORDER, order=fo or "–")


HANDLERS = [order_page, order_changes, cancel_order, offer_order, ask_order_back]
