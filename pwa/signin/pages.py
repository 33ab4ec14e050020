"""Pick your name, type your PIN; change over in two taps."""

from __future__ import annotations

import os
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie, State
from litestar.params import FromQuery
from litestar.response import Redirect

from pwa.desk import Desk, Feedback, Gone, View
from pwa.signin import sessions
from pwa.texts import LANGUAGES, Texts
from pwa.training.frame import session_cookie
from pwa.web import Asked, BadForm, Form, device_of, is_htmx, nobody, node_of, show
from sync.ids import short_secret
from sync.replica import handhelds
from sync.replica.people import Checked, check_pin
from sync.rules.refusals import Why
from sync.sqlite import Connection

YEAR_S = 400 * 86400
"""The longest that browsers keep a cookie."""


def names(desk: Desk, next_url: str) -> View:
    people = desk.rows("SELECT id, name, role FROM person WHERE active = 1 ORDER BY name, id")
    return View("signin/names.html", desk.t("Who are you?"), "/sign-in", {"people": people, "next": next_url})


def pin(desk: Desk, person: str, next_url: str) -> View:
    row = desk.row("SELECT id, name FROM person WHERE id = ? AND active = 1", person)
    if row is None:
        raise Gone("Nobody of that name works here any more.", "/sign-in")
    return View(
        "signin/pin.html",
        row["name"],
        "/sign-in",
        {"person": row, "next": next_url, "locked": sessions.locked_for(desk.db, person, desk.now)},
        back="/sign-in",
    )


def local(url: str) -> str:
    """Only an address of this store node: never a way out to another site."""
    fine = url.startswith("/") and not url.startswith(("//", "/\\", "/sign-")) and "\n" not in url
    return url if fine else "/orders"


def cookie(request: Asked, key: str, value: str, *, age_s: int = YEAR_S, hidden: bool = True) -> Cookie:
    return Cookie(
        key=key,
        value=value,
        path="/",
        max_age=age_s,
        httponly=hidden,
        secure=request.app.state.secure,
        samesite="strict",
    )


@get("/sign-in", opt={"open": True})
async def sign_in_page(
    request: Request[Any, Any, State], person: FromQuery[str] = "", next: FromQuery[str] = ""
) -> Response[Any]:
    who = nobody(request)
    goal = local(next)
    if node_of(request).look(lambda db: handhelds.only_listed(db) and not listed(request, db)):
        return Redirect("/start", status_code=303)
    answer = await show(
        request, lambda desk: pin(desk, person, goal) if person else names(desk, goal), who=who
    )
    if who.leave:
        # What a handheld still keeps here is of a training that is over: no other would make sense of it.
        answer.headers["Clear-Site-Data"] = '"storage"'
    if not who.device:
        answer.set_cookie(cookie(request, "device", "H" + short_secret(os.urandom, 6)))
    return answer


def listed(request: Asked, db: Connection) -> bool:
    return handhelds.standing(db, device_of(request), request.cookies.get("device_key", "")) == "listed"


@post("/sign-in", opt={"open": True}, status_code=200)
async def sign_in(request: Request[Any, Any, State]) -> Response[Any]:
    form = await Form.read(request)
    person, typed, goal = form.text("person"), form.text("pin"), local(form.text("next"))
    device, key = device_of(request), request.cookies.get("device_key", "")
    node = node_of(request)
    fresh = "H" + short_secret(os.urandom, 6)
    if not device or node.look(lambda db: handhelds.standing(db, device, key)) == "strange":
        device = fresh  # nobody works under the name of a handheld without its key
    now = node.status().moment.now

    def enter(db: Connection) -> tuple[Checked, str, str]:
        """Judge and count in one transaction, so that guessing in parallel gains nothing."""
        stopped = handhelds.may_sign_in(db, device, key)
        if stopped is not None:
            return Checked(person, refusal=stopped), "", ""
        checked = check_pin(db, person, typed, node.status().moment)
        if checked.refusal is not None:
            if checked.count is not None:
                checked.count(db)
            return checked, "", ""
        token = sessions.open_session(db, person, device, now, os.urandom)
        handhelds.seen(db, device, person, now)
        found = sessions.find(db, token, now)
        return checked, token, found.language if found else "en"

    checked, token, language = await node.write(enter)
    refusal = checked.refusal
    if refusal is not None:

        def say(t: Texts) -> Feedback:
            return Feedback("bad", refusal.sentence(t.translate), refusal.next_step(t.translate))

        refused = await show(request, lambda desk: pin(desk, person, goal), who=nobody(request), say=say)
        refused.status_code = 429 if refusal.reason is Why.PIN_LOCKED else 401
        return refused
    answer: Response[Any]
    if is_htmx(request):
        # A whole load: tokens, language and the stream of changes belong to the new person.
        answer = Response("", headers={"HX-Redirect": goal})
    else:
        answer = Redirect(goal, status_code=303)
    answer.set_cookie(cookie(request, session_cookie(request), token, age_s=sessions.LONGEST_MS // 1000))
    answer.set_cookie(cookie(request, "device", device))
    answer.set_cookie(cookie(request, "language", language))
    return answer


@post("/sign-out", status_code=200)
async def sign_out(request: Asked) -> Response[Any]:
    await Form.read(request)
    token = str(request.auth)
    await node_of(request).write(lambda db: sessions.close(db, token))
    answer: Response[Any]
    if is_htmx(request):
        answer = Response("", headers={"HX-Redirect": "/sign-in"})
    else:
        answer = Redirect("/sign-in", status_code=303)
    answer.delete_cookie(session_cookie(request))
    return answer


@post("/language", opt={"open": True}, status_code=200)
async def language(request: Request[Any, Any, State]) -> Response[Any]:
    """Switch at once, for this person from now on; before sign-in for this handheld."""
    form = await Form.read(request)
    wanted = form.text("language")
    if wanted not in LANGUAGES:
        raise BadForm("That language is not here.")
    token = request.cookies.get(session_cookie(request), "")
    node = node_of(request)
    now = node.status().moment.now

    def keep(db: Connection) -> None:
        session = sessions.find(db, token, now) if token else None
        if session is not None:
            sessions.choose_language(db, session.person, wanted)

    if token:
        await node.write(keep)
    return changed(request, form, cookie(request, "language", wanted))


@post("/theme", opt={"open": True}, status_code=200)
async def theme(request: Request[Any, Any, State]) -> Response[Any]:
    """Light, dark or as the handheld says; kept per handheld, as rooms differ and not people."""
    form = await Form.read(request)
    wanted = form.text("theme")
    if wanted not in ("auto", "light", "dark"):
        raise BadForm("That is no choice.")
    return changed(request, form, cookie(request, "theme", wanted))


def changed(request: Asked, form: Form, kept: Cookie) -> Response[Any]:
    goal = form.text("next")
    goal = goal if goal.startswith("/sign-in") else local(goal)
    answer: Response[Any]
    if is_htmx(request):
        answer = Response("", headers={"HX-Redirect": goal})
    else:
        answer = Redirect(goal, status_code=303)
    answer.set_cookie(kept)
    return answer


HANDLERS = [sign_in_page, sign_in, sign_out, language, theme]
