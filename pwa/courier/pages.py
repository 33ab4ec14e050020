"""Routes of the courier's manifest."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath

from pwa.courier import views
from pwa.desk import Desk, Feedback, View
from pwa.texts import Texts
from pwa.web import Asked, BadForm, Form, answer, node_of, show
from sync.sqlite import Connection


@get("/courier")
async def manifests(request: Asked) -> Response[str]:
    return await show(request, views.manifests)


@post("/courier", status_code=200)
async def open_manifest(request: Asked) -> Response[str]:
    form = await Form.read(request)
    courier = form.text("courier", most=40)
    if not courier:
        raise BadForm("Type the courier's name first.")
    outcome = await form.perform("open_manifest", {"courier": courier})
    code = str(outcome.result.get("manifest", ""))
    return await answer(
        request,
        outcome,
        lambda desk: views.manifest(desk, code),
        lambda t: Feedback("info", t("Scan each parcel that {courier} takes.", courier=courier)),
        otherwise=views.manifests,
    )


@get("/courier/{code:str}")
async def manifest(request: Asked, code: FromPath[str]) -> Response[str]:
    return await show(request, lambda desk: views.manifest(desk, code))


@post("/courier/{code:str}/load", status_code=200)
async def load(request: Asked, code: FromPath[str]) -> Response[str]:
    """By the parcel's own code, or by the order's number."""
    form = await Form.read(request)
    scanned = form.text("code", most=120).upper()
    if not scanned:
        raise BadForm("Nothing was scanned.")

    def whole_order(db: Connection) -> int:
        row = db.execute(
            "SELECT fence FROM assignment WHERE (order_no = ? OR fo = ?) AND state IN ('packed', 'staged')"
            " AND kind <> 'pickup' ORDER BY fence LIMIT 1",
            (scanned, scanned),
        ).fetchone()
        return int(row["fence"]) if row else 0

    fence = await node_of(request).read(whole_order)
    args = {"manifest": code, "fence": fence} if fence else {"manifest": code, "parcel": scanned}
    outcome = await form.perform("load", args)
    return await answer(
        request,
        outcome,
        lambda desk: views.manifest(desk, code),
        lambda t: (
            Feedback("again", t("Already on this manifest."))
            if outcome.result.get("again")
            else Feedback("good", t("Right parcel. Loaded."))
        ),
        command=form.command,
    )


@post("/courier/{code:str}/unload", status_code=200)
async def unload(request: Asked, code: FromPath[str]) -> Response[str]:
    """An order off the manifest again: loaded by mistake, or taken away by the centre meanwhile."""
    form = await Form.read(request)
    outcome = await form.perform("unload", {"fence": form.number("fence", 0, most=2**53)})
    return await answer(
        request,
        outcome,
        lambda desk: views.manifest(desk, code),
        lambda t: Feedback("info", t("Taken off this manifest.")),
    )


@post("/courier/{code:str}/ship", status_code=200)
async def ship(request: Asked, code: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    outcome = await form.perform("ship", {"manifest": code})

    def good(t: Texts) -> Feedback:
        return Feedback("good", t("Handed to the courier."))

    def then(desk: Desk) -> View:
        return views.manifests(desk)

    return await answer(request, outcome, then, good, otherwise=lambda desk: views.manifest(desk, code))


HANDLERS = [manifests, open_manifest, manifest, load, unload, ship]
