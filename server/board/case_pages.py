"""Cases: the list, one case with its facts, its remedies done here, and closing it with what was found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from server.board.remedy_forms import PERMISSION, forms
from server.board.words import ENDINGS, FIELDS, case_words, done_words, happened_word, state
from server.cases import settle
from server.cases.book import close_case
from server.cases.kinds import outcome, remedies
from server.cases.notes import kept
from server.db import Tx
from server.pages import WebRequest, language_of, page, texts
from server.signin.second import second_person
from server.signin.session import Manager
from server.signin.web import check, within_reach
from sync.rules.permissions import may
from sync.rules.refusals import Refused, Why, refuse

SHOWN = 200
OUTCOME_LETTERS = 500

_CASES = (
    "SELECT c.*, s.name_en, s.name_zh, s.region, p.name AS closer_name FROM open_case c"
    " LEFT JOIN store s ON s.code = c.store LEFT JOIN person p ON p.id = c.closed_by"
)


def cases_now(db: sqlite3.Connection, *, region: str, store: str, closed: bool) -> list[sqlite3.Row]:
    """Open cases oldest first, closed ones newest first. A region sees those of its stores."""
    order = "c.closed_at DESC" if closed else "c.opened_at"
    return db.execute(
        f"{_CASES} WHERE c.state = ? AND (? = '' OR s.region = ?) AND (? = '' OR c.store = ?)"
        f" ORDER BY {order} LIMIT ?",
        ("closed" if closed else "open", region, region, store, store, SHOWN),
    ).fetchall()


def case_now(db: sqlite3.Connection, case_id: str, manager: Manager) -> dict[str, Any] | None:
    case = db.execute(f"{_CASES} WHERE c.id = ?", (case_id,)).fetchone()
    if case is None:
        return None
    facts = []
    for one in json.loads(case["evidence"]):
        row = db.execute(
            "SELECT * FROM fact WHERE store = ? AND incarnation = ? AND number = ?",
            (one.get("store", ""), one.get("incarnation", ""), one.get("number", 0)),
        ).fetchone()
        facts.append(
            {
                "named": {"store": "", "number": 0, "kind": "", "note": "", **one},
                "fact": row,
                "body": _readable(row["raw"]) if row else "",
                "said": _said(row["raw"]) if row else {},
            }
        )
    return {
        "case": dict(case),
        "facts": facts,
        "closer": db.execute("SELECT name FROM person WHERE id = ?", (case["closed_by"],)).fetchone(),
        "people": dict(db.execute("SELECT id, name FROM person").fetchall()),
        "forms": forms(db, case, manager),
        "done": kept(case).get("done", []),
        "about": _about(db, case),
        "counting": kept(case).get("count_asked", []),
        "stores": {row["code"]: row for row in db.execute("SELECT code, name_en, name_zh FROM store")},
    }


def _about(db: sqlite3.Connection, case: sqlite3.Row) -> dict[str, Any]:
    """What the case is about, as it stands now: the part's goods and turns, or the SKU at its store."""
    return {
        "lines": db.execute(
            "SELECT l.sku, l.qty, l.released, l.cancelled, i.name_en, i.name_zh FROM fulfilment_line l"
            " LEFT JOIN item i ON i.sku = l.sku WHERE l.fo = ? ORDER BY l.line",
            (case["fo"],),
        ).fetchall(),
        "turns": db.execute(
            "SELECT a.store, a.offered_at, a.state, a.ended_reason, s.name_en, s.name_zh FROM assignment a"
            " LEFT JOIN store s ON s.code = a.store WHERE a.fo = ? ORDER BY a.fence DESC LIMIT 10",
            (case["fo"],),
        ).fetchall(),
        "stock": db.execute(
            "SELECT k.*, i.name_en, i.name_zh FROM stock k LEFT JOIN item i ON i.sku = k.sku"
            " WHERE k.store = ? AND k.sku = ?",
            (case["store"], case["sku"]),
        ).fetchone(),
    }


def _said(raw: bytes) -> dict[str, str]:
    """The contents of a fact, field by field, as far as they are plain."""
    try:
        body = json.loads(raw).get("b", {})
    except (ValueError, AttributeError):
        return {}
    if not isinstance(body, dict):
        return {}
    return {
        str(key): str(value)
        for key, value in body.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "" and value != 0
    }


def _readable(raw: bytes) -> str:
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
    except ValueError:
        return repr(raw)


@get("/cases")
async def cases_page(
    request: WebRequest, store: FromQuery[str] = "", closed: FromQuery[bool] = False
) -> Response[str]:
    manager = check(request, "case.view", read=True)
    rows = await request.app.state.writer.read(
        lambda db: cases_now(db, region=manager.scope_region, store=store, closed=closed)
    )
    own = texts(language_of(request))
    return page(
        request,
        "cases/list.html",
        cases=rows,
        closed=closed,
        store=store,
        tell=lambda case: case_words(case, own),
        outcome=lambda case: outcome(case, own.translate),
    )


async def _found(request: WebRequest, case_id: str, permission: str) -> dict[str, Any]:
    manager = request.scope["user"]
    found: dict[str, Any] | None = await request.app.state.writer.read(
        lambda db: case_now(db, case_id, manager)
    )
    if found is None:
        raise refuse(Why.UNKNOWN_TASK)
    case = found["case"]
    if manager.scope_region and not case["region"]:
        # A case of no store belongs to headquarters.
        raise refuse(Why.OUT_OF_SCOPE, place=case_id, person=manager.name)
    check(
        request, permission, store=case["store"], region=case["region"] or "", read=permission == "case.view"
    )
    return found


@get("/cases/{case_id:str}")
async def case_page(request: WebRequest, case_id: FromPath[str]) -> Response[str]:
    found = await _found(request, case_id, "case.view")
    return _case(request, found)


def _case(
    request: WebRequest, found: dict[str, Any], trouble: str = "", status: int = 200, next_step: str = ""
) -> Response[str]:
    own = texts(language_of(request))
    case = found["case"]
    return page(
        request,
        "cases/page.html",
        status=status,
        **found,
        sentence=case_words(case, own),
        remedies=remedies({**case, "store": own.name(case) or case["store"]}, own.translate),
        state=lambda word: state(word, own),
        kind_word=lambda word: happened_word(word, own),
        may_close=case["state"] == "open"
        and may(request.scope["user"].actor, "case.close", store=case["store"], region=case["region"] or "")
        is None,
        trouble=trouble,
        next_step=next_step,
        outcome=outcome(case, own.translate),
        ending=lambda word: own.say(ENDINGS[word]) if word in ENDINGS else word,
        field_word=lambda word: own.say(FIELDS[word]) if word in FIELDS else word.replace("_", " "),
        tell_done=lambda one: done_words(one, own, found["stores"], found["people"]),
    )


@post("/cases/{case_id:str}/close", status_code=200)
async def close(request: WebRequest, case_id: FromPath[str]) -> Response[Any]:
    """Closing needs an outcome in words: the next person who asks will read it."""
    found = await _found(request, case_id, "case.close")
    own = texts(language_of(request))
    form = await request.form()
    outcome = str(form.get("outcome", "")).strip()[:OUTCOME_LETTERS]
    if len(outcome) < 3:
        return _case(request, found, own.say("Say in a few words what was found and done, then close."), 422)
    state_now = request.app.state
    manager, now = request.scope["user"], state_now.clock()
    closed = await state_now.writer.do(
        lambda tx: close_case(tx, case_id, now=now, by=manager.id, outcome=outcome)
    )
    if not closed:
        found = await _found(request, case_id, "case.view")
        return _case(
            request, found, own.say("Somebody settled this case a moment ago. Nothing was changed."), 409
        )
    return Redirect(f"/cases/{case_id}", status_code=303)


@post("/cases/{case_id:str}/do/{what:str}", status_code=200)
async def do_remedy(request: WebRequest, case_id: FromPath[str], what: FromPath[str]) -> Response[Any]:
    """Carry out a remedy. A refusal is said on the case's own page, where the next try starts."""
    found = await _found(request, case_id, "case.view")
    if what not in PERMISSION:
        raise refuse(Why.UNKNOWN_COMMAND, name=what[:40])
    case, form = found["case"], await request.form()
    region = case["region"] or request.scope["user"].scope_region
    own = texts(language_of(request))
    try:
        manager = check(request, PERMISSION[what], store=case["store"], region=region)
        second = await second_person(
            request, manager, form, PERMISSION[what], store=case["store"], region=region
        )
        if what == "reassign":
            await within_reach(request, str(form.get("store", "")))
        now = request.app.state.clock()
        skus = [*map(str, form.getall("sku", [])), str(form.get("other", ""))]
        await request.app.state.writer.do(
            lambda tx: _do(tx, what, case_id, form, skus, now=now, person=manager.id, second=second)
        )
    except Refused as no:
        found = await _found(request, case_id, "case.view")
        refusal = no.refusal
        status = 403 if refusal.reason in (Why.NOT_ALLOWED, Why.OUT_OF_SCOPE) else 409
        return _case(
            request, found, refusal.sentence(own.translate), status, refusal.next_step(own.translate)
        )
    return Redirect(f"/cases/{case_id}", status_code=303)


def _do(
    tx: Tx,
    what: str,
    case: str,
    form: Mapping[str, Any],
    skus: list[str],
    *,
    now: int,
    person: str,
    second: str,
) -> None:
    match what:
        case "reassign":
            settle.choose_store(tx, case, str(form.get("store", "")), now=now, person=person)
        case "cancel":
            settle.cancel_order(tx, case, now=now, person=person, second=second)
        case "count":
            settle.ask_count(tx, case, skus, now=now, person=person)
        case "retry":
            settle.try_again(tx, case, now=now, person=person)
        case "go-on":
            settle.let_go_on(tx, case, str(form.get("box", "")), now=now, person=person)
        case "rebase":
            settle.start_afresh(tx, case, now=now, person=person)
        case "go-without":
            settle.go_without(tx, case, now=now, person=person)


HANDLERS = [cases_page, case_page, close, do_remedy]
