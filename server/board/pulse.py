"""What the event history adds up to today, kept in memory and brought forward event by event.

The board asks several times a second; counting today's events each time would grow with the day.
So each event is read once. A process that starts reads the day again; nothing here is the record.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

BUCKET_MS = 20 * 60 * 1000
BUCKETS = 24
"""Eight hours of offers, one point per twenty minutes."""
TICKER = 2_000
DURATIONS = 2_000
"""Times to accept that are kept per store for the median; the newest count."""
OFFERS = 200_000
READ_AT_ONCE = 20_000


@dataclass(frozen=True)
class Happening:
    """One line of the ticker or of a history."""

    id: int
    at: int
    kind: str
    store: str
    order_no: str
    fo: str
    person: str
    data: dict[str, Any]
    fence: int = 0


@dataclass
class StoreDay:
    """Today at one store."""

    orders: set[str] = field(default_factory=set)
    offers: deque[tuple[int, int]] = field(default_factory=deque)
    """(bucket, how many), oldest first, over the last eight hours."""
    accepted: int = 0
    declined: int = 0
    lapsed: int = 0
    shorted: set[str] = field(default_factory=set)
    short_picks: int = 0
    released: set[str] = field(default_factory=set)
    accept_ms: deque[int] = field(default_factory=lambda: deque(maxlen=DURATIONS))

    def spark(self, now: int) -> tuple[int, ...]:
        last = now // BUCKET_MS
        counts = dict(self.offers)
        return tuple(counts.get(bucket, 0) for bucket in range(last - BUCKETS + 1, last + 1))


def day_start(now: int) -> int:
    """Midnight where this machine stands."""
    here = datetime.fromtimestamp(now / 1000).astimezone()
    return int(here.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def happening(row: sqlite3.Row) -> Happening:
    return Happening(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        store=row["store"],
        order_no=row["order_no"],
        fo=row["fo"],
        person=row["person"],
        data=json.loads(row["data"] or "{}"),
        fence=row["fence"],
    )


class Pulse:
    def __init__(self) -> None:
        self._start(0)

    def _start(self, day: int) -> None:
        self.day = day
        self.last_id = -1
        self.stores: dict[str, StoreDay] = {}
        self.placed: set[str] = set()
        self.ticker: deque[Happening] = deque(maxlen=TICKER)
        self._offered_at: dict[int, int] = {}

    def catch_up(self, db: sqlite3.Connection, now: int) -> bool:
        """Read what is new. True when anything was."""
        day = day_start(now)
        newest = db.execute("SELECT COALESCE(MAX(id), 0) FROM event").fetchone()[0]
        # A new day, or a database put back from a backup: begin again.
        if day != self.day or newest < self.last_id:
            self._start(day)
        if self.last_id < 0:
            since = min(day, now - BUCKETS * BUCKET_MS)
            self.last_id = _first_since(db, since, newest) - 1
        if newest == self.last_id:
            return False
        while self.last_id < newest:
            rows = db.execute(
                "SELECT id, at, kind, store, order_no, fo, fence, person, data FROM event"
                " WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
                (self.last_id, newest, READ_AT_ONCE),
            ).fetchall()
            for row in rows:
                self._take(happening(row), now)
            self.last_id = rows[-1]["id"] if rows else newest
        return True

    def store(self, code: str) -> StoreDay:
        found = self.stores.get(code)
        if found is None:
            found = self.stores[code] = StoreDay()
        return found

    def _take(self, e: Happening, now: int) -> None:
        self.ticker.append(e)
        today = e.at >= self.day
        if e.kind == "placed" and today:
            self.placed.add(e.order_no)
        if not e.store:
            return
        here = self.store(e.store)
        match e.kind:
            case "offered":
                if today:
                    here.orders.add(e.order_no)
                if len(self._offered_at) < OFFERS:
                    self._offered_at[e.fence] = e.at
                bucket = e.at // BUCKET_MS
                if here.offers and here.offers[-1][0] == bucket:
                    here.offers[-1] = (bucket, here.offers[-1][1] + 1)
                else:
                    here.offers.append((bucket, 1))
                while here.offers and here.offers[0][0] <= now // BUCKET_MS - BUCKETS:
                    here.offers.popleft()
            case "accepted":
                offered = self._offered_at.pop(e.fence, 0)
                if today:
                    here.accepted += 1
                    if offered:
                        here.accept_ms.append(e.at - offered)
            case "declined" | "lapsed":
                self._offered_at.pop(e.fence, None)
                if today:
                    here.declined += e.kind == "declined"
                    here.lapsed += e.kind == "lapsed"
            case "short_picked" if today:
                here.short_picks += 1
                here.shorted.add(e.fo)
            case "handed_over" | "shipped" if today:
                here.released.add(e.fo)


def _first_since(db: sqlite3.Connection, since: int, newest: int) -> int:
    """The first event at or after a time, by halving: numbers and times grow together."""
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        row = db.execute("SELECT at FROM event WHERE id >= ? ORDER BY id LIMIT 1", (middle,)).fetchone()
        if row is None or row[0] >= since:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True)
class Day:
    """Today over a set of stores."""

    orders: int
    accepted_share: float | None
    """Of the offers that were answered or ran out, how many were accepted; None when none yet."""
    median_accept_ms: int | None
    filled_share: float | None
    short_picks: int
    lapsed: int


def add_up(pulse: Pulse, stores: list[str] | None) -> Day:
    """Today for these stores; None for the whole chain."""
    days = (
        list(pulse.stores.values())
        if stores is None
        else [pulse.stores[s] for s in stores if s in pulse.stores]
    )
    orders: set[str] = set(pulse.placed) if stores is None else set()
    times: list[int] = []
    accepted = lapsed = shorts = released = complete = 0
    for day in days:
        orders |= day.orders
        times.extend(day.accept_ms)
        accepted += day.accepted
        lapsed += day.lapsed
        shorts += day.short_picks
        released += len(day.released)
        complete += len(day.released - day.shorted)
    return Day(
        orders=len(orders),
        accepted_share=accepted / (accepted + lapsed) if accepted + lapsed else None,
        median_accept_ms=int(median(times)) if times else None,
        filled_share=complete / released if released else None,
        short_picks=shorts,
        lapsed=lapsed,
    )
