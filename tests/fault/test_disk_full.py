"""A full disk at a store: nothing is called saved that is not, and it recovers by itself."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.demo.customers import Till
from server.demo.goods import items
from server.demo.staff import Associate
from tests.fault.kit import Chain, all_is_well, eventually, facts_at

GTIN = {item.sku: item.gtin for item in items()}
SIZE = 24 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 24 MB: a tmpfs, for which one has to be root."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


async def test_a_full_disk_at_a_store_loses_nothing_and_recovers_by_itself(
    small_disk: Path, tmp_path: Path, rng: random.Random
) -> None:
    chain = Chain(tmp_path / "chain", stores=2, policy={"accept_s": 600})
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "S001").symlink_to(small_disk)
    filler = small_disk / "somebody-elses.log"
    try:
        await chain.start()
        till = Till(chain, "S001", rng)
        said_saved = 0
        goods = itertools.cycle(GTIN.values())  # a share of each is enough for the whole test

        async def sale() -> int:
            try:
                return (await till.sell([(next(goods), 1)])).status_code
            except httpx.TransportError:
                return 0

        assert await sale() == 201
        said_saved += 1
        fill(filler)
        answers = [await sale() for _ in range(60)]
        said_saved += answers.count(201)
        assert any(answer != 201 for answer in answers), "the disk never was full"
        assert chain.children["S001"].runs, chain.children["S001"].tail()

        filler.unlink()

        async def sells_again() -> bool:
            return await sale() == 201

        await eventually(sells_again, "the node recovers without a restart", within_s=30)
        said_saved += 1
        lin = Associate(chain.node_url("S001"), chain.person("S001-1"))
        await lin.sign_in()
        await lin.close()
        await eventually(lambda: facts_at(chain, "S001", "sold") >= said_saved, "the sales arrive")
        await all_is_well(chain)
        assert facts_at(chain, "S001", "sold") == said_saved
        await asyncio.sleep(0)
    finally:
        await chain.stop()


def fill(path: Path) -> None:
    """Every byte that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
        try:
            while True:
                file.write(b"\0")
        except OSError:
            pass
    os.sync()
