"""The switch behind the board's *cut the line / restore*.

    GET  /lines    -> {"S001": {"state": "up", "since": …}, …}
    POST /line     {"store": "S001", "cut": true}
                   (and "how": "hole" for a line that stays open and carries nothing)
    POST /messages what the centre's outbox sends to the demo's own shop

Only the centre asks here, under an address with a secret in it, so that no other
page open on this machine can press the switch.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody

from server.demo.inbox import Inbox
from server.demo.line import Line


class Switch(msgspec.Struct, frozen=True):
    store: str
    cut: bool
    how: Literal["cut", "hole"] = "cut"


class Control:
    def __init__(self, lines: Mapping[str, Line], secret: str, inbox: Inbox | None = None) -> None:
        self.lines = lines
        self.secret = secret
        self.inbox = inbox
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.secret}"

    def state(self) -> dict[str, Any]:
        return {
            store: {"state": line.state, "since": int(line.since * 1000), "cuts": line.cuts}
            for store, line in self.lines.items()
        }

    async def start(self) -> None:
        config = uvicorn.Config(self._app(), log_level="error", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        # Inside somebody else's loop: `serve` would take the signals, which belong to the demo.
        self._task = asyncio.create_task(self._server._serve([self.listener]))

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    def _line(self, store: str) -> Line:
        if store not in self.lines:
            raise NotFoundException(f"there is no line to {store} in this demo")
        return self.lines[store]

    def _app(self) -> Litestar:
        @get(f"/{self.secret}/lines", sync_to_thread=False)
        def lines() -> dict[str, Any]:
            return self.state()

        @post(f"/{self.secret}/line", sync_to_thread=False, status_code=200)
        def switch(data: JSONBody[Switch]) -> dict[str, Any]:
            line = self._line(data.store)
            if data.cut:
                line.cut(data.how)
            else:
                line.restore()
            return self.state()

        @post(f"/{self.secret}/messages")
        async def messages(request: Request[Any, Any, Any]) -> Response[None]:
            body = await request.body()
            heard = self.inbox is not None and self.inbox.take(body, dict(request.headers))
            return Response(None, status_code=204 if heard else 400)

        return Litestar(route_handlers=[lines, switch, messages], openapi_config=None, logging_config=None)
