"""What every test stands on: one SQLite build, seeded dice, a browser where one is found."""

from __future__ import annotations

# First, before anything can load the standard library's SQLite.
import sync.sqlite  # isort: skip

import os
import random
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

sync.sqlite.check_build()


def pytest_report_header() -> list[str]:
    import sqlite3

    browser = chromium_path() or "NONE: browser tests will not run"
    return [f"sqlite: {sqlite3.sqlite_version}", f"chromium: {browser}", f"seed: {seed()}"]


def seed() -> int:
    """YIPAN_SEED replays a failure; the header of every run prints it."""
    return int(os.environ.get("YIPAN_SEED", "20261122"))


def chromium_path() -> str:
    """The browser that set-up found (.venv/.chromium), or one on PATH."""
    named = os.environ.get("YIPAN_CHROMIUM", "")
    noted = ROOT / ".venv" / ".chromium"
    if not named and noted.exists():
        named = noted.read_text().strip()
    if named and Path(named).exists():
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium_path() or os.environ.get("CI") == "true":
        return  # on CI a missing browser is a failure, not a skip
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="NO CHROMIUM on this machine; see `make test`"))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Seeded per test, so that one test's draws do not move another's."""
    return random.Random(f"{seed()}:{request.node.nodeid}")


@pytest.fixture
def dice(rng: random.Random) -> Callable[[int], bytes]:
    return rng.randbytes


PATIENCE_MS = 20_000
"""How long a browser test waits for what it expects. Tests say what happens, benches how fast."""


def browser_options() -> dict[str, Any]:
    path = chromium_path()
    assert path, "no Chromium found: install chromium or set YIPAN_CHROMIUM"
    # Root may not use Chromium's sandbox; the pages are our own and on loopback.
    return {"executable_path": path, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the sync tests of a module; pages come from `browser.new_context(...)`.

    While it is open a loop of Playwright's own runs in this thread, so such a module has no
    async tests; those take `chromium`.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        opened = driver.chromium.launch(**browser_options())
        yield opened
        opened.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    """A Chromium for an async test."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as driver:
        opened = await driver.chromium.launch(**browser_options())
        yield opened
        await opened.close()
