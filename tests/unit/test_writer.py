"""The centre's one writer: groups, savepoints, answers after the commit, a kill at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from server import writer as module
from server.db import Tx, open_centre
from server.writer import Busy, Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    db = open_centre(tmp_path / "w.db")
    db.execute("CREATE TABLE thing (n INTEGER PRIMARY KEY)")
    db.close()
    return tmp_path / "w.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    made = Writer(path)
    yield made
    made.close()


def put(n: int) -> Callable[[Tx], int | None]:
    return lambda tx: tx.execute("INSERT INTO thing VALUES (?)", (n,)).lastrowid


def things(path: Path) -> list[int]:
    db = sqlite3.connect(path)
    try:
        return [row[0] for row in db.execute("SELECT n FROM thing ORDER BY n")]
    finally:
        db.close()


async def test_a_thousand_jobs_at_once_cost_tens_of_commits(writer: Writer, path: Path) -> None:
    answers = await asyncio.gather(*(writer.do(put(n)) for n in range(1000)))
    assert answers == list(range(1000))
    assert things(path) == list(range(1000))
    assert writer.commits <= 100


async def test_one_job_alone_is_one_commit_and_waits_for_nobody(writer: Writer) -> None:
    await writer.do(put(1))
    assert writer.commits == 1
    started = time.monotonic()
    for n in range(2, 12):
        await writer.do(put(n))
    assert writer.commits == 11
    assert time.monotonic() - started < 5


async def test_a_job_that_only_reads_is_no_durable_commit(writer: Writer) -> None:
    assert await writer.do(lambda tx: tx.execute("SELECT COUNT(*) FROM thing").fetchone()[0]) == 0
    assert writer.commits == 0


async def test_a_job_that_raises_takes_back_its_own_changes_and_nobody_elses(
    writer: Writer, path: Path
) -> None:
    def breaks(tx: Tx) -> None:
        tx.execute("INSERT INTO thing VALUES (500)")
        raise ValueError("no")

    gate = threading.Event()
    blocker = asyncio.ensure_future(writer.do(lambda tx: gate.wait(5)))
    await asyncio.sleep(0.02)
    first, bad, last = (asyncio.ensure_future(writer.do(job)) for job in (put(1), breaks, put(2)))
    await asyncio.sleep(0)
    gate.set()
    await blocker
    assert await first == 1
    assert await last == 2
    with pytest.raises(ValueError, match="no"):
        await bad
    assert things(path) == [1, 2]


async def test_hints_go_out_after_the_commit_and_never_for_what_was_taken_back(writer: Writer) -> None:
    def touches(topic: str, fail: bool = False) -> Callable[[Tx], None]:
        def job(tx: Tx) -> None:
            tx.execute("INSERT INTO thing DEFAULT VALUES")
            tx.touched.add(topic)
            if fail:
                raise ValueError

        return job

    with writer.hints.listen({"good", "bad", "other"}) as listener:
        with pytest.raises(ValueError):
            await writer.do(touches("bad", fail=True))
        await writer.do(touches("good"))
        assert await listener.wait(1) == {"good"}
        count = await writer.read(lambda db: db.execute("SELECT COUNT(*) FROM thing").fetchone()[0])
        assert count == 1


async def test_hints_of_a_burst_are_one_look(writer: Writer) -> None:
    def job(tx: Tx) -> None:
        tx.touched.add("board")

    with writer.hints.listen({"board"}) as listener:
        await asyncio.gather(*(writer.do(job) for _ in range(500)))
        await asyncio.sleep(0.01)
        assert listener.take() == {"board"}
        assert listener.take() == set()


async def test_another_process_that_wrote_wakes_everybody(path: Path) -> None:
    seen: list[int] = []
    writer = Writer(path, on_foreign=lambda tx: seen.append(1))
    try:
        with writer.hints.listen({"store:S001"}) as listener:
            await writer.do(put(1))
            assert await listener.wait(0.05) == set()
            other = open_centre(path)
            other.execute("INSERT INTO thing VALUES (77)")
            other.close()
            await writer.do(lambda tx: None)
            assert await listener.wait(1) == {"store:S001"}
            assert seen == [1]
    finally:
        writer.close()


async def test_what_is_kept_beside_the_tables_is_told_when_a_job_is_taken_back(path: Path) -> None:
    told: list[bool] = []
    writer = Writer(path, on_rollback=lambda tx: told.append(tx.in_transaction))

    def refused(tx: Tx) -> None:
        raise ValueError("before anything was written")

    def failed(tx: Tx) -> None:
        put(1)(tx)
        raise ValueError("after something was written")

    def broken(tx: Tx) -> None:
        put(2)(tx)
        tx.execute("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise OSError("disk full")

    try:
        for job, so_far in ((refused, 0), (put(3), 0), (failed, 1), (broken, 2)):
            with suppress(ValueError, OSError):
                await writer.do(job)
            assert len(told) == so_far, job
        assert told == [True, False]
        assert things(path) == [3]
    finally:
        writer.close()


async def test_a_full_queue_is_an_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 5)
    writer = Writer(path)
    gate = threading.Event()
    try:
        waiting = [asyncio.ensure_future(writer.do(lambda tx: gate.wait(5)))]
        await asyncio.sleep(0.02)
        waiting += [asyncio.ensure_future(writer.do(put(n))) for n in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await writer.do(put(99))
        gate.set()
        await asyncio.gather(*waiting)
        assert things(path) == [0, 1, 2, 3, 4]
    finally:
        gate.set()
        writer.close()


async def test_a_caller_who_gives_up_does_not_disturb_the_group(writer: Writer, path: Path) -> None:
    gate = threading.Event()
    blocker = asyncio.ensure_future(writer.do(lambda tx: gate.wait(5)))
    await asyncio.sleep(0.02)
    gone, stays = asyncio.ensure_future(writer.do(put(1))), asyncio.ensure_future(writer.do(put(2)))
    await asyncio.sleep(0)
    gone.cancel()
    gate.set()
    await blocker
    assert await stays == 2
    assert things(path) == [1, 2]


async def test_a_reader_sees_the_last_commit_while_a_job_runs_and_cannot_write(writer: Writer) -> None:
    await writer.do(put(1))
    gate, inside = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        tx.execute("INSERT INTO thing VALUES (2)")
        inside.set()
        gate.wait(5)

    job = asyncio.ensure_future(writer.do(slow))
    await asyncio.to_thread(inside.wait, 5)
    assert await writer.read(lambda db: db.execute("SELECT COUNT(*) FROM thing").fetchone()[0]) == 1
    gate.set()
    await job
    assert await writer.read(lambda db: db.execute("SELECT COUNT(*) FROM thing").fetchone()[0]) == 2
    with pytest.raises(sqlite3.OperationalError):
        await writer.read(lambda db: db.execute("INSERT INTO thing VALUES (3)"))


async def test_when_the_disk_says_no_nobody_in_the_group_believes_it_was_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(path)
    try:
        await writer.do(lambda tx: tx.execute("PRAGMA max_page_count = 4"))

        def much(tx: Tx) -> None:
            for n in range(100_000):
                tx.execute("INSERT INTO thing VALUES (?)", (n,))

        results = await asyncio.gather(
            writer.do(put(900_001)), writer.do(much), writer.do(put(900_002)), return_exceptions=True
        )
        saved = things(path)
        for result, n in zip((results[0], results[2]), (900_001, 900_002), strict=True):
            assert (n in saved) == (not isinstance(result, BaseException))
        assert isinstance(results[1], sqlite3.OperationalError)
        assert 0 not in saved
        await writer.do(lambda tx: tx.execute("PRAGMA max_page_count = 100000"))
        await writer.do(put(5))
        assert 5 in things(path)
    finally:
        writer.close()


CHILD = """
import sync.sqlite, asyncio, sys
from server.writer import Writer
async def main(path):
    w = Writer(path)
    n = 0
    async def one(i):
        await w.do(lambda tx: tx.execute("INSERT INTO thing VALUES (?)", (i,)))
        sys.stdout.write(f"{i}\\n"); sys.stdout.flush()
    while True:
        await asyncio.gather(*(one(n + k) for k in range(20)))
        n += 20
asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("after_s", [0.2, 0.5])
def test_what_was_answered_is_there_after_a_kill(path: Path, after_s: float) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert child.stdout is not None
    told = [int(child.stdout.readline()) for _ in range(21)]  # more than one group, however slow the machine
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    told += [int(line) for line in child.stdout.read().split(b"\n")[:-1] if line]
    child.wait(5)
    assert set(told) <= set(things(path))
