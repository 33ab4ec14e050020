"""What a handheld fetches to be able to work alone, and where it hands in what it did.

`/worker.js` carries everything that draws pages and applies commands; its bytes change with any of them,
so a handheld updates by itself. `/twin/extract` is the work; `/twin/commands` does each command once.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from pwa.desk import Desk, View
from pwa.statics import sent
from pwa.texts import LANGUAGES
from pwa.twin import handing_in, seals
from pwa.twin.extract import extract
from pwa.twin.made import words, worker
from pwa.twin.plain import plain
from pwa.web import SCAN_GAP_MS, Asked, csrf_of, desk_of, line_of, node_of, show
from sync.replica import read
from sync.replica.commands import known
from sync.sqlite import Connection

RECENT_MS = 15_000
"""Longer than any page waits for an answer."""


@get("/twin/words/{language:str}", opt={"open": True}, include_in_schema=False, sync_to_thread=False)
def the_words(request: Asked, language: FromPath[str]) -> Response[bytes]:
    # Texts go by numbers: those of another release would be other texts.
    if language not in LANGUAGES or request.query_params.get("v") not in (None, words(language)[1]):
        raise NotFoundException
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return sent(request, words(language)[0], "application/json", headers)


@get("/worker.js", opt={"open": True}, include_in_schema=False)
async def worker_script(request: Asked) -> Response[bytes]:
    """Asked for at each start of a page. Made once: in a thread, since that takes more than half a second."""
    body, version = await asyncio.to_thread(worker, request.app.state.policy)
    headers = {"Cache-Control": "no-cache", "ETag": f'W/"{version}"', "Service-Worker-Allowed": "/"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", status_code=304, headers=headers)
    return sent(request, body, "text/javascript; charset=utf-8", headers)


@get("/twin/extract")
async def the_extract(request: Asked) -> Response[bytes]:
    """The person's work as far as a handheld takes it along."""
    who = request.user
    token = csrf_of(request)

    def work(db: Connection) -> bytes:
        desk = desk_of(request, db, who, None)
        moment = desk.line.moment
        bag = {
            "extract": extract(desk),
            "who": plain(who),
            "store": desk.store,
            "store_name": desk.store_name,
            "zone": str(desk.t.zone),
            "line": line_of(desk),
            "moment": {"earliest": moment.earliest, "now": moment.now, "latest": moment.latest},
            "gap_ms": read.policy_number(db, "scan_gap_ms", SCAN_GAP_MS),
            "csrf": token,
            "seal": {"key": seals.key(request.app.state.seal_secret, who.person, who.device, desk.now)}
            | {"person": who.person, "since": desk.now},
            "recent": recent(db, desk.now),
        }
        return json.dumps(bag, ensure_ascii=False, separators=(",", ":")).encode()

    body = await node_of(request).read(work)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def recent(db: Connection, now: int) -> dict[str, Any]:
    """Commands that this extract has in it, and what came of them: a handheld that had no answer to one
    must not count it once more on top."""
    # Ids begin with the time of the handheld that made them: the newest are found without an index on `at`.
    newest = "SELECT id, at FROM command WHERE id < 'a' ORDER BY id DESC LIMIT 200"
    rows = db.execute(f"SELECT id FROM ({newest}) WHERE at > ?", (now - RECENT_MS,))
    found = {row["id"]: known(db, row["id"]) for row in rows.fetchall()}
    return {key: plain(outcome.result) for key, outcome in found.items() if outcome and outcome.ok}


@get("/kept")
async def kept(request: Asked) -> Response[str]:
    """What waits on this device, and what was not accepted; the device fills it in."""
    return await show(request, kept_view)


@get("/help")
async def help_page(request: Asked) -> Response[str]:
    """What works while this box is away, and what each action then could not check."""
    return await show(request, help_view)


def help_view(desk: Desk) -> View:
    return View("twin/help.html", desk.t("Without the store box"), "/help", {}, back="/kept")


def kept_view(desk: Desk) -> View:
    return View("twin/kept.html", desk.t("On this device"), "/kept", {}, back="/more")


HANDLERS = [worker_script, the_words, the_extract, handing_in.commands, kept, help_page]
