"""What the last files of the tills brought, and what of it a person has to look at."""

from __future__ import annotations

from litestar import Response, get

from pwa.desk import Desk, View
from pwa.web import Asked, show
from sync.replica.commands import till_rows


def view(desk: Desk) -> View:
    t = desk.t
    files = till_rows.reports(desk.db)
    for problem in (one for file in files for one in file["problems"]):
        message = problem["text"]
        problem["text"] = t(message, **problem["values"])
    return View("till/files.html", t("Till files"), "/till-files", {"files": files}, back="/more")


@get("/till-files")
async def till_files(request: Asked) -> Response[str]:
    return await show(request, view)


HANDLERS = [till_files]
