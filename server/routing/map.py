"""The pool by SKU and store, and the stores' facts, in memory: routing one order asks the database nothing.

The map belongs to one connection, the writer's. The stock book tells it of every movement
(`on_stock`). It may be wrong for a moment, after a rollback above all, and that is safe
in both directions: a promise is decided by the book's guarded UPDATE, and before an order is
called unroutable its SKUs are read again from the tables. When another connection has
committed (a load by the command line), SQLite's data version says so and the map starts anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary, ref

from server.db import Tx
from server.routing.choice import NOWHERE, Need, Plan, StoreFacts, Supply, Wish, choose, vector_of
from server.routing.hours import Hours
from server.views.read import forget_views, taken, views_of
from server.views.rules import View, within
from sync.rules.reasons import REASONS
from sync.rules.sizing import rate, shipping_weight

MOST_ROWS = 4_000_000
"""Rows kept in memory at most (about 100 bytes each); beyond that the map starts anew, SKU by SKU."""


MOST_WANTS = 100_000
PRIOR_DAYS = 28.0


class PoolMap:
    """One connection's map. Only SKUs with something to promise have entries."""

    def __init__(self, tx: Tx) -> None:
        self.version = _data_version(tx)
        self.pools: dict[str, dict[str, int]] = {}
        self.whole = False
        """Every SKU is loaded, so one that is missing has nothing to promise."""
        self.rows = 0
        self.stores: dict[str, StoreFacts] = {}
        self.left_out: dict[tuple[str, str], int] = {}
        self.waiting: dict[str, set[str]] = {}
        """Fulfilment orders that wait, by SKU."""
        self.retry: set[str] = set()
        """Those of them whose SKU has grown somewhere since they were last tried."""
        self.wants: dict[str, dict[str, tuple[float, float]]] = {}
        self.shares: dict[str, dict[str, int]] = {}
        """Of the SKUs in `wants`."""
        self.knows_demand = tx.execute("SELECT 1 FROM demand LIMIT 1").fetchone() is not None
        self.views = views_of(tx)
        self._used: dict[tuple[str, str, int], int] = {}
        """What counts for a quota, by channel, SKU and begin."""
        self._today: dict[str, tuple[int, int]] = {}
        self._ref = ref(tx)
        self._load_stores()
        self._load_waiting()
        # What grew while this map was not there is not known: whoever waits is tried once.
        self.retry.update(*self.waiting.values())

    @property
    def _tx(self) -> Tx:
        tx = self._ref()
        assert tx is not None, "a map does not outlive its connection"
        return tx

    # -- asking ---------------------------------------------------------------------------

    def choose(self, wish: Wish, now: int) -> Plan:
        """Where the order goes, within what its channel may take of the pool."""
        if self.views.concern(wish.channel):
            return self._choose_within(wish, now)
        return choose(wish, self._supply(self.pool_of), now)

    def _supply(self, pool_of: Callable[[str], Mapping[str, int]]) -> Supply:
        own_need = self.own_need if self.knows_demand else None
        return Supply(self.stores, pool_of, self.has_room, self.left_out, own_need)

    def _choose_within(self, wish: Wish, now: int) -> Plan:
        seen: dict[str, Mapping[str, int]] = {}

        def pool_of(sku: str) -> Mapping[str, int]:
            if sku not in seen:
                seen[sku] = self._seen(wish.channel, sku)
            return seen[sku]

        skus = {need.sku for need in wish.needs}
        # What was promised once is the shopper's: it looks for another store whatever is shown by now.
        most = {} if wish.again else self._most(wish.channel, skus, pool_of, now)
        may = within(wish.needs, most)
        over = [(need.line, need.qty - may[need.line]) for need in wish.needs if may[need.line] < need.qty]
        if not over:
            return choose(wish, self._supply(pool_of), now)
        needs = tuple(replace(need, qty=may[need.line]) for need in wish.needs if may[need.line])
        partly = wish.partial and (wish.kind == "pickup" or wish.may_split)
        if not needs or not partly:
            return Plan(missing=tuple((need.line, need.qty) for need in wish.needs))
        plan = choose(replace(wish, needs=needs), self._supply(pool_of), now)
        missing = dict(plan.missing)
        for line, qty in over:
            missing[line] = missing.get(line, 0) + qty
        return Plan(plan.shares, tuple(sorted(missing.items())))

    def _seen(self, channel: str, sku: str) -> Mapping[str, int]:
        """The pool by store as the channel may take it."""
        pool, view = self.pool_of(sku), self.views.of(channel, sku)
        if view is None or not (view.safety or view.safety_at):
            return pool
        seen = ((store, view.of_store(store, units)) for store, units in pool.items())
        return {store: units for store, units in seen if units}

    def _most(
        self, channel: str, skus: Iterable[str], pool_of: Callable[[str], Mapping[str, int]], now: int
    ) -> dict[str, int]:
        """Units of SKUs that all stores together may bring to this channel, where that is limited."""
        found: dict[str, int] = {}
        for sku in skus:
            view = self.views.of(channel, sku)
            if view is not None and view.limits:
                total = sum(
                    units
                    for store, units in pool_of(sku).items()
                    if store in self.stores and self.stores[store].asked
                )
                found[sku] = view.most(total, self._used_of(channel, sku, view, now))
        return found

    def _used_of(self, channel: str, sku: str, view: View, now: int) -> int:
        if view.quota is None:
            return 0
        key = (channel, sku, view.begins(now))
        if key not in self._used:
            if len(self._used) >= MOST_WANTS:
                self._used.clear()
            self._used[key] = taken(self._tx, channel, {sku: key[2]}).get(sku, 0)
        return self._used[key]

    def kept_back(self, channel: str, sku: str, now: int) -> int | None:
        """Units that every store keeps back from the channel; None: it may take nothing more anywhere."""
        view = self.views.of(channel, sku)
        if view is None:
            return 0
        most = self._most(channel, (sku,), lambda sku: self._seen(channel, sku), now)
        if view.limits and most[sku] == 0:
            return None
        return view.safety

    def own_need(self, code: str, needs: tuple[Need, ...]) -> float:
        """How much a store will need these goods for its own shoppers, by what it is asked for a day."""
        weight = 0.0
        for need in needs:
            till, pickup = self._wants(need.sku).get(code, (0.0, 0.0))
            free = self.pool_of(need.sku).get(code, 0) + self.shares[need.sku].get(code, 0)
            weight += shipping_weight(till, pickup, free)
        return weight

    def _wants(self, sku: str) -> dict[str, tuple[float, float]]:
        """Till sales and pickups a day, by store. Read once per SKU, and again when they were learnt anew."""
        wants = self.wants.get(sku)
        if wants is None:
            own = self._tx.execute("SELECT store, share FROM stock WHERE sku = ? AND share > 0", (sku,))
            self.shares[sku] = dict(own.fetchall())
            rows = self._tx.execute("SELECT store, till, pickup, exposure FROM demand WHERE sku = ?", (sku,))
            seen = {row[0]: row[1:] for row in rows}
            till, pickup, days = seen.pop("", (0.0, 0.0, 0.0))
            prior = (till / days, pickup / days) if days > 0 else (0.0, 0.0)
            wants = self.wants[sku] = {
                code: (
                    rate(one[0], one[2], prior=prior[0], weight=PRIOR_DAYS),
                    rate(one[1], one[2], prior=prior[1], weight=PRIOR_DAYS),
                )
                for code, one in seen.items()
            }
        return wants

    def pool_of(self, sku: str) -> Mapping[str, int]:
        pool = self.pools.get(sku)
        if pool is None:
            if self.whole:
                return _EMPTY
            pool = self.read_again(sku)
        return pool

    def has_room(self, store: StoreFacts, now: int) -> bool:
        """Whether the store takes another fulfilment order on its local day."""
        return not store.capacity or self._taken(store, now) < store.capacity

    # -- being told -----------------------------------------------------------------------

    def moved(self, store: str, sku: str, pool: int, suppressed: bool) -> None:
        pools = self.pools.get(sku)
        if pools is None and self.whole:
            pools = self.pools[sku] = {}
        free = 0 if suppressed else pool
        if sku in self.waiting and (pools is None or free > pools.get(store, 0)):
            self.retry |= self.waiting[sku]
        if pools is None:
            return
        if free > 0:
            self.rows += store not in pools
            pools[store] = free
        elif pools.pop(store, None) is not None:
            self.rows -= 1

    def read_again(self, sku: str) -> dict[str, int]:
        if self._used:
            self._used = {key: units for key, units in self._used.items() if key[1] != sku}
        if self.rows > MOST_ROWS:
            self.pools.clear()
            self.rows, self.whole = 0, False
        self.rows -= len(self.pools.get(sku, ()))
        pool = self.pools[sku] = {
            row[0]: row[1]
            for row in self._tx.execute(
                "SELECT store, pool FROM stock WHERE sku = ? AND pool > 0 AND suppressed = 0", (sku,)
            )
        }
        self.rows += len(pool)
        return pool

    def count_offer(self, code: str, now: int, change: int = 1) -> None:
        store = self.stores.get(code)
        if store is not None and store.capacity:
            taken = self._taken(store, now)
            self._today[code] = (self._today[code][0], max(0, taken + change))

    def forget_taken(self, channel: str, sku: str) -> None:
        """Something was promised under a quota, or is so no more: counted again when asked."""
        for key in [key for key in self._used if key[:2] == (channel, sku)]:
            del self._used[key]

    def views_changed(self) -> None:
        self.views = views_of(self._tx)
        self._used.clear()
        self.retry.update(*self.waiting.values())

    def try_again(self, sku: str) -> None:
        """Who waits for this SKU may be helped now."""
        self.retry |= self.waiting.get(sku, set())

    def wait(self, fo: str, skus: Iterable[str]) -> None:
        for sku in skus:
            self.waiting.setdefault(sku, set()).add(fo)

    def wait_no_more(self, fo: str, skus: Iterable[str]) -> None:
        self.retry.discard(fo)
        for sku in skus:
            fos = self.waiting.get(sku)
            if fos is not None:
                fos.discard(fo)
                if not fos:
                    del self.waiting[sku]

    def load_all(self) -> None:
        """Every SKU at once, where they fit: a centre does it at start, so that no order waits for it."""
        count = self._tx.execute("SELECT count(*) FROM stock WHERE pool > 0 AND suppressed = 0").fetchone()[0]
        if count > MOST_ROWS:
            return
        pools: dict[str, dict[str, int]] = {}
        for sku, store, pool in self._tx.execute(
            "SELECT sku, store, pool FROM stock WHERE pool > 0 AND suppressed = 0"
        ):
            pools.setdefault(sku, {})[store] = pool
        self.pools, self.rows, self.whole = pools, count, True

    def load_store(self, code: str) -> None:
        self.stores.pop(code, None)
        self._today.pop(code, None)
        self._load_stores(code)

    # -- reading --------------------------------------------------------------------------

    def _load_stores(self, code: str = "") -> None:
        for row in self._tx.execute(
            "SELECT code, region, lat, lon, timezone, opening_hours, capacity_per_day, rank, paused, active,"
            " can_pickup, can_ship, can_same_day FROM store WHERE ?1 = '' OR code = ?1",
            (code,),
        ).fetchall():
            kinds = ("pickup", "shipment", "same_day")
            able = (row["can_pickup"], row["can_ship"], row["can_same_day"])
            self.stores[row["code"]] = StoreFacts(
                code=row["code"],
                region=row["region"],
                vector=vector_of(row["lat"], row["lon"]),
                rank=row["rank"],
                hours=Hours(row["opening_hours"], row["timezone"]),
                capacity=row["capacity_per_day"],
                kinds=frozenset(kind for kind, can in zip(kinds, able, strict=True) if can),
                asked=bool(row["active"]) and not row["paused"],
            )
        if not code:
            for row in self._tx.execute("SELECT store, sku, until FROM left_out").fetchall():
                self.left_out[row[0], row[1]] = row[2]

    def _load_waiting(self) -> None:
        for fo, sku in self._tx.execute(
            "SELECT f.fo, l.sku FROM fulfilment_order f JOIN fulfilment_line l ON l.fo = f.fo"
            " WHERE f.state = 'waiting' AND l.qty > l.released + l.cancelled"
        ).fetchall():
            self.wait(fo, (sku,))

    def _taken(self, store: StoreFacts, now: int) -> int:
        end = store.hours.day_end(now)
        kept = self._today.get(store.code)
        if kept is None or kept[0] != end:
            row = self._tx.execute(
                "SELECT count(*) FROM assignment WHERE store = ? AND offered_at >= ?"
                " AND ended_reason NOT IN ('declined', 'lapsed')",
                (store.code, end - 86_400_000),
            ).fetchone()
            kept = self._today[store.code] = (end, int(row[0]))
        return kept[1]


_EMPTY: Mapping[str, int] = {}
_MAPS: WeakKeyDictionary[Tx, PoolMap] = WeakKeyDictionary()


def map_of(tx: Tx) -> PoolMap:
    """This connection's map, made on first use and made anew when another connection has written."""
    kept = _MAPS.get(tx)
    if kept is None or kept.version != _data_version(tx):
        kept = _MAPS[tx] = PoolMap(tx)
    return kept


def on_stock(tx: Tx, store: str, sku: str, pool: int, suppressed: bool) -> None:
    """The book moved this row; `pool` is what is left now."""
    kept = _MAPS.get(tx)
    if kept is not None:
        kept.moved(store, sku, pool, suppressed)


def rates_changed(tx: Tx, skus: Iterable[str]) -> None:
    """What is asked for was learnt anew."""
    kept = _MAPS.get(tx)
    if kept is not None:
        kept.knows_demand = True
        if len(kept.wants) > MOST_WANTS:
            kept.wants.clear()
            kept.shares.clear()
        for sku in skus:
            kept.wants.pop(sku, None)
            kept.shares.pop(sku, None)


def on_share(tx: Tx, store: str, sku: str, share: int) -> None:
    """The store's own share of this row moved; `share` is what it has now."""
    kept = _MAPS.get(tx)
    if kept is not None and sku in kept.shares:
        kept.shares[sku][store] = share


def on_store(tx: Tx, store: str) -> None:
    """A store's facts changed (hours, pause, capacity, place)."""
    kept = _MAPS.get(tx)
    if kept is not None:
        kept.load_store(store)


def leave_out(tx: Tx, store: str, sku: str, until: int, reason: str) -> None:
    """Do not ask this store for this SKU until then."""
    tx.execute(
        "INSERT INTO left_out (store, sku, until, reason) VALUES (?,?,?,?)"
        " ON CONFLICT (store, sku) DO UPDATE"
        " SET until = max(until, excluded.until), reason = excluded.reason",
        (store, sku, until, reason),
    )
    kept = _MAPS.get(tx)
    if kept is not None:
        kept.left_out[store, sku] = max(until, kept.left_out.get((store, sku), 0))


def forget_left_out(tx: Tx, now: int) -> int:
    """Drop what has run out. Returns how many."""
    gone = tx.execute("DELETE FROM left_out WHERE until <= ? RETURNING store, sku", (now,)).fetchall()
    kept = _MAPS.get(tx)
    for store, sku in gone:
        if kept is not None:
            kept.left_out.pop((store, sku), None)
            kept.retry |= kept.waiting.get(sku, set())
    return len(gone)


def let_in(tx: Tx, store: str, sku: str) -> None:
    """It was counted and is there: a doubt whether it can be found says nothing any more."""
    doubts = [reason.code for reason in REASONS.values() if reason.asks_count]
    gone = tx.execute(
        "DELETE FROM left_out WHERE store = ? AND sku = ?"
        f" AND reason IN ({', '.join('?' * len(doubts))}) RETURNING store",
        (store, sku, *doubts),
    ).fetchall()
    kept = _MAPS.get(tx)
    if gone and kept is not None:
        kept.left_out.pop((store, sku), None)
        kept.retry |= kept.waiting.get(sku, set())


def forget(tx: Tx) -> None:
    """After a rollback: read again when asked. Not needed for safety, but a store must not be passed over
    for what a job that failed believed of it."""
    _MAPS.pop(tx, None)
    forget_views(tx)


def _data_version(tx: Tx) -> int:
    return int(tx.execute("PRAGMA data_version").fetchone()[0])


__all__ = [
    "NOWHERE", "PoolMap", "forget", "forget_left_out", "leave_out", "let_in", "map_of", "on_share",
    "on_stock", "on_store", "rates_changed",
]  # fmt: skip
