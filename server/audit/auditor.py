"""One look at all databases, from where the last look ended.

`Auditor.look` reads what is new, so that a simulation can afford it at every
hundredth step; a fresh auditor reads everything, which is what `audit` does. What
cannot be judged while stores are offline or frames are on their way is judged only
when the caller says that everything has settled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.audit import durability, progress, releases, rights
from server.audit.reading import Reading
from server.audit.verdict import Audit


def audit(
    centre: Path | str | sqlite3.Connection,
    stores: Mapping[str, Path | str | sqlite3.Connection],
    *,
    now: int,
    settled: bool,
    slack_ms: int = 60_000,
    told: Mapping[str, Sequence[tuple[int, str]]] | None = None,
) -> Audit:
    """Everything, from the first fact on.

    `told`: what people saw with their own eyes, per store: the number of a fact and the command
    whose person was told "saved".
    """
    auditor = Auditor(centre, stores, slack_ms=slack_ms)
    try:
        found = auditor.look(now=now, settled=settled)
        if told is not None:
            auditor.ask_people(found, told, settled=settled)
        return found
    finally:
        auditor.close()


class Auditor:
    """`slack_ms`: how much later than its deadline an offer may still be found unmoved."""

    def __init__(
        self,
        centre: Path | str | sqlite3.Connection,
        stores: Mapping[str, Path | str | sqlite3.Connection],
        *,
        slack_ms: int = 60_000,
    ) -> None:
        self._seen = Reading(centre, stores)
        self._slack_ms = slack_ms

    def close(self) -> None:
        self._seen.close()

    def look(self, *, now: int, settled: bool = False) -> Audit:
        found = Audit()
        seen = self._seen
        with seen.one_moment(everything=settled or seen.first):
            seen.read_stores(found)
            touched = seen.read_centre(found)
            rights.centre_stock(seen, found, touched)
            rights.unbacked_promises(seen, found)
            rights.store_stock(seen, found)
            releases.one_release(seen, found)
            durability.nothing_lost(seen, found, settled=settled)
            if settled:
                durability.agreement(seen, found)
            progress.on_time(seen, found, now - self._slack_ms)
            progress.no_blockage(seen, found, settled=settled)
            progress.owned(seen, found, settled=settled)
        seen.first = False
        return found

    def ask_people(
        self, found: Audit, told: Mapping[str, Sequence[tuple[int, str]]], *, settled: bool
    ) -> None:
        """What somebody was told is saved is in the store's log, and, once settled, at the centre."""
        durability.as_told(self._seen, found, told, settled=settled)
