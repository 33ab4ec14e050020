"""JSON over HTTP with a key per store; errors are problem details (RFC 9457)."""

from __future__ import annotations

import hmac
import re
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery

from pwa.texts import Texts
from pwa.web import node_of
from sync.replica.till import question
from sync.texts import N_

PERSON = "till"
MOST_ROWS = 100
"""Rows of one sale that the centre is asked about."""


class SaleRow(msgspec.Struct, frozen=True):
    code: str
    qty: int = 1


class Sale(msgspec.Struct, frozen=True):
    """`sale`: the till's own number. The same number is booked once, however often it is sent."""

    sale: str
    rows: list[SaleRow]
    insist: bool = False
    """The shopper has the goods in hand and pays, whatever they are promised to."""


class SaleReturn(msgspec.Struct, frozen=True):
    sale: str
    sku: str
    qty: int = 1
    return_id: str = ""


Till = Request[Any, Any, State]


def problem(status: int, detail: str, *, kind: str = "about:blank", **more: Any) -> Response[bytes]:
    body = {"type": kind, "title": detail, "status": status, "detail": detail, **more}
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers={"Content-Type": "application/problem+json", "Cache-Control": "no-store"},
    )


def answered(status: int, body: Any) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )


def words(request: Till) -> Texts:
    """In the language the till asks for, else the store's."""
    asked = request.headers.get("accept-language", "").lower()
    language = (
        "zh" if asked.startswith("zh") else "en" if asked.startswith("en") else request.app.state.language
    )
    return Texts(language)


def locked_out(request: Till) -> Response[bytes] | None:
    """None for a till with the store's key."""
    key = request.app.state.till_key
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if key and hmac.compare_digest(given.encode(), key.encode()):
        return None
    return problem(401, words(request)(N_("This till has no valid key for this store.")))


def device(request: Till) -> str:
    given = request.headers.get("x-till", "till")
    return given if re.fullmatch(r"[0-9A-Za-z_.-]{1,24}", given) else "till"


def command_id(request: Till, otherwise: str) -> str:
    """The till's idempotency key, else one that follows from its own number."""
    given = request.headers.get("idempotency-key", "")
    return given if re.fullmatch(r"[0-9A-Za-z-]{8,60}", given) else f"till.{otherwise}"


@get("/till/may-sell", opt={"open": True, "keyed": True})
async def may_sell(request: Till, code: FromQuery[str] = "", qty: FromQuery[int] = 1) -> Response[bytes]:
    refused = locked_out(request)
    if refused is not None:
        return refused
    t = words(request)
    if not code or not 1 <= qty <= 10_000:
        return problem(422, t("A code and a quantity of 1 or more are needed."))
    found = await node_of(request).read(lambda db: question(db, code[:120], qty))
    return answered(200, found)


@post("/till/sales", opt={"open": True, "keyed": True})
async def sell(request: Till) -> Response[bytes]:
    refused = locked_out(request)
    if refused is not None:
        return refused
    t = words(request)
    try:
        sale = msgspec.json.decode(await request.body(), type=Sale)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return problem(422, t("The till sent something that cannot be read: {problem}", problem=str(error)))
    # The share first; what it lacks the centre may grant while the shopper waits, line up.
    await node_of(request).ask_share([(row.code[:120], row.qty) for row in sale.rows[:MOST_ROWS]])
    args = {"sale": sale.sale, "rows": [[row.code, row.qty] for row in sale.rows], "insist": sale.insist}
    # An insisted sale is another question than the one that was refused a moment ago.
    number = f"{device(request)}.{sale.sale}" + (".insist" if sale.insist else "")
    return await done(request, "till_sale", args, command_id(request, number))


@post("/till/returns", opt={"open": True, "keyed": True})
async def take_back(request: Till) -> Response[bytes]:
    refused = locked_out(request)
    if refused is not None:
        return refused
    t = words(request)
    try:
        back = msgspec.json.decode(await request.body(), type=SaleReturn)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return problem(422, t("The till sent something that cannot be read: {problem}", problem=str(error)))
    if not back.return_id and not request.headers.get("idempotency-key"):
        return problem(
            422, t("Send a return_id or an Idempotency-Key, so that a repeat is told from a second return.")
        )
    args = {"sale": back.sale, "sku": back.sku, "qty": back.qty}
    return await done(
        request, "till_return", args, command_id(request, f"{device(request)}.{back.return_id}")
    )


async def done(request: Till, name: str, args: dict[str, Any], command: str) -> Response[bytes]:
    outcome = await node_of(request).perform(
        name, args, command_id=command, person=PERSON, device=device(request)
    )
    if outcome.ok or outcome.refusal is None:
        return answered(201, outcome.result)
    t = words(request)
    refusal = outcome.refusal
    return problem(
        409,
        refusal.sentence(t.translate),
        kind=f"yipan:refused:{refusal.reason}",
        next_step=refusal.next_step(t.translate),
        reason=str(refusal.reason),
        facts=refusal.facts,
    )


HANDLERS = [may_sell, sell, take_back]
