"""Every error of the API as RFC 9457 problem details, in the reader's language, with a next step.

`type` is a closed list of paths under `/problems/`, for programs; `title`, `detail` and `next_step` are
for people. What went wrong inside the centre is named by a number that the log has too.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ValidationException,
)

from server.api.types import Problem, ProblemLine
from server.pages import accepted_language, texts
from server.writer import Busy
from sync.ids import new_id
from sync.rules.refusals import Refused, Why
from sync.texts import N_

log = logging.getLogger("yipan.api")
MEDIA_TYPE = "application/problem+json"
GONE = "client disconnected prematurely"
ApiRequest = Request[Any, Any, Any]

STATUS: dict[Why, int] = {
    Why.UNKNOWN_ORDER: 404,
    Why.ORDER_DIFFERS: 409,
    Why.NOT_ALLOWED: 403,
    Why.OUT_OF_SCOPE: 403,
    Why.ALREADY_DONE: 409,
    Why.NOT_NOW: 409,
}
"""Status of a refusal; 422 where nothing else says it better."""


NEXT_STEP: dict[Why, str] = {
    Why.UNKNOWN_SKU: N_("Correct the SKU, or load the item into the catalogue first."),
    Why.UNKNOWN_STORE: N_("Correct the store's code; GET /availability with by_store=true names stores."),
    Why.NOT_ALLOWED: N_("Ask headquarters for a key with the right scope."),
    Why.BAD_QUANTITY: N_("Send a whole number, 1 or more."),
}
"""Where the step for staff in a store is no help to whoever writes a program."""


class ApiError(Exception):
    """An error with a sentence of its own. `facts` fill the places of `title` and `next_step`."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        next_step: str,
        *,
        lines: list[ProblemLine] | None = None,
        headers: dict[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(title)
        self.status, self.code, self.title, self.next_step = status, code, title, next_step
        self.lines, self.headers, self.facts = lines or [], headers or {}, facts


def lang_of(request: ApiRequest) -> str:
    return accepted_language(request.headers.get("accept-language", ""))


def problem(
    request: ApiRequest,
    status: int,
    code: str,
    title: str,
    next_step: str,
    *,
    lines: list[ProblemLine] | None = None,
    headers: dict[str, str] | None = None,
    **facts: Any,
) -> Response[bytes]:
    lang = lang_of(request)
    own = texts(lang)
    body = Problem(
        type=f"/problems/{code}",
        title=own.say(title, **facts),
        status=status,
        next_step=own.say(next_step, **facts),
        instance=str(request.url.path),
        errors=lines or [],
    )
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"content-language": lang, "cache-control": "no-store", **(headers or {})},
    )


def on_refused(request: ApiRequest, error: Refused) -> Response[bytes]:
    refusal = error.refusal
    own = texts(lang_of(request))
    # The sentences are filled in already: hand them on as they are.
    return problem(
        request,
        STATUS.get(refusal.reason, 422),
        refusal.reason.value.replace("_", "-"),
        "{said}",
        "{next}",
        said=refusal.sentence(own.translate),
        next=own.translate(NEXT_STEP[refusal.reason])
        if refusal.reason in NEXT_STEP
        else refusal.next_step(own.translate),
    )


def on_api_error(request: ApiRequest, error: ApiError) -> Response[bytes]:
    return problem(
        request,
        error.status,
        error.code,
        error.title,
        error.next_step,
        lines=error.lines,
        headers=error.headers,
        **error.facts,
    )


def on_busy(request: ApiRequest, _error: Busy) -> Response[bytes]:
    return problem(
        request,
        503,
        "busy",
        N_("The centre has more waiting than it can take in."),
        N_("Send the same request again in a moment; a repeat is never done twice."),
        headers={"retry-after": "2"},
    )


def on_http(request: ApiRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses: said the same way as everything else."""
    if isinstance(error, ValidationException):
        return problem(
            request,
            400,
            "not-understood",
            N_("The request is not what this address takes."),
            N_("Compare it with the description at /schema."),
            lines=_lines(error),
        )
    if isinstance(error, NotAuthorizedException):
        return problem(
            request,
            401,
            "key-wanted",
            N_("This needs the API key of a channel."),
            N_("Send the header Authorization: Bearer KEY. Keys are made with `yipan channel add`."),
            headers={"www-authenticate": "Bearer"},
        )
    if isinstance(error, PermissionDeniedException):
        return problem(
            request,
            403,
            "not-allowed",
            N_("This key may not do that."),
            N_("Ask headquarters for a key with the right scope."),
        )
    if isinstance(error, MethodNotAllowedException):
        return problem(
            request,
            405,
            "method",
            N_("This address does not take {method}."),
            N_("Compare the request with the description at /schema."),
            headers=dict(error.headers or {}),
            method=request.method,
        )
    if isinstance(error, NotFoundException):
        return problem(
            request,
            404,
            "no-such-address",
            N_("There is nothing at this address."),
            N_("Compare it with the description at /schema."),
        )
    if error.status_code == 413:
        return problem(
            request,
            413,
            "too-large",
            N_("The request is larger than {megabytes} MB."),
            N_("Cut it into parts; each part is taken by itself."),
            megabytes=_limit(request) // 1024 // 1024,
        )
    if error.status_code == 429:
        return problem(
            request,
            429,
            "too-often",
            N_("Too many requests with this key."),
            N_("Wait a moment, then go on."),
            headers=dict(error.headers or {}),
        )
    if isinstance(error, ClientException) or error.status_code < 500:
        return problem(
            request,
            error.status_code,
            "not-understood",
            N_("The request could not be read: {what}."),
            N_("Compare it with the description at /schema."),
            what=error.detail,
        )
    return on_bug(request, error)


def _limit(request: ApiRequest) -> int:
    own = getattr(request.route_handler, "request_max_body_size", None)
    return own if isinstance(own, int) else int(request.app.state.config.max_body)


def on_bug(request: ApiRequest, error: Exception) -> Response[bytes]:
    state = request.app.state
    if isinstance(error, HTTPException) and error.detail == GONE:
        return Response(b"", status_code=400)  # nobody is there to read it, and it is no trouble of ours
    number = new_id(state.clock(), state.dice)[-8:]
    log.error("incident %s at %s %s", number, request.method, request.url.path, exc_info=error)
    return problem(
        request,
        500,
        "trouble",
        N_("Something went wrong inside the centre (incident {number})."),
        N_("Nothing of it was saved. Send it again; if it fails again, tell the operator the number."),
        number=number,
    )


def _lines(error: ValidationException) -> list[ProblemLine]:
    found = []
    for one in error.extra if isinstance(error.extra, list) else []:
        if isinstance(one, dict):
            found.append(
                ProblemLine(field=str(one.get("key", "")), message=str(one.get("message", ""))[:300])
            )
    return found


HANDLERS: dict[Any, Any] = {
    Refused: on_refused,
    ApiError: on_api_error,
    Busy: on_busy,
    HTTPException: on_http,
    Exception: on_bug,
}
