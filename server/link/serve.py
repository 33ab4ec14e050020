"""One end of the link per store, wired to the rest of the centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from server.db import Tx
from server.facts.apply import apply_fact
from server.facts.verdict import Verdict
from server.link.logs import StoreTables
from server.link.snapshot import snapshot
from server.routing.map import forget
from server.stock import rebalance
from server.stock.void import void_rights
from sync.ids import Dice, new_id, short_secret
from sync.link.centre_end import CentreEnd, Domain, Manners
from sync.link.shelf import SnapshotShelf
from sync.wire.facts import Fact

_encode = msgspec.json.Encoder().encode


def _apply(tx: Any, store: str, incarnation: str, number: int, fact: Fact, now: int) -> Verdict:
    tx = cast(Tx, tx)
    try:
        return apply_fact(tx, store, incarnation, number, fact, now=now)
    except Exception:
        forget(tx)  # the link takes this fact's savepoint back and parks the fact
        raise


def _snapshot(tx: Any, store: str) -> bytes:
    return _encode(snapshot(cast(Tx, tx), store))


def _digest(tx: Any, store: str) -> Any:
    from server.stock.digest import digest

    return digest(cast(Tx, tx), store)


def _want(tx: Any, store: str, rows: list[tuple[str, int]], now: int) -> int:
    return rebalance.want(cast(Tx, tx), store, rows, now)


def _void(tx: Any, store: str, now: int) -> None:
    void_rights(cast(Tx, tx), store, now=now)


Certify = Callable[[str, str, int], tuple[str, str, str]]


def no_authority(store: str, request: str, now: int) -> tuple[str, str, str]:
    return "", "", "no_authority"


def domain(dice: Dice, now: int, certify: Certify = no_authority) -> Domain:
    return Domain(
        apply_fact=_apply,
        snapshot=_snapshot,
        digest=_digest,
        new_id=lambda: new_id(now, dice),
        nonce=lambda: short_secret(dice, 26),
        want=_want,
        void=_void,
        certify=certify,
    )


def new_end(
    dice: Dice,
    *,
    now: int = 0,
    shelf: SnapshotShelf | None = None,
    manners: Manners | None = None,
    certify: Certify = no_authority,
) -> CentreEnd:
    """The centre's end for one connection. Which store it is, its hello says and proves.

    `shelf` is shared by all connections of a process.
    """
    return CentreEnd(StoreTables, domain(dice, now, certify), shelf or SnapshotShelf(), manners)
