"""The store node's web application, wired together in one place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from litestar import Litestar, Request, Response, get
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.middleware import DefineMiddleware
from litestar.response import Redirect

from pwa import statics
from pwa.counting import pages as counting
from pwa.courier import pages as courier
from pwa.desk import View
from pwa.devices import install, start
from pwa.devices import pages as devices
from pwa.handover import pages as handover
from pwa.node import Node
from pwa.offers import pages as offers
from pwa.packing import pages as packing
from pwa.picking import pages as picking
from pwa.printing import pages as printing_pages
from pwa.putback import pages as putback
from pwa.returns import pages as returns
from pwa.scanner import pages as scanner
from pwa.secure import pages as secure_pages
from pwa.secure.keeper import Keeper
from pwa.settings import pages as settings
from pwa.signin import pages as signin
from pwa.signin.gate import Gate
from pwa.status import changes
from pwa.status import pages as status
from pwa.stock import pages as stock
from pwa.support import pages as support
from pwa.texts import Texts
from pwa.till import answers as till_answers
from pwa.till import api as till
from pwa.till import pages as till_pages
from pwa.till.door import Question
from pwa.till.keys import TillKeys
from pwa.training import pages as training
from pwa.training.frame import CSRF, TRAINING_CSRF, csrf_cookie
from pwa.twin import seals
from pwa.twin import serve as twin
from pwa.web import PAGES, BadForm, is_htmx, nobody, without_record
from sync.agent.writer import NodeTrouble
from sync.ids import new_id
from sync.texts import N_

LOG = structlog.get_logger("pwa")

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}

Plain = Request[Any, Any, State]


@get("/", sync_to_thread=False)
def front() -> Redirect:
    return Redirect("/orders", status_code=303)


def not_signed_in(request: Plain, error: NotAuthorizedException) -> Response[Any]:
    """To the sign-in page and back again afterwards; a script gets the plain status."""
    here = request.url.path if request.method == "GET" else "/orders"
    goal = f"/sign-in?next={here}"
    if is_htmx(request):
        return Response("", status_code=401, headers={**HEADERS, "HX-Redirect": goal})
    if "text/html" in request.headers.get("accept", ""):
        return Redirect(goal, status_code=303)
    return Response("", status_code=401, headers=HEADERS)


def bad_form(request: Plain, error: BadForm) -> Response[Any]:
    return in_place(request, 422, error.text, **error.values)


def node_trouble(request: Plain, error: NodeTrouble) -> Response[Any]:
    """The record cannot be written (a full disk): said at once, and nothing is promised."""
    return in_place(
        request, 503, N_("The store box cannot save anything now. Nothing was recorded: tell your lead.")
    )


def refused_http(request: Plain, error: HTTPException) -> Response[Any]:
    if error.status_code == 403:
        # The token of another release or of a cleared cookie: a fresh page has the right one.
        answer = trouble(
            request,
            403,
            N_("This page was too old to act. Nothing was recorded: open it again and try once more."),
        )
        answer.delete_cookie(csrf_cookie(request))
        return answer
    if error.status_code in (404, 405):
        return trouble(request, error.status_code, N_("There is no such page."))
    return trouble(request, error.status_code, N_("That could not be read. Nothing was recorded."))


def bug(request: Plain, error: Exception) -> Response[Any]:
    LOG.error("page failed", path=request.url.path, exc_info=error)
    return trouble(request, 500, N_("Something went wrong here. Nothing was recorded; try again."))


def in_place(request: Plain, code: int, text: str, **values: Any) -> Response[Any]:
    """Said over the page, so that what was typed stays where it is and can be sent again."""
    if not is_htmx(request):
        return trouble(request, code, text, **values)
    who = request.scope.get("user") or nobody(request)
    html = PAGES.get_template("said.html").render(
        _=Texts(who.language), text=Texts(who.language)(text, **values)
    )
    headers = {**HEADERS, "HX-Push-Url": "false", "HX-Reswap": "none", "Cache-Control": "no-store"}
    return Response(html, status_code=code, media_type=MediaType.HTML, headers=headers)


def trouble(request: Plain, code: int, text: str, **values: Any) -> Response[Any]:
    """A page with a way out, in the reader's language, whatever went wrong."""
    if request.url.path.startswith(("/till/", "/health", "/static/")):
        return till_answers.problem(code, till.words(request)(text, **values))
    who = request.scope.get("user") or nobody(request)
    answer = without_record(
        request,
        who,
        lambda t: View(
            "gone.html", t("Not done"), "/orders", {"text": t(text, **values)}, back="/orders", status=code
        ),
    )
    # The address bar keeps the page that the person stood on, never the address of a form.
    answer.headers.update({**HEADERS, "HX-Push-Url": "false"})
    return answer


def make_app(
    node: Node,
    *,
    store: str,
    language: str = "en",
    secure: bool = False,
    secret: str = "",
    till_key: str = "",
    till_columns: Mapping[str, str] | None = None,
    keeper: Keeper | None = None,
    leave_port: int = 0,
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[None]]] = (),
) -> Litestar:
    """`secret`: kept across restarts, so that a page opened before one still acts after it. `till_key`: as
    `pwa.till.keys` reads it; `till_columns`: what this store's tills call the columns of their files.
    `keeper`: of the certificate, where this node speaks HTTPS itself. `leave_port`: these are
    the pages of a training, and the real ones are on that port of the same host."""
    secret = secret or os.urandom(16).hex()
    app = Litestar(
        route_handlers=[
            front,
            statics.static_file,
            *signin.HANDLERS,
            *offers.HANDLERS,
            *picking.HANDLERS,
            *packing.HANDLERS,
            *handover.HANDLERS,
            *courier.HANDLERS,
            *putback.HANDLERS,
            *returns.HANDLERS,
            *stock.HANDLERS,
            *counting.HANDLERS,
            *status.HANDLERS,
            *printing_pages.HANDLERS,
            *till_pages.HANDLERS,
            *secure_pages.HANDLERS,
            *devices.HANDLERS,
            *start.HANDLERS,
            *install.HANDLERS,
            *support.HANDLERS,
            *training.HANDLERS,
            *scanner.HANDLERS,
            *settings.HANDLERS,
            *twin.HANDLERS,
            changes.changes,
            *till.HANDLERS,
        ],
        middleware=[DefineMiddleware(Gate, exclude_from_auth_key="open")],
        csrf_config=CSRFConfig(
            cookie_name=TRAINING_CSRF if leave_port else CSRF,
            secret=hashlib.sha256(b"yipan csrf " + secret.encode()).hexdigest(),
            cookie_secure=secure,
            cookie_samesite="strict",
            exclude_from_csrf_key="keyed",
        ),
        exception_handlers={
            NotAuthorizedException: not_signed_in,
            BadForm: bad_form,
            NodeTrouble: node_trouble,
            HTTPException: refused_http,
            Exception: bug,
        },
        after_request=with_headers,
        lifespan=list(lifespan),
        openapi_config=None,
        request_max_body_size=256 * 1024,
        debug=False,
    )
    app.state.node = node
    app.state.store = store
    app.state.language = language
    app.state.secure = secure
    app.state.keeper = keeper
    app.state.leave_port = leave_port
    app.state.timezone = "UTC"
    app.state.policy = POLICY
    app.state.texts = Texts
    app.state.till_keys = TillKeys.read(till_key)
    app.state.till_columns = dict(till_columns or {})
    app.state.till_question = Question(node, app.state.till_keys, language)
    app.state.seal_secret = seals.secret_of(secret)
    app.state.new_id = lambda: new_id(node.status().moment.now, os.urandom)
    return app


async def with_headers(response: Response[Any]) -> Response[Any]:
    """Async, because Litestar sends a plain function to a thread of its own, for every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
