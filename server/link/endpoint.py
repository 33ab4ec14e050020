"""The websocket of the link: reader, sender and waker around one `CentreEnd` per connection.

Everything that writes goes through the centre's one writer and is sent after its commit. Urgent
decisions wait for nothing but their own commit: bulk waits behind them in `CentreEnd`, and
a peer that does not read is dropped after a while without anybody else noticing.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import structlog
from litestar import WebSocket, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketException

from server.db import Tx
from server.facts.parked import retry_parked
from server.hints import Hints
from server.link.logs import close_all_sessions
from server.link.serve import Certify, new_end, no_authority
from server.writer import Busy, Writer
from sync.ids import Dice
from sync.link.centre_end import CentreEnd, Manners
from sync.link.clock import Reading
from sync.link.ending import Ending
from sync.link.shelf import SnapshotShelf
from sync.wire import codec, frames
from sync.wire.frames import MAX_FRAME_BYTES, SUBPROTOCOL

SEND_LIMIT_S = 20.0
LOOK_EVERY_S = 5.0
"""How often a session looks at the log although nobody hinted at anything."""
HANDSHAKES_PER_S = 200
MOST_SESSIONS = 5_000

Socket = WebSocket[Any, Any, Any]

_log = structlog.get_logger("yipan.link")


class Admission:
    """A bucket of handshakes: after an outage a thousand stores come back in one second."""

    def __init__(self, per_s: float = HANDSHAKES_PER_S) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at = time.monotonic()

    def admit(self) -> bool:
        now = time.monotonic()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class LinkRoom:
    """All sessions of one centre process. The application keeps it as `app.state.link`."""

    def __init__(
        self,
        writer: Writer,
        hints: Hints,
        *,
        clock: Callable[[], int],
        dice: Dice = os.urandom,
        manners: Manners | None = None,
        send_limit_s: float = SEND_LIMIT_S,
        certify: Certify = no_authority,
    ) -> None:
        self.writer = writer
        self.certify = certify
        self.hints = hints
        self.dice = dice
        self.manners = dataclasses.replace(manners or Manners(), looks_apart=True)
        self.shelf = SnapshotShelf()
        self.admission = Admission()
        self.send_limit_s = send_limit_s
        self.sessions: dict[str, Session] = {}
        self.connections = 0
        self._clock = clock
        self._started: asyncio.Future[None] | None = None

    def now(self) -> Reading:
        return Reading(mono=time.monotonic_ns() // 1_000_000, wall=self._clock())

    async def start(self) -> None:
        """No session of an earlier process is alive. Harmless to call again."""
        if self._started is None:
            self._started = asyncio.ensure_future(self.writer.do(lambda tx: self._begin(tx, self._clock())))
        await self._started

    @staticmethod
    def _begin(tx: Tx, now: int) -> None:
        close_all_sessions(tx, now)
        # This may be a newer program than the one that parked them.
        retry_parked(tx, now=now, note="unknown_kind")

    async def drain(self) -> None:
        """Before a stop: every store is told to come back, spread over some seconds."""
        for session in list(self.sessions.values()):
            session.end_with(Ending("drain", "retry", 500, 8_000))
        ended = time.monotonic() + 2
        while self.sessions and time.monotonic() < ended:
            await asyncio.sleep(0.02)

    def welcome(self, session: Session) -> None:
        """A newer session of a store takes the place of an older one."""
        before = self.sessions.get(session.end.store)
        self.sessions[session.end.store] = session
        if before is not None and before is not session:
            before.end_with(Ending("superseded"))

    def goodbye(self, session: Session) -> None:
        if self.sessions.get(session.end.store) is session:
            del self.sessions[session.end.store]


class Session:
    def __init__(self, room: LinkRoom, socket: Socket) -> None:
        self.room = room
        self.socket = socket
        self.end: CentreEnd = new_end(
            room.dice,
            now=room.now().wall,
            shelf=room.shelf,
            manners=room.manners,
            certify=room.certify,
        )
        self._out: asyncio.Queue[list[bytes] | None] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._up = asyncio.Event()

    async def run(self) -> None:
        now = self.room.now()
        self._put(self.end.connected(None, now))
        tasks = [asyncio.create_task(one) for one in (self._read(), self._wake(), self._tick())]
        sender = asyncio.create_task(self._send())
        try:
            done, _ = await asyncio.wait([*tasks, sender], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (TimeoutError, WebSocketException, OSError, RuntimeError):
            pass  # the line is gone, or the peer does not read
        except Busy:
            self.end_with(Ending("busy", "retry", 1_000, 10_000))
        except Exception:
            _log.exception("link_session", store=self.end.store)
            self.end_with(Ending("trouble", "retry", 1_000, 10_000))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave(sender)

    def end_with(self, ending: Ending) -> None:
        """End this session; the store hears when to come back."""
        if self.end.closing is None:
            self.end.closing = ending
            bye = frames.Bye(code=ending.code, shortest=ending.shortest, longest=ending.longest)
            self._out.put_nowait([codec.encode(bye)])
        self._out.put_nowait(None)

    async def _leave(self, sender: asyncio.Task[None]) -> None:
        ending = self.end.closing or Ending("bye")
        if not sender.done():
            self._out.put_nowait(None)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(asyncio.shield(sender), 2)
            sender.cancel()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await self.socket.close(code=ending.close_code, reason=ending.code)
        self.room.goodbye(self)
        with contextlib.suppress(Exception):
            await self.room.writer.do(lambda tx: self.end.disconnected(tx, self.room.now()))

    def _put(self, out: list[bytes]) -> None:
        if out:
            self._out.put_nowait(out)
        if self.end.closing is not None:
            self._out.put_nowait(None)
        if self.end.up and not self._up.is_set():
            self.room.welcome(self)
            self._up.set()

    async def _read(self) -> None:
        while self.end.closing is None:
            event = cast("dict[str, Any]", await self.socket.receive())
            if event["type"] == "websocket.disconnect":
                return
            data: bytes = event.get("bytes") or (event.get("text") or "").encode()
            async with self._turn:
                if len(data) <= MAX_FRAME_BYTES and self.end.needs_no_transaction(data):
                    out = self.end.received(None, self.room.now(), data)
                    out += await self._look()
                else:
                    out = await self.room.writer.do(partial(self._written, data=data))
                    if self.end.down == "snapshot":
                        out += await self._look()
                self._put(out)
        await self._until_sent()

    def _written(self, tx: Tx, data: bytes) -> list[bytes]:
        return self.end.received(tx, self.room.now(), data)

    async def _wake(self) -> None:
        """Send what was decided or published for this store, at once."""
        await self._up.wait()
        topics = [f"store:{self.end.store}"]
        topics += [f"stream:{name}" for name in await self.room.writer.read(self.end.log.streams)]
        with self.room.hints.listen(topics) as listener:
            while self.end.closing is None:
                async with self._turn:
                    self._put(await self._look())
                await listener.wait(LOOK_EVERY_S)
        await self._until_sent()

    async def _tick(self) -> None:
        while self.end.closing is None:
            await asyncio.sleep(LOOK_EVERY_S)
            async with self._turn:
                self._put(await self.room.writer.do(lambda tx: self.end.tick(tx, self.room.now())))
        await self._until_sent()

    async def _look(self) -> list[bytes]:
        return await self.room.writer.read(lambda db: self.end.woken(db, self.room.now()))

    async def _until_sent(self) -> None:
        """The sender ends the session, after the last frame."""
        self._out.put_nowait(None)
        await asyncio.Event().wait()

    async def _send(self) -> None:
        while (batch := await self._out.get()) is not None:
            for frame in batch:
                async with asyncio.timeout(self.room.send_limit_s):
                    await self.socket.send_bytes(frame)


async def room_of(state: State) -> LinkRoom:
    """The application's room, opened by the first node that calls (or by the application itself)."""
    room: LinkRoom | None = state.get("link")
    if room is None:
        room = LinkRoom(state.writer, state.hints, clock=state.clock, dice=state.dice)
        state["link"] = room
    await room.start()
    return room


@websocket("/link", opt={"exclude_from_auth": True, "exclude_from_csrf": True})
async def link(socket: Socket) -> None:
    """The link of a store node. Speaks subprotocol yipan.1 only; the first frame proves who is there."""
    room = await room_of(socket.app.state)
    if SUBPROTOCOL not in socket.scope.get("subprotocols", []):
        await socket.close(code=4400, reason="subprotocol")
        return
    await socket.accept(subprotocols=SUBPROTOCOL)
    if room.connections >= MOST_SESSIONS or not room.admission.admit():
        busy = frames.Refuse(code="busy", todo="retry", shortest=1_000, longest=15_000)
        with contextlib.suppress(Exception):
            await socket.send_bytes(codec.encode(busy))
            await socket.close(code=4429, reason="busy")
        return
    room.connections += 1
    try:
        await Session(room, socket).run()
    finally:
        room.connections -= 1


HANDLERS = [link]
