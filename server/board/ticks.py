"""A word to an open page that what it shows has changed; the page then asks for itself again.

No data is sent: the page's own handler judges who may see what, as at the first time. A page that
opens says the last event it shows, so that nothing between drawing and listening is missed. Words are
far enough apart that a busy order is calm to look at, and streams are bounded.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from litestar import Response
from litestar.response import Stream

from server.pages import WebRequest
from server.signin.web import manager_of

APART_S = 2.0
BEAT_S = 15.0
CHECK_S = 30.0
STREAMS = 1_000
"""Pages that are told at once, of one process; one more is shown and stays as it was drawn."""


class Watching:
    """How many streams are open. One per process."""

    def __init__(self) -> None:
        self.count = 0


def ticks(
    request: WebRequest, topics: set[str], newest: Callable[[sqlite3.Connection], int], seen: int
) -> Response[Any] | Stream:
    """The stream of a page. `newest`: the id of the last event that concerns it."""
    if request.app.state.watching.count >= STREAMS:
        return Response(None, status_code=204)
    return Stream(
        _stream(request, topics, newest, seen),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(
    request: WebRequest, topics: set[str], newest: Callable[[sqlite3.Connection], int], seen: int
) -> AsyncIterator[bytes]:
    state = request.app.state
    state.watching.count += 1
    try:
        with state.hints.listen(topics) as listener:
            yield b"retry: 2000\n\n"
            missed = request.headers.get("last-event-id", "") or await state.writer.read(newest) > seen
            number, checked = 0, time.monotonic()
            while True:
                if missed or await listener.wait(BEAT_S):
                    missed = ""
                    number += 1
                    yield b"id: %d\nevent: work\ndata: changed\n\n" % number
                    await asyncio.sleep(APART_S)
                else:
                    yield b"event: beat\ndata: 1\n\n"
                if time.monotonic() - checked > CHECK_S:
                    checked = time.monotonic()
                    if await manager_of(request) is None:
                        return
    finally:
        state.watching.count -= 1
