"""A real chain for fault tests: processes on loopback, a line each, staff at the pages."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from server.demo.chain import Chain
from server.demo.settle import happened, judged, reading, until_quiet
from server.demo.staff import Associate

__all__ = ["Associate", "Chain", "all_is_well", "eventually", "facts_at", "rows"]


async def eventually(
    true: Callable[[], bool | Awaitable[bool]], what: str, *, within_s: float = 20.0
) -> None:
    """Wait for something that has to become true, and say what did not."""
    until = asyncio.get_running_loop().time() + within_s
    while True:
        found = true()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return
        assert asyncio.get_running_loop().time() < until, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.1)


def rows(path: Path, sql: str, *values: Any) -> list[sqlite3.Row]:
    db = reading(path)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()


def facts_at(chain: Chain, store: str, kind: str = "") -> int:
    """Facts of a store that the centre has."""
    if kind:
        sql = "SELECT count(*) AS n FROM fact WHERE store = ? AND kind = ?"
        return int(rows(chain.database, sql, store, kind)[0]["n"])
    return int(rows(chain.database, "SELECT count(*) AS n FROM fact WHERE store = ?", store)[0]["n"])


async def all_is_well(chain: Chain, *, bound_s: float = 40.0) -> dict[str, Any]:
    """Everything has settled, and the auditor finds every rule kept."""
    quiet = await until_quiet(chain, bound_s)
    assert quiet.reached, f"still on its way after {quiet.waited_s:.0f} s: {quiet.waiting}"
    found = judged(chain, settled=True)
    assert found["ok"], (found["rules"], found["details"])
    return happened(chain)
