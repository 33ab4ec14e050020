"""kill -9 in the middle of a till's file, line down: started again, every row is booked once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from server.demo.goods import items
from tests.fault.kit import Chain, all_is_well, eventually, rows

ROWS = 800
KILLS = 2


def a_file(rng: random.Random, first: int, last: int) -> str:
    codes = [item.gtin for item in items()]
    dice = random.Random(1)
    lines = [
        f"K-{n},1,{dice.choice(codes)},1,2026-11-22 10:{n // 60 % 60:02}:{n % 60:02}" for n in range(last)
    ]
    return "sale,line,code,qty,at\n" + "\n".join(lines[first:]) + "\n"


def booked(chain: Chain) -> int:
    return int(
        rows(chain.replica("S001"), "SELECT count(*) AS n FROM till_sale WHERE sale LIKE 'K-%'")[0]["n"]
    )


async def test_a_till_file_survives_kill_9_and_is_booked_once(tmp_path: Path) -> None:
    rng = random.Random(20261122)
    chain = Chain(tmp_path, 1)
    try:
        await chain.start()
        chain.lines["S001"].cut()
        drop = chain.folder / "S001" / "tills" / "in"
        (drop / "night.csv").write_text(a_file(rng, 0, ROWS))
        for _ in range(KILLS):
            before = booked(chain)
            await eventually(
                lambda before=before: booked(chain) > before or booked(chain) == ROWS, "rows come"
            )
            await asyncio.sleep(rng.uniform(0, 0.2))
            await chain.kill_part("S001")
            await chain.start_part("S001")
        await eventually(lambda: not any(drop.iterdir()), "the file is put away", within_s=40)
        assert booked(chain) == ROWS
        # The next night's file overlaps, sent by the command line to the running node.
        more = tmp_path / "more.csv"
        more.write_text(a_file(rng, ROWS - 200, ROWS + 50))
        words = [sys.executable, "-m", "pwa.cli", "till-file", str(more), "--json"]
        env = {**os.environ, "YIPAN_TILL_KEY": chain.keys.till, "YIPAN_PAGES": chain.node_url("S001")}
        found = await asyncio.to_thread(subprocess.run, words, env=env, capture_output=True, text=True)
        [report] = json.loads(found.stdout)
        assert (found.returncode, report["booked"], report["repeated"]) == (0, 50, 200), found.stderr
        facts = rows(chain.replica("S001"), "SELECT count(*) AS n FROM fact WHERE kind = 'sold'")[0]["n"]
        assert facts == ROWS + 50
        chain.lines["S001"].restore()
        await all_is_well(chain, bound_s=60)
    finally:
        await chain.stop()
