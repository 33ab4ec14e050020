"""The tills' door to the store node: JSON over HTTP with a key; errors are problem details (RFC 9457).

Two ways to tell of a sale. One that is *asked for* may be refused: the shopper still stands there. One that
has *happened* (`happened`, with the till's time `at`) is recorded whatever the rules say, row by row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import Request, Response, asgi, get, post
from litestar.datastructures import State

from pwa.texts import Texts
from pwa.till.answers import answered, language_of, problem, refused
from pwa.till.door import PATH, no_key
from pwa.till.files import MOST_BYTES, PERSON, problems_of, take_file
from pwa.till.openapi import document
from pwa.till.reading import Unreadable, mapping
from pwa.web import node_of
from sync.replica.commands.till_rows import LONGEST_SALE, TillRow
from sync.texts import N_

MOST_ROWS = 500
MOST_ASKED = 100
"""Rows of one sale that the centre is asked about."""


class SaleRow(msgspec.Struct, frozen=True):
    code: str
    qty: int = 1
    price_fen: int = -1


class BackRow(msgspec.Struct, frozen=True):
    code: str
    qty: int = 1
    sale: str = ""
    store: str = ""


class Sale(msgspec.Struct, frozen=True):
    """`sale`: the till's own number. The same number is booked once, however often it is sent."""

    sale: str
    rows: list[SaleRow] = []
    back: list[BackRow] = []
    """Goods that come back in the same breath: an exchange."""
    insist: bool = False
    """The shopper has the goods in hand and pays, whatever they are promised to."""
    happened: bool = False
    """It has happened already, with the node out of reach: recorded whatever the rules say."""
    at: str = ""
    """When, by the till; ISO 8601 with its zone."""


class SaleReturn(msgspec.Struct, frozen=True):
    sale: str = ""
    sku: str = ""
    """A SKU or any code of the goods; `code` says the same."""
    code: str = ""
    qty: int = 1
    return_id: str = ""
    store: str = ""
    """The store that sold it, where it is another one."""
    insist: bool = False
    happened: bool = False
    at: str = ""


class SaleVoid(msgspec.Struct, frozen=True):
    sale: str
    happened: bool = False
    at: str = ""


Till = Request[Any, Any, State]


def words(request: Till) -> Texts:
    """In the language the till asks for, else the store's."""
    return Texts(language_of(request.headers.get("accept-language", ""), request.app.state.language))


def locked_out(request: Till) -> Response[bytes] | None:
    """None for a till with a key of this store."""
    status, name, wait = request.app.state.till_keys.check(
        request.headers.get("authorization", ""), request.headers.get("x-till", "")
    )
    request.state.till = name
    if status == 200:
        return None
    more = {"Retry-After": str(wait)} if wait else {"WWW-Authenticate": "Bearer"}
    return problem(status, words(request)(no_key(status)), headers=more)


def device(request: Till) -> str:
    return str(request.state.till)


def command_id(request: Till, otherwise: str) -> str:
    """The till's idempotency key, else one that follows from its own number."""
    given = request.headers.get("idempotency-key", "")
    fits = 8 <= len(given) <= 60 and given.isascii() and given.replace("-", "").isalnum()
    return given if fits else f"till.{otherwise}"


class NotUnderstood(Exception):
    """What the till sent is no such thing. Carries the answer."""


async def read_body(request: Till, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise NotUnderstood(str(error)) from None


def not_understood(request: Till, error: str) -> Response[bytes]:
    text = N_("The till sent something that cannot be read: {problem}")
    return problem(422, words(request)(text, problem=error))


OPEN = {"open": True, "keyed": True}


@asgi(PATH, opt=OPEN, copy_scope=False)
async def may_sell(scope: Any, receive: Any, send: Any) -> None:
    await scope["litestar_app"].state.till_question(scope, receive, send)


@post("/till/sales", opt=OPEN)
async def sell(request: Till) -> Response[bytes]:
    keep_out = locked_out(request)
    if keep_out is not None:
        return keep_out
    try:
        sale = await read_body(request, Sale)
        _check(sale.sale, len(sale.rows) + len(sale.back))
        at = _moment(sale.at)
    except NotUnderstood as error:
        return not_understood(request, str(error))
    if sale.happened:
        return await happened(
            request, sale.sale, _rows_of(sale, at or node_of(request).status().moment.now, device(request))
        )
    # The share first; what it lacks the centre may grant while the shopper waits, line up.
    await node_of(request).ask_share([(row.code[:120], row.qty) for row in sale.rows[:MOST_ASKED]])
    args = {
        "sale": sale.sale,
        "rows": [[row.code[:120], row.qty] for row in sale.rows],
        "insist": sale.insist,
        "back": [msgspec.to_builtins(one) for one in sale.back],
    }
    # An insisted sale is another question than the one that was refused a moment ago.
    number = f"{device(request)}.{sale.sale}" + (".insist" if sale.insist else "")
    return await done(request, "till_sale", args, command_id(request, number))


@post("/till/returns", opt=OPEN)
async def take_back(request: Till) -> Response[bytes]:
    keep_out = locked_out(request)
    if keep_out is not None:
        return keep_out
    t = words(request)
    try:
        back = await read_body(request, SaleReturn)
        at = _moment(back.at)
        code = back.code or back.sku
        if not code or len(back.sale) > LONGEST_SALE or len(back.return_id) > LONGEST_SALE:
            raise NotUnderstood("code")
    except NotUnderstood as error:
        return not_understood(request, str(error))
    if not back.return_id and (back.happened or not request.headers.get("idempotency-key")):
        return problem(
            422,
            t(N_("Send a return_id or an Idempotency-Key, so that a repeat is told from a second return.")),
        )
    if back.happened:
        now = node_of(request).status().moment.now
        row = TillRow(
            "return", back.return_id, "1", code, back.qty, at or now, of=back.sale, store=back.store[:20],
            till=device(request),
        )  # fmt: skip
        return await happened(request, back.return_id, [row])
    args = {"sale": back.sale, "sku": code, "qty": back.qty, "store": back.store, "insist": back.insist}
    number = f"{device(request)}.{back.return_id}" + (".insist" if back.insist else "")
    return await done(request, "till_return", args, command_id(request, number))


@post("/till/voids", opt=OPEN)
async def void(request: Till) -> Response[bytes]:
    """A whole sale, before its goods left."""
    keep_out = locked_out(request)
    if keep_out is not None:
        return keep_out
    try:
        wanted = await read_body(request, SaleVoid)
        _check(wanted.sale, 1)
        at = _moment(wanted.at)
    except NotUnderstood as error:
        return not_understood(request, str(error))
    if wanted.happened:
        now = node_of(request).status().moment.now
        row = TillRow("void", wanted.sale, "", at=at or now, till=device(request))
        return await happened(request, wanted.sale, [row])
    # Not remembered as a command of one id: a void that came before its sale is tried again.
    command = request.app.state.new_id()
    return await done(request, "till_void", {"sale": wanted.sale}, f"till.{command}")


@post("/till/files", opt=OPEN, request_max_body_size=MOST_BYTES)
async def files(request: Till) -> Response[bytes]:
    """A file of a till that tells at night. 200: all booked; 207: some need a person; 422: none was read."""
    keep_out = locked_out(request)
    if keep_out is not None:
        return keep_out
    t = words(request)
    name = request.query_params.get("name", "") or "upload"
    try:
        own = mapping(request.query_params.get("columns", ""))
        report = await take_file(
            node_of(request),
            name,
            await request.body(),
            new_id=request.app.state.new_id,
            columns={**request.app.state.till_columns, **own},
        )
    except Unreadable as trouble:
        return problem(422, t(trouble.text, **trouble.values))
    told = report | {"problems": [_told(one, t) for one in report["problems"]]}
    good = report["booked"] + report["repeated"]
    bad = report["broken"] + report["unclear"]
    return answered(200 if not bad else 207 if good or report["unclear"] else 422, told)


@get("/till/openapi.json", opt=OPEN, sync_to_thread=False)
def openapi() -> Response[bytes]:
    return answered(200, document())


async def happened(request: Till, sale: str, rows: list[TillRow]) -> Response[bytes]:
    """Recorded, row by row. A row that could not be booked is named, and is a case at the centre."""
    t = words(request)
    outcome = await node_of(request).perform(
        "till_rows",
        {"rows": rows},
        command_id=f"till.{request.app.state.new_id()}",  # each row is booked once by its own number
        person=PERSON,
        device=device(request),
    )
    if not outcome.ok:
        assert outcome.refusal is not None
        return refused(outcome.refusal, t)
    taken = outcome.result["rows"]
    problems = [
        _told(one, t)
        for number, (row, one_taken) in enumerate(zip(rows, taken, strict=True), 1)
        for one in problems_of(number, row, one_taken)
    ]
    repeated = bool(taken) and all(one["state"] == "repeated" for one in taken)
    return answered(201, {"sale": sale, "repeated": repeated, "rows": taken, "problems": problems})


def _rows_of(sale: Sale, at: int, till: str) -> list[TillRow]:
    rows = [
        TillRow("sale", sale.sale, str(n), row.code[:120], row.qty, at, price_fen=row.price_fen, till=till)
        for n, row in enumerate(sale.rows, 1)
    ]
    return rows + [
        TillRow(
            "return",
            sale.sale,
            str(n),
            one.code[:120],
            one.qty,
            at,
            of=one.sale,
            store=one.store[:20],
            till=till,
        )
        for n, one in enumerate(sale.back, 1)
    ]


def _told(one: dict[str, Any], t: Texts) -> dict[str, Any]:
    more = {key: one[key] for key in ("reason", "said") if one.get(key)}
    message = one["text"]
    return {"line": one["line"], "state": one["state"], "message": t(message, **one["values"]), **more}


def _check(sale: str, rows: int) -> None:
    if not sale.strip() or len(sale) > LONGEST_SALE:
        raise NotUnderstood(f"sale: 1 to {LONGEST_SALE} characters")
    if not 1 <= rows <= MOST_ROWS:
        raise NotUnderstood(f"rows: 1 to {MOST_ROWS}")


def _moment(text: str) -> int:
    """ms since 1970; 0 where nothing is said."""
    if not text:
        return 0
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        raise NotUnderstood("at: ISO 8601") from None
    if then.tzinfo is None:
        raise NotUnderstood("at: ISO 8601 with a zone, 2026-11-22T14:05:00+08:00")
    return int(then.timestamp() * 1000)


async def done(
    request: Till,
    name: Literal["till_sale", "till_return", "till_void"],
    args: dict[str, Any],
    command: str,
) -> Response[bytes]:
    outcome = await node_of(request).perform(
        name, args, command_id=command, person=PERSON, device=device(request)
    )
    if outcome.ok or outcome.refusal is None:
        return answered(201, outcome.result)
    return refused(outcome.refusal, words(request))


HANDLERS = [may_sell, sell, take_back, void, files, openapi]
