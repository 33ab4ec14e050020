"""Routes of putting back."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from pwa.desk import Feedback
from pwa.putback import views
from pwa.web import Asked, Form, answer, show


@get("/putback")
async def tasks(request: Asked) -> Response[str]:
    return await show(request, views.tasks)


@get("/putback/{fence:int}")
async def order(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.order(desk, fence))


@post("/putback/{fence:int}", status_code=200)
async def put_back(request: Asked, fence: FromPath[int]) -> Response[str]:
    """By a scan, or by hand for a line whose label is torn."""
    form = await Form.read(request)
    args: dict[str, Any] = {"fence": fence, "qty": form.number("qty", 1, least=1)}
    if form.text("code"):
        args["code"] = form.text("code", most=120)
    else:
        args["line"] = form.number("line")
    outcome = await form.perform("put_back", args)
    return await answer(
        request,
        outcome,
        lambda desk: views.order(desk, fence),
        lambda t: Feedback("good", t("Back on the shelf. It can be sold again.")),
        command=form.command,
    )


HANDLERS = [tasks, order, put_back]
