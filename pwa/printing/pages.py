"""Routes of printing: a button on any page, and the page of printers."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Response, get, post

from pwa.courier import views as courier
from pwa.desk import Desk, Feedback, View
from pwa.handover import views as handover
from pwa.offers import views as offers
from pwa.packing import views as packing
from pwa.picking import views as picking
from pwa.printing import views
from pwa.web import Asked, BadForm, Form, answer, show

TOO_OLD = "This form is too old. Open the page again; nothing was recorded."


def fence_of(at: str) -> int:
    if not at.isdigit() or len(at) > 17:
        raise BadForm(TOO_OLD)
    return int(at)


HERE: dict[str, Callable[[Desk, str], View]] = {
    "stage": lambda desk, at: packing.stage(desk, fence_of(at)),
    "order": lambda desk, at: offers.order(desk, fence_of(at)),
    "wave": picking.pick,
    "find": lambda desk, at: handover.find(desk, ""),
    "manifest": courier.manifest,
    "printers": lambda desk, at: views.printers(desk),
}
"""Pages with a print button, shown again after it: printing is beside the work and leads nowhere else."""


@get("/printers")
async def printers(request: Asked) -> Response[str]:
    return await show(request, views.printers)


@post("/print", status_code=200)
async def print_paper(request: Asked) -> Response[str]:
    form = await Form.read(request)
    here, at = form.text("here"), form.text("at", most=80)
    if here not in HERE:
        raise BadForm(TOO_OLD)
    if here in ("stage", "order"):
        fence_of(at)
    args = {
        "what": form.text("what"),
        "subject": form.text("subject", most=80),
        "printer": form.text("printer", most=40),
        "copies": form.number("copies", 1, least=1, most=20),
    }
    outcome = await form.perform("print", args)
    printer = str(outcome.result.get("printer", ""))
    return await answer(
        request,
        outcome,
        lambda desk: HERE[here](desk, at),
        lambda t: Feedback("info", t("Goes to printer {printer}.", printer=printer)),
    )


@post("/printers/again", status_code=200)
async def again(request: Asked) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("print_again", {"job": form.text("job")})
    printer = str(outcome.result.get("printer", ""))
    return await answer(
        request,
        outcome,
        views.printers,
        lambda t: Feedback("info", t("Goes to printer {printer}.", printer=printer)),
    )


@post("/printers/stop", status_code=200)
async def stop(request: Asked) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("stop_print", {"job": form.text("job")})
    return await answer(request, outcome, views.printers, lambda t: Feedback("info", t("Put away.")))


HANDLERS = [printers, print_paper, again, stop]
