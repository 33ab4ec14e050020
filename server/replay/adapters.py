"""Joins the rooms as the programs do, without sockets and threads: the one wiring place of a replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from server.db import Tx
from server.link.serve import new_end
from server.replay.habits import DAY, HOUR
from server.schema import fresh
from sync.agent.applier import ReplicaApplier
from sync.ids import Dice, new_id
from sync.link.centre_end import CentreEnd, Manners
from sync.link.logs import StoreLog
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
    """Makes the centre's end of each session, wired as the running centre wires it."""

    def __init__(self, now: Callable[[], int], dice: Dice) -> None:
        self._now = now
        self._dice = dice
        self._shelf = SnapshotShelf()

    def new(self) -> CentreEnd:
        return new_end(self._dice, now=self._now(), shelf=self._shelf, manners=MANNERS)
