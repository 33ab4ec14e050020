"""The worker that takes jobs to the printers, one after the other for each.

TCP says when a printer's own network card has taken the bytes; whether paper came out, nobody says. So a
job counts as printed when everything was taken, is tried again when no byte went out, and is `unsure`
when the line broke in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios

import structlog

from pwa.node import Node
from pwa.printing import papers
from sync.replica import printing
from sync.replica.printing import Printer
from sync.sqlite import Connection, Row

LOG = structlog.get_logger("pwa.printing")

CONNECT_S = 4.0
TAKEN_S = 60.0
"""A printer that is out of paper takes nothing; after this long somebody has to look at it."""
GIVES_UP_S = 0.5
LOOK_S = 1.0

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class BrokeOff(Exception):
    """Bytes have gone out, and nobody knows how many of them were printed."""


def rendered(db: Connection, job: Row, to: Printer, now: int) -> bytes:
    """The bytes for a printer, from the record as it is now."""
    from pwa.printing import escpos, pdf, zpl  # late: a store without printers never loads the pictures

    paper = papers.made(db, job["paper"], job["subject"], job["language"], now)
    match to.kind:
        case "zpl":
            return zpl.label(paper, to.width_mm, to.height_mm, to.dpi, job["copies"])
        case "escpos":
            return escpos.receipt(paper, to.width_mm, to.dpi, job["copies"])
        case _:
            return pdf.sheets(paper, to.width_mm, to.height_mm, job["copies"])


class Press:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._busy: dict[str, asyncio.Task[None]] = {}

    @property
    def _now(self) -> int:
        return self._node.status().moment.now

    async def keep_printing(self) -> None:
        """Until cancelled. What was under way is then left as it is, and found at the next start."""
        try:
            with self._node.listeners.subscribe() as hints:
                while True:
                    try:
                        await self.look()
                    except Exception as trouble:
                        # A full disk, a record that is being swapped: the queue is still there next time.
                        LOG.error("printing", exc_info=trouble)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(hints.get(), LOOK_S)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def look(self) -> None:
        """Start what is due, at most one job for each printer."""
        now = self._now
        self._busy = {name: task for name, task in self._busy.items() if not task.done()}
        for number in self._node.look(lambda db: printing.left_over(db, self._busy)):
            await self._unsure(number, "stopped_in_between")
        waiting = self._node.look(lambda db: printing.due(db, now))
        for name, job in waiting.items():
            if name not in self._busy:
                self._busy[name] = asyncio.create_task(self._print(job))

    async def settled(self) -> None:
        """Everything that was due has been tried once."""
        while self._busy:
            await asyncio.gather(*self._busy.values())
            await self.look()

    async def _print(self, job: Row) -> None:
        number = job["number"]
        to = await self._node.read(lambda db: printing.printer(db, job["printer"]))
        try:
            if to is None:
                raise papers.NothingThere
            found = to
            data = await self._node.read(lambda db: rendered(db, job, found, self._now))
            line = await self._connect(found)
        except papers.NothingThere:
            await self._node.write(lambda tx: printing.failed(tx, number, "gone", self._now, lost=True))
            return
        except OSError as trouble:
            word = type(trouble).__name__
            await self._node.write(lambda tx: printing.failed(tx, number, word, self._now))
            return
        except Exception as trouble:
            # A paper that cannot be made must not hold up those behind it.
            LOG.error("paper", paper=job["paper"], exc_info=trouble)
            await self._node.write(lambda tx: printing.failed(tx, number, "bug", self._now, lost=True))
            return
        try:
            if await self._node.write(lambda tx: printing.begin(tx, number, self._now)):
                await _send(line, data)
                await self._node.write(lambda tx: printing.done(tx, number, self._now))
        except BrokeOff as trouble:
            await self._unsure(number, str(trouble))
        finally:
            line[1].close()
            with contextlib.suppress(OSError):
                await line[1].wait_closed()

    async def _connect(self, to: Printer) -> Line:
        return await asyncio.wait_for(asyncio.open_connection(to.host, to.port), CONNECT_S)

    async def _unsure(self, number: int, trouble: str) -> None:
        await self._node.write(lambda tx: printing.unsure(tx, number, trouble, self._now))


async def _send(line: Line, data: bytes) -> None:
    """Every byte taken by the printer's own end, or `BrokeOff`."""
    reader, writer = line
    try:
        async with asyncio.timeout(TAKEN_S):
            writer.transport.set_write_buffer_limits(high=0)
            writer.write(data)
            await writer.drain()
            while _not_taken(writer):
                if writer.transport.is_closing():
                    raise ConnectionResetError
                await asyncio.sleep(0.05)
            if writer.can_write_eof():
                writer.write_eof()
        # A printer that gives up says so now; one that has printed closes, or says nothing.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(-1), GIVES_UP_S)
    except (OSError, TimeoutError) as trouble:
        raise BrokeOff(type(trouble).__name__) from trouble


def _not_taken(writer: asyncio.StreamWriter) -> int:
    """Bytes that the other end has not acknowledged; 0 where the system does not tell."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return 0
    try:
        told = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", told)[0])
