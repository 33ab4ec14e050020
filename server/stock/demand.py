"""What is asked for, per SKU and store, learnt from the stock ledger as it grows.

Every sum fades with time (a moving average), and only time in stock counts: what could not be bought says
nothing about what was wanted. A SKU that a store hardly sold leans on how the chain sells it and on
how this store sells the rest. The ledger is read in bites, from where the last one ended.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from server.db import Tx
from server.policy.store import till_mode
from server.routing.map import map_of, rates_changed
from server.stock.marks import Place
from sync.rules import sizing
from sync.rules.sizing import Need

DAY_MS = 86_400_000
FADES_DAYS = 28.0
PRIOR_DAYS = 28.0
"""Days in stock that weigh as much as what the chain says."""
BITE = 1_000
SOON_ROWS = 200
SOON_MS = 600_000
"""The ledger is looked at when so many rows are new, or after this time."""
LEAST_SOLD = 1.0
"""Of a SKU that the whole chain sold less often nothing is known; it stays half and half."""
SHORTEST_OUTAGE_MS = 30_000
"""A session that ended and came back sooner was no outage."""
CHAIN = ""
FILE_DAYS = 1.0
"""A till that tells at night sells a day without anybody hearing of it: that much more is its own."""
ENOUGH_ELSEWHERE = 20
"""Stores with goods beyond which it does not matter how many there are."""

_COLUMNS = "till, pickup, shipment, exposure, free, at, since"


@dataclass(slots=True)
class Seen:
    """One row of table demand, at work."""

    till: float = 0.0
    pickup: float = 0.0
    shipment: float = 0.0
    exposure: float = 0.0
    free: int = 0
    at: int = 0
    since: int = 0

    def age(self, now: int, *, own: bool = True) -> float:
        """Let the sums fade up to now; the days in stock that this added."""
        fade = math.exp(-max(0, now - self.at) / DAY_MS / FADES_DAYS) if self.at else 1.0
        self.till *= fade
        self.pickup *= fade
        self.shipment *= fade
        gained = FADES_DAYS * (1 - fade) if own and self.free > 0 else 0.0
        self.exposure = self.exposure * fade + gained
        self.at = max(self.at, now)
        self.since = self.since or now
        return gained


@dataclass(frozen=True)
class Rates:
    """Units a day; `shipment` is the chain's, from any store."""

    till: float
    pickup: float
    shipment: float


def learn(tx: Tx, now: int) -> int:
    """Read on in the ledger, at most a bite of it. How many rows were read."""
    row = tx.execute("SELECT value FROM meta WHERE key = 'demand'").fetchone()
    if row is None:
        _keep(tx, 0, now, [0.0] * 24)
        return 0
    kept = json.loads(row[0])
    newest = tx.execute("SELECT max(id) FROM stock_ledger").fetchone()[0] or 0
    if newest - kept["upto"] < (SOON_ROWS if now - kept["at"] < SOON_MS else 1):
        return 0
    rows = tx.execute(
        "SELECT id, store, sku, at, reason, on_hand, share, pool, reserved, fence FROM stock_ledger"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (kept["upto"], BITE),
    ).fetchall()
    if not rows:
        return 0
    cells = _Cells(tx)
    hours = kept["hours"]
    zones = map_of(tx).stores
    for row in rows:
        till, pickup, shipment = _asked(tx, row)
        gained = row["share"] + row["pool"]
        if not (till or pickup or shipment or gained):
            continue  # rights moved between share and pool: nobody asked, and as much is free as before
        cells.add(row["store"], row["sku"], row["at"], till, pickup, shipment, gained)
        place = zones.get(row["store"])
        if till and place is not None:
            hours[datetime.fromtimestamp(row["at"] / 1000, place.hours.zone).hour] += till
    fade = math.exp(-max(0, now - kept["at"]) / DAY_MS / FADES_DAYS)
    cells.write()
    _keep(tx, rows[-1]["id"], now, [hour * fade for hour in hours])
    rates_changed(tx, {sku for _, sku in cells.found})
    return len(rows)


def rates(tx: Tx, store: str, sku: str, now: int) -> Rates | None:
    """What a store is asked for of a SKU, a day; None while the chain knows nothing of it."""
    return Needs(tx, now).rates(store, sku)


class Needs:
    """What shares and pools are for in an outage that might begin now. Good for one look around.

    What many rows have in common (the chain, a store, where else a SKU lies) is read once for all of them.
    """

    def __init__(self, tx: Tx, now: int) -> None:
        self._tx, self._now = tx, now
        self._modes: dict[str, str] = {}
        self._seen: dict[Place, Seen | None] = {}
        self._worth: dict[str, float] = {}
        self._profile: tuple[float, ...] | None = None
        self._lies: dict[str, list[tuple[str, int, int]]] = {}

    def of(self, store: str, sku: str, elsewhere: int) -> Need | None:
        """`elsewhere`: units that a shipment could take from other stores. None where nothing is known."""
        found = self.rates(store, sku)
        if found is None:
            return None
        mode = self._modes.get(store)
        if mode is None:
            mode = self._modes[store] = till_mode(self._tx, store)
        return sizing.need_at(
            found.till,
            found.pickup,
            found.shipment,
            elsewhere,
            self._worth_of(store),
            may_insist=mode != "block",
            untold=FILE_DAYS if mode == "file" else 0.0,
        )

    def rates(self, store: str, sku: str) -> Rates | None:
        now, chain = self._now, self._common(CHAIN, sku)
        if chain is None or chain.till + chain.pickup + chain.shipment < LEAST_SOLD or chain.exposure <= 0:
            return None
        own = _read(self._tx, store, sku) or Seen()
        own.age(now)
        everything, here = self._common(CHAIN, ""), self._common(store, "")
        days = FADES_DAYS * (1 - math.exp(-max(now - chain.since, DAY_MS) / DAY_MS / FADES_DAYS))
        return Rates(
            _rate(own.till, own.exposure, chain.till, chain.exposure, _busy(here, everything, "till")),
            _rate(own.pickup, own.exposure, chain.pickup, chain.exposure, _busy(here, everything, "pickup")),
            chain.shipment / days,
        )

    def elsewhere(self, store: str, sku: str, up: Container[str]) -> int:
        """Units for a shipment in other stores: every pool, and the shares of stores that can be asked."""
        lies = self._lies.get(sku)
        if lies is None:
            rows = self._tx.execute(
                "SELECT store, share, pool FROM stock WHERE sku = ? AND share + pool > 0 LIMIT ?",
                (sku, ENOUGH_ELSEWHERE),
            )
            lies = self._lies[sku] = [(row[0], row[1], row[2]) for row in rows]
        return sum(pool + (share if other in up else 0) for other, share, pool in lies if other != store)

    def _common(self, store: str, sku: str) -> Seen | None:
        place = store, sku
        if place not in self._seen:
            self._seen[place] = _read(self._tx, store, sku)
        return self._seen[place]

    def _worth_of(self, store: str) -> float:
        worth = self._worth.get(store)
        if worth is None:
            if self._profile is None:
                self._profile = _hours(self._tx)
            mean_h = mean_outage_h(self._tx, store)
            worth = self._worth[store] = sizing.usual_worth(self._profile, mean_h)
        return worth


def note_outage(tx: Tx, store: str, lasted_ms: int) -> None:
    """A line came back after so long. The past fades by a twentieth with each."""
    if lasted_ms < SHORTEST_OUTAGE_MS:
        return
    tx.execute(
        "INSERT INTO outage (store, count, hours) VALUES (?1, 1, ?2) ON CONFLICT (store) DO UPDATE"
        " SET count = count * 0.95 + 1, hours = hours * 0.95 + excluded.hours",
        (store, lasted_ms / 3_600_000),
    )


def mean_outage_h(tx: Tx, store: str) -> float:
    row = tx.execute("SELECT count, hours FROM outage WHERE store = ?", (store,)).fetchone()
    return sizing.outage_hours(row[1], row[0]) if row else sizing.outage_hours(0.0, 0)


class _Cells:
    """The rows that a bite of the ledger touches: read once, written once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.found: dict[tuple[str, str], Seen] = {}

    def add(self, store: str, sku: str, at: int, till: int, pickup: int, shipment: int, free: int) -> None:
        own = self._cell(store, sku)
        gained = own.age(at)
        own.free += free
        for cell in (own, self._cell(store, ""), self._cell(CHAIN, sku), self._cell(CHAIN, "")):
            if cell is not own:
                cell.age(at, own=False)
                cell.exposure += gained
            cell.till += till
            cell.pickup += pickup
            cell.shipment += shipment

    def _cell(self, store: str, sku: str) -> Seen:
        cell = self.found.get((store, sku))
        if cell is None:
            cell = self.found[store, sku] = _read(self._tx, store, sku) or Seen()
        return cell

    def write(self) -> None:
        self._tx.executemany(
            f"INSERT OR REPLACE INTO demand (store, sku, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (store, sku, c.till, c.pickup, c.shipment, c.exposure, c.free, c.at, c.since)
                for (store, sku), c in self.found.items()
            ],
        )


def _asked(tx: Tx, row: sqlite3.Row) -> tuple[int, int, int]:
    """Units that this movement says were asked for: at the till, for pickup, for shipment."""
    if row["reason"] == "sold":
        return max(0, -row["on_hand"]), 0, 0
    if row["reason"] != "promise" or row["reserved"] <= 0:
        return 0, 0, 0
    order = tx.execute(
        "SELECT o.kind, a.attempt FROM assignment a JOIN fulfilment_order f ON f.fo = a.fo"
        " JOIN shop_order o ON o.no = f.order_no WHERE a.fence = ?",
        (row["fence"],),
    ).fetchone()
    if order is None or order["attempt"] > 1:  # the same shopper, asked of another store
        return 0, 0, 0
    return (0, row["reserved"], 0) if order["kind"] == "pickup" else (0, 0, row["reserved"])


def _rate(sold: float, exposure: float, chain_sold: float, chain_exposure: float, busy: float) -> float:
    return sizing.rate(sold, exposure, prior=chain_sold / chain_exposure * busy, weight=PRIOR_DAYS)


def _busy(here: Seen | None, everything: Seen | None, way: str) -> float:
    """How much more this store sells than the chain's average, per SKU and day in stock."""
    if here is None or everything is None or everything.exposure <= 0:
        return 1.0
    average: float = getattr(everything, way) / everything.exposure
    if average <= 0:
        return 1.0
    own: float = getattr(here, way)
    return sizing.rate(own, here.exposure, prior=average, weight=PRIOR_DAYS) / average


def _hours(tx: Tx) -> tuple[float, ...]:
    """The hour profile of the chain's tills."""
    row = tx.execute("SELECT value FROM meta WHERE key = 'demand'").fetchone()
    hours = json.loads(row[0])["hours"] if row else []
    total = sum(hours)
    # A day's pattern is believed as its sales come in; until then every hour is like any other.
    return tuple((hour + 2.0) / (total + 48.0) for hour in hours) if hours else sizing.EVEN_HOURS


def _read(tx: Tx, store: str, sku: str) -> Seen | None:
    row = tx.execute(f"SELECT {_COLUMNS} FROM demand WHERE store = ? AND sku = ?", (store, sku)).fetchone()
    return Seen(*row) if row is not None else None


def _keep(tx: Tx, upto: int, at: int, hours: list[float]) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('demand', ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (json.dumps({"upto": upto, "at": at, "hours": [round(hour, 3) for hour in hours]}),),
    )
