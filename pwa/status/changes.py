"""What changes while a page is open: the status line, and a word that the work has changed.

One stream a page. The stream carries no work itself: the page asks for its own list again,
because only the page knows which cards stand where under the thumb.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from litestar import get
from litestar.params import FromQuery
from litestar.response import Stream

from pwa.desk import Who
from pwa.node import LineStatus, Node
from pwa.signin import sessions
from pwa.texts import Texts
from pwa.web import PAGES, Asked, node_of
from sync.agent.listeners import of_work
from sync.sqlite import Connection

BEAT_S = 10.0
"""A line without news is said again this often; the page counts the seconds in between by itself."""
GATHER_S = 0.15
"""After something was told, wait this long and tell the rest at once: a burst is one refresh."""


def line_message(t: Texts, line: LineStatus) -> str:
    html = PAGES.get_template("line.html").render(
        _=t,
        n_=t.n,
        t=t,
        line={
            "up": line.up,
            "since": line.since,
            "heard_at": line.heard_at,
            "unsent": line.unsent,
            "oldest": line.oldest_unsent_at,
            "now": line.moment.now,
            "alone": False,
            "waiting": 0,
        },
        swap=False,
    )
    return f'<hx-partial hx-target="#line" hx-swap="outerMorph">{html}</hx-partial>'


def message(data: str, event: str = "") -> bytes:
    lines = [f"event: {event}"] if event else []
    lines += [f"data: {line}" for line in data.splitlines()]
    return ("\n".join(lines) + "\n\n").encode()


def news(hints: set[str]) -> list[str]:
    """Names of the page events that hints stand for."""
    names = []
    if of_work(hints):
        names.append("work")
    if any(hint.startswith(("stock", "all")) for hint in hints):
        names.append("stock")
    return names


def standing(line: LineStatus) -> tuple[object, ...]:
    """What the status line says, but for the time: only a change of it is news before the next beat."""
    return line.up, line.since, line.unsent, line.oldest_unsent_at


async def stream(node: Node, who: Who, store: str, token: str = "", mark: str = "") -> AsyncIterator[bytes]:
    """`mark`: how far the news had come when the page was drawn, if it has had no other stream since."""

    def timezone(db: Connection) -> str:
        row = db.execute("SELECT timezone FROM store WHERE code = ?", (store,)).fetchone()
        return str(row["timezone"]) if row else "UTC"

    def lives(db: Connection) -> bool:
        return sessions.find(db, token, node.status().moment.now) is not None

    t = Texts(who.language, await node.read(timezone))
    with node.listeners.subscribe() as queue:
        missed = node.listeners.mark != mark
        yield b"retry: 1000\n\n"
        line = node.status()
        said, beat_at = standing(line), time.monotonic() + BEAT_S
        yield message(line_message(t, line))
        if missed:  # whatever happened while no stream was open
            yield message("again", "work")
        while True:
            try:
                hints = set(await asyncio.wait_for(queue.get(), max(0.0, beat_at - time.monotonic())))
            except TimeoutError:
                hints = set()
            while not queue.empty():
                hints |= queue.get_nowait()
            if token and not await node.read(lives):
                # The session has ended under an open page: the handheld shows names again.
                yield message("over", "signed_out")
                return
            for name in news(hints):
                yield message("changed", name)
            line = node.status()
            if standing(line) != said or time.monotonic() >= beat_at:
                said, beat_at = standing(line), time.monotonic() + BEAT_S
                yield message(line_message(t, line))
            if hints:
                await asyncio.sleep(GATHER_S)


@get("/changes")
async def changes(request: Asked, mark: FromQuery[str] = "") -> Stream:
    return Stream(
        stream(node_of(request), request.user, request.app.state.store, str(request.auth), mark),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
