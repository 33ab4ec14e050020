"""Routes of status, notices and menu; health; and a scan on a page that waits for none."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State

from pwa.desk import Build, Desk, Feedback, View
from pwa.handover.pages import one_order
from pwa.offers import views as offers
from pwa.picking import views as picking
from pwa.secure.address import address_of
from pwa.status import views
from pwa.stock import views as stock
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, node_of, show
from sync.replica.resolve import Item, ParcelCode, Tote, resolve
from sync.sqlite import Connection


def status_of(request: Asked) -> Build:
    at = address_of(request)
    return lambda desk: views.status(desk, at)


@get("/status")
async def status(request: Asked) -> Response[str]:
    return await show(request, status_of(request))


@get("/notices")
async def notices(request: Asked) -> Response[str]:
    return await show(request, views.notices)


@get("/more")
async def more(request: Asked) -> Response[str]:
    return await show(request, views.more)


@post("/notices/dismiss", status_code=200)
async def dismiss(request: Asked) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("dismiss_notice", {"id": form.text("id", most=80)})
    return await answer(
        request, outcome, views.notices, lambda t: Feedback("info", t("Put away.")), otherwise=views.notices
    )


@post("/pause", status_code=200)
async def pause(request: Asked) -> Response[str]:
    form = await Form.read(request)
    paused = form.text("paused") == "1"
    if paused and not form.text("reason"):
        raise BadForm("Choose a reason first.")
    outcome = await form.perform("pause", {"paused": paused, "reason": form.text("reason")})

    def good(t: Texts) -> Feedback:
        return Feedback(
            "good",
            t("No new orders come until you open again.") if paused else t("Open for new orders again."),
        )

    return await answer(request, outcome, status_of(request), good, otherwise=status_of(request))


@post("/scan", status_code=200)
async def scan(request: Asked) -> Response[str]:
    """Whatever the page was: a scan of goods shows their stock, of a tote or parcel its order."""
    form = await Form.read(request)
    code = form.text("code", most=120)

    def meaning(db: Connection) -> Item | Tote | ParcelCode | int | None:
        return resolve(db, code) or one_order(db, code) or None

    found = await node_of(request).read(meaning)

    def view(desk: Desk) -> View:
        match found:
            case Item():
                return stock.item(desk, found.sku)
            case Tote():
                wave = desk.value(
                    "SELECT wave FROM assignment WHERE fence = ? AND state = 'picking'", found.fence
                )
                return picking.pick(desk, wave) if wave else offers.order(desk, found.fence)
            case ParcelCode():
                return offers.order(desk, found.fence)
            case int():
                return offers.order(desk, found)
            case _:
                return offers.home(desk, "")

    def say(t: Texts) -> Feedback:
        if found is not None:
            return Feedback("good", t("Found."))
        return Feedback(
            "bad",
            t("Nothing here has the code {code}.", code=code),
            t("Scan again, or type the SKU from the label."),
        )

    return await show(request, view, say=say, moved=True)


@get("/health", opt={"open": True})
async def health(request: Request[Any, Any, State]) -> dict[str, object]:
    """For whoever watches the box: answers, and how the line stands. No data of the store."""
    line = node_of(request).status()
    return {"ok": True, "line": "up" if line.up else "down", "since": line.since, "unsent": line.unsent}


HANDLERS = [status, notices, more, dismiss, pause, scan, health]
