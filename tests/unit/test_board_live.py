"""The live board: one drawing for all, nothing written, a slow watcher catches up in one piece."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.board.live import Live
from server.board.look import judge, look
from server.board.pulse import BUCKET_MS, Pulse, add_up
from server.board.tiles import scale, tiles, within
from server.config import CentreConfig
from server.db import Tx
from server.outbox.events import happened
from server.schema import fresh
from server.writer import Writer
from sync.sqlite import writing
from tests.kit_web import NOON, database, fill, new_centre

MINUTE = 60_000


@asynccontextmanager
async def board(config: CentreConfig) -> AsyncIterator[tuple[Live, Writer]]:
    writer = Writer(config.database)
    live = Live(writer, writer.hints, config.clock, boot="b")
    await live.start()
    try:
        yield live, writer
    finally:
        await live.stop()
        writer.close()


async def always() -> bool:
    return True


class Watcher:
    """Somebody who watches: what came, in order."""

    def __init__(self, live: Live, seen: str = "", lang: str = "en", region: str = "") -> None:
        self.events: list[str] = []
        self._stream = live.stream(lang, region, seen, always)
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for data in self._stream:
            self.events.append(data.decode())

    async def until(self, true: Callable[[list[str]], bool], timeout_s: float = 5) -> None:
        until = time.monotonic() + timeout_s
        while not true(self.events):
            assert time.monotonic() < until, self.events[-1:]
            await asyncio.sleep(0.01)

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(tmp_path)


def offered(writer: Writer, store: str = "S001", n: int = 1, at: int = NOON) -> None:
    writer.do_now(
        lambda tx: happened(
            tx, "offered", at=at, store=store, order_no=f"YP-{n:06}", fo=f"YP-{n:06}-1", fence=n, notify=False
        )
    )


async def test_a_thousand_events_in_a_second_cost_no_commit_and_at_most_four_drawings(
    centre: CentreConfig,
) -> None:
    async with board(centre) as (live, writer):
        watchers = [Watcher(live) for _ in range(20)]
        for one in watchers:
            await one.until(lambda events: len(events) >= 1)
        before = live.renderings
        started = time.monotonic()

        async def one_event(n: int) -> None:
            await asyncio.sleep(n / 1000)
            await writer.do(
                lambda tx: happened(
                    tx, "offered", at=NOON, store="S001", order_no=f"YP-{n:06}", fence=n, notify=False
                )
            )

        await asyncio.gather(*(one_event(n) for n in range(1, 1001)))
        took = time.monotonic() - started
        drawn = live.renderings - before
        assert drawn >= 1
        # 20 watchers share each drawing; the first may fall right at the start.
        assert drawn <= 4 * took + 1, (drawn, took)
        for one in watchers:
            await one.until(lambda events: "1,000" in events[-1] or any("1,000" in e for e in events))
            await one.leave()
        commits = writer.commits
        late = Watcher(live)
        await late.until(lambda events: len(events) >= 1)
        await late.leave()
        await live.parts("zh", "EAST")
        assert writer.commits == commits  # looking writes nothing


async def test_a_row_that_changed_is_sent_and_no_other(centre: CentreConfig) -> None:
    async with board(centre) as (live, writer):
        page = await live.parts("en", "")
        watcher = Watcher(live, page.id)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(offered, writer, "S002")
        await watcher.until(lambda events: any("#store-S002" in e for e in events))
        sent = "".join(watcher.events)
        assert "#store-S001" not in sent
        assert 'hx-target="#stores"' not in sent
        await watcher.leave()


async def test_who_comes_back_gets_what_was_missed_and_who_comes_from_elsewhere_gets_everything(
    centre: CentreConfig,
) -> None:
    async with board(centre) as (live, writer):
        first = Watcher(live)
        await first.until(lambda events: len(events) >= 1)
        ident = re.findall(r"^id: (.*)$", first.events[0], re.M)[0]
        await first.leave()
        for n in range(3):
            await asyncio.to_thread(offered, writer, "S003", n + 1)
        back = Watcher(live, ident)
        await back.until(lambda events: any("#store-S003" in e for e in events))
        assert not any('hx-target="#stores"' in e for e in back.events)
        stranger = Watcher(live, "another-process.7")
        await stranger.until(lambda events: len(events) >= 1)
        assert 'hx-target="#stores"' in stranger.events[0]
        for code in ("S001", "S002", "S003"):
            assert f'id="store-{code}"' in stranger.events[0]
        await back.leave()
        await stranger.leave()


async def test_a_new_store_makes_the_whole_table_new(centre: CentreConfig) -> None:
    async with board(centre) as (live, writer):
        page = await live.parts("en", "")
        watcher = Watcher(live, page.id)
        await asyncio.sleep(0.05)

        def add(tx: Tx) -> None:
            tx.execute(
                "INSERT INTO store (code, name_en, name_zh, region) VALUES ('S009', 'New', '新店', 'EAST')"
            )
            tx.touched.add("board")

        await writer.do(add)
        await watcher.until(lambda events: any('id="store-S009"' in e for e in events))
        assert any('hx-target="#stores"' in e for e in watcher.events)
        await watcher.leave()


async def test_a_region_sees_its_own_stores_events_and_figures_only(centre: CentreConfig) -> None:
    async with board(centre) as (live, writer):
        for n, store in enumerate(("S001", "S003", "S003"), 1):
            await asyncio.to_thread(offered, writer, store, n)
        east, west = await live.parts("en", "EAST"), await live.parts("en", "WEST")
        assert ["store-S001" in east.rows[0], len(east.rows), len(west.rows)] == [True, 2, 1]
        assert "Chengdu" not in "".join(east.rows) + east.ticker
        assert "YP-000002" not in east.ticker
        assert "YP-000002" in west.ticker


async def test_nobody_watching_means_no_looking(centre: CentreConfig) -> None:
    async with board(centre) as (live, writer):
        await asyncio.sleep(0.05)
        version = live.version
        for n in range(5):
            await asyncio.to_thread(offered, writer, "S001", n + 1)
        await asyncio.sleep(0.6)
        assert live.version == version
        assert live.renderings == 0


async def test_hostile_names_stay_text(centre: CentreConfig) -> None:
    evil = "<script>alert(1)</script>\"'>\ndata: x"
    with database(centre) as db, writing(db):
        db.execute("UPDATE store SET name_en = ?, name_zh = ? WHERE code = 'S001'", (evil, evil))
    async with board(centre) as (live, _):
        watcher = Watcher(live)
        await watcher.until(lambda events: len(events) >= 1)
        assert "<script" not in watcher.events[0]
        assert all(line.startswith(("data: ", "id: ")) for line in watcher.events[0].split("\n") if line)
        await watcher.leave()


async def test_a_thousand_stores_are_looked_at_and_drawn_in_time(tmp_path: Path) -> None:
    config = new_centre(tmp_path, stock=0)
    with database(config) as db, writing(db):
        db.executemany(
            "INSERT INTO store (code, name_en, name_zh, region) VALUES (?, ?, ?, 'EAST')",
            [(f"T{n:04}", f"Store {n}", f"第{n}店") for n in range(1000)],
        )
        db.executemany(
            "INSERT INTO store_session (store, number, connected_at, heard_at) VALUES (?, 1, ?, ?)",
            [(f"T{n:04}", NOON - n * 1000, NOON) for n in range(1000)],
        )
    async with board(config) as (live, writer):
        started = time.monotonic()
        page = await live.parts("en", "")
        assert len(page.rows) == 1003
        assert time.monotonic() - started < 5
        watcher = Watcher(live, page.id)
        await asyncio.sleep(0.05)
        await asyncio.to_thread(offered, writer, "T0500")
        await watcher.until(lambda events: any("#store-T0500" in e for e in events))
        assert len("".join(watcher.events)) < 20_000
        await watcher.leave()


def test_what_may_break_a_promise_soonest_comes_first() -> None:
    fine: dict[str, Any] = dict(  # noqa: C408  reads like the call it stands for
        up=True, since=NOON - 3_600_000, offers=0, next_lapse=0, owned=3, late=0, cases=0, lapsed=0, unsent=0,
        oldest_unsent_at=0, work=5,
    )  # fmt: skip

    def judged(**change: Any) -> tuple[str, int]:
        return judge(NOON, **(fine | change))

    assert judged() == ("", 5)
    down = judged(up=False, since=NOON - MINUTE)
    silent = judged(up=False, since=NOON - 20 * MINUTE)
    silent_for_nothing = judged(up=False, since=NOON - 20 * MINUTE, owned=0)
    late = judged(late=2)
    closing = judged(offers=1, next_lapse=NOON + MINUTE)
    assert (down[0], silent[0], late[0], closing[0]) == ("warn", "bad", "warn", "warn")
    assert silent_for_nothing[0] == "warn"
    assert silent[1] > down[1] > late[1] > closing[1] > judged(cases=1)[1] > judged(lapsed=1)[1] > judged()[1]


def test_the_look_counts_offers_work_lateness_and_lines() -> None:
    db = fresh()
    with writing(db):
        fill(db, NOON)
        from server.orders.new import NewLine, NewOrder
        from server.orders.place import place

        for n in range(4):
            place(
                db,
                NewOrder(
                    channel="shop", external_id=f"L{n}", kind="pickup", pickup_store="S001",
                    lines=(NewLine("TEE-WHITE-M", 1),),
                ),
                now=NOON + n * MINUTE,
                dice=lambda size: bytes(size),
            )  # fmt: skip
        fences = [row[0] for row in db.execute("SELECT fence FROM assignment ORDER BY fence")]
        db.execute(
            "UPDATE assignment SET ownership = 'confirmed', state = 'picking', owner_until = ?"
            " WHERE fence = ?",
            (NOON + MINUTE, fences[0]),
        )
        db.execute("UPDATE assignment SET state = 'put_back', ended_at = 5 WHERE fence = ?", (fences[1],))
        db.execute(
            "INSERT INTO store_session (store, number, closed_at, connected_at) VALUES ('S002', 1, 7, 3)"
        )
        db.execute("INSERT INTO store_session (store, number, connected_at, unsent) VALUES ('S001', 1, 3, 4)")
    pulse = Pulse()
    now = NOON + 10 * MINUTE
    assert pulse.catch_up(db, now)
    seen = look(db, pulse, now)
    here = seen.stores["S001"]
    assert (here.offers, here.owned, here.late, here.unsent, here.up) == (2, 1, 1, 4, True)
    assert here.stages == (0, 1, 0, 0, 1)
    assert here.next_lapse == NOON + 2 * MINUTE + 30 * MINUTE
    assert (seen.stores["S002"].up, seen.stores["S002"].since, seen.stores["S003"].since) == (False, 7, 0)
    assert sum(here.spark) == 4
    figures = tiles(seen, pulse, "")
    assert (figures.orders, figures.waiting, figures.down, figures.stores) == (4, 2, 1, 3)
    assert scale(seen) == 10
    assert [row.code for row in within(seen, "EAST")] == ["S002", "S001"]


def test_the_pulse_counts_a_day_and_starts_anew_at_midnight_and_after_a_restore() -> None:
    db = fresh()
    with writing(db):
        fill(db, NOON, stock=0)
        for n in range(6):
            happened(
                db, "offered", at=NOON + n, store="S001", order_no=f"O{n}", fo=f"F{n}", fence=n, notify=False
            )
        happened(
            db, "accepted", at=NOON + MINUTE, store="S001", order_no="O0", fo="F0", fence=0, notify=False
        )
        happened(
            db, "lapsed", at=NOON + 2 * MINUTE, store="S001", order_no="O1", fo="F1", fence=1, notify=False
        )
        happened(db, "short_picked", at=NOON + MINUTE, store="S001", fo="F0", fence=0, notify=False)
        happened(db, "handed_over", at=NOON + MINUTE, store="S001", fo="F0", fence=0, notify=False)
        happened(db, "handed_over", at=NOON + MINUTE, store="S001", fo="F2", fence=2, notify=False)
    pulse = Pulse()
    assert pulse.catch_up(db, NOON + 3 * MINUTE)
    assert not pulse.catch_up(db, NOON + 3 * MINUTE)
    day = add_up(pulse, ["S001"])
    assert (day.orders, day.lapsed, day.short_picks) == (6, 1, 1)
    assert (day.accepted_share, day.filled_share, day.median_accept_ms) == (0.5, 0.5, MINUTE)
    assert pulse.store("S001").spark(NOON)[-1] == 6
    assert pulse.store("S001").spark(NOON + 3 * BUCKET_MS)[-4] == 6
    pulse.catch_up(db, NOON + 24 * 3_600_000)
    assert add_up(pulse, ["S001"]).orders == 0
