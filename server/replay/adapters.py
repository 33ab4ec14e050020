"""Joins the rooms as the programs do, without sockets and threads: the one wiring place of a replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from server.db import Tx
from server.facts.apply import apply_fact
from server.link.logs import StoreTables
from server.link.snapshot import snapshot
from server.replay.habits import DAY, HOUR
from server.schema import fresh
from server.stock.digest import digest as centre_digest
from sync.agent.applier import ReplicaApplier
from sync.ids import Dice, new_id
from sync.link.centre_end import CentreEnd, Domain, Manners
from sync.link.logs import CentreLog, StoreLog
from sync.link.shelf import SnapshotShelf
from sync.replica.log import ReplicaLog
from sync.replica.open import open_replica
from sync.sqlite import Connection

AnyDb = TypeVar("AnyDb", bound=Connection)

MANNERS = Manners(heartbeat=HOUR, digest_every=DAY, looks_apart=True)
"""Virtual lines are quiet for hours; a real heartbeat would be most of the run."""


def replica(
    path: Path, code: str, now: Callable[[], int], dice: Dice
) -> tuple[Connection, StoreLog, ReplicaApplier]:
    db = hasty(open_replica(path, code, dice, now()))
    return db, ReplicaLog(), ReplicaApplier(lambda: new_id(now(), dice))


def centre(path: Path) -> Tx:
    return hasty(fresh(path))


def hasty(db: AnyDb) -> AnyDb:
    """A run whose machine stops is thrown away, so nothing waits for the disk: half of the time else."""
    db.execute("PRAGMA synchronous = OFF")
    return db


class Ends:
    """Makes the centre's end of each session."""

    def __init__(self, now: Callable[[], int], dice: Dice) -> None:
        self._domain = Domain(
            apply_fact=lambda tx, store, incarnation, number, fact, at: apply_fact(
                tx, store, incarnation, number, fact, now=at
            ),
            snapshot=_snapshot,
            digest=centre_digest,
            new_id=lambda: new_id(now(), dice),
            nonce=lambda: dice(16).hex(),
        )
        self._shelf = SnapshotShelf()

    def new(self) -> CentreEnd:
        return CentreEnd(cast(Callable[[str], CentreLog], StoreTables), self._domain, self._shelf, MANNERS)


def _snapshot(tx: Tx, store: str) -> bytes:
    return msgspec.json.encode(snapshot(tx, store))
