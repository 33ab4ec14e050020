"""The page behind every "What now?": what to do, and a code that tells the help desk what this device saw.

The page is made the same by the node and, without it, by the device (pwa/twin/pages/kept.py). Its script
packs the code when the page is opened; the node draws the QR of it, since that needs no script then.
"""

from __future__ import annotations

import io
import re
from typing import Any

import segno
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from pwa.desk import Desk, View
from pwa.statics import address
from pwa.web import Asked, nobody, show
from sync.agent.node import SOFTWARE
from sync.support import MOST_SIGNS

ADDRESS = "/what-now"


def what_now(desk: Desk) -> View:
    return View("support/now.html", desk.t("What now?"), ADDRESS, {"version": SOFTWARE}, back="/orders")


@get(ADDRESS, opt={"open": True})
async def page(request: Asked) -> Response[str]:
    who = request.scope.get("user") or nobody(request)
    return await show(request, what_now, who=who)


@get("/support/qr.svg", opt={"open": True}, sync_to_thread=True)
def qr(request: Request[Any, Any, State], code: FromQuery[str] = "") -> Response[bytes]:
    if not re.fullmatch(rf"[0-9A-Z]{{10,{MOST_SIGNS}}}", code):
        raise NotFoundException
    drawn = io.BytesIO()
    try:
        made = segno.make(code, error="l", micro=False)
    except segno.DataOverflowError as error:
        raise NotFoundException from error
    made.save(drawn, kind="svg", scale=4, border=4, light="#fff")
    return Response(drawn.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def help_desk() -> str:
    """The code on a page that a device without an extract shows: no template of it can be drawn there."""
    scripts = "".join(f"<script defer src='{address(name)}'></script>" for name in ("log.js", "support.js"))
    words = "Code for the help desk / 求助代码"
    place = f"<p id=support data-version='{SOFTWARE}' data-language='' data-store=''></p>"
    return f"{scripts}<h2>{words}</h2>{place}<p><a class=btn href='/orders'>Try again / 重试</a></p>"


HANDLERS = [page, qr]
