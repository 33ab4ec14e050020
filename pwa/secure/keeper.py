"""Keeps the node's certificate: loads it, has it renewed when the line is up, notices a changed one.

Everything goes on without one, and with one that has ended: pages that a handheld has installed open
from the handheld itself. So trouble here is told and tried again, and stops nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from pwa.node import LineStatus
from pwa.secure import papers
from pwa.secure.papers import NotOurs, Paper
from sync.wire.frames import Certified

LOOK_S = 1.0
SOON_MS = 6_000
"""After "too soon": the centre signs one key of a store in five seconds."""
AGAIN_MS = 60_000
"""After a refusal or silence: soon enough for a person who waits at the screen, rare enough for a year."""

_log = structlog.get_logger("yipan.certificate")


class Signer(Protocol):
    """The part of a store node that reaches the centre's authority."""

    async def certify(self, request: str) -> Certified | None: ...

    def status(self) -> LineStatus: ...


class Keeper:
    def __init__(
        self, folder: Path, store: str, *, names: Sequence[str], own: tuple[Path, Path] | None = None
    ) -> None:
        """`own`: certificate and key that the store's people bring; nothing is asked of the centre then."""
        self.folder = folder
        self.store = store
        self.names = list(names)
        self.own = own
        self.paper: Paper | None = None
        self.why = ""
        """Why there is no certificate, or no newer one: a code, as the centre gave it or as found here."""
        self._context = papers.new_context()
        self._seen: tuple[tuple[int, int], ...] = ()
        self._again_at = 0
        self.look()

    @property
    def context(self) -> ssl.SSLContext | None:
        """For handshakes; None while there is nothing to show."""
        return self._context if self.paper is not None else None

    def look(self) -> None:
        """Load what is there if it changed: at start, after a renewal, when people put new files."""
        files = self.own or (self.folder / "node.pem",)
        try:
            seen = tuple((one.stat().st_mtime_ns, one.stat().st_size) for one in files)
        except OSError:
            self.why = "no_file" if self.own else self.why
            return
        if seen == self._seen:
            return
        self._seen = seen
        try:
            # Into one of its own first: a pair that does not fit must not spoil the one in use.
            papers.new_context().load_cert_chain(*files)
            found = papers.read_paper(files[0].read_bytes(), own=self.own is not None)
            self._context.load_cert_chain(*files)
        except (OSError, ValueError, IndexError) as trouble:  # ssl.SSLError is an OSError
            self.why = "unreadable"
            _log.warning("certificate", trouble=str(trouble), file=str(files[0]))
            return
        self.paper, self.why = found, ""

    def due(self, now: int) -> bool:
        """Whether the centre should be asked. `now` is the centre's time as the node estimates it."""
        if self.own is not None or now < self._again_at:
            return False
        if self.paper is None or papers.asked(self.folder) != self.names:
            return True
        return self.paper.life.state(now) != "fresh"

    async def renew(self, node: Signer) -> bool:
        """Ask for a certificate for a new key. True: there is a newer one."""
        key, request = papers.new_request(self.store, self.names)
        self._again_at = node.status().moment.now + AGAIN_MS
        answer = await node.certify(request)
        if answer is None or answer.why:
            self.why = answer.why if answer is not None else "no_answer"
            if self.why == "too_soon":
                self._again_at = node.status().moment.now + SOON_MS
            return False
        try:
            await asyncio.to_thread(papers.install, self.folder, key, answer.chain, answer.root, self.names)
        except (NotOurs, OSError) as trouble:
            self.why = "not_ours" if isinstance(trouble, NotOurs) else "disk"
            _log.warning("certificate", trouble=str(trouble))
            return False
        self.look()
        return True

    async def keep(self, node: Signer, said: Callable[[Paper], None] | None = None) -> None:
        """Until cancelled. `said` hears of each certificate that is new."""
        while True:
            try:
                before = self.paper
                self.look()
                line = node.status()
                if line.up and self.due(line.moment.now):
                    await self.renew(node)
                if said is not None and self.paper is not None and self.paper != before:
                    said(self.paper)
            except Exception:
                # Whatever it is: the pages go on as they are, and the next look may do better.
                _log.exception("certificate")
                self._again_at = node.status().moment.now + AGAIN_MS
            await asyncio.sleep(LOOK_S)
