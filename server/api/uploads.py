"""Catalogue and stock files of an ERP: JSON or CSV, good lines kept, each bad line told with its reason.

The answer is 200 when every line took, 207 when some did not, 422 when none did. Sending the whole
file again after mending it does no harm: the catalogue is what the newest line says, and a stock
document is booked once per store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, post, put
from litestar.params import FromPath, FromQuery

from server.api.keys import Caller
from server.api.problems import ApiError, ApiRequest, lang_of
from server.api.types import LoadedOut, ProblemLine
from server.catalogue.load import load_items, load_listings, load_sellables, load_shelves
from server.config import MAX_UPLOAD
from server.db import Tx
from server.loading.rows import Loaded, Rows, read_csv, read_json
from server.pages import texts
from server.stock.load import load_stock
from server.views.load import load_views
from sync.texts import N_

MOST_ERRORS = 1_000
"""More than a person mends in one go; the count tells of the others."""

CATALOGUE: dict[str, Callable[[Tx, Rows, str, int], Loaded]] = {
    "items": lambda tx, rows, _channel, now: load_items(tx, rows, now=now),
    "bundles": lambda tx, rows, _channel, _now: load_sellables(tx, rows),
    "listings": lambda tx, rows, channel, _now: load_listings(tx, rows, channel=channel),
    "shelves": lambda tx, rows, _channel, _now: load_shelves(tx, rows),
}


async def rows_of(request: ApiRequest) -> Rows:
    """The body as rows with line numbers, by its content type."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = await request.body()
    if not body.strip():
        raise ApiError(
            400,
            "empty",
            N_("The request has no body."),
            N_("Send the rows as JSON or as CSV with a header line."),
        )
    if kind == "text/csv":
        return read_csv(body)
    if kind in ("application/json", "application/x-ndjson", "application/jsonl"):
        return read_json(body)
    raise ApiError(
        415,
        "media-type",
        N_("This address takes JSON or CSV, not {kind}."),
        N_("Set Content-Type to application/json or text/csv."),
        kind=kind or "–",
    )


def answer(request: ApiRequest, loaded: Loaded) -> Response[LoadedOut]:
    own = texts(lang_of(request))
    bad = len(loaded.errors)
    if loaded.repeated:
        says = own.say("This document was booked before. Nothing was booked twice.")
    elif not bad:
        says = own.say_n("{n} line was taken.", "{n} lines were taken.", loaded.good)
    else:
        says = own.say(
            "{good} lines were taken, {bad} were not. Mend those and send the file again.",
            good=loaded.good,
            bad=bad,
        )
    status = 200 if not bad else 207 if loaded.good else 422
    return Response(
        LoadedOut(
            good=loaded.good,
            bad=bad,
            repeated=loaded.repeated,
            says=says,
            errors=[
                ProblemLine(error.sentence(own.translate), error.line)
                for error in loaded.errors[:MOST_ERRORS]
            ],
        ),
        status_code=status,
        headers={"content-language": own.lang},
    )


async def load_catalogue(request: ApiRequest, part: str) -> Response[LoadedOut]:
    caller: Caller = request.user
    load = CATALOGUE.get(part)
    if load is None:
        raise ApiError(
            404,
            "no-such-address",
            N_("The catalogue has no part called {part}."),
            N_("Parts are: {parts}."),
            part=part[:40],
            parts=", ".join(CATALOGUE),
        )
    rows = await rows_of(request)
    state = request.app.state
    now = state.clock()
    loaded = await state.writer.do(lambda tx: load(tx, rows, caller.channel, now))
    return answer(request, loaded)


_UPLOAD: dict[str, Any] = {
    "request_max_body_size": MAX_UPLOAD,
    "status_code": 200,
}


@put("/catalogue/{part:str}", opt={"scope": "catalogue"}, summary="Upload a part of the catalogue", **_UPLOAD)
async def put_catalogue(request: ApiRequest, part: FromPath[str]) -> Response[LoadedOut]:
    """`part`: items, bundles, listings or shelves. JSON array or CSV; see docs for the columns."""
    return await load_catalogue(request, part)


@post(
    "/catalogue/{part:str}", opt={"scope": "catalogue"}, summary="Upload a part of the catalogue", **_UPLOAD
)
async def post_catalogue(request: ApiRequest, part: FromPath[str]) -> Response[LoadedOut]:
    """The same as PUT, for systems that can only POST."""
    return await load_catalogue(request, part)


@post("/stock", opt={"scope": "stock"}, summary="Upload stock", **_UPLOAD)
async def post_stock(
    request: ApiRequest,
    document: FromQuery[str],
    store: FromQuery[str] = "",
    absolute: FromQuery[bool] = False,
) -> Response[LoadedOut]:
    """Columns store (unless given), sku, qty. Differences, or absolute figures of a store at rest."""
    caller: Caller = request.user
    if not document.strip() or len(document) > 80:
        raise ApiError(
            400,
            "document-wanted",
            N_("A stock upload needs a document number of at most 80 letters."),
            N_("Add ?document=NUMBER; the same document is booked only once."),
        )
    rows = await rows_of(request)
    state = request.app.state
    now = state.clock()
    loaded = await state.writer.do(
        lambda tx: load_stock(
            tx,
            rows,
            document=document.strip(),
            now=now,
            store=store,
            absolute=absolute,
            person=caller.channel,
        )
    )
    return answer(request, loaded)


@put("/views", opt={"scope": "views"}, summary="Set what channels see and may take of the pool", **_UPLOAD)
async def put_views(request: ApiRequest) -> Response[LoadedOut]:
    """Columns channel, store, sku (`*` when left out), safety_stock, threshold, quota, days, reset, percent.

    An empty cell leaves a number as it is, `-` takes it away. Not for a shop's own key: who has this scope
    sets the views of every channel.
    """
    caller: Caller = request.user
    rows = await rows_of(request)
    state = request.app.state
    now = state.clock()
    loaded = await state.writer.do(lambda tx: load_views(tx, rows, now=now, person=caller.channel))
    return answer(request, loaded)


HANDLERS = [put_catalogue, post_catalogue, post_stock, put_views]
