"""The root for PDAs and how they come to trust it. Open to everybody: a PDA needs it before all else."""

from __future__ import annotations

import io
from typing import Any

import segno
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException

from pwa.desk import Desk, View
from pwa.secure import papers
from pwa.secure.address import address_of, told
from pwa.secure.keeper import Keeper
from pwa.web import Asked, nobody, show
from sync.texts import N_

Plain = Request[Any, Any, State]

STEPS = (
    N_(
        "Many handhelds: give the file to your device management as a CA certificate, for all of them at"
        " once."
    ),
    N_("Chrome that is managed: headquarters puts it into the policy CACertificates."),
    N_(
        "One handheld by hand: fetch the file, then Settings, Security, Install a certificate, CA"
        " certificate, and choose the file. Android wants a screen lock for that, and says that the network"
        " may be watched."
    ),
)


def root(request: Plain) -> tuple[bytes, str]:
    keeper: Keeper | None = request.app.state.get("keeper")
    found = papers.root_of(keeper.folder) if keeper is not None and keeper.own is None else None
    if found is None:
        raise NotFoundException
    return found


@get("/root.crt", opt={"open": True})
async def root_file(request: Plain) -> Response[bytes]:
    return Response(
        root(request)[0],
        media_type="application/x-x509-ca-cert",
        headers={"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="yipan-root.crt"'},
    )


@get("/secure/qr.svg", opt={"open": True})
async def code(request: Plain) -> Response[bytes]:
    """For a PDA's camera: this page, by plain HTTP, which every PDA opens."""
    root(request)
    picture = io.BytesIO()
    segno.make(f"{plain_address(request)}/secure", error="m").save(
        picture, kind="svg", scale=6, border=4, light="#fff"
    )
    return Response(picture.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@get("/secure", opt={"open": True})
async def how(request: Asked) -> Response[str]:
    at = address_of(request)
    keeper: Keeper | None = request.app.state.get("keeper")
    found = papers.root_of(keeper.folder) if keeper is not None and keeper.own is None else None
    address = plain_address(request)

    def view(desk: Desk) -> View:
        return View(
            "secure/how.html",
            desk.t("Secure address"),
            "/secure",
            {
                **told(at, desk.t, desk.now),
                "fingerprint": found[1] if found else "",
                "plain": address,
                "https": address.replace("http:", "https:", 1) if at.paper else "",
                "steps": [desk.t(text) for text in STEPS],
            },
            back="/status",
        )

    return await show(request, view, who=nobody(request))


def plain_address(request: Plain) -> str:
    """Where a PDA reaches this node: as the reader does, or by the certificate where they sit at the box."""
    host, port = request.url.hostname or "", request.url.port
    keeper: Keeper | None = request.app.state.get("keeper")
    if host in ("localhost", "127.0.0.1", "::1") and keeper is not None and keeper.paper is not None:
        names = [one for one in keeper.paper.names if one not in ("localhost", "127.0.0.1", "::1")]
        numbers = [one for one in names if one in keeper.names]
        host = (numbers or names or [host])[0]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}" + (f":{port}" if port not in (None, 80) else "")


HANDLERS = [root_file, code, how]
