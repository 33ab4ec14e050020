"""Both sides of the training: the real page that begins, shows and ends it, and the page inside.

Inside, it shows the codes of what is to be picked, so that one can practise without walking, and the pickup
code that a shopper would bring.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post

from pwa.desk import Desk, Feedback, View
from pwa.printing.code128 import QUIET, modules, widths
from pwa.texts import Texts
from pwa.training.frame import address
from pwa.training.orders import CODE, PIN
from pwa.training.school import School
from pwa.web import Asked, Form, is_htmx, show
from sync.rules.permissions import Actor, may

MOST_CODES = 12
HEIGHT = 40


def school_of(request: Asked) -> School | None:
    found: School | None = request.app.state.get("school")
    return found


def door(desk: Desk, at: str, able: bool) -> View:
    """The real side."""
    actor = Actor(desk.who.person, desk.who.role, store=desk.store)
    lead = may(actor, "training.hold", store=desk.store, online=desk.line.up) is None
    data = {"at": at, "lead": lead, "able": able, "pin": PIN}
    return View("training/door.html", desk.t("Training"), "/training", data, back="/more")


def inside(desk: Desk) -> View:
    rows = desk.rows(
        "SELECT l.sku, sum(l.qty - l.picked - l.short) AS left, min(a.order_no) AS order_no"
        " FROM assignment_line l JOIN assignment a USING (fence)"
        " WHERE a.state IN ('offered', 'accepted', 'picking') AND l.qty > l.picked + l.short"
        " GROUP BY l.sku ORDER BY max(a.state = 'picking') DESC, max(a.state = 'accepted') DESC, min(a.fence)"
        " LIMIT ?",
        MOST_CODES,
    )
    data = {"rows": [shown(desk, row) for row in rows], "code": CODE, "pin": PIN}
    return View("training/inside.html", desk.t("Training"), "/training", data, back="/orders")


def shown(desk: Desk, row: Any) -> dict[str, Any]:
    item = desk.row("SELECT * FROM item WHERE sku = ?", row["sku"])
    gtin = desk.value("SELECT gtin FROM gtin WHERE sku = ? LIMIT 1", row["sku"])
    code = gtin.removeprefix("0") if gtin else row["sku"]
    return {
        "name": desk.t.name(item) if item else row["sku"],
        "sku": row["sku"],
        "left": row["left"],
        "shelf": desk.value("SELECT location FROM shelf WHERE sku = ?", row["sku"]) or "",
        "order_no": row["order_no"],
        "code": code,
        "picture": bars(code),
    }


def bars(code: str) -> str:
    """A Code 128 as a picture: every scanner reads it, also from a screen."""
    x, path = QUIET, ""
    for n, width in enumerate(widths(code)):
        if n % 2 == 0:
            path += f"M{x} 0h{width}v{HEIGHT}h-{width}z"
        x += width
    whole = modules(code)
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {HEIGHT}" preserveAspectRatio="none">'
        f'<rect width="{whole}" height="{HEIGHT}" fill="#fff"/><path d="{path}"/></svg>'
    )
    return "data:image/svg+xml," + quote(drawn)


@get("/training")
async def training(request: Asked) -> Response[str]:
    if request.app.state.leave_port:
        return await show(request, inside)
    return await show(request, door_of(request))


def door_of(request: Asked) -> Any:
    school = school_of(request)
    at = f"{address(request, school.port)}/orders" if school is not None and school.port else ""
    return lambda desk: door(desk, at, school is not None)


def may_hold(request: Asked) -> bool:
    actor = Actor(request.user.person, request.user.role, store=request.app.state.store)
    return may(actor, "training.hold", store=request.app.state.store) is None


@post("/training/begin", status_code=200)
async def begin(request: Asked) -> Response[str]:
    await Form.read(request)
    school = school_of(request)
    good = bool(school and may_hold(request) and not request.app.state.leave_port and await school.begin())

    def say(t: Texts) -> Feedback:
        if good:
            return Feedback("good", t("The training is open."))
        return Feedback("bad", t("The training could not be opened."), t("Ask whoever looks after the box."))

    return await show(request, door_of(request), say=say, moved=True)


@post("/training/end", status_code=200)
async def end(request: Asked) -> Response[str]:
    await Form.read(request)
    school = school_of(request)
    if school is not None and may_hold(request) and not request.app.state.leave_port:
        await school.end()
    return await show(
        request,
        door_of(request),
        say=lambda t: Feedback("good", t("The training is over. Nothing of it is kept.")),
        moved=True,
    )


@post("/training/more", status_code=200)
async def more(request: Asked) -> Response[str]:
    await Form.read(request)
    school = school_of(request)
    if school is not None and school.node is not None and request.app.state.leave_port:
        await school.node.more()
    return await show(
        request, inside, say=lambda t: Feedback("good", t("One more order has come.")), moved=True
    )


@post("/training/over", status_code=200)
async def start_over(request: Asked) -> Response[str]:
    """Everything as at the beginning; a whole load, since nothing on any page is true any more."""
    await Form.read(request)
    school = school_of(request)
    if school is not None and request.app.state.leave_port:
        await school.start_over()
    headers = {"HX-Redirect": "/orders"} if is_htmx(request) else {"Location": "/orders"}
    return Response("", status_code=200 if is_htmx(request) else 303, headers=headers)


HANDLERS = [training, begin, end, more, start_over]
