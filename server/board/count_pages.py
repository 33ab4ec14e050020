"""Counts of a store: what goes on, what differs and waits, what counts found lately. Asking for a count."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from server.counts import ask, read
from server.db import Tx
from server.pages import WebRequest, language_of, page, texts
from server.signin.web import check
from sync.rules.permissions import may
from sync.rules.refusals import Refused, Why, refuse
from sync.texts import N_

STATES: dict[str, str] = {
    "open": N_("waits for a second person"),
    "applied": N_("in the books"),
    "again": N_("doubted, counted again"),
    "replaced": N_("a newer count holds"),
    "agreed": N_("agreed"),
}


def counts_now(db: sqlite3.Connection, code: str) -> dict[str, Any] | None:
    store = db.execute(
        "SELECT code, name_en, name_zh, region, timezone FROM store WHERE code = ?", (code,)
    ).fetchone()
    if store is None:
        return None
    return {
        "store": dict(store),
        "sheets": read.sheets(db, code),
        "waiting": read.waiting(db, code),
        "lately": read.lately(db, code),
    }


@get("/stores/{code:str}/counts")
async def counts_page(request: WebRequest, code: FromPath[str]) -> Response[str]:
    return await _page(request, code)


@post("/stores/{code:str}/counts", status_code=200)
async def ask_count(request: WebRequest, code: FromPath[str]) -> Response[Any]:
    """A refusal is said on the same page, with what was typed."""
    manager = await _may_ask(request, code)
    form = {key: str(value) for key, value in (await request.form()).items()}
    now = request.app.state.clock()
    try:
        await request.app.state.writer.do(lambda tx: _ask(tx, code, form, now, manager.id))
    except Refused as no:
        own = texts(language_of(request))
        return await _page(request, code, typed=form, trouble=no.refusal.sentence(own.translate), status=409)
    return Redirect(f"/stores/{code}/counts", status_code=303)


@post("/stores/{code:str}/counts/{sheet:str}/take-back", status_code=200)
async def take_back(request: WebRequest, code: FromPath[str], sheet: FromPath[str]) -> Response[Any]:
    manager = await _may_ask(request, code)
    now = request.app.state.clock()
    await request.app.state.writer.do(lambda tx: ask.take_back(tx, code, sheet, now=now, person=manager.id))
    return Redirect(f"/stores/{code}/counts", status_code=303)


def _ask(tx: Tx, code: str, form: Mapping[str, str], now: int, person: str) -> str:
    name, blind = form.get("name", ""), bool(form.get("blind"))
    if form.get("kind") == "full":
        areas = re.split(r"[\n,，]", form.get("areas", ""))
        scope = form.get("scope", "")
        return ask.ask_full(tx, code, areas, scope=scope, name=name, blind=blind, now=now, person=person)
    skus = re.split(r"[\s,，]+", form.get("skus", ""))
    return ask.ask_list(tx, code, skus, name=name, blind=blind, now=now, person=person)


async def _may_ask(request: WebRequest, code: str) -> Any:
    region = await request.app.state.writer.read(
        lambda db: db.execute("SELECT region FROM store WHERE code = ?", (code,)).fetchone()
    )
    if region is None:
        raise refuse(Why.UNKNOWN_STORE, store=code)
    return check(request, "stock.ask_count", store=code, region=region[0])


async def _page(
    request: WebRequest,
    code: str,
    *,
    typed: Mapping[str, str] | None = None,
    trouble: str = "",
    status: int = 200,
) -> Response[str]:
    found = await request.app.state.writer.read(lambda db: counts_now(db, code))
    if found is None:
        raise refuse(Why.UNKNOWN_STORE, store=code)
    region = found["store"]["region"]
    manager = check(request, "stock.view", store=code, region=region, read=True)
    own = texts(language_of(request))
    return page(
        request,
        "stores/counts.html",
        status=status,
        **found,
        zone=found["store"]["timezone"],
        may_ask=may(manager.actor, "stock.ask_count", store=code, region=region) is None,
        state=lambda word: own.say(STATES[word]) if word in STATES else word,
        typed={"kind": "", "name": "", "skus": "", "areas": "", "scope": ""} | dict(typed or {}),
        blind=not typed or bool(typed.get("blind")),
        trouble=trouble,
    )


HANDLERS = [counts_page, ask_count, take_back]
