"""Signing in and out, and what every page asks before it shows anything."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromQuery
from litestar.response import Redirect

from server.pages import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    WebRequest,
    language_of,
    page,
    refused_page,
    texts,
)
from server.signin import session as core
from server.signin.second import TOO_MANY, address_of
from server.signin.session import Manager
from sync.rules.permissions import may
from sync.rules.refusals import Refused, Why, refuse
from sync.rules.secrets import pin_matches
from sync.texts import LANGUAGES

KEEP_MS = 5_000
"""How long a looked-up session is believed without asking the database again."""
STRANGERS = 1_000
"""Ids that nobody has are counted too, in memory, so that a stranger cannot tell them apart."""


class Sessions:
    """Sessions looked up lately, and the tries for ids that do not exist. One per process."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Manager, int]] = {}
        self.strangers: dict[str, tuple[int, int]] = {}
        self.addresses = core.Addresses()

    def stranger(self, who: str, now: int) -> int:
        tries, until = self.strangers.pop(who, (0, 0))
        if until > now:
            self.strangers[who] = (tries, until)
            return until
        tries += 1
        self.strangers[who] = (tries, now + core.FIRST_LOCK_MS if tries >= core.FREE_TRIES else 0)
        while len(self.strangers) > STRANGERS:
            del self.strangers[next(iter(self.strangers))]
        return 0


def cookie_name(request: WebRequest) -> str:
    return "__Host-yipan_manager" if request.app.state.config.behind_https else "yipan_manager"


async def manager_of(request: WebRequest) -> Manager | None:
    """Who asks, by their cookie."""
    secret = request.cookies.get(cookie_name(request), "")
    if not secret:
        return None
    state = request.app.state
    token, now = core.hashed(secret), state.clock()
    kept: tuple[Manager, int] | None = state.sessions.known.get(token)
    if kept is not None and 0 <= now - kept[1] < KEEP_MS:
        return kept[0]
    found: tuple[Manager, int] | None = await state.writer.read(lambda db: core.session(db, token, now=now))
    if found is None:
        state.sessions.known.pop(token, None)
        return None
    manager, used_at = found
    if now - used_at > core.TOUCH_MS:
        await state.writer.do(lambda tx: core.touch_session(tx, token, now=now))
    if len(state.sessions.known) > 10_000:
        state.sessions.known.clear()
    state.sessions.known[token] = (manager, now)
    return manager


async def signed_in_only(request: WebRequest) -> Response[Any] | None:
    """Before each page: who asks? Nobody gets the way to the sign-in page and nothing else."""
    manager = await manager_of(request)
    request.scope["user"] = manager
    if manager is not None or request.route_handler.opt.get("open_to_all"):
        return None
    if request.headers.get("hx-request") or request.method != "GET":
        own = texts(language_of(request))
        return Response(
            own.say("You are signed out. Load the page again and sign in."),
            status_code=401,
            media_type=MediaType.TEXT,
        )
    return Redirect(f"/sign-in?back={request.url.path}", status_code=303)


def check(
    request: WebRequest, permission: str, *, store: str = "", region: str = "", read: bool = False
) -> Manager:
    """The manager, if they may; raises Refused otherwise. Scope: the place the thing belongs to."""
    manager: Manager = request.scope["user"]
    # A page without a place of its own is asked about for the person's own region.
    refusal = may(manager.actor, permission, store=store, region=region or manager.scope_region, read=read)
    if refusal is not None:
        raise Refused(refusal)
    return manager


async def within_reach(request: WebRequest, store: str) -> None:
    """The chosen store is within the manager's own place of work, too."""
    row = await request.app.state.writer.read(
        lambda db: db.execute("SELECT region FROM store WHERE code = ?", (store,)).fetchone()
    )
    if row is None:
        raise refuse(Why.UNKNOWN_STORE, store=store[:40] or "–")
    check(request, "order.reassign", store=store, region=row["region"])


def _back(path: str) -> str:
    """Only ways inside this site: a sign-in link must not send people elsewhere."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if inside and path.isprintable() else "/board"


@get("/sign-in", opt={"open_to_all": True})
async def sign_in_page(request: WebRequest, back: FromQuery[str] = "/board") -> Response[str]:
    return page(request, "signin/page.html", who="", back=_back(back), trouble="", next_step="")


@post("/sign-in", opt={"open_to_all": True}, status_code=200)
async def sign_in(request: WebRequest) -> Response[Any]:
    form = await request.form()
    who, pin = str(form.get("person", "")).strip()[:64], str(form.get("pin", ""))[:64]
    back = _back(str(form.get("back", "")))
    state = request.app.state
    now = state.clock()
    address = address_of(request)
    own = texts(language_of(request))

    def again(status: int, trouble: str, next_step: str) -> Response[str]:
        return page(
            request,
            "signin/page.html",
            status=status,
            who=who,
            back=back,
            trouble=trouble,
            next_step=next_step,
        )

    if state.sessions.addresses.closed(address, now):
        return again(429, own.say(TOO_MANY), own.say("Wait ten minutes, then try again."))
    hashed, role = await state.writer.read(lambda db: core.pin_hash_of(db, who))
    if hashed:
        until = await state.writer.do(lambda tx: core.take_try(tx, who, now=now))
    else:
        until = state.sessions.stranger(who, now)
    if until:
        refusal = refuse(Why.PIN_LOCKED, person=who, time=own.clock(until)).refusal
        return again(
            429, refusal.sentence(own.translate), own.say("Wait, or ask headquarters for a new PIN.")
        )
    if not await asyncio.to_thread(pin_matches, hashed, pin):
        state.sessions.addresses.failed(address, now)
        return again(
            403,
            own.say("This id and PIN do not belong together."),
            own.say("Check both and try again. After five wrong PINs the id is locked for a while."),
        )
    if not core.is_manager(role):
        return again(
            403,
            own.say("This page is for managers."),
            own.say("Sign in at your store's own address; it is on the label of the store's box."),
        )
    secret = await state.writer.do(lambda tx: core.open_session(tx, who, now=now, dice=state.dice))
    answer: Response[Any] = Redirect(back, status_code=303)
    answer.set_cookie(
        key=cookie_name(request),
        value=secret,
        max_age=core.LONGEST_MS // 1000,
        path="/",
        secure=state.config.behind_https,
        httponly=True,
        samesite="strict",
    )
    return answer


@post("/sign-out", opt={"open_to_all": True})
async def sign_out(request: WebRequest) -> Response[Any]:
    secret = request.cookies.get(cookie_name(request), "")
    if secret:
        request.app.state.sessions.known.pop(core.hashed(secret), None)
        await request.app.state.writer.do(lambda tx: core.close_session(tx, secret))
    answer: Response[Any] = Redirect("/sign-in", status_code=303)
    answer.delete_cookie(cookie_name(request), path="/")
    return answer


@post("/preferences", opt={"open_to_all": True})
async def preferences(request: WebRequest) -> Response[Any]:
    """Language and light or dark belong to the device: a board on a wall is nobody's own."""
    form = await request.form()
    answer: Response[Any] = Redirect(_back(str(form.get("back", ""))), status_code=303)
    for key, cookie, allowed in (
        ("language", LANGUAGE_COOKIE, LANGUAGES),
        ("theme", THEME_COOKIE, THEMES),
    ):
        value = str(form.get(key, ""))
        if value in allowed:
            answer.set_cookie(
                key=cookie,
                value=value,
                max_age=400 * 86400,
                path="/",
                samesite="lax",
                httponly=True,
                secure=request.app.state.config.behind_https,
            )
    return answer


def refused(request: WebRequest, error: Refused) -> Response[str]:
    """A page that may not be seen, or an action the rules say no to, in plain words."""
    missing = error.refusal.reason in (
        Why.UNKNOWN_ORDER,
        Why.UNKNOWN_SKU,
        Why.UNKNOWN_STORE,
        Why.UNKNOWN_TASK,
    )
    return refused_page(request, error, status=404 if missing else 403)


HANDLERS = [sign_in_page, sign_in, sign_out, preferences]
