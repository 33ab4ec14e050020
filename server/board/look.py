"""One look at the chain: per store the line, the offers, the work by stage, what is late.

A handful of grouped queries over what is open now, in one snapshot; history comes from `Pulse`.
Rows are plain values, so that two looks can be compared and only what changed is drawn again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from server.board.pulse import Pulse, StoreDay

SOON_MS = 5 * 60 * 1000
"""An offer this close to its deadline needs a look."""
PATIENCE_MS = 10 * 60 * 1000
"""A line may be down, or facts unsent, for this long before the row turns red."""
STAGES = ("accepted", "picking", "packed", "ready", "put_back")


@dataclass(frozen=True)
class StoreNow:
    """A row of the board."""

    code: str
    name_en: str
    name_zh: str
    region: str
    paused: bool = False
    up: bool = False
    since: int = 0
    """Since when the line is up or down; 0: this store was never here."""
    heard_at: int = 0
    unsent: int = 0
    oldest_unsent_at: int = 0
    offers: int = 0
    next_lapse: int = 0
    owned: int = 0
    stages: tuple[int, ...] = (0, 0, 0, 0, 0)
    late: int = 0
    lapsed: int = 0
    cases: int = 0
    spark: tuple[int, ...] = ()
    level: str = ""
    risk: int = 0

    @property
    def promises(self) -> int:
        return self.offers + self.owned


@dataclass(frozen=True)
class Look:
    at: int
    stores: dict[str, StoreNow]
    unroutable: int = 0
    """Fulfilment orders that no store can do now, chain-wide."""
    cases_elsewhere: int = 0
    """Open cases that belong to no store."""
    oldest_case_at: int = 0
    oldest_case_of: dict[str, int] = field(default_factory=dict)


def look(db: sqlite3.Connection, pulse: Pulse, now: int) -> Look:
    offers, owned, stages = _open_work(db)
    late = _late(db, now)
    cases: dict[str, tuple[int, int]] = {
        row[0]: (row[1], row[2])
        for row in db.execute(
            "SELECT store, COUNT(*), MIN(opened_at) FROM open_case WHERE state = 'open' GROUP BY store"
        )
    }
    unroutable = db.execute(
        "SELECT COUNT(*) FROM fulfilment_order WHERE state IN ('waiting', 'person')"
    ).fetchone()[0]
    stores: dict[str, StoreNow] = {}
    nothing = StoreDay()
    for row in db.execute(
        "SELECT s.code, s.name_en, s.name_zh, s.region, s.paused, n.connected_at, n.closed_at, n.heard_at,"
        " n.unsent, n.oldest_unsent_at FROM store s LEFT JOIN store_session n ON n.store = s.code"
        " WHERE s.active ORDER BY s.code"
    ):
        code = row["code"]
        waiting, lapse = offers.get(code, (0, 0))
        day = pulse.stores.get(code, nothing)
        up = bool(row["connected_at"]) and not row["closed_at"]
        since = (row["connected_at"] if up else row["closed_at"]) or 0
        level, risk = judge(
            now,
            up=up,
            since=since,
            offers=waiting,
            next_lapse=lapse,
            owned=owned.get(code, 0),
            late=late.get(code, 0),
            cases=cases.get(code, (0, 0))[0],
            lapsed=day.lapsed,
            oldest_unsent_at=row["oldest_unsent_at"] or 0,
            unsent=row["unsent"] or 0,
            work=sum(stages.get(code, ())),
        )
        stores[code] = StoreNow(
            code=code,
            name_en=row["name_en"],
            name_zh=row["name_zh"],
            region=row["region"],
            paused=bool(row["paused"]),
            up=up,
            since=since,
            heard_at=0 if up else row["heard_at"] or 0,
            unsent=row["unsent"] or 0,
            oldest_unsent_at=row["oldest_unsent_at"] or 0,
            offers=waiting,
            next_lapse=lapse,
            owned=owned.get(code, 0),
            stages=stages.get(code, (0, 0, 0, 0, 0)),
            late=late.get(code, 0),
            lapsed=day.lapsed,
            cases=cases.get(code, (0, 0))[0],
            spark=day.spark(now),
            level=level,
            risk=risk,
        )
    oldest = {code: at for code, (_, at) in cases.items()}
    return Look(
        at=now,
        stores=stores,
        unroutable=unroutable,
        cases_elsewhere=sum(n for code, (n, _) in cases.items() if code not in stores),
        oldest_case_at=min(oldest.values(), default=0),
        oldest_case_of=oldest,
    )


def judge(
    now: int,
    *,
    up: bool,
    since: int,
    offers: int,
    next_lapse: int,
    owned: int,
    late: int,
    cases: int,
    lapsed: int,
    unsent: int,
    oldest_unsent_at: int,
    work: int,
) -> tuple[str, int]:
    """How a row is marked, and where it stands: what may break a promise soonest comes first.

    A line that is down is a state; it becomes a risk when promises depend on it for a while.
    """
    down = not up and since > 0
    silent = down and now - since > PATIENCE_MS
    closing = offers > 0 and next_lapse - now < SOON_MS
    behind = up and unsent > 0 and oldest_unsent_at > 0 and now - oldest_unsent_at > PATIENCE_MS
    bad = (silent and offers + owned > 0) or (down and (closing or late > 0))
    warn = late > 0 or closing or cases > 0 or down or behind
    risk = (
        1_000_000 * bad
        + 200_000 * down
        + 20_000 * min(late, 9)
        + 15_000 * closing
        + 10_000 * behind
        + 5_000 * min(cases, 9)
        + 500 * min(lapsed, 9)
        + 50 * min(offers, 99)
        + min(work, 49)
    )
    return ("bad" if bad else "warn" if warn else ""), risk


_STAGE = {
    "accepted": 0,
    "picking": 1,
    "picked": 2,
    "packed": 2,
    "staged": 3,
}


def _open_work(
    db: sqlite3.Connection,
) -> tuple[dict[str, tuple[int, int]], dict[str, int], dict[str, tuple[int, ...]]]:
    """Offers (how many, the nearest deadline), owned, and work by stage, of each store."""
    offers: dict[str, tuple[int, int]] = {}
    owned: dict[str, int] = {}
    counts: dict[str, list[int]] = {}
    for store, state, ownership, many, first in db.execute(
        "SELECT store, state, ownership, COUNT(*), MIN(accept_by) FROM assignment"
        " WHERE ended_at = 0 AND released_at = 0 GROUP BY store, state, ownership"
    ):
        if ownership != "none":
            owned[store] = owned.get(store, 0) + many
        else:
            had, lapse = offers.get(store, (0, 0))
            offers[store] = (had + many, min(first, lapse) if lapse else first)
        stage = _STAGE.get(state)
        if stage is not None:
            counts.setdefault(store, [0] * len(STAGES))[stage] += many
    for store, many in db.execute(
        "SELECT store, COUNT(*) FROM assignment WHERE state = 'put_back' GROUP BY store"
    ):
        counts.setdefault(store, [0] * len(STAGES))[4] += many
    return offers, owned, {store: tuple(numbers) for store, numbers in counts.items()}


def _late(db: sqlite3.Connection, now: int) -> dict[str, int]:
    """Open work past a deadline: the offer's, the hold's, or the time the shopper was promised."""
    return {
        row[0]: row[1]
        for row in db.execute(
            "SELECT a.store, COUNT(*) FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo"
            " JOIN shop_order o ON o.no = f.order_no"
            " WHERE a.ended_at = 0 AND a.released_at = 0 AND ("
            "  (a.ownership = 'none' AND a.accept_by < :now)"
            "  OR (a.owner_until > 0 AND a.owner_until < :now)"
            "  OR (o.promised_by > 0 AND o.promised_by < :now AND a.state NOT IN ('packed', 'staged')))"
            " GROUP BY a.store",
            {"now": now},
        )
    }
