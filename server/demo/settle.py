"""The end of a run: wait until nothing is on its way, then let the auditor count.

Quiet means what design rule 5 means: lines up, nothing unsent at any store, the
centre's decisions applied. Read from the databases, so that a page that claims
"all sent" is not believed but checked.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.audit import audit
from server.demo.chain import Chain


@dataclass(frozen=True)
class Quiet:
    reached: bool
    waited_s: float
    waiting: str = ""
    """What was still on its way, where the bound passed first."""


def reading(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10.0)
    db.row_factory = sqlite3.Row
    return db


def one(db: sqlite3.Connection, sql: str, *values: Any) -> int:
    found = db.execute(sql, values).fetchone()
    return int(found[0] or 0) if found else 0


def waiting(chain: Chain) -> str:
    """What is on its way, in words; empty when nothing is."""
    centre = reading(chain.database)
    try:
        for code in chain.codes:
            replica = reading(chain.replica(code))
            try:
                named = replica.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()
                incarnation = named[0] if named else ""
                written = one(replica, "SELECT max(number) FROM fact")
                applied = one(replica, "SELECT value FROM meta WHERE key = 'decisions_number'")
            finally:
                replica.close()
            taken = one(
                centre,
                "SELECT applied FROM replica WHERE store = ? AND incarnation = ?",
                code,
                incarnation,
            )
            decided = one(centre, "SELECT max(number) FROM decision WHERE store = ?", code)
            if taken < written:
                return f"{code}: {written - taken} facts"
            if applied < decided:
                return f"{code}: {decided - applied} decisions"
        due = one(
            centre,
            "SELECT count(*) FROM assignment WHERE ended_at = 0 AND ownership = 'none' AND accept_by < ?",
            int(time.time() * 1000),
        )
        return f"{due} offers past their deadline" if due else ""
    finally:
        centre.close()


def unanswered(chain: Chain) -> int:
    """Offers that nobody has answered, and parts that wait for somebody who can."""
    centre = reading(chain.database)
    try:
        sql = (
            "SELECT count(*) FROM fulfilment_order f WHERE state IN ('offered', 'waiting') AND NOT EXISTS"
            " (SELECT 1 FROM open_case c WHERE c.state = 'open' AND c.fo = f.fo)"
        )
        return one(centre, sql)
    finally:
        centre.close()


async def until_answered(chain: Chain, bound_s: float) -> None:
    """Staff at work, nobody coming any more: every order finds its owner, its outcome or its case."""
    until = time.monotonic() + bound_s
    while await asyncio.to_thread(unanswered, chain) and time.monotonic() < until:
        await asyncio.sleep(0.3)


async def until_quiet(chain: Chain, bound_s: float) -> Quiet:
    started = time.monotonic()
    still = 0
    what = ""
    while time.monotonic() - started < bound_s:
        what = await asyncio.to_thread(waiting, chain)
        still = 0 if what else still + 1
        if still >= 3:  # seen quiet three times in a row: nothing bounced back
            return Quiet(True, time.monotonic() - started)
        await asyncio.sleep(0.4)
    return Quiet(False, time.monotonic() - started, what)


def judged(chain: Chain, *, settled: bool) -> dict[str, Any]:
    """The rules, counted from the databases by the auditor."""
    found = audit(
        chain.database,
        {code: chain.replica(code) for code in chain.codes},
        now=int(time.time() * 1000),
        settled=settled,
        slack_ms=5_000,
    )
    return {"rules": found.rules, "ok": found.ok, "details": found.details[:20]}


def happened(chain: Chain) -> dict[str, Any]:
    """What happened, counted from the centre's database."""
    centre = reading(chain.database)
    try:
        kinds = dict(centre.execute("SELECT kind, count(*) FROM event GROUP BY kind").fetchall())
        facts = dict(centre.execute("SELECT kind, count(*) FROM fact GROUP BY kind").fetchall())
        verdicts = dict(centre.execute("SELECT verdict, count(*) FROM fact GROUP BY verdict").fetchall())
        provisional = sum(
            1
            for (raw,) in centre.execute("SELECT raw FROM fact WHERE kind = 'accepted'")
            if b'"provisional":true' in bytes(raw)
        )
        return {
            "orders": one(centre, "SELECT count(*) FROM shop_order"),
            "orders_by_state": dict(
                centre.execute("SELECT state, count(*) FROM shop_order GROUP BY state").fetchall()
            ),
            "fulfilment_orders_by_state": dict(
                centre.execute("SELECT state, count(*) FROM fulfilment_order GROUP BY state").fetchall()
            ),
            "units_released": one(centre, "SELECT sum(released) FROM assignment_line"),
            "lapsed": kinds.get("lapsed", 0),
            "reassigned": kinds.get("reassigned", 0),
            "accepted_provisionally": provisional,
            "put_back_units": facts.get("put_back", 0),
            "returns": facts.get("returned", 0),
            "till_sales": facts.get("sold", 0),
            "cases_open": one(centre, "SELECT count(*) FROM open_case WHERE state = 'open'"),
            "facts": sum(facts.values()),
            "facts_by_kind": facts,
            "verdicts": verdicts,
            "decisions": one(centre, "SELECT count(*) FROM decision"),
            "messages": one(centre, "SELECT count(*) FROM outgoing"),
        }
    finally:
        centre.close()
