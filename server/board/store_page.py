"""One store: its line, what it works on, and what it owes. Stopping new offers."""

from __future__ import annotations

import sqlite3
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from server.board.pulse import happening
from server.board.ticks import ticks
from server.board.words import KINDS, case_words, sentence, state
from server.counts.read import open_counts
from server.pages import WebRequest, language_of, page, texts
from server.signin.web import check
from server.stores.pause import pause
from sync.rules.refusals import Why, refuse

OPEN_SHOWN = 200
EVENTS_SHOWN = 60


def store_now(db: sqlite3.Connection, code: str) -> dict[str, Any] | None:
    """Everything the page shows, in one snapshot."""
    store = db.execute(
        "SELECT s.*, r.name_en AS region_en, r.name_zh AS region_zh FROM store s"
        " LEFT JOIN region r ON r.code = s.region WHERE s.code = ?",
        (code,),
    ).fetchone()
    if store is None:
        return None
    return {
        "newest": newest_at(db, code),
        "store": dict(store),
        "line": db.execute("SELECT * FROM store_session WHERE store = ?", (code,)).fetchone(),
        "replica": db.execute(
            "SELECT * FROM replica WHERE store = ? ORDER BY opened_at DESC LIMIT 1", (code,)
        ).fetchone(),
        "decided": db.execute(
            "SELECT COALESCE(MAX(number), 0) FROM decision WHERE store = ?", (code,)
        ).fetchone()[0],
        "open": db.execute(
            "SELECT a.*, f.order_no, o.kind, o.promised_by,"
            " (SELECT SUM(qty) FROM assignment_line l WHERE l.fence = a.fence) AS units"
            " FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo JOIN shop_order o ON o.no = f.order_no"
            " WHERE a.store = ? AND ((a.ended_at = 0 AND a.released_at = 0) OR a.state = 'put_back')"
            " ORDER BY a.ended_at,"
            " CASE WHEN a.ownership = 'none' THEN a.accept_by ELSE a.owner_until END LIMIT ?",
            (code, OPEN_SHOWN),
        ).fetchall(),
        "cases": db.execute(
            "SELECT * FROM open_case WHERE store = ? AND state = 'open' ORDER BY opened_at", (code,)
        ).fetchall(),
        "stock": db.execute(
            "SELECT COUNT(*) AS skus, COALESCE(SUM(on_hand), 0) AS on_hand,"
            " COALESCE(SUM(reserved), 0) AS reserved,"
            " COALESCE(SUM(share), 0) AS share, COALESCE(SUM(pool), 0) AS pool,"
            " COALESCE(SUM(debt), 0) AS debt,"
            " COALESCE(SUM(damaged), 0) AS damaged,"
            " COALESCE(SUM(hold), 0) AS hold FROM stock WHERE store = ?",
            (code,),
        ).fetchone(),
        "counts": open_counts(db, code),
        "odd": db.execute(
            "SELECT k.*, i.name_en, i.name_zh FROM stock k LEFT JOIN item i ON i.sku = k.sku"
            " WHERE k.store = ? AND (k.debt <> 0 OR k.suppressed OR k.hold > 0)"
            " ORDER BY k.debt DESC, k.sku LIMIT 50",
            (code,),
        ).fetchall(),
        "events": [
            happening(row)
            for row in db.execute(
                "SELECT id, at, kind, store, order_no, fo, fence, person, data FROM event"
                " WHERE store = ? ORDER BY id DESC LIMIT ?",
                (code, EVENTS_SHOWN),
            )
        ],
    }


def newest_at(db: sqlite3.Connection, code: str) -> int:
    row = db.execute("SELECT coalesce(max(id), 0) FROM event WHERE store = ?", (code,)).fetchone()
    return int(row[0])


@get("/stores/{code:str}/changes")
async def store_changes(
    request: WebRequest, code: FromPath[str], seen: FromQuery[int] = 0
) -> Response[Any] | Stream:
    row = await request.app.state.writer.read(
        lambda db: db.execute("SELECT region FROM store WHERE code = ?", (code,)).fetchone()
    )
    if row is None:
        raise refuse(Why.UNKNOWN_STORE, store=code)
    check(request, "board.view", store=code, region=row[0], read=True)
    return ticks(request, {f"at:{code}", f"line:{code}"}, lambda db: newest_at(db, code), seen)


@get("/stores/{code:str}")
async def store_page(request: WebRequest, code: FromPath[str]) -> Response[str]:
    found = await request.app.state.writer.read(lambda db: store_now(db, code))
    if found is None:
        raise refuse(Why.UNKNOWN_STORE, store=code)
    manager = check(request, "board.view", store=code, region=found["store"]["region"], read=True)
    own = texts(language_of(request))
    live = request.app.state.live
    return page(
        request,
        "stores/page.html",
        **found,
        zone=found["store"]["timezone"],
        tell=lambda e: sentence(e, own),
        state=lambda word: state(word, own),
        kind_word=lambda word: own.say(KINDS[word]) if word in KINDS else word,
        case_sentence=lambda case: case_words(case, own, own.name(found["store"])),
        may_pause=_may_pause(manager, code, found["store"]["region"]),
        switch=live.switch,
        is_cut=code in live.cut,
    )


def _may_pause(manager: Any, code: str, region: str) -> bool:
    from sync.rules.permissions import may

    return may(manager.actor, "store.pause", store=code, region=region) is None


@post("/stores/{code:str}/pause", status_code=200)
async def pause_store(request: WebRequest, code: FromPath[str], paused: FromQuery[bool]) -> Response[Any]:
    """Stop new offers, or take them again. What the store has, it finishes."""
    state = request.app.state
    row = await state.writer.read(
        lambda db: db.execute("SELECT region FROM store WHERE code = ?", (code,)).fetchone()
    )
    if row is None:
        raise refuse(Why.UNKNOWN_STORE, store=code)
    manager = check(request, "store.pause", store=code, region=row[0])
    now = state.clock()
    await state.writer.do(lambda tx: pause(tx, code, paused, "manager", now=now, person=manager.id))
    return Response(
        "", headers={"hx-refresh": "true"} if "/stores/" in request.headers.get("hx-current-url", "") else {}
    )


HANDLERS = [store_page, store_changes, pause_store]
