"""Routes of the lists, of offers and of one order."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from pwa import work
from pwa.desk import Desk, Feedback, View
from pwa.offers import views
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, show


@get("/orders")
async def home(request: Asked, tab: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.home(desk, tab))


@get("/orders/{fence:int}")
async def order(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.order(desk, fence))


@get("/offers/{fence:int}")
async def offer(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.offer(desk, fence))


@get("/offers/{fence:int}/decline")
async def decline_page(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.decline(desk, fence))


def fences_of(form: Form) -> list[int]:
    fences = [int(word) for word in form.texts("fence") if word.isdigit() and len(word) < 18]
    if not fences or len(fences) > work.MOST:
        raise BadForm("Nothing was chosen.")
    return fences


@post("/offers/accept", status_code=200)
async def accept(request: Asked) -> Response[str]:
    """Accept what the person saw: the offers named in the form, and no others."""
    form = await Form.read(request)
    taken, refused = 0, None
    outcome = None
    for fence in fences_of(form):
        outcome = await form.perform("accept", {"fence": fence}, part=str(fence))
        if outcome.ok:
            taken += 1
        else:
            refused = outcome

    def good(t: Texts) -> Feedback:
        line_up = request.app.state.node.status().up
        text = t.n("{n} order accepted.", "{n} orders accepted.", taken)
        if line_up:
            return Feedback("good", text)
        return Feedback(
            "good", text, t("The line is down, so the centre has yet to confirm it. Carry on with picking.")
        )

    assert outcome is not None
    shown: Any = refused if refused is not None and not taken else outcome if outcome.ok else refused
    if refused is not None and taken:

        def mixed(desk: Desk) -> View:
            return views.home(desk, "work")

        def both(t: Texts) -> Feedback:
            assert refused.refusal is not None
            return Feedback("info", good(t).text, refused.refusal.sentence(t.translate))

        return await show(request, mixed, say=both, headers={"X-Outcome": "ok"}, moved=True)
    return await answer(
        request,
        shown,
        lambda desk: views.home(desk, "work"),
        good,
        otherwise=lambda desk: views.home(desk, "offers"),
    )


@post("/offers/{fence:int}/decline", status_code=200)
async def decline(request: Asked, fence: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    reason = form.text("reason")
    if not reason:
        raise BadForm("Choose a reason first.")
    outcome = await form.perform("decline", {"fence": fence, "reason": reason, "note": form.text("note")})
    return await answer(
        request,
        outcome,
        lambda desk: views.home(desk, "offers"),
        lambda t: Feedback("good", t("Declined. The centre looks for another store.")),
        otherwise=lambda desk: views.decline(desk, fence),
    )


HANDLERS = [home, order, offer, decline_page, accept, decline]
