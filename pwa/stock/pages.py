"""Routes of stock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from pwa.counting import views as counting
from pwa.desk import Build, Desk, Feedback, View
from pwa.stock import views
from pwa.stock.find import find_sku
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, node_of, show

NOT_HERE = "Nothing here has the code {code}."


@get("/stock")
async def lookup(request: Asked, q: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.lookup(desk, q[:60]))


@get("/stock/{sku:str}")
async def item(request: Asked, sku: FromPath[str]) -> Response[str]:
    return await show(request, lambda desk: views.item(desk, sku))


async def by_scan(request: Asked, found: Callable[[str], Build], otherwise: Build) -> Response[str]:
    """A scan on a page that waits for goods: to the goods' page, or a clear word that there are none."""
    form = await Form.read(request)
    code = form.text("code", most=120)
    sku = await node_of(request).read(lambda db: find_sku(db, code))

    def say(t: Texts) -> Feedback:
        return (
            Feedback("good", t("Found."))
            if sku
            else Feedback("bad", t(NOT_HERE, code=code), t("Scan again, or type the SKU from the label."))
        )

    return await show(request, found(sku) if sku else otherwise, say=say, moved=True)


@post("/stock/scan", status_code=200)
async def scan(request: Asked) -> Response[str]:
    return await by_scan(
        request, lambda sku: lambda desk: views.item(desk, sku), lambda desk: views.lookup(desk, "")
    )


@get("/count")
async def counts(request: Asked) -> Response[str]:
    return await show(request, views.counts)


@post("/count/scan", status_code=200)
async def count_scan(request: Asked) -> Response[str]:
    return await by_scan(request, lambda sku: lambda desk: views.count(desk, sku), views.counts)


@get("/count/{sku:str}")
async def count_page(request: Asked, sku: FromPath[str], task: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.count(desk, sku, task))


@post("/count/{sku:str}", status_code=200)
async def count(request: Asked, sku: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    found = form.number("qty")
    args: dict[str, Any] = {"sku": sku, "found": found}
    if form.text("task"):
        args["task"] = form.text("task")
    outcome = await form.perform("count", args)
    sheet = form.text("sheet")

    def counted(t: Texts) -> Feedback:
        text = t.n("Counted: {n} unit of {sku}.", "Counted: {n} units of {sku}.", found, sku=sku)
        if not outcome.result.get("waits"):
            return Feedback("good", text)
        return Feedback(
            "info", text, t("It differs by more than one person may book: a second one confirms it.")
        )

    return await answer(
        request,
        outcome,
        (lambda desk: counting.sheet(desk, sheet)) if sheet else views.counts,
        counted,
        otherwise=lambda desk: views.count(desk, sku),
    )


@get("/receive")
async def receive_page(request: Asked, sku: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.receive(desk, sku))


@post("/receive/scan", status_code=200)
async def receive_scan(request: Asked) -> Response[str]:
    document = (await Form.read(request)).text("document")
    return await by_scan(
        request,
        lambda sku: lambda desk: views.receive(desk, sku, document),
        lambda desk: views.receive(desk, "", document),
    )


@post("/receive", status_code=200)
async def receive(request: Asked) -> Response[str]:
    form = await Form.read(request)
    sku, qty, document = form.text("sku"), form.number("qty", least=1), form.text("document", most=40)
    args: dict[str, Any] = {"code": sku, "qty": qty}
    if document:
        args["document"] = document
    outcome = await form.perform("receive", args)
    return await answer(
        request,
        outcome,
        lambda desk: views.receive(desk, "", document),
        lambda t: Feedback(
            "good", t.n("{n} unit of {sku} received.", "{n} units of {sku} received.", qty, sku=sku)
        ),
        otherwise=lambda desk: views.receive(desk, sku, document),
    )


def rows_of(form: Form) -> list[tuple[str, int]]:
    """Fields `n_<sku>`: the list that the person has built so far, carried by the form itself."""
    rows = [(name[2:], form.number(name, 0)) for name in form.fields if name.startswith("n_")]
    return [(sku, qty) for sku, qty in rows if qty > 0][:200]


@get("/transfer")
async def transfer_page(request: Asked) -> Response[str]:
    return await show(request, lambda desk: views.transfer(desk, [], ""))


@post("/transfer/scan", status_code=200)
async def transfer_scan(request: Asked) -> Response[str]:
    form = await Form.read(request)
    rows = dict(rows_of(form))
    code, to = form.text("code", most=120), form.text("to")
    sku = await node_of(request).read(lambda db: find_sku(db, code)) if code else ""
    if sku:
        rows[sku] = rows.get(sku, 0) + 1

    def say(t: Texts) -> Feedback:
        if sku:
            return Feedback("good", t("{sku}: {n} in the box.", sku=sku, n=rows[sku]))
        return Feedback("bad", t(NOT_HERE, code=code), t("Scan again, or type the SKU from the label."))

    return await show(request, lambda desk: views.transfer(desk, list(rows.items()), to), say=say, moved=True)


@post("/transfer", status_code=200)
async def transfer(request: Asked) -> Response[str]:
    form = await Form.read(request)
    rows, to = rows_of(form), form.text("to")
    if not to:
        raise BadForm("Choose the store it goes to.")
    if not rows:
        raise BadForm("Scan the goods that go into the box first.")
    outcome = await form.perform("send_transfer", {"to": to, "rows": [[sku, qty] for sku, qty in rows]})
    return await answer(
        request,
        outcome,
        lambda desk: views.transfer(desk, [], ""),
        lambda t: Feedback("good", t("On its way to {store}.", store=to)),
        otherwise=lambda desk: views.transfer(desk, rows, to),
    )


@get("/adjust")
async def adjust_page(request: Asked, sku: FromQuery[str] = "") -> Response[str]:
    return await show(request, lambda desk: views.adjust(desk, sku))


@post("/adjust/scan", status_code=200)
async def adjust_scan(request: Asked) -> Response[str]:
    return await by_scan(request, lambda sku: lambda desk: views.adjust(desk, sku), views.adjust)


@post("/adjust", status_code=200)
async def adjust(request: Asked) -> Response[str]:
    form = await Form.read(request)
    sku = form.text("sku")
    if not form.text("reason"):
        raise BadForm("Choose a reason first.")
    args: dict[str, Any] = {
        "sku": sku,
        "qty": form.number("qty", least=1),
        "reason": form.text("reason"),
        "to": form.text("to") or "damaged",
    }
    if form.text("lead") and form.text("pin"):
        args["lead"] = {"person": form.text("lead"), "pin": form.text("pin")}
    outcome = await form.perform("adjust", args)

    def then(desk: Desk) -> View:
        return views.item(desk, sku)

    return await answer(
        request,
        outcome,
        then,
        lambda t: Feedback("good", t("Taken out of sale.")),
        otherwise=lambda desk: views.adjust(desk, sku),
    )


HANDLERS = [
    lookup,
    scan,
    item,
    counts,
    count_scan,
    count_page,
    count,
    receive_page,
    receive_scan,
    receive,
    transfer_page,
    transfer_scan,
    transfer,
    adjust_page,
    adjust_scan,
    adjust,
]
