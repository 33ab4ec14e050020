"""Routes of the counter."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from pwa.desk import Desk, Feedback, View
from pwa.handover import views
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, node_of, show
from sync.sqlite import Connection


@get("/handover")
async def find(request: Asked, q: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.find(desk, q[:60]))


@post("/handover/scan", status_code=200)
async def scan(request: Asked) -> Response[str]:
    """A parcel, a tote or a number: straight to the counter's page when it names one order."""
    form = await Form.read(request)
    code = form.text("code", most=120)
    fence = await node_of(request).read(lambda db: one_order(db, code))

    def view(desk: Desk) -> View:
        return views.counter(desk, fence) if fence else views.find(desk, code)

    def say(t: Texts) -> Feedback:
        return (
            Feedback("good", t("Found.")) if fence else Feedback("bad", t("No waiting order has this code."))
        )

    return await show(request, view, say=say, moved=True)


def one_order(db: Connection, code: str) -> int:
    """The fence of the one waiting order that a scanned code names, else 0."""
    rows = db.execute(
        "SELECT DISTINCT a.fence FROM assignment a LEFT JOIN parcel p ON p.fence = a.fence"
        " WHERE a.state IN ('staged', 'packed') AND (a.order_no = ? OR a.fo = ? OR p.code = ?) LIMIT 2",
        (code.upper(), code.upper(), code.upper()),
    ).fetchall()
    return int(rows[0]["fence"]) if len(rows) == 1 else 0


@get("/handover/{fence:int}")
async def counter(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.counter(desk, fence))


def refused_lines(form: Form) -> list[list[Any]]:
    """Fields `no_<line>` (how many) and `why_<line>`: what the shopper did not take."""
    rows: list[list[Any]] = []
    for name in form.fields:
        if name.startswith("no_") and name[3:].isdigit():
            qty = form.number(name, 0)
            if qty:
                rows.append([int(name[3:]), qty, form.text(f"why_{name[3:]}") or "not_wanted"])
    return rows


@post("/handover/{fence:int}", status_code=200)
async def hand_over(request: Asked, fence: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    args: dict[str, Any] = {"fence": fence}
    if form.text("action") == "override":
        if not form.text("lead") or not form.text("pin"):
            raise BadForm("The store lead chooses their name and types their PIN here.")
        args["override"] = {
            "person": form.text("lead"),
            "pin": form.text("pin"),
            "reason": form.text("reason"),
        }
    elif form.text("code"):
        args["code"] = form.text("code")
    if form.text("collector"):
        args["collector"] = form.text("collector", most=60)
    if form.text("proxy"):
        args["proxy"] = True
    refused = refused_lines(form)
    if refused:
        args["refused"] = refused
    outcome = await form.perform("hand_over", args)
    return await answer(
        request,
        outcome,
        lambda desk: views.counter(desk, fence),
        lambda t: Feedback("good", t("Handed over. Thank the shopper.")),
        otherwise=lambda desk: views.counter(desk, fence),
    )


@post("/handover/{fence:int}/undo", status_code=200)
async def undo(request: Asked, fence: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("undo_hand_over", {"fence": fence})
    return await answer(
        request,
        outcome,
        lambda desk: views.counter(desk, fence),
        lambda t: Feedback("info", t("Taken back: the order waits on its shelf again.")),
    )


HANDLERS = [find, scan, counter, hand_over, undo]
