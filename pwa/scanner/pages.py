"""The scanner's own pages: trying out a new model of handheld, and the sheet of printed commands.

What is set here is kept on the device (pwa/static/capture.js), because it is a matter of the device alone;
the store node only draws the page.
"""

from __future__ import annotations

import segno
from litestar import Response, get

from pwa.desk import Desk, View
from pwa.web import Asked, show
from sync.texts import N_

COMMANDS = (
    ("YIPAN-NEXT", N_("Next"), N_("On to the next step, where the page offers one.")),
    ("YIPAN-UNDO", N_("Undo"), N_("Takes back the last thing done, where the page offers it.")),
    ("YIPAN-SHORT", N_("Not found"), N_("Opens the page that says why goods are missing.")),
    ("YIPAN-PRINT", N_("Print"), N_("Prints the first paper that the page offers.")),
)
"""The codes that pwa/static/scan.js presses buttons for (`data-command`)."""


@get("/scanner")
async def device(request: Asked) -> Response[str]:
    def view(desk: Desk) -> View:
        data = {"lead": desk.who.role == "store_lead"}
        return View("scanner/device.html", desk.t("Scanner"), "/scanner", data, back="/more")

    return await show(request, view)


@get("/scanner/codes")
async def codes(request: Asked) -> Response[str]:
    def view(desk: Desk) -> View:
        rows = [
            {
                "code": code,
                "word": desk.t(word),
                "what": desk.t(what),
                "picture": segno.make(code, error="m", micro=False).svg_data_uri(
                    scale=6, border=4, light="#fff"
                ),
            }
            for code, word, what in COMMANDS
        ]
        return View(
            "scanner/codes.html", desk.t("Codes to scan"), "/scanner/codes", {"rows": rows}, "/scanner"
        )

    return await show(request, view)


HANDLERS = [device, codes]
