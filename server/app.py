"""The centre's web face, put together: API, sign-in, board, link, timers, outbox.

Everything that runs beside the requests (writer, timers, sender, board) starts and ends with the
application, so that a test which opens the app has the whole centre.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar, Request, Response, Router, get
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope

from server.api import availability, events, orders, problems, uploads
from server.api.keys import Keys, needs_key
from server.board import case_pages, count_pages, order_page, outbox_page, stock_pages, store_page
from server.board import web as board_web
from server.board.live import Live
from server.board.ticks import Watching
from server.certificates.counter import Counter
from server.clock import SteadyClock
from server.config import CentreConfig
from server.db import Tx
from server.hints import Hints
from server.link.endpoint import LinkRoom, link
from server.link.retention import prune_decisions
from server.offers.sweep import extend_deadlines
from server.outbox.sender import Sender
from server.pages import SECURITY_HEADERS, language_of, page, texts
from server.policy.read import forget_policy
from server.routing import map as routing_map
from server.signin import web as signin_web
from server.timers import run_due
from server.writer import Busy, Writer
from sync.ids import short_secret
from sync.rules.refusals import Refused

log = logging.getLogger("yipan")
TICK_S = 1.0
TIDY_MS = 3_600_000
SUSPENDED_S = 90.0
TOLD_S = 5
"""How long decisions take to every store whose line is up, at most."""
HERE = Path(__file__).resolve().parent


@get("/health", sync_to_thread=False, include_in_schema=False)
def health() -> dict[str, bool]:
    """The process answers. Says nothing about anybody's data."""
    return {"ok": True}


def make_app(config: CentreConfig) -> Litestar:
    """The centre over one data folder. The database must be at the newest schema."""
    api = Router(
        "/api/v1",
        route_handlers=[
            *orders.HANDLERS,
            *availability.HANDLERS,
            *uploads.HANDLERS,
            *events.HANDLERS,
        ],
        guards=[needs_key],
        security=[{"ApiKey": []}],
    )
    pages = Router(
        "/",
        route_handlers=[
            *signin_web.HANDLERS,
            *board_web.HANDLERS,
            *store_page.HANDLERS,
            *order_page.HANDLERS,
            *case_pages.HANDLERS,
            *stock_pages.HANDLERS,
            *count_pages.HANDLERS,
            *outbox_page.HANDLERS,
        ],
        before_request=signin_web.signed_in_only,
        include_in_schema=False,
    )
    static = create_static_files_router(
        "/static",
        directories=[HERE / "static"],
        include_in_schema=False,
        cache_control=None,
        opt={"exclude_from_csrf": True},
    )
    return Litestar(
        route_handlers=[health, api, pages, static, link],
        lifespan=[_lifespan(config)],
        state=State({"config": config}),
        before_send=[_security_headers],
        exception_handlers={
            Refused: _refused,
            Busy: _trouble,
            HTTPException: _trouble,
            Exception: _trouble,
            problems.ApiError: problems.on_api_error,
        },
        csrf_config=CSRFConfig(
            secret=_secret(config),
            cookie_name="yipan_centre_csrf",
            cookie_secure=config.behind_https,
            cookie_httponly=True,
            cookie_samesite="strict",
            exclude=["^/api/", "^/link$", "^/health$", "^/static/"],
        ),
        request_max_body_size=config.max_body,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="yipan",
            version="1",
            description="Orders, availability, catalogue and stock for channels, tills and ERP systems.",
            path="/schema",
            # No page that loads its scripts from elsewhere: the document itself, for people's own tools.
            render_plugins=[JsonRenderPlugin(path=["/openapi.json", "/"]), YamlRenderPlugin()],
            components=Components(
                security_schemes={
                    "ApiKey": SecurityScheme(type="http", scheme="bearer", description="The channel's key")
                }
            ),
            use_handler_docstrings=True,
        ),
    )


def _lifespan(config: CentreConfig) -> Any:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        writer = Writer(config.database, on_foreign=_read_again, on_rollback=_read_again)
        state = app.state
        state.writer, state.hints = writer, writer.hints
        state.clock, state.dice = config.clock, config.dice
        state.watching = Watching()
        state.sessions, state.api_keys = signin_web.Sessions(), Keys()
        state.live = Live(writer, writer.hints, config.clock, switch=bool(config.demo_control_url))
        counter = Counter(config.authority, config.dice)
        state.link = LinkRoom(
            writer, writer.hints, clock=config.clock, dice=config.dice, certify=counter.certify
        )
        await state.link.start()
        await state.live.start()
        tasks = []
        if config.timers:
            tasks.append(asyncio.create_task(_timers(writer, config), name="timers"))
            sender = Sender(writer, config.clock)
            tasks.append(asyncio.create_task(sender.run(), name="outbox"))
            tasks.append(asyncio.create_task(_wake_sender(sender, writer.hints), name="outbox hints"))
        if config.demo_control_url:
            tasks.append(asyncio.create_task(_watch_switches(state.live, config), name="switches"))
        try:
            yield
        finally:
            await state.link.drain()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await state.live.stop()
            await asyncio.to_thread(writer.close)

    return lifespan


def _read_again(tx: Tx) -> None:
    """Another process wrote, or a job was taken back: what this one keeps of the database in memory is
    read again."""
    forget_policy(tx)
    routing_map.forget(tx)


async def _timers(writer: Writer, config: CentreConfig) -> None:
    """Deadlines are in the database; this only looks often enough.

    A process that was suspended (a paused virtual machine) was away as much as one that was stopped:
    its first look finds the last sweep long ago and extends what ran out meanwhile.
    """
    tidied = 0
    looked = time.clock_gettime(time.CLOCK_BOOTTIME)
    while True:
        try:
            await _take_step(writer, config.clock)
            now = config.clock()
            here = time.clock_gettime(time.CLOCK_BOOTTIME)
            if here - looked > SUSPENDED_S:
                since = now - int((here - looked) * 1000)
                await writer.do(partial(extend_deadlines, since=since, now=now))
            looked = here
            await writer.do(partial(run_due, now=now))
            if now - tidied >= TIDY_MS:
                tidied = now
                await writer.do(partial(prune_decisions, now=now))
        except Busy:
            pass
        except Exception:
            log.exception("the timers could not run; they are tried again in a second")
        await asyncio.sleep(TICK_S)


async def _take_step(writer: Writer, clock: Callable[[], int], *, told_s: float = TOLD_S) -> None:
    """The machine's clock was set forward: no offer and no hold ends by that."""
    ahead = clock.ahead() if isinstance(clock, SteadyClock) else 0
    if not ahead:
        return
    now = clock()
    moved = await writer.do(lambda tx: extend_deadlines(tx, now, now + ahead))
    if moved:
        # Stores hear of the later deadlines before they hear of the later time, or they would give up first.
        await asyncio.sleep(told_s)
    assert isinstance(clock, SteadyClock)
    clock.step(ahead)
    log.warning("the clock was set forward by %d s; %d open deadlines moved with it", ahead // 1000, moved)


async def _wake_sender(sender: Sender, hints: Hints) -> None:
    with hints.listen({"outbox"}) as listener:
        while True:
            if await listener.wait():
                sender.wake()


async def _watch_switches(live: Live, config: CentreConfig) -> None:
    """The demonstration may cut lines by itself; the board's switches show what is so."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        while True:
            with suppress(httpx.HTTPError, ValueError, AttributeError):
                answer = await client.get(config.demo_control_url.rstrip("/") + "/lines")
                cut = {code for code, line in answer.json().items() if line.get("state") != "up"}
                if cut != live.cut:
                    live.cut = cut
                    live.nudge()
            await asyncio.sleep(TICK_S)


def _secret(config: CentreConfig) -> str:
    """What CSRF tokens are signed with. Kept beside the database, so that a restart signs nobody out."""
    path = config.data_dir / "web.secret"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        secret = short_secret(config.dice, 40)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secret)
        return secret


async def _security_headers(message: Message, scope: Scope) -> None:
    if message["type"] == "http.response.start":
        had = {name.lower() for name, _ in message["headers"]}
        extra = [
            (name.encode(), value.encode())
            for name, value in SECURITY_HEADERS.items()
            if name.encode() not in had
        ]
        if scope["path"].startswith("/static/"):
            # Their addresses carry a stamp that changes with them.
            extra.append((b"cache-control", b"public, max-age=31536000, immutable"))
        message["headers"] = [*message["headers"], *extra]


def _is_api(request: Request[Any, Any, Any]) -> bool:
    return request.url.path.startswith(("/api/", "/schema"))


def _refused(request: Request[Any, Any, Any], error: Refused) -> Response[Any]:
    return problems.on_refused(request, error) if _is_api(request) else signin_web.refused(request, error)


def _trouble(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What went wrong, as the asker can read it: problem details for programs, a page for people."""
    if _is_api(request):
        if isinstance(error, Busy):
            return problems.on_busy(request, error)
        if isinstance(error, HTTPException):
            return problems.on_http(request, error)
        return problems.on_bug(request, error)
    own = texts(language_of(request))
    status = (
        error.status_code if isinstance(error, HTTPException) else 503 if isinstance(error, Busy) else 500
    )
    if status == 404:
        title = own.say("There is no page at this address.")
        next_step = own.say("Go to the board and look for it there.")
    elif status == 403:
        title = own.say("This form was open too long, or came from another site.")
        next_step = own.say("Load the page again and repeat what you did.")
    elif status < 500:
        title = own.say("The page did not understand this request.")
        next_step = own.say("Go back, load the page again and repeat what you did.")
    else:
        log.error("page %s failed", request.url.path, exc_info=error)
        title = own.say("Something went wrong inside the centre.")
        next_step = own.say(
            "Nothing was saved. Try again; if it fails again, tell the operator when this was."
        )
    return page(request, "trouble.html", status=status, title=title, next_step=next_step)
