"""The centre's tables as its end of the link to one store sees them (sync.link.logs.CentreLog).

Also what a person or a start of the centre does to them: let a held replica go on, close the
sessions of a process that is gone. Parked facts are tried again in `server.facts.parked`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, cast

from server import counters
from server.cases.book import Evidence, open_case
from server.db import Tx
from server.link.decide import decide
from server.offers import doubt
from server.stock.demand import note_outage
from sync.link.logs import Item, KnownReplica, KnownSession
from sync.wire import decisions
from sync.wire.chain import EMPTY
from sync.wire.facts import Fact
from sync.wire.frames import Check

PER_STORE = ("people", "shelves", "needs")


class DecisionLog:
    """The urgent log of one store, which the centre writes (through `decide`)."""

    def __init__(self, store: str) -> None:
        self.store = store

    def head(self, tx: sqlite3.Connection) -> Check:
        row = tx.execute(
            "SELECT number, chain FROM decision WHERE store = ? ORDER BY number DESC LIMIT 1", (self.store,)
        ).fetchone()
        return (int(row[0]), str(row[1])) if row is not None else (0, EMPTY)

    def floor(self, tx: sqlite3.Connection) -> int:
        row = tx.execute("SELECT min(number) FROM decision WHERE store = ?", (self.store,)).fetchone()
        return int(row[0]) - 1 if row[0] is not None else 0

    def chain_at(self, tx: sqlite3.Connection, number: int) -> str | None:
        row = tx.execute(
            "SELECT chain FROM decision WHERE store = ? AND number = ?", (self.store, number)
        ).fetchone()
        if row is not None:
            return str(row[0])
        return EMPTY if number == 0 and self.floor(tx) == 0 else None

    def after(self, tx: sqlite3.Connection, number: int, count: int, size: int) -> list[Item]:
        items: list[Item] = []
        for found, raw, chain in tx.execute(
            "SELECT number, raw, chain FROM decision WHERE store = ? AND number > ? ORDER BY number LIMIT ?",
            (self.store, number, count),
        ):
            size -= len(raw)
            if size < 0 and items:
                break
            items.append(Item(int(found), bytes(raw), str(chain)))
        return items


class StoreTables:
    """One store's part of the centre's link tables."""

    def __init__(self, store: str) -> None:
        self.store = store
        self.decisions = DecisionLog(store)

    def incarnation(self, tx: sqlite3.Connection) -> str:
        return str(tx.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()[0])

    def new_incarnation(self, tx: sqlite3.Connection, incarnation: str, now: int) -> None:
        rename_centre(cast(Tx, tx), incarnation, now)

    def raise_fence(self, tx: sqlite3.Connection, heard: int, now: int) -> None:
        counters.past_fence(tx, heard, now)

    def key(self, tx: sqlite3.Connection) -> tuple[str, bool] | None:
        row = tx.execute("SELECT token_hash, active FROM store WHERE code = ?", (self.store,)).fetchone()
        return (str(row[0]), bool(row[1])) if row is not None and row[0] else None

    def session(self, tx: sqlite3.Connection) -> KnownSession:
        row = tx.execute(
            "SELECT number, incarnation, host, heard_at, closed_at, unsent FROM store_session"
            " WHERE store = ?",
            (self.store,),
        ).fetchone()
        if row is None:
            return KnownSession(0, "", "", 0, False)
        is_open = row[4] == 0 and row[0] > 0
        return KnownSession(int(row[0]), str(row[1]), str(row[2]), int(row[3]), is_open, int(row[5]))

    def open_session(
        self, tx: sqlite3.Connection, number: int, incarnation: str, host: str, software: str, now: int
    ) -> None:
        down = tx.execute("SELECT closed_at FROM store_session WHERE store = ?", (self.store,)).fetchone()
        tx.execute(
            "INSERT INTO store_session (store, number, incarnation, host, software, connected_at, heard_at, "
            "closed_at, unsent, oldest_unsent_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0) "
            "ON CONFLICT (store) DO UPDATE SET number = excluded.number, incarnation = excluded.incarnation, "
            "host = excluded.host, software = excluded.software, connected_at = excluded.connected_at, "
            "heard_at = excluded.heard_at, closed_at = 0",
            (self.store, number, incarnation, host, software, now, now),
        )
        if down is not None and down[0] > 0:
            note_outage(cast(Tx, tx), self.store, now - down[0])
        _touch(tx, "board", f"line:{self.store}")

    def note_heard(self, tx: sqlite3.Connection, heard_at: int, unsent: int, oldest: int, taken: int) -> None:
        tx.execute(
            "UPDATE store_session SET heard_at = ?, unsent = ?, oldest_unsent_at = ? WHERE store = ?",
            (heard_at, unsent, oldest if unsent else 0, self.store),
        )
        tx.execute(
            "UPDATE replica SET taken = max(taken, ?) WHERE store = ? AND state = 'live'", (taken, self.store)
        )
        _touch(tx, "board")

    def heard_out(self, tx: sqlite3.Connection, now: int) -> None:
        doubt.heard(cast(Tx, tx), self.store, now)

    def close_session(self, tx: sqlite3.Connection, number: int, now: int) -> None:
        closed = tx.execute(
            "UPDATE store_session SET closed_at = ? WHERE store = ? AND number = ? AND closed_at = 0",
            (now, self.store, number),
        ).rowcount
        if closed:
            _touch(tx, "board", f"line:{self.store}")

    def replica(self, tx: sqlite3.Connection, incarnation: str) -> KnownReplica | None:
        row = tx.execute(
            _REPLICA + "WHERE store = ? AND incarnation = ?", (self.store, incarnation)
        ).fetchone()
        return KnownReplica(*row) if row is not None else None

    def live(self, tx: sqlite3.Connection) -> KnownReplica | None:
        row = tx.execute(
            _REPLICA + "WHERE store = ? AND state IN ('live', 'held', 'released') "
            "ORDER BY opened_at DESC LIMIT 1",
            (self.store,),
        ).fetchone()
        return KnownReplica(*row) if row is not None else None

    def add_replica(self, tx: sqlite3.Connection, replica: KnownReplica, now: int) -> None:
        tx.execute(
            "INSERT INTO replica (store, incarnation, state, host, opened_at, applied, chain, backed_up, "
            "taken, parent, fork, note, beginning) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, '', ?)",
            (
                self.store,
                replica.incarnation,
                replica.state,
                replica.host,
                now,
                replica.applied,
                replica.chain,
                replica.backed_up,
                replica.parent,
                replica.fork,
                replica.beginning,
            ),
        )

    def set_state(self, tx: sqlite3.Connection, incarnation: str, state: str, note: str) -> None:
        tx.execute(
            "UPDATE replica SET state = ?, note = ? WHERE store = ? AND incarnation = ?",
            (state, note, self.store, incarnation),
        )

    def set_host(self, tx: sqlite3.Connection, incarnation: str, host: str) -> None:
        tx.execute(
            "UPDATE replica SET host = ? WHERE store = ? AND incarnation = ?", (host, self.store, incarnation)
        )

    def chain_at(self, tx: sqlite3.Connection, incarnation: str, number: int) -> str | None:
        """A fork shares the facts up to its beginning with its parent; they are kept there once."""
        if number == 0:
            return EMPTY
        for _ in range(1000):
            row = tx.execute(
                "SELECT chain FROM fact WHERE store = ? AND incarnation = ? AND number = ?",
                (self.store, incarnation, number),
            ).fetchone()
            if row is not None:
                return str(row[0])
            known = self.replica(tx, incarnation)
            if known is None or number > known.fork:
                return None
            if not known.parent:
                return known.beginning if known.beginning and number == known.fork else None
            incarnation = known.parent
        return None

    def holder(self, tx: sqlite3.Connection, number: int, chain: str) -> str:
        """By replica, each looked up by its key: a store has few of them and many facts."""
        row = tx.execute(
            "SELECT r.incarnation FROM replica r LEFT JOIN fact f"
            " ON f.store = r.store AND f.incarnation = r.incarnation AND f.number = ?2"
            " WHERE r.store = ?1 AND r.state <> 'evidence'"
            " AND (f.chain = ?3 OR (r.fork = ?2 AND r.beginning = ?3 AND ?3 <> ''))"
            " ORDER BY r.state = 'live' DESC, r.opened_at DESC LIMIT 1",
            (self.store, number, chain),
        ).fetchone()
        return str(row[0]) if row is not None else ""

    def take(
        self,
        tx: sqlite3.Connection,
        incarnation: str,
        number: int,
        raw: bytes,
        chain: str,
        fact: Fact | None,
        verdict: str,
        note: str,
        now: int,
    ) -> None:
        tx.execute(
            "INSERT INTO fact (store, incarnation, number, kind, fence, person, device, command, "
            "occurred_at, received_at, verdict, note, chain, raw) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.store,
                incarnation,
                number,
                fact.kind if fact else "",
                _fits(fact.fence) if fact else 0,
                fact.person if fact else "",
                fact.device if fact else "",
                fact.command if fact else "",
                _fits(fact.at) if fact else 0,
                now,
                verdict,
                note,
                chain,
                raw,
            ),
        )

    def advance(self, tx: sqlite3.Connection, incarnation: str, applied: int, chain: str) -> None:
        tx.execute(
            "UPDATE replica SET applied = ?, chain = ? WHERE store = ? AND incarnation = ?",
            (applied, chain, self.store, incarnation),
        )

    def tell_verdict(
        self,
        tx: sqlite3.Connection,
        number: int,
        fact: Fact | None,
        verdict: str,
        note: str,
        case: str,
        now: int,
    ) -> None:
        body = decisions.VerdictGiven(number, verdict, fact.kind if fact else "", note, case)
        decide(cast(Tx, tx), self.store, body, at=now, fence=_fits(fact.fence) if fact else 0)

    def streams(self, tx: sqlite3.Connection) -> Sequence[str]:
        return [f"{name}:{self.store}" if name in PER_STORE else name for name in _BULK_ORDER]

    def last_row(self, tx: sqlite3.Connection) -> int:
        row = tx.execute("SELECT value FROM meta WHERE key = 'stream_seq'").fetchone()
        return int(row[0]) if row is not None else 0

    def rows_after(
        self, tx: sqlite3.Connection, stream: str, cursor: int, count: int, size: int
    ) -> list[tuple[int, str, bytes]]:
        rows: list[tuple[int, str, bytes]] = []
        for seq, key, body in tx.execute(
            "SELECT seq, key, body FROM stream_row WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
            (stream, cursor, count),
        ):
            size -= len(body) + len(key)
            if size < 0 and rows:
                break
            rows.append((int(seq), str(key), bytes(body)))
        return rows

    def trouble(
        self,
        tx: sqlite3.Connection,
        kind: str,
        params: Mapping[str, Any],
        evidence: Sequence[tuple[str, int, str]],
        now: int,
    ) -> str:
        return open_case(
            cast(Tx, tx),
            kind,
            now=now,
            store=self.store,
            params={"store": self.store, **params},
            evidence=[Evidence(self.store, name, number, what) for name, number, what in evidence],
            join=True,
        )

    def settled(self, tx: sqlite3.Connection, kind: str) -> bool:
        found = tx.execute(
            "SELECT 1 FROM open_case WHERE state = 'open' AND kind = ? AND store = ? LIMIT 1",
            (kind, self.store),
        )
        return found.fetchone() is None


# -- what a person, or a start of the centre, does ------------------------------------------------


def rename_centre(tx: Tx, incarnation: str, now: int) -> None:
    """A centre put back from a backup is another one: stores compare, and send again what it lacks."""
    _put(tx, "incarnation", incarnation)
    _put(tx, "restored_at", str(now))
    counters.leap(tx, now)
    doubt.begin(tx, now)


def close_all_sessions(tx: Tx, now: int) -> None:
    """At the start of the centre: no session of an earlier process is alive."""
    tx.execute("UPDATE store_session SET closed_at = ? WHERE closed_at = 0 AND number > 0", (now,))


def release_held(tx: Tx, store: str, incarnation: str) -> bool:
    """A person has looked at both tails: the replica takes a new incarnation at its next hello,
    keeps the facts that the centre does not have, and they are applied."""
    return (
        tx.execute(
            "UPDATE replica SET state = 'released' "
            "WHERE store = ? AND incarnation = ? AND state IN ('held', 'closed')",
            (store, incarnation),
        ).rowcount
        == 1
    )


_REPLICA = (
    "SELECT incarnation, state, host, applied, chain, backed_up, parent, fork, note, beginning FROM replica "
)
_BULK_ORDER = ("people", "policy", "stores", "sellables", "catalogue", "shelves", "needs")
"""Small and needed first."""
assert set(_BULK_ORDER) == set(decisions.STREAMS)


def _put(tx: sqlite3.Connection, key: str, value: str) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def _fits(number: int) -> int:
    """A number of a store's fact may be anything; a column holds 64 bits."""
    return number if -(2**63) <= number < 2**63 else 0


def _touch(tx: sqlite3.Connection, *topics: str) -> None:
    touched = getattr(tx, "touched", None)
    if touched is not None:
        touched.update(topics)
