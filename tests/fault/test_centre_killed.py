"""The centre killed at any moment: every order that was answered is there, and a repeat is the same order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.kit_web import KEY, ORDER, new_centre

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", "--data", str(folder), "serve", "--port", "0"],
        stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert "listens on" in line, line
        url = line.split("listens on ")[1].strip()
        until = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                assert time.monotonic() < until
                time.sleep(0.05)
        yield process, url
    finally:
        process.kill()
        process.wait(10)


def body(n: int) -> dict[str, object]:
    return {**ORDER, "external_id": f"K-{n}", "kind": "shipment"}


@pytest.mark.parametrize("orders", [3, 17])
def test_an_order_that_was_answered_survives_a_kill_and_is_not_done_twice(
    tmp_path: Path, orders: int
) -> None:
    new_centre(tmp_path, now=int(time.time() * 1000) - 1000, stock=500)
    told: dict[int, str] = {}
    headers = {"authorization": f"Bearer {KEY}"}
    with served(tmp_path) as (process, url), httpx.Client(headers=headers, trust_env=False) as web:
        for n in range(orders):
            told[n] = web.post(f"{url}/api/v1/orders", json=body(n)).json()["order_no"]
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with served(tmp_path) as (_, url), httpx.Client(headers=headers, trust_env=False) as web:
        for n in range(orders + 1):
            answer = web.post(f"{url}/api/v1/orders", json=body(n))
            if n in told:
                assert answer.status_code == 200
                assert answer.json()["order_no"] == told[n]
                assert answer.json()["repeated"] is True
        events = web.get(f"{url}/api/v1/events", params={"limit": 1000}).json()["events"]
        placed = [event["order_no"] for event in events if event["kind"] == "placed"]
        assert len(placed) == len(set(placed)) == orders + 1


def test_the_centre_ends_by_itself_when_asked(tmp_path: Path) -> None:
    new_centre(tmp_path, now=int(time.time() * 1000), stock=0)
    with served(tmp_path) as (process, url):
        assert json.loads(httpx.get(f"{url}/health", trust_env=False).text) == {"ok": True}
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
