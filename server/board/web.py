"""The board page, its stream, and the two things done from a row: stop offers, cut a demo line."""

from __future__ import annotations

from typing import Any

import httpx
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream

from server.board.find import find
from server.pages import WebRequest, language_of, page, texts
from server.signin.web import check, manager_of
from sync.rules.refusals import Why, refuse


@get("/", opt={"open_to_all": True})
async def home() -> Redirect:
    return Redirect("/board", status_code=303)


@get("/board")
async def board(request: WebRequest) -> Response[str]:
    manager = check(request, "board.view", read=True)
    live = request.app.state.live
    parts = await live.parts(language_of(request), manager.scope_region)
    return page(request, "board/page.html", parts=parts, region=manager.scope_region, switch=live.switch)


@get("/board/live")
async def board_live(request: WebRequest, seen: FromQuery[str] = "") -> Stream:
    manager = check(request, "board.view", read=True)
    # htmx repeats the id of the last event it took when it comes back.
    seen = request.headers.get("last-event-id", "") or seen

    async def still_allowed() -> bool:
        return await manager_of(request) is not None

    events = request.app.state.live.stream(language_of(request), manager.scope_region, seen, still_allowed)
    return Stream(
        events,
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@get("/find")
async def find_page(request: WebRequest, q: FromQuery[str] = "") -> Response[Any]:
    """One field for an order number, a channel's own number, a SKU, a GTIN or a store."""
    check(request, "board.view", read=True)
    asked = q.strip()[:80]
    place = await request.app.state.writer.read(lambda db: find(db, asked)) if asked else ""
    if place:
        return Redirect(place, status_code=303)
    own = texts(language_of(request))
    return page(
        request,
        "trouble.html",
        status=404,
        title=own.say("Nothing here is called “{q}”.", q=asked),
        next_step=own.say(
            "Try an order number such as YP-000123, a SKU, a code from a label, or a store's name."
        ),
    )


@post("/stores/{code:str}/line", status_code=204)
async def switch_line(request: WebRequest, code: FromPath[str], cut: FromQuery[bool]) -> None:
    """Demonstration only: ask the demo to cut or restore the line of a store."""
    state = request.app.state
    if not state.config.demo_control_url:
        raise refuse(Why.BAD_INPUT, problem={"say": "Lines can be cut only in a demonstration."})
    region = await state.writer.read(
        lambda db: db.execute("SELECT region FROM store WHERE code = ?", (code,)).fetchone()
    )
    if region is None:
        raise refuse(Why.UNKNOWN_STORE, store=code)
    check(request, "line.cut", store=code, region=region[0])
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        answer = await client.post(
            state.config.demo_control_url.rstrip("/") + "/line", json={"store": code, "cut": cut}
        )
        answer.raise_for_status()
    (state.live.cut.add if cut else state.live.cut.discard)(code)
    state.live.nudge()


HANDLERS = [home, board, board_live, find_page, switch_line]
