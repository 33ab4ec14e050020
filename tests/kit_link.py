"""A store and the centre joined by their link alone: real SQLite and real logs on both sides, a toy domain.

The toy keeps sums: units sold per SKU (facts add up, at both ends) and units granted (decisions add up). So
"exactly once" is simply that the sums are right, and a digest is the sums themselves.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from migrations.replica.step_0001 import SQL
from server.db import Tx
from server.facts.verdict import APPLIED, Verdict
from server.link.decide import decide
from server.link.logs import StoreTables
from server.schema import fresh
from sync import sqlite
from sync.ids import new_id
from sync.link.centre_end import CentreEnd, Domain, Manners
from sync.link.clock import LinkClock, Reading
from sync.link.proof import token_hash
from sync.link.shelf import SnapshotShelf
from sync.link.store_end import StoreEnd
from sync.replica import log
from sync.replica.context import Context, Moment
from sync.wire import codec, decisions, facts, frames
from sync.wire.decisions import Decision
from sync.wire.facts import Fact

F = TypeVar("F", bound=frames.Frame)

NINE_AM = 1_795_335_600_000
TOKEN = "a-token-for-tests"


def reading(now: int) -> Reading:
    return Reading(mono=now - NINE_AM + 1_000_000, wall=now, boot="boot-1")


# -- the store ------------------------------------------------------------------------------------


def new_replica(store: str, incarnation: str) -> sqlite.Connection:
    db = sqlite.connect(":memory:")
    db.executescript(SQL)
    db.execute("CREATE TABLE toy (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
    db.execute("CREATE TABLE toy_row (stream TEXT, key TEXT, body TEXT, PRIMARY KEY (stream, key))")
    with sqlite.writing(db):
        log.put(db, "store", store)
        log.put(db, "incarnation", incarnation)
    return db


def copy_of(db: sqlite.Connection) -> sqlite.Connection:
    other = sqlite.connect(":memory:")
    db.backup(other)
    return other


def add(db: sqlite.Connection, name: str, value: int) -> None:
    db.execute(
        "INSERT INTO toy (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
        (name, value),
    )


def sums(db: sqlite.Connection) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in db.execute("SELECT name, value FROM toy WHERE value <> 0")}


@dataclass
class ToyApplier:
    cannot: set[str] = field(default_factory=set)
    """SKUs at which a decision raises, as if this version could not apply it."""

    def decision(self, tx: sqlite.Connection, number: int, decision: Decision, moment: Moment) -> None:
        body = decisions.body_of(decision)
        match body:
            case decisions.Granted(sku, qty):
                add(tx, f"granted:{sku}", qty)
                if sku in self.cannot:
                    raise ValueError(f"cannot apply {sku}")
            case decisions.VerdictGiven():
                add(tx, "verdicts", 1)
            case _:
                raise AssertionError(decision.kind)

    def rows(
        self, tx: sqlite.Connection, stream: str, rows: Sequence[dict[str, Any]], moment: Moment
    ) -> None:
        for row in rows:
            if row["key"] in self.cannot:
                raise ValueError(f"cannot apply row {row['key']}")
            tx.execute(
                "INSERT OR REPLACE INTO toy_row VALUES (?, ?, ?)",
                (stream, row["key"], json.dumps(row["body"])),
            )

    def rebase(self, tx: sqlite.Connection, content: bytes, facts: int, moment: Moment) -> None:
        tx.execute("DELETE FROM toy")
        for name, value in json.loads(content).items():
            add(tx, name, value)
        for (raw,) in tx.execute(
            "SELECT raw FROM fact WHERE number > ? ORDER BY number", (facts,)
        ).fetchall():
            effect(tx, msgspec.json.decode(raw, type=Fact))

    def digest(self, tx: sqlite.Connection) -> Any:
        return sums(tx)


def effect(tx: sqlite.Connection, fact: Fact) -> None:
    body = facts.body_of(fact)
    if isinstance(body, facts.Sold):
        add(tx, f"sold:{body.sku}", body.qty)


class ToyStore:
    """One box: its database survives a crash, everything else does not."""

    def __init__(
        self, store: str = "S001", *, host: str = "box-1", seed: int = 1, token: str = TOKEN
    ) -> None:
        self.store, self.host, self.token = store, host, token
        self.rng = random.Random(seed)
        self.db = new_replica(store, new_id(NINE_AM, self.rng.randbytes))
        self.applier = ToyApplier()
        self.commands = 0
        self.now = NINE_AM
        self.protocols = (1, 1)
        self.start()

    def start(self) -> None:
        """A new process over the same disk."""
        standing = log.ReplicaLog().standing(self.db)
        self.end = StoreEnd(
            self.store,
            log.ReplicaLog(),
            self.applier,
            key=token_hash(self.token),
            new_incarnation=lambda: new_id(self.now, self.rng.randbytes),
            clock=LinkClock(standing.clock),
            host=self.host,
            protocols=self.protocols,
        )

    def sell(self, sku: str, qty: int = 1, command: str = "", tx: sqlite.Connection | None = None) -> str:
        """Record a sale: fact and effect in one transaction. Frames are to be asked for afterwards."""
        self.commands += 1
        command = command or f"{self.host}:{self.commands}:{self.rng.getrandbits(40):x}"
        body = facts.Sold(sku, qty, qty)
        with sqlite.writing(self.db):
            log.append(self.db, body, self.context(command))
            add(self.db, f"sold:{sku}", qty)
        return command

    def context(self, command: str) -> Context:
        return Context(
            moment=Moment.exact(self.now),
            person="P-01",
            role="associate",
            device="PDA-1",
            command=command,
            line_up=self.end.up,
            new_id=lambda: new_id(self.now, self.rng.randbytes),
        )

    @property
    def incarnation(self) -> str:
        return log.get(self.db, "incarnation")

    def head(self) -> int:
        return log.head(self.db)[0]

    def commands_held(self) -> set[str]:
        return {str(row[0]) for row in self.db.execute("SELECT command FROM fact")}


# -- the centre -----------------------------------------------------------------------------------


def new_centre(stores: Sequence[str] = ("S001",), token: str = TOKEN) -> Tx:
    db = fresh(":memory:", incarnation="C1")
    db.execute("CREATE TABLE toy (store TEXT, name TEXT, value INTEGER, PRIMARY KEY (store, name))")
    with sqlite.writing(db):
        db.execute("INSERT INTO region (code, name_en, name_zh) VALUES ('R1', 'East', '东区')")
        for code in stores:
            db.execute(
                "INSERT INTO store (code, name_en, name_zh, region, token_hash) VALUES (?, ?, ?, 'R1', ?)",
                (code, code, code, token_hash(token)),
            )
    return db


def centre_copy(db: Tx) -> Tx:
    from server.db import open_centre

    other = open_centre(":memory:")
    db.backup(other)
    return other


class ToyCentre:
    """The centre's database and process. `grant_every`: every n-th fact makes a decision."""

    def __init__(self, stores: Sequence[str] = ("S001",), *, grant_every: int = 3, seed: int = 2) -> None:
        self.db = new_centre(stores)
        self.rng = random.Random(seed)
        self.grant_every = grant_every
        self.now = NINE_AM
        self.poison: set[str] = set()
        self.stock: dict[str, int] = {}
        """What a till that asks is granted."""
        self.manners = Manners()
        self.start()

    def start(self) -> None:
        self.shelf = SnapshotShelf()

    def new_end(self) -> CentreEnd:
        domain = Domain(
            apply_fact=self._apply,
            snapshot=lambda tx, store: json.dumps(self.sums(store, tx)).encode(),
            digest=lambda tx, store: self.sums(store, tx),
            new_id=lambda: new_id(self.now, self.rng.randbytes),
            nonce=lambda: self.rng.randbytes(8).hex(),
            want=self._want,
            certify=lambda store, request, now: (f"{request} of {store}, signed", "the root", ""),
        )
        return CentreEnd(StoreTables, domain, self.shelf, self.manners)

    def _apply(self, tx: Any, store: str, incarnation: str, number: int, fact: Fact, now: int) -> Verdict:
        body = facts.body_of(fact)
        if body is None:
            return Verdict("parked", "unknown_kind")
        assert isinstance(body, facts.Sold)
        self.add(store, f"sold:{body.sku}", body.qty)
        if body.sku in self.poison:
            raise KeyError(body.sku)
        if number % self.grant_every == 0:
            self.grant(store, body.sku, 1)
        return APPLIED

    def _want(self, tx: Any, store: str, rows: list[tuple[str, int]], now: int) -> int:
        granted = 0
        for sku, qty in rows:
            if self.stock.get(sku, 0) >= qty:
                self.stock[sku] -= qty
                self.grant(store, sku, qty)
                granted += 1
        return granted

    def grant(self, store: str, sku: str, qty: int) -> None:
        decide(self.db, store, decisions.Granted(sku, qty), at=self.now)
        self.add(store, f"granted:{sku}", qty)

    def add(self, store: str, name: str, value: int) -> None:
        self.db.execute(
            "INSERT INTO toy (store, name, value) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (store, name) DO UPDATE SET value = value + ?3",
            (store, name, value),
        )

    def sums(self, store: str = "S001", tx: Any = None) -> dict[str, int]:
        found = {
            str(row[0]): int(row[1])
            for row in (tx or self.db).execute(
                "SELECT name, value FROM toy WHERE store = ? AND value <> 0", (store,)
            )
        }
        told = (
            (tx or self.db)
            .execute("SELECT count(*) FROM decision WHERE store = ? AND kind = 'verdict'", (store,))
            .fetchone()[0]
        )
        return {**found, "verdicts": told} if told else found

    def applied(self, store: str = "S001") -> dict[str, int]:
        """How often each command's fact was applied."""
        return {
            str(row[0]): int(row[1])
            for row in self.db.execute(
                "SELECT command, count(*) FROM fact WHERE store = ? AND verdict = 'applied' GROUP BY command",
                (store,),
            )
        }

    def cases(self) -> list[str]:
        return [str(row[0]) for row in self.db.execute("SELECT kind FROM open_case ORDER BY id")]


# -- a line between them ---------------------------------------------------------------------------


class Pair:
    """A store and the centre on a line that carries everything at once, in order."""

    def __init__(self, store: ToyStore | None = None, centre: ToyCentre | None = None) -> None:
        self.store = store or ToyStore()
        self.centre = centre or ToyCentre()
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        self.log: list[tuple[str, bytes]] = []
        self.centre_end = self.centre.new_end()
        self.now = NINE_AM
        self.dead = True

    def at(self) -> Reading:
        self.store.now = self.centre.now = self.now
        return reading(self.now)

    def connect(self) -> Pair:
        self.centre_end = self.centre.new_end()
        self.dead = False
        self.to_centre(self.store.end.connected(self.store.db, self.at()))
        self.to_store(self.centre_end.connected(None, self.at()))
        self.run()
        return self

    def cut(self) -> None:
        if not self.dead:
            self.store.end.disconnected()
            with sqlite.writing(self.centre.db):
                self.centre_end.disconnected(self.centre.db, self.at())
        self.up, self.down, self.dead = [], [], True

    def to_centre(self, frames: list[bytes]) -> None:
        self.up += frames
        self.log += [("up", one) for one in frames]

    def to_store(self, frames: list[bytes]) -> None:
        self.down += frames
        self.log += [("down", one) for one in frames]

    def run(self, most: int = 10_000) -> None:
        """Carry frames until nobody says anything any more."""
        for _ in range(most):
            if self.down:
                frame = self.down.pop(0)
                with sqlite.writing(self.store.db):
                    self.to_centre(self.store.end.received(self.store.db, self.at(), frame))
            elif self.up:
                frame = self.up.pop(0)
                with sqlite.writing(self.centre.db):
                    self.to_store(self.centre_end.received(self.centre.db, self.at(), frame))
            else:
                return
        raise AssertionError("the two never stop talking")

    def sell(self, sku: str = "A", qty: int = 1) -> str:
        command = self.store.sell(sku, qty)
        if not self.dead:
            self.to_centre(self.store.end.recorded(self.store.db, self.at()))
        return command

    def grant(self, sku: str = "A", qty: int = 1) -> None:
        with sqlite.writing(self.centre.db):
            self.centre.grant(self.store.store, sku, qty)
        if not self.dead:
            self.to_store(self.centre_end.woken(self.centre.db, self.at()))

    def tick(self, ms: int) -> None:
        self.now += ms
        with sqlite.writing(self.store.db):
            self.to_centre(self.store.end.tick(self.store.db, self.at()))
        with sqlite.writing(self.centre.db):
            self.to_store(self.centre_end.tick(self.centre.db, self.at()))

    def agree(self) -> bool:
        return sums(self.store.db) == self.centre.sums(self.store.store)


Step = Callable[[], None]


def seen(pair: Pair, way: str, kind: type[F]) -> list[F]:
    return [f for w, raw in pair.log if w == way and isinstance(f := codec.decode(raw), kind)]


def close_cases(pair: Pair, kind: str) -> None:
    """A person has decided."""
    with sqlite.writing(pair.centre.db):
        pair.centre.db.execute("UPDATE open_case SET state = 'closed' WHERE kind = ?", (kind,))
