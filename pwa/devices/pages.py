"""For the store lead: which handhelds there are, who used them last, a code for a new one, the end of one."""

from __future__ import annotations

import io
import os
from typing import Any
from urllib.parse import quote, urlsplit

import segno
from litestar import Response, get, post
from litestar.params import FromPath

from pwa.desk import Build, Desk, Feedback, Gone, View
from pwa.secure.keeper import Keeper
from pwa.secure.pages import plain_address
from pwa.web import Asked, BadForm, Form, node_of, show
from sync.ids import short_secret
from sync.replica import handhelds
from sync.rules.permissions import Actor, may
from sync.sqlite import Connection
from sync.texts import N_

NOT_HERE = N_("This handheld is not in the list any more.")


def lead_only(desk: Desk) -> None:
    """The one permission function; its sentence is the page."""
    actor = Actor(desk.who.person, desk.who.role, store=desk.store)
    refusal = may(actor, "device.enrol", store=desk.store, online=desk.line.up)
    if refusal is not None:
        raise Gone(N_("Only the store lead adds, names and ends handhelds."), "/more")


def for_leads(build: Build) -> Build:
    def view(desk: Desk) -> View:
        lead_only(desk)
        return build(desk)

    return view


def listing(desk: Desk) -> View:
    rows = desk.rows(
        "SELECT h.*, coalesce(p.name, h.seen_by) AS person FROM handheld h"
        " LEFT JOIN person p ON p.id = h.seen_by"
        " ORDER BY h.ended_at > 0, h.key_hash = '', max(h.seen_at, h.added_at) DESC, h.id LIMIT 200"
    )
    return View(
        "devices/list.html",
        desk.t("Handhelds"),
        "/devices",
        {"rows": [told(desk, row) for row in rows], "only_listed": handhelds.only_listed(desk.db)},
        back="/more",
    )


def told(desk: Desk, row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"] or desk.t("Not set up"),
        "state": "ended" if row["ended_at"] else "listed" if row["key_hash"] else "plain",
        "person": row["person"],
        "seen_at": row["seen_at"],
        "added_at": row["added_at"],
        "ended_at": row["ended_at"],
        "mine": row["id"] == desk.who.device,
    }


def one(desk: Desk, device: str) -> View:
    row = desk.row(
        "SELECT h.*, coalesce(p.name, h.seen_by) AS person, coalesce(a.name, h.added_by) AS adder"
        " FROM handheld h LEFT JOIN person p ON p.id = h.seen_by LEFT JOIN person a ON a.id = h.added_by"
        " WHERE h.id = ?",
        device,
    )
    if row is None:
        raise Gone(NOT_HERE, "/devices")
    adder = desk.t("at the store box") if row["added_by"] == handhelds.SHELL else row["adder"]
    data = {**told(desk, row), "adder": adder, "called": row["name"]}
    return View("devices/one.html", data["name"], f"/devices/{device}", data, back="/devices")


def adding(desk: Desk) -> View:
    count = desk.value("SELECT count(*) FROM handheld WHERE key_hash <> ''") or 0
    name = desk.t("Handheld {n}", n=count + 1)
    return View("devices/add.html", desk.t("Add a handheld"), "/devices/add", {"name": name}, back="/devices")


@get("/devices")
async def devices(request: Asked) -> Response[str]:
    return await show(request, for_leads(listing))


@get("/devices/add")
async def add(request: Asked) -> Response[str]:
    return await show(request, for_leads(adding))


@post("/devices/code", status_code=200)
async def new_code(request: Asked) -> Response[str]:
    """The code is on this answer alone: what is kept of it is a hash."""
    form = await Form.read(request)
    name = form.text("name", most=handhelds.MOST_NAME)
    if not name:
        raise BadForm("Give the handheld a name first.")
    code = short_secret(os.urandom, handhelds.LETTERS)
    person, now = request.user.person, node_of(request).status().moment.now

    def keep(db: Connection) -> int:
        return handhelds.invite(db, code, name=name, person=person, now=now)

    until = await node_of(request).write(keep) if request.user.role == "store_lead" else 0
    address = address_for_new(request)
    goal = f"{address}/start?code={request.app.state.store}.{code}"

    def view(desk: Desk) -> View:
        data = {
            "name": name,
            "code": handhelds.shown(code),
            "until": until,
            "address": f"{address}/start",
            "picture": picture(goal),
            "own_machine": urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1"),
        }
        return View("devices/code.html", name, "/devices", data, back="/devices")

    return await show(request, for_leads(view))


def address_for_new(request: Asked) -> str:
    """Where a new handheld begins: on plain HTTP, which every device opens, where it has a root to learn."""
    keeper: Keeper | None = request.app.state.get("keeper")
    if request.app.state.secure:
        return f"https://{request.url.netloc}"
    if request.scope.get("scheme") == "https" and (keeper is None or keeper.own is not None):
        return str(request.base_url).rstrip("/")
    return plain_address(request)


def picture(text: str) -> str:
    """A QR code as an address of its own: nothing of it stands in a log."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", scale=6, border=4, light="#fff", xmldecl=False
    )
    return "data:image/svg+xml," + quote(drawn.getvalue().decode())


@get("/devices/{device:str}")
async def device(request: Asked, device: FromPath[str]) -> Response[str]:
    return await show(request, for_leads(lambda desk: one(desk, device)))


@post("/devices/{device:str}/name", status_code=200)
async def rename(request: Asked, device: FromPath[str]) -> Response[str]:
    form = await Form.read(request)
    name = form.text("name", most=handhelds.MOST_NAME)
    if not name:
        raise BadForm("Give the handheld a name first.")
    if request.user.role == "store_lead":
        await node_of(request).write(lambda db: handhelds.rename(db, device, name))
    return await show(
        request,
        for_leads(lambda desk: one(desk, device)),
        say=lambda t: Feedback("good", t("Its name is {name} now.", name=name)),
        moved=True,
    )


@post("/devices/{device:str}/end", status_code=200)
async def end(request: Asked, device: FromPath[str]) -> Response[str]:
    await Form.read(request)
    now = node_of(request).status().moment.now
    if request.user.role == "store_lead":
        await node_of(request).write(lambda db: handhelds.end(db, device, now))
    return await show(
        request,
        for_leads(listing),
        say=lambda t: Feedback("good", t("Ended. Nobody can sign in on it, with the line down as well.")),
        moved=True,
    )


HANDLERS = [devices, add, new_code, device, rename, end]
