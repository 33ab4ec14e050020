"""Routes of returns."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from pwa.desk import Desk, Feedback, View
from pwa.offers.views import with_args
from pwa.returns import views
from pwa.stock.find import find_sku
from pwa.web import Asked, BadForm, Form, answer, node_of, show


@get("/returns")
async def home(request: Asked) -> Response[str]:
    return await show(request, views.home)


@get("/returns/order")
async def order_page(request: Asked, number: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.order(desk, number[:40]))


@post("/returns/order", status_code=200)
async def take(request: Asked) -> Response[str]:
    """Units of an order, also one that was bought elsewhere: into the hold, whoever decides later."""
    form = await Form.read(request)
    number = form.text("number").upper()
    code = form.text("sku") or form.text("code", most=120)
    if not number:
        raise BadForm("Type the order's number first.")
    if not code:
        raise BadForm("Choose the item, or scan it.")
    sku = await node_of(request).read(lambda db: find_sku(db, code)) or code
    args: dict[str, Any] = {
        "order": number,
        "sku": sku,
        "qty": form.number("qty", 1, least=1),
        "reason": form.text("reason") or "not_wanted",
    }
    if form.text("line"):
        args["line"] = form.number("line")
    if form.text("elsewhere"):
        args["elsewhere"] = True
    outcome = await form.perform("take_return", args)
    return await answer(
        request,
        outcome,
        views.home,
        lambda t: Feedback(
            "good", t("Taken into the hold."), t("Grade it now, or leave it for a colleague.")
        ),
        otherwise=lambda desk: views.order(desk, number),
    )


@get("/returns/blind")
async def blind_page(request: Asked) -> Response[str]:
    return await show(request, views.blind)


@post("/returns/blind", status_code=200)
async def blind(request: Asked) -> Response[str]:
    form = await Form.read(request)
    code = form.text("sku") or form.text("code", most=120)
    sku = await node_of(request).read(lambda db: find_sku(db, code)) or code
    if not sku:
        raise BadForm("Choose the item, or scan it.")
    if not form.text("lead") or not form.text("pin"):
        raise BadForm("The store lead chooses their name and types their PIN here.")
    args = {
        "sku": sku,
        "qty": form.number("qty", 1, least=1),
        "reason": form.text("reason") or "not_wanted",
        "lead": {"person": form.text("lead"), "pin": form.text("pin")},
    }
    outcome = await form.perform("blind_return", args)

    def again(desk: Desk) -> View:
        return views.blind(with_args(desk, code=sku))

    return await answer(
        request,
        outcome,
        views.home,
        lambda t: Feedback(
            "good", t("Taken into the hold."), t("No money is paid out before the centre has decided.")
        ),
        otherwise=again,
    )


@get("/returns/{return_id:str}")
async def grade_page(request: Asked, return_id: FromPath[str]) -> Response[str]:
    return await show(request, lambda desk: views.grade(desk, return_id))


@post("/returns/{return_id:str}", status_code=200)
async def grade(request: Asked, return_id: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    if not form.text("grade") or not form.text("disposition"):
        raise BadForm("Choose a grade and where it goes.")
    args: dict[str, Any] = {
        "return_id": return_id,
        "qty": form.number("qty", 1, least=1),
        "grade": form.text("grade"),
        "disposition": form.text("disposition"),
    }
    if form.text("lead") and form.text("pin"):
        args["lead"] = {"person": form.text("lead"), "pin": form.text("pin")}
    outcome = await form.perform("grade", args)
    return await answer(
        request,
        outcome,
        views.home,
        lambda t: Feedback("good", t("Graded.")),
        otherwise=lambda desk: views.grade(desk, return_id),
    )


def order_url(number: str) -> str:
    return f"/returns/order?number={quote(number)}"


HANDLERS = [home, order_page, take, blind_page, blind, grade_page, grade]
