"""Parked facts tried again, once what they lacked is there. Parked is a provisional verdict."""

from __future__ import annotations

import sqlite3

import msgspec

from server.cases.book import close_case
from server.db import Tx
from server.facts.apply import apply_fact
from server.link.decide import decide
from server.routing.map import forget
from sync import sqlite
from sync.wire import decisions as d
from sync.wire.facts import Fact


def retry_parked(tx: Tx, *, now: int, note: str = "", store: str = "") -> int:
    """Apply parked facts (those with this note and store, or all) again; how many are settled now.

    In the order in which they were numbered. One that still cannot be applied stays as it is.
    """
    rows = tx.execute(
        "SELECT store, incarnation, number, kind, raw FROM fact WHERE verdict = 'parked'"
        " AND (?1 = '' OR note = ?1) AND (?2 = '' OR store = ?2) AND note NOT IN ('other_bytes', 'revoked')"
        " ORDER BY received_at, store, incarnation, number",
        (note, store),
    ).fetchall()
    return sum(_again(tx, row, now) for row in rows)


def _again(tx: Tx, row: sqlite3.Row, now: int) -> bool:
    try:
        fact = msgspec.json.decode(row["raw"], type=Fact)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False
    tx.execute("SAVEPOINT parked")
    try:
        verdict = apply_fact(tx, row["store"], row["incarnation"], row["number"], fact, now=now)
    except (sqlite.Error, AssertionError, ValueError, LookupError):
        # It was parked because applying it raised, and it still does. It keeps its case.
        verdict = None
    if verdict is None or verdict.name == "parked":
        tx.execute("ROLLBACK TO parked")
        tx.execute("RELEASE parked")
        forget(tx)
        return False
    tx.execute("RELEASE parked")
    place = (row["store"], row["incarnation"], row["number"])
    tx.execute(
        "UPDATE fact SET verdict = ?, note = ? WHERE store = ? AND incarnation = ? AND number = ?",
        (verdict.name, verdict.note, *place),
    )
    decide(
        tx,
        row["store"],
        d.VerdictGiven(row["number"], verdict.name, row["kind"], verdict.note, verdict.case),
        at=now,
        fence=fact.fence,
    )
    _close_what_is_settled(tx, now)
    return True


def _close_what_is_settled(tx: Tx, now: int) -> None:
    """A case about parked facts is closed when none of the facts it names is parked any more."""
    rows = tx.execute(
        "SELECT id FROM open_case c WHERE state = 'open'"
        " AND kind IN ('unknown_sku', 'parked_fact', 'unknown_fence')"
        " AND NOT EXISTS (SELECT 1 FROM json_each(c.evidence) e JOIN fact f"
        "   ON f.store = e.value ->> 'store' AND f.incarnation = e.value ->> 'incarnation'"
        "   AND f.number = e.value ->> 'number' WHERE f.verdict = 'parked')"
    ).fetchall()
    for row in rows:
        close_case(tx, row["id"], now=now, by="", outcome="applied")
