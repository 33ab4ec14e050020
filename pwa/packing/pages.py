"""Routes of packing and staging."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath

from pwa.desk import Desk, Feedback, View
from pwa.offers import views as offers
from pwa.packing import views
from pwa.web import Asked, BadForm, Form, answer, show


@get("/pack/{fence:int}")
async def pack_page(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.pack(desk, fence))


def parcels_of(form: Form) -> list[list[list[int]]]:
    """Fields `q_<line>_<parcel>` as parcels of (line, quantity); empty parcels are left out."""
    parcels: dict[int, list[list[int]]] = {}
    for name in form.fields:
        if not name.startswith("q_"):
            continue
        try:
            _, line, parcel = name.split("_")
            key, number = int(parcel), int(line)
        except ValueError:
            raise BadForm("This form is too old. Open the page again; nothing was recorded.") from None
        qty = form.number(name, 0)
        if qty:
            parcels.setdefault(key, []).append([number, qty])
    return [sorted(parcels[key]) for key in sorted(parcels)]


@post("/pack/{fence:int}", status_code=200)
async def pack(request: Asked, fence: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    args: dict[str, object] = {"fence": fence}
    parcels = parcels_of(form)
    if parcels:
        args["parcels"] = parcels
    outcome = await form.perform("pack", args)

    def then(desk: Desk) -> View:
        return views.stage(desk, fence)

    return await answer(
        request,
        outcome,
        then,
        lambda t: Feedback("good", t("Packed. Now put it on a shelf.")),
        otherwise=lambda desk: views.pack(desk, fence),
    )


@get("/stage/{fence:int}")
async def stage_page(request: Asked, fence: FromPath[int]) -> Response[str]:
    return await show(request, lambda desk: views.stage(desk, fence))


@post("/stage/{fence:int}", status_code=200)
async def stage(request: Asked, fence: FromPath[int]) -> Response[str]:
    form = await Form.read(request)
    location = (form.text("location") or form.text("code")).upper()
    if not location:
        raise BadForm("Scan the shelf, or type what is written on it.")
    if len(location) > 24:
        raise BadForm("That is too long for a shelf. Scan the shelf's own label.")
    outcome = await form.perform("stage", {"fence": fence, "location": location})
    return await answer(
        request,
        outcome,
        lambda desk: offers.home(desk, "ready"),
        lambda t: Feedback("good", t("On shelf {location}.", location=location)),
        command=form.text("command"),
        otherwise=lambda desk: views.stage(desk, fence),
    )


HANDLERS = [pack_page, pack, stage_page, stage]
