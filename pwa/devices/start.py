"""A new handheld's own side: it shows a code, gets its secret, signs in, and tries itself out.

Open to everybody, since a new handheld is nobody yet. The code is judged by the POST alone, where each
wrong one counts; the page before it says nothing about codes.
"""

from __future__ import annotations

import os
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery
from litestar.response import Redirect

from pwa.desk import Desk, Feedback, View
from pwa.secure.address import Address, address_of
from pwa.secure.address import told as told_of_address
from pwa.signin.pages import cookie
from pwa.texts import Texts
from pwa.web import Asked, Form, device_of, is_htmx, nobody, node_of, show
from sync.ids import short_secret
from sync.replica import handhelds
from sync.replica.handhelds import Begun
from sync.sqlite import Connection

Plain = Request[Any, Any, State]
READY = "/start/ready"


def start_view(desk: Desk, at: Address, code: str, https: str) -> View:
    data = {**told_of_address(at, desk.t, desk.now), "code": code, "https": https, "way": at.way}
    return View("devices/start.html", desk.t("Set up this handheld"), "/start", data, back="/sign-in")


def secure_goal(request: Plain, at: Address, code: str) -> str:
    """The same step at the secure address, where there is one and this is not it."""
    if at.way != "plain" or at.paper is None:
        return ""
    here = request.url.netloc
    return f"https://{here}/start" + (f"?code={code}" if code else "")


@get("/start", opt={"open": True})
async def start(request: Asked, code: FromQuery[str] = "") -> Response[str]:
    at, kept = address_of(request), code[:60]
    goal = secure_goal(request, at, kept)
    return await show(request, lambda desk: start_view(desk, at, kept, goal), who=nobody(request))


@post("/start", opt={"open": True}, status_code=200)
async def begin(request: Plain) -> Response[Any]:
    form = await Form.read(request)
    code = form.text("code", most=200)
    node, store = node_of(request), request.app.state.store
    key = os.urandom(24).hex()

    def use(db: Connection) -> tuple[Begun, str]:
        device = device_of(request)
        if not device or handhelds.standing(db, device, request.cookies.get("device_key", "")) == "strange":
            device = "H" + short_secret(os.urandom, 6)
        now = node.status().moment.now
        return handhelds.begin(db, code, store=store, device=device, key=key, now=now), device

    begun, device = await node.write(use)
    refusal = begun.refusal
    if refusal is not None:

        def say(t: Texts) -> Feedback:
            return Feedback("bad", refusal.sentence(t.translate), refusal.next_step(t.translate))

        at = address_of(request)
        goal = secure_goal(request, at, "")
        refused = await show(
            request, lambda desk: start_view(desk, at, "", goal), who=nobody(request), say=say
        )
        refused.status_code = 422
        return refused
    goal = f"/sign-in?next={READY}"
    answer: Response[Any]
    answer = (
        Response("", headers={"HX-Redirect": goal}) if is_htmx(request) else Redirect(goal, status_code=303)
    )
    answer.set_cookie(cookie(request, "device", device))
    answer.set_cookie(cookie(request, "device_key", key))
    return answer


@get(READY)
async def ready(request: Asked) -> Response[str]:
    """What a new handheld is tried out with, by whoever has just signed in on it."""
    at = address_of(request)

    def view(desk: Desk) -> View:
        name = desk.value("SELECT name FROM handheld WHERE id = ?", desk.who.device) or desk.who.device
        data = {**told_of_address(at, desk.t, desk.now), "name": name}
        return View("devices/ready.html", desk.t("Ready to work"), READY, data, back="/more")

    return await show(request, view)


HANDLERS = [start, begin, ready]
