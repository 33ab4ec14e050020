"""Routes of a wave."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from pwa.desk import Desk, Feedback, View
from pwa.offers import views as offers
from pwa.offers.pages import fences_of
from pwa.picking import views
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, show


@post("/waves", status_code=200)
async def start(request: Asked) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("start_wave", {"fences": fences_of(form)})
    wave = str(outcome.result.get("wave", ""))
    return await answer(
        request,
        outcome,
        lambda desk: views.pick(desk, wave),
        lambda t: Feedback("info", t("Scan the first item at its shelf.")),
        otherwise=lambda desk: offers.home(desk, "work"),
    )


@get("/waves/{wave:str}")
async def pick_page(request: Asked, wave: FromPath[str]) -> Response[str]:
    return await show(request, lambda desk: views.pick(desk, wave))


@post("/waves/{wave:str}/scan", status_code=200)
async def scan(request: Asked, wave: FromPath[str]) -> Response[str]:
    """The one hot path: one scan, one command, one page."""
    form = await Form.read(request)
    code = form.text("code", most=120)
    if not code:
        raise BadForm("Nothing was scanned.")
    outcome = await form.perform("scan", {"code": code, "wave": wave})
    result = outcome.result

    def good(t: Texts) -> Feedback:
        tote = result.get("tote", "")
        if result.get("kind") == "tote":
            return Feedback("info", t("Tote {tote} is yours now.", tote=tote))
        if result.get("kind") != "picked":
            return Feedback("info", t("That is a parcel. Scan the item."))
        if result["left"]:
            return Feedback("good", t(views.RIGHT_MORE, tote=tote, left=result["left"]))
        return Feedback("good", t(views.RIGHT_LAST, tote=tote))

    def then(desk: Desk) -> View:
        here = str(result.get("wave", "")) or wave
        view = views.pick(desk, here)
        return view if outcome.refusal is None else views.wrong_item(desk, view, outcome.refusal)

    return await answer(request, outcome, then, good, command=form.command)


def _line(form: Form) -> dict[str, int]:
    return {"fence": form.number("fence", most=2**53), "line": form.number("line")}


def _units(form: Form) -> dict[str, int]:
    return {**_line(form), "qty": form.number("qty", 1, least=1)}


@post("/waves/{wave:str}/pick", status_code=200)
async def pick(request: Asked, wave: FromPath[str]) -> Response[str]:
    """Units without a scan: the code is torn, or the person counts faster than they scan."""
    form = await Form.read(request)
    outcome = await form.perform("pick", _units(form))
    return await answer(
        request,
        outcome,
        lambda desk: views.pick(desk, wave),
        lambda t: Feedback("good", t("Picked by hand.")),
    )


@post("/waves/{wave:str}/undo", status_code=200)
async def undo(request: Asked, wave: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("undo_pick", _units(form))
    return await answer(
        request,
        outcome,
        lambda desk: views.pick(desk, wave),
        lambda t: Feedback("info", t("Taken back. Put it on the shelf again, or scan it again.")),
    )


@post("/waves/{wave:str}/later", status_code=200)
async def later(request: Asked, wave: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("pick_later", _line(form))
    return await answer(
        request,
        outcome,
        lambda desk: views.pick(desk, wave),
        lambda t: Feedback("info", t("Put off: it comes at the end of the wave.")),
    )


@get("/waves/{wave:str}/short")
async def short_page(
    request: Asked, wave: FromPath[str], fence: FromQuery[int], line: FromQuery[int]
) -> Response[str]:
    return await show(request, lambda desk: views.short(desk, wave, fence, line))


@post("/waves/{wave:str}/short", status_code=200)
async def short(request: Asked, wave: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    fence, line = form.number("fence", most=2**53), form.number("line")
    reason = form.text("reason")
    if not reason:
        raise BadForm("Choose a reason first.")
    args = {
        "fence": fence,
        "line": line,
        "qty": form.number("qty", 1, least=1),
        "reason": reason,
        "note": form.text("note"),
        "instead": form.text("instead"),
    }
    outcome = await form.perform("short", args)

    def then(desk: Desk) -> View:
        return views.pick(desk, wave) if wave != "-" else offers.order(desk, fence)

    return await answer(
        request,
        outcome,
        then,
        lambda t: Feedback("info", t("Noted. The centre finds the missing units elsewhere.")),
        otherwise=lambda desk: views.short(desk, wave, fence, line),
    )


@get("/waves/{wave:str}/instead")
async def instead_page(
    request: Asked, wave: FromPath[str], fence: FromQuery[int], line: FromQuery[int]
) -> Response[str]:
    return await show(request, lambda desk: views.instead(desk, wave, fence, line))


@post("/waves/{wave:str}/instead", status_code=200)
async def instead(request: Asked, wave: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    fence, line = form.number("fence", most=2**53), form.number("line")
    substitute, chosen = form.text("substitute", most=120), form.text("chosen", most=120)
    if not form.text("reason"):
        raise BadForm("Choose a reason first.")
    if not substitute and not chosen:
        raise BadForm("Scan what comes instead first.")
    args = {
        "fence": fence,
        "line": line,
        "qty": form.number("qty", 1, least=1),
        "reason": form.text("reason"),
        "substitute": substitute,
        "chosen": chosen,
        "agreed_by": form.text("agreed_by", most=80),
    }
    outcome = await form.perform("short", args)

    def then(desk: Desk) -> View:
        return views.pick(desk, wave) if wave != "-" else offers.order(desk, fence)

    def good(t: Texts) -> Feedback:
        return Feedback(
            "info",
            t("Noted. The other article comes as a part of this order, accepted for you."),
            t("Pick it from the list of work like any other. While the line is down it comes later."),
        )

    return await answer(
        request, outcome, then, good, otherwise=lambda desk: views.instead(desk, wave, fence, line)
    )


HANDLERS = [start, pick_page, scan, pick, undo, later, short_page, short, instead_page, instead]
