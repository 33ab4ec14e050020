"""kill -9 of a store's box with labels waiting for a printer that is off: each comes out once, afterwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from sync import sqlite
from sync.replica import printing
from tests.fault.kit import Chain, eventually, rows
from tests.kit_printers import Label, codes_on, printer

JOBS = ("one", "two", "three")


def states(chain: Chain) -> list[str]:
    found = rows(chain.replica("S001"), "SELECT state FROM print_job ORDER BY number")
    return [row["state"] for row in found]


def tries(chain: Chain) -> int:
    return int(rows(chain.replica("S001"), "SELECT sum(tries) AS n FROM print_job")[0]["n"] or 0)


async def test_waiting_labels_survive_kill_9_and_come_out_once(tmp_path: Path) -> None:
    chain = Chain(tmp_path, 1)
    async with printer() as fake:
        await fake.off()
        try:
            await chain.start()
            record = chain.replica("S001")
            words = ["printer", "add", "labels", "--kind", "zpl", "--address", f"127.0.0.1:{fake.port}"]
            command = [sys.executable, "-m", "pwa.cli", *words, "--data", str(record.parent)]
            added = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
            assert added.returncode == 0, added.stderr
            with sqlite.connect(record) as db, sqlite.writing(db):
                for job in JOBS:
                    printing.ask(db, job, "test", "labels", "labels", now=time.time_ns() // 1_000_000)
            await eventually(lambda: tries(chain) > 0, "the printer is tried")
            await chain.kill_part("S001")
            await fake.on()
            await chain.start_part("S001")
            await eventually(lambda: states(chain) == ["printed"] * len(JOBS), "all are printed")
        finally:
            await chain.stop()
    assert [codes_on(Label(job).images[0]) for job in fake.jobs] == [{"YIPAN-TEST"}] * len(JOBS)
