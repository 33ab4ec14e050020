"""`yipan host` for real: two nodes beside a served centre; they sync, come back when killed, end with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.demo.goods import DemoPerson
from server.demo.processes import free_port
from server.demo.staff import Associate
from tests.fault.kit import eventually, rows
from tests.kit_web import KEY, ORDER, PIN, new_centre


@dataclass
class Hosting:
    data: Path
    centre: str
    host: subprocess.Popen[bytes]
    urls: dict[str, str]

    def nodes(self) -> dict[str, int]:
        """Store to process id, of the host's children as the kernel has them."""
        found = {}
        for line in Path(f"/proc/{self.host.pid}/task/{self.host.pid}/children").read_text().split():
            try:
                environment = Path(f"/proc/{line}/environ").read_bytes().split(b"\0")
            except OSError:
                continue  # ended a moment ago
            for one in environment:
                if one.startswith(b"YIPAN_STORE="):
                    found[one.partition(b"=")[2].decode()] = int(line)
        return found

    async def up(self, store: str) -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"{self.urls[store]}/health", timeout=2)
                return answer.status_code == 200 and answer.json()["line"] == "up"
            except httpx.HTTPError:
                return False


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[Hosting]:
    new_centre(tmp_path, now=int(time.time() * 1000))
    port, first = free_port(), free_port()
    yipan = [sys.executable, "-m", "server.cli", "--data", str(tmp_path)]
    centre = subprocess.Popen([*yipan, "serve", "--port", str(port)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
            break
        except httpx.HTTPError:
            assert time.monotonic() < until, "the centre did not start"
            time.sleep(0.1)
    link = f"ws://127.0.0.1:{port}/link"
    host = subprocess.Popen(
        [*yipan, "host", "S001", "S002", "--centre", link, "--first-port", str(first), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert host.stdout is not None
        said: Any = json.loads(host.stdout.readline())
        urls = {node["store"]: node["url"] for node in said["nodes"]}
        yield Hosting(tmp_path, f"http://127.0.0.1:{port}", host, urls)
    finally:
        for process in (host, centre):
            process.terminate()
        for process in (host, centre):
            process.wait(20)


async def test_two_hosted_stores_sync_come_back_when_killed_and_end_with_their_host(hosting: Hosting) -> None:
    for store in ("S001", "S002"):
        await eventually(partial(hosting.up, store), f"the line of {store}", within_s=60)

    # An order placed at the centre is accepted at the hosted store's own page.
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{hosting.centre}/api/v1/orders", json=ORDER, headers={"authorization": f"Bearer {KEY}"}
        )
    assert answer.status_code == 201, answer.text
    lin = Associate(hosting.urls["S001"], DemoPerson("lin", "Lin", "associate", "S001", PIN, "en"))
    try:
        await lin.sign_in()
        offers: list[int] = []

        async def offered() -> bool:
            offers[:] = await lin.offers()
            return bool(offers)

        await eventually(offered, "the offer on the screen of S001")
        before = hosting.nodes()
        assert set(before) == {"S001", "S002"}

        # kill -9: it is started again by itself, with what it had, and the other one noticed nothing.
        os.kill(before["S001"], signal.SIGKILL)
        await eventually(lambda: hosting.nodes().get("S001", 0) not in (0, before["S001"]), "started again")
        await eventually(lambda: hosting.up("S001"), "the line of S001 again", within_s=60)
        assert hosting.nodes()["S002"] == before["S002"]
        await lin.sign_in()
        await lin.accept(offers[0])
    finally:
        await lin.close()
    database = hosting.data / "centre.db"
    await eventually(
        lambda: bool(rows(database, "SELECT 1 FROM fact WHERE store = 'S001' AND kind = 'accepted'")),
        "the acceptance at the centre",
    )
    [turn] = rows(database, "SELECT store, ownership FROM assignment")
    assert tuple(turn) == ("S001", "confirmed")
    incarnations = rows(database, "SELECT count(*) FROM replica WHERE store = 'S001'")
    assert incarnations[0][0] == 1, "the same database went on, nothing was replaced"

    # However the host ends, its nodes do not stay behind.
    nodes = hosting.nodes()
    hosting.host.kill()
    await eventually(lambda: all(gone(pid) for pid in nodes.values()), "the nodes end with their host")


async def test_a_polite_stop_ends_every_node_before_the_host(hosting: Hosting) -> None:
    for store in ("S001", "S002"):
        await eventually(partial(hosting.up, store), f"the line of {store}", within_s=60)
    nodes = hosting.nodes()
    hosting.host.terminate()
    assert hosting.host.wait(30) == 0
    assert all(gone(pid) for pid in nodes.values())
    sessions = "SELECT count(*) FROM store_session WHERE closed_at = 0 AND number > 0"
    database = hosting.data / "centre.db"
    await eventually(lambda: rows(database, sessions)[0][0] == 0, "the centre knows that both lines are down")
