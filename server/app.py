"""The centre's web face, put together: API, sign-in, board, link, timers, outbox.

Everything that runs beside the requests (writer, timers, sender, board) starts and ends with the
application, so that a test which opens the app has the whole centre.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get

from server.config import CentreConfig
from server.writer import Writer


@get("/health", sync_to_thread=False)
def health() -> dict[str, bool]:
    """The process answers. Says nothing about anybody's data."""
    return {"ok": True}


def make_app(config: CentreConfig) -> Litestar:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        writer = Writer(config.database)
        app.state.config = config
        app.state.writer = writer
        app.state.hints = writer.hints
        app.state.clock = config.clock
        app.state.dice = config.dice
        try:
            yield
        finally:
            writer.close()

    return Litestar(route_handlers=[health], lifespan=[lifespan], openapi_config=None)
