"""The live board: one look and one drawing, shared by everybody who watches.

A watcher is no queue. It remembers the version it has, and asks for what changed since; what it
missed while it was slow is drawn as one. Looks are taken only while somebody watches, at most
four a second, and further apart when a look takes long. Nothing is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from markupsafe import Markup

from server.board.look import Look, StoreNow, look
from server.board.pulse import Pulse
from server.board.tiles import scale, tiles, within
from server.board.words import sentence
from server.db import Tx
from server.hints import Hints
from server.pages import render, texts
from server.writer import Writer

APART_S = 0.25
"""At most four drawings a second."""
ANYWAY_S = 2.0
"""A deadline passes without an event; so look now and then without a hint."""
BEAT_S = 5.0
SHARE_OF_TIME = 4
"""A look that takes long is followed by a pause four times as long."""
TICKER_LINES = 14


@dataclass(frozen=True)
class Parts:
    id: str
    rows: list[Markup]
    tiles: Markup
    attention: Markup
    ticker: Markup


class Live:
    def __init__(
        self, writer: Writer, hints: Hints, clock: Callable[[], int], *, switch: bool = False, boot: str = ""
    ) -> None:
        self._writer, self._hints, self._clock = writer, hints, clock
        self._pulse = Pulse()
        self._look = Look(0, {})
        self.switch = switch
        self.cut: set[str] = set()
        """Stores whose line the demonstration holds down."""
        self.boot = boot or format(time.time_ns() // 1_000_000, "x")
        self.version = 0
        self.renderings = 0
        """Drawings so far, one for all watchers of the same thing; for tests and the status page."""
        self._row_version: dict[str, int] = {}
        self._rows_since = 0
        """Since which version the set of stores, the scale and the switch are what they are."""
        self._shape: object = None
        self._html: dict[tuple[str, str], tuple[int, Markup]] = {}
        self._shared: dict[tuple[str, str, int], bytes] = {}
        self._part_html: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._watchers = 0
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._taken = 0.0

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="board")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    # -- watching -------------------------------------------------------------------------

    async def parts(self, lang: str, region: str) -> Parts:
        """Everything a page needs to begin with, and the id to go on from."""
        await self._refresh(older_than_s=1.0)
        values = self._values(lang)
        rows = [self._row(row, lang, values) for row in within(self._look, region)]
        top, attention, ticker = self._around(lang, region, values)
        return Parts(f"{self.boot}.{self.version}", rows, Markup(top), Markup(attention), Markup(ticker))

    async def stream(
        self, lang: str, region: str, seen: str, still_allowed: Callable[[], object]
    ) -> AsyncIterator[bytes]:
        """Server-sent events from the version a watcher has seen; everything when it is not ours."""
        boot, _, number = seen.partition(".")
        since = int(number) if boot == self.boot and number.isdigit() else -1
        self._watchers += 1
        self._wanted.set()
        try:
            await self._refresh(
                older_than_s=1.0
            )  # the first watcher of a process must not see an empty table
            checked = time.monotonic()
            while True:
                if since != self.version:
                    data, since = self._push(lang, region, since)
                    if data:
                        yield data
                if await self._news(since):
                    continue
                # Something to hear, so that the page can tell a quiet day from a dead line.
                yield b"event: beat\ndata: %d\n\n" % self._clock()
                if time.monotonic() - checked > 30:
                    checked = time.monotonic()
                    allowed = still_allowed()
                    if asyncio.iscoroutine(allowed):
                        allowed = await allowed
                    if not allowed:
                        return
        finally:
            self._watchers -= 1

    async def _news(self, since: int) -> bool:
        """Wait for another version, at most until the next beat is due."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: self.version != since), BEAT_S)
            except TimeoutError:
                return False
        return True

    def nudge(self) -> None:
        """Something outside the database changed (the demonstration's switch)."""
        self._taken = 0.0
        self._hints.publish({"board"})

    # -- looking --------------------------------------------------------------------------

    async def _run(self) -> None:
        with self._hints.listen({"board"}) as listener:
            while True:
                if not self._watchers:
                    self._wanted.clear()
                    await self._wanted.wait()
                started = time.monotonic()
                try:
                    await self._refresh()
                except Exception:
                    # The page keeps its last look and says when that was; the next look may do.
                    await asyncio.sleep(ANYWAY_S)
                    continue
                await asyncio.sleep(max(APART_S, (time.monotonic() - started) * SHARE_OF_TIME))
                await listener.wait(ANYWAY_S)

    async def _refresh(self, older_than_s: float = 0.0) -> None:
        async with self._lock:
            if older_than_s and time.monotonic() - self._taken < older_than_s:
                return
            now = self._clock()

            def read(db: Tx) -> tuple[bool, Look]:
                news = self._pulse.catch_up(db, now)
                return news, look(db, self._pulse, now)

            news, seen = await self._writer.read(read)
            self._take(seen, news)
            self._taken = time.monotonic()
        async with self._changed:
            self._changed.notify_all()

    def _take(self, seen: Look, news: bool) -> None:
        before, self._look = self._look, seen
        shape = (tuple(seen.stores), scale(seen), frozenset(self.cut))
        changed = [code for code, row in seen.stores.items() if before.stores.get(code) != row]
        around = (seen.unroutable, seen.cases_elsewhere, seen.oldest_case_at) != (
            before.unroutable,
            before.cases_elsewhere,
            before.oldest_case_at,
        )
        if shape == self._shape and not changed and not news and not around:
            return
        self.version += 1
        for code in changed:
            self._row_version[code] = self.version
        if shape != self._shape:
            old_codes = self._shape[0] if isinstance(self._shape, tuple) else ()
            if old_codes != shape[0] or before.stores == {}:
                self._rows_since = self.version
            self._shape = shape
            for code in seen.stores:
                self._row_version[code] = self.version
        self._shared.clear()
        self._part_html.clear()

    # -- drawing --------------------------------------------------------------------------

    def _values(self, lang: str) -> dict[str, object]:
        return {
            "now": self._look.at,
            "scale": scale(self._look),
            "switch": self.switch,
            "cut": self.cut,
            "points": points,
        }

    def _row(self, row: StoreNow, lang: str, values: dict[str, object]) -> Markup:
        drawn_at = self._row_version.get(row.code, 0)
        kept = self._html.get((lang, row.code))
        if kept is not None and kept[0] == drawn_at:
            return kept[1]
        html = Markup(render("board/row.html", lang, s=row, **values))
        self._html[lang, row.code] = (drawn_at, html)
        return html

    def _around(self, lang: str, region: str, values: dict[str, object]) -> tuple[str, str, str]:
        """Tiles, what needs attention, and the ticker."""
        kept = self._part_html.get((lang, region))
        if kept is not None:
            return kept
        now = self._look.at
        rows = within(self._look, region)
        own = texts(lang)
        stores = self._look.stores
        codes = {row.code for row in rows}
        news = []
        for e in reversed(self._pulse.ticker):
            if e.kind != "line_picked" and (not region or e.store in codes):
                news.append(e)
                if len(news) == TICKER_LINES:
                    break
        worst = rows[0] if rows and rows[0].level else None
        drawn = (
            render("board/tiles.html", lang, k=tiles(self._look, self._pulse, region), now=now),
            render("board/attention.html", lang, worst=worst, now=now),
            render(
                "board/ticker.html",
                lang,
                happenings=news,
                tell=lambda e: sentence(e, own),
                store_name=lambda code: own.name(stores[code]) if code in stores else code,
            ),
        )
        self._part_html[lang, region] = drawn
        return drawn

    def _push(self, lang: str, region: str, since: int) -> tuple[bytes, int]:
        """What changed since a version, as one event; drawn once for all who ask the same."""
        key = (lang, region, since)
        kept = self._shared.get(key)
        if kept is not None:
            return kept, self.version
        self.renderings += 1
        values = self._values(lang)
        rows = within(self._look, region)
        everything = since < self._rows_since
        html = render(
            "board/push.html",
            lang,
            rows_all=[self._row(row, lang, values) for row in rows] if everything else None,
            rows_some=[]
            if everything
            else [
                (row.code, self._row(row, lang, values))
                for row in rows
                if self._row_version.get(row.code, 0) > since
            ],
            **dict(
                zip(
                    ("tiles", "attention", "ticker"),
                    map(Markup, self._around(lang, region, values)),
                    strict=True,
                )
            ),
        )
        lines = "".join(f"data: {line}\n" for line in html.split("\n") if line.strip())
        data = f"id: {self.boot}.{self.version}\n{lines}\n".encode()
        self._shared[key] = data
        return data, self.version


def points(counts: tuple[int, ...]) -> str:
    """A sparkline's points: 92 wide, 18 high, its own scale."""
    most = max(counts, default=0) or 1
    return " ".join(f"{i * 4},{17 - 16 * n / most:.1f}" for i, n in enumerate(counts))
