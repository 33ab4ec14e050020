"""Routes of counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from pwa.counting import views
from pwa.desk import Feedback
from pwa.stock.find import find_sku
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, node_of, said, show
from sync.replica.commands import Outcome

NOT_HERE = "Nothing here has the code {code}."


@get("/counts/new")
async def new_page(request: Asked) -> Response[str]:
    return await show(request, views.new)


@post("/counts/new", status_code=200)
async def new(request: Asked) -> Response[str]:
    form = await Form.read(request)
    kind = form.text("kind")
    if kind not in ("full", "list"):
        raise BadForm("Choose what is to be counted.")
    args: dict[str, Any] = {
        "kind": kind,
        "title": form.text("title", most=40),
        "blind": bool(form.text("blind")),
    }
    if kind == "full":
        args |= {"areas": words(form.text("areas", most=400)), "scope": form.text("scope", most=24)}
    else:
        args["skus"] = words(form.text("skus", most=12_000))
    outcome = await form.perform("open_sheet", args)
    made = str(outcome.result.get("sheet", ""))
    return await answer(
        request,
        outcome,
        lambda desk: views.sheet(desk, made),
        lambda t: Feedback("good", t("The count is open. Everybody sees it under Count.")),
        otherwise=views.new,
    )


def words(text: str) -> list[str]:
    """One per line, or with commas in between."""
    return [word.strip() for word in text.replace("，", "\n").replace(",", "\n").splitlines() if word.strip()]


@get("/counts/differences")
async def differences(request: Asked) -> Response[str]:
    return await show(request, views.differences)


@post("/counts/differences", status_code=200)
async def confirm(request: Asked) -> Response[str]:
    form = await Form.read(request)
    skus = form.texts("sku")
    if not skus:
        raise BadForm("Choose at least one difference first.")
    args: dict[str, Any] = {"skus": skus}
    if form.text("lead") and form.text("pin"):
        args["lead"] = {"person": form.text("lead"), "pin": form.text("pin")}
    outcome = await form.perform("confirm_variances", args)
    n = len(skus)
    return await answer(
        request,
        outcome,
        views.differences,
        lambda t: Feedback(
            "good", t.n("{n} difference is in the books.", "{n} differences are in the books.", n)
        ),
        otherwise=views.differences,
    )


@post("/counts/again", status_code=200)
async def again(request: Asked) -> Response[str]:
    form = await Form.read(request)
    sku = form.text("sku")
    outcome = await form.perform("recount", {"sku": sku})
    return await answer(
        request,
        outcome,
        views.differences,
        lambda t: Feedback("good", t("{sku} is on the list: somebody else counts it again.", sku=sku)),
        otherwise=views.differences,
    )


@get("/counts/{sheet:str}")
async def sheet_page(request: Asked, sheet: FromPath[str]) -> Response[str]:
    return await show(request, lambda desk: views.sheet(desk, sheet))


@post("/counts/{sheet:str}/close", status_code=200)
async def close(request: Asked, sheet: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("close_sheet", {"sheet": sheet, "unseen": form.text("unseen")})

    def told(t: Texts) -> Feedback:
        if form.text("unseen") == "cancel":
            return Feedback("good", t("The count was dropped. The books are as they were."))
        if outcome.result.get("left"):
            left = t.n(
                "{n} item is left. Close it once more.",
                "{n} items are left. Close it once more.",
                left_of(outcome),
            )
            return Feedback("info", left)
        waits = int(outcome.result.get("waiting", 0))
        more = t.n(
            "{n} difference waits for a second person.", "{n} differences wait for a second person.", waits
        )
        return Feedback("good", t("The count is closed."), more if waits else "")

    return await answer(
        request,
        outcome,
        lambda desk: views.sheet(desk, sheet),
        told,
        otherwise=lambda desk: views.sheet(desk, sheet),
    )


def left_of(outcome: Outcome) -> int:
    return int(outcome.result.get("left", 0))


@get("/counts/{sheet:str}/{number:int}")
async def area_page(
    request: Asked, sheet: FromPath[str], number: FromPath[int], sku: FromQuery[str] = ""
) -> Response[str]:
    return await show(request, lambda desk: views.area(desk, sheet, number, sku))


@post("/counts/{sheet:str}/{number:int}/scan", status_code=200)
async def scan(request: Asked, sheet: FromPath[str], number: FromPath[int]) -> Response[str]:
    """Another item in the hand: what the page held is written down first. Hands stay on the trigger."""
    form = await Form.read(request)
    code, held, qty = form.text("code", most=120), form.text("sku"), form.number("qty", 0)
    sku = await node_of(request).read(lambda db: find_sku(db, code))
    if not sku:
        return await show(
            request,
            lambda desk: views.area(desk, sheet, number, held, qty),
            say=lambda t: Feedback(
                "bad", t(NOT_HERE, code=code), t("Scan again, or type the SKU from the label."), form.command
            ),
        )
    outcome = await _enter(request, form, sheet, number, held, qty) if held and qty else None
    if outcome is not None and not outcome.ok:
        return await answer(
            request,
            outcome,
            lambda desk: views.area(desk, sheet, number, held, qty),
            lambda t: Feedback("good", ""),
            command=form.command,
            otherwise=lambda desk: views.area(desk, sheet, number, held, qty),
        )

    def saved(t: Texts) -> Feedback:
        if outcome is None:
            return Feedback("good", t("Found."), command=form.command)
        return Feedback("good", entered(t, held, qty), command=form.command)

    return await show(request, lambda desk: views.area(desk, sheet, number, sku, 1), say=saved, moved=True)


@post("/counts/{sheet:str}/{number:int}", status_code=200)
async def enter(request: Asked, sheet: FromPath[str], number: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    sku, qty = form.text("sku"), form.number("qty")
    outcome = await _enter(request, form, sheet, number, sku, qty)
    return await answer(
        request,
        outcome,
        lambda desk: views.area(desk, sheet, number),
        lambda t: Feedback("good", entered(t, sku, qty)),
        otherwise=lambda desk: views.area(desk, sheet, number, sku, qty),
    )


@post("/counts/{sheet:str}/{number:int}/finish", status_code=200)
async def finish(request: Asked, sheet: FromPath[str], number: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    name = await _area(request, sheet, number)
    reopen = bool(form.text("again"))
    outcome = await form.perform("finish_area", {"sheet": sheet, "area": name, "again": reopen})
    good: Callable[[Texts], Feedback] = (
        (lambda t: Feedback("good", t("{area} is open again.", area=name)))
        if reopen
        else (lambda t: Feedback("good", t("{area} is finished.", area=name)))
    )
    return await show(request, lambda desk: views.sheet(desk, sheet), say=said(outcome, good), moved=True)


def entered(t: Texts, sku: str, qty: int) -> str:
    return t.n("Counted: {n} unit of {sku}.", "Counted: {n} units of {sku}.", qty, sku=sku)


async def _area(request: Asked, sheet: str, number: int) -> str:
    row = await node_of(request).read(
        lambda db: db.execute(
            "SELECT area FROM count_area WHERE sheet = ? AND number = ?", (sheet, number)
        ).fetchone()
    )
    return str(row[0]) if row else ""


async def _enter(request: Asked, form: Form, sheet: str, number: int, sku: str, qty: int) -> Outcome:
    args: dict[str, Any] = {
        "sheet": sheet,
        "area": await _area(request, sheet, number),
        "sku": sku,
        "found": qty,
    }
    if form.text("instead"):
        args["instead"] = True
    return await form.perform("enter_count", args)


HANDLERS = [
    new_page,
    new,
    differences,
    confirm,
    again,
    sheet_page,
    close,
    area_page,
    scan,
    enter,
    finish,
]
