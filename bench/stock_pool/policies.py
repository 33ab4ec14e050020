"""The policies that `pool.py` compares, one week at a time.

`Counters` are what shops do today: one number per SKU and store at the centre, exact or synced, with or
without a safety stock, with or without taking a silent store out. `Pool` is the product: the store's row and
the centre's row of rights, moved by the product's own facts and arithmetic (`sync.rules`), shipments by
its own choice (`server.routing.choice`). Both play on the same shelves with the same shoppers.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from server.routing.choice import Need, Supply, Wish, choose
from stock_pool.world import PICKUP, TILL, WEEK_H, Ask, World
from sync.rules import sizing, stock
from sync.rules.rights import Rights, givable, grantable, promise, settle
from sync.rules.stock import Move
from sync.wire import decisions as d
from sync.wire import facts as f

SILENT_H = 1 / 60
"""A heartbeat every 20 seconds, dead after three."""
SYNC_H = 0.25
BACKGROUND_H = 1 / 60
"""How long after a movement the centre looks at the split again."""


@dataclass(frozen=True)
class Rules:
    """How a policy plays."""

    name: str
    pool: bool = False
    sized: bool = False
    insist: bool = False
    offline: bool = True
    """False: all lines stay up."""
    sync_h: float = 0.0
    safety: int = 0
    takes_out: bool = False


POLICIES = (
    Rules("connected", offline=False),
    Rules("synced", sync_h=SYNC_H),
    Rules("safety1", sync_h=SYNC_H, safety=1),
    Rules("safety2", sync_h=SYNC_H, safety=2),
    Rules("drop", takes_out=True),
    Rules("half", pool=True),
    Rules("sized", pool=True, sized=True),
    Rules("sized_insist", pool=True, sized=True, insist=True),
)


@dataclass
class Tally:
    sold: int = 0
    oversell_protocol: int = 0
    oversell_fact: int = 0
    overrides: int = 0
    till_sold: int = 0
    till_waits: int = 0
    online_asked: int = 0
    km: float = 0.0
    shipped: int = 0
    moves: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        for name in ("sold", "oversell_protocol", "oversell_fact", "overrides", "till_sold", "till_waits",
                     "online_asked", "km", "shipped"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.moves += other.moves


@dataclass(slots=True)
class Promised:
    """An order at a store that has not heard of it yet."""

    way: str
    sku: int
    to: int
    tried: frozenset[str] = frozenset()
    km: float = 0.0


class Week:
    """What all policies share: shelves, lines, the clock, and how a shipment finds its store."""

    def __init__(self, world: World, week: int, rules: Rules, margin_m: int) -> None:
        self.world, self.rules, self.tally = world, rules, Tally()
        self.start = world.begins + week * WEEK_H
        self.now = self.start
        self.asks = world.weeks[week]
        count, skus = len(world.stores), range(world.skus)
        self.stores = range(count)
        self.book = world.opening[week]
        self.ghosts = [list(row) for row in world.ghosts[week]]
        self.shelf = [[n - g for n, g in zip(self.book[k], self.ghosts[k], strict=True)] for k in skus]
        """Real units that are in nobody's tote, by SKU and store."""
        self.up = [True] * count
        self.down_since = [0.0] * count
        self.queue: list[list[Promised]] = [[] for _ in self.stores]
        self.margin_m = margin_m
        self.codes = [one.code for one in world.stores]
        self.number = {code: n for n, code in enumerate(self.codes)}
        self._facts = {one.code: one for one in world.stores}
        self._now_ms = 0

    def play(self) -> Tally:
        times = self._line_times()
        for ask in self.asks:
            while times and times[0][0] <= ask.at:
                self._turn(heapq.heappop(times))
            self.advance(ask.at)
            if ask.way == TILL:
                if self.till(ask.sku, ask.store):
                    self.tally.sold += 1
                    self.tally.till_sold += 1
            else:
                self.tally.online_asked += 1
                self.online(ask)
        # The shops close; the lines come back and everything that is owed is told.
        self.now = self.start + WEEK_H
        for s in self.stores:
            if not self.up[s]:
                self.up[s] = True
                self.line_up(s)
        return self.tally

    def _line_times(self) -> list[tuple[float, int, bool]]:
        times = []
        if self.rules.offline:
            for s in self.stores:
                for begin, end in self.world.down[s]:
                    if begin < self.start + WEEK_H and end > self.start:
                        times += [(max(begin, self.start), s, False), (end, s, True)]
        heapq.heapify(times)
        return times

    def _turn(self, time: tuple[float, int, bool]) -> None:
        at, s, is_up = time
        self.advance(at)
        self.up[s] = is_up
        if is_up:
            self.line_up(s)
        else:
            self.down_since[s] = at
            self.line_down(s)

    def choose(
        self, sku: int, to: int, pools: Mapping[str, int], tried: frozenset[str] = frozenset()
    ) -> int | None:
        """The product's own choice for a shipment of one unit; None: nobody has it."""
        if not pools:
            return None
        rates = self.world.rates

        def own_need(code: str, needs: tuple[Need, ...]) -> float:
            s = self.number[code]
            return sizing.shipping_weight(rates.till[sku][s], rates.pickup[sku][s], self.free(sku, s))

        wish = Wish(
            "shipment",
            (Need(1, str(sku), 1),),
            self.world.stores[to].vector,
            excluded=tried,
            margin_m=self.margin_m,
        )
        plan = choose(wish, Supply(self._facts, lambda _: pools, lambda *_: True, own_need=own_need), 0)
        if not plan.shares:
            return None
        self._last_km = plan.shares[0].distance_m / 1000
        return self.number[plan.shares[0].store]

    def counted(self, promised: Promised) -> None:
        self.tally.sold += 1
        if promised.way != PICKUP:
            promised.km = self._last_km
            self.tally.shipped += 1
            self.tally.km += promised.km

    def uncounted(self, promised: Promised) -> None:
        self.tally.sold -= 1
        if promised.way != PICKUP:
            self.tally.shipped -= 1
            self.tally.km -= promised.km

    _last_km = 0.0

    # What a policy decides.

    def advance(self, at: float) -> None:
        self.now = at

    def till(self, k: int, s: int) -> bool:
        raise NotImplementedError

    def online(self, ask: Ask) -> None:
        raise NotImplementedError

    def line_up(self, s: int) -> None:
        raise NotImplementedError

    def line_down(self, s: int) -> None:
        """Nothing is told: a line is cut without a word."""

    def free(self, k: int, s: int) -> int:
        raise NotImplementedError


class Counters(Week):
    """One number per SKU and store at the centre, and a till that sells what lies there."""

    def __init__(self, world: World, week: int, rules: Rules, margin_m: int) -> None:
        super().__init__(world, week, rules, margin_m)
        self.counter = [list(row) for row in self.book]
        self.unsynced: list[set[int]] = [set() for _ in self.stores]
        self.next_sync = self.start

    def free(self, k: int, s: int) -> int:
        return self.counter[k][s]

    def advance(self, at: float) -> None:
        self.now = at
        if self.rules.sync_h and at >= self.next_sync:
            self.next_sync = at - at % self.rules.sync_h + self.rules.sync_h
            for s in self.stores:
                if self.up[s]:
                    self._sync(s)

    def _sync(self, s: int) -> None:
        for k in self.unsynced[s]:
            self.counter[k][s] = self.shelf[k][s] + self.ghosts[k][s]
        self.unsynced[s].clear()

    def till(self, k: int, s: int) -> bool:
        if self.shelf[k][s] <= 0:
            return False
        self.shelf[k][s] -= 1
        self.unsynced[s].add(k)
        if self.up[s] and not self.rules.sync_h:
            self._sync(s)
        return True

    def _may(self, k: int, s: int) -> bool:
        if self.counter[k][s] <= self.rules.safety:
            return False
        return not (self.rules.takes_out and not self.up[s] and self.now - self.down_since[s] > SILENT_H)

    def online(self, ask: Ask) -> None:
        promised = Promised(ask.way, ask.sku, ask.store)
        if ask.way == PICKUP:
            s: int | None = ask.store if self._may(ask.sku, ask.store) else None
        else:
            s = self._from_anywhere(promised)
        if s is not None:
            self._promise(promised, s)

    def _from_anywhere(self, p: Promised) -> int | None:
        pools = {self.codes[s]: self.counter[p.sku][s] for s in self.stores if self._may(p.sku, s)}
        return self.choose(p.sku, p.to, pools, p.tried)

    def _promise(self, p: Promised, s: int) -> None:
        self.counter[p.sku][s] -= 1
        self.counted(p)
        if self.up[s]:
            self._deliver(p, s)
        else:
            self.queue[s].append(p)

    def _deliver(self, p: Promised, s: int) -> None:
        k = p.sku
        if self.shelf[k][s] > 0:
            self.shelf[k][s] -= 1
            self.unsynced[s].add(k)
            return
        # The store cannot keep it. Was the unit only in the book, or did the number lie?
        by_fact = self.ghosts[k][s] > 0
        self.ghosts[k][s] = 0
        self.unsynced[s].add(k)
        self._sync(s)
        self.uncounted(p)
        if p.way != PICKUP:
            again = Promised(p.way, k, p.to, p.tried | {self.codes[s]})
            other = self._from_anywhere(again)
            if other is not None:
                self._promise(again, other)
                return
        if by_fact:
            self.tally.oversell_fact += 1
        else:
            self.tally.oversell_protocol += 1

    def line_up(self, s: int) -> None:
        waiting, self.queue[s] = self.queue[s], []
        for p in waiting:
            self._deliver(p, s)
        self._sync(s)


class Pool(Week):
    """Rights on both sides. Facts go up when there is a line, decisions come down; both wait when not."""

    def __init__(self, world: World, week: int, rules: Rules, margin_m: int) -> None:
        super().__init__(world, week, rules, margin_m)
        self.worth = [sizing.usual_worth(world.rates.profile, mean) for mean in world.outage_h]
        self.centre: list[list[Rights]] = []
        self.store: list[list[list[int]]] = []
        """The store's own row: on hand, share, debt."""
        self.outbox: list[list[f.Body]] = [[] for _ in self.stores]
        self.dirty: dict[tuple[int, int], float] = {}
        for k, row in enumerate(self.book):
            self.centre.append([])
            self.store.append([])
            for n in row:
                share = stock.half_target(n)
                self.centre[k].append(Rights(n, 0, share, n - share))
                self.store[k].append([n, share, 0])
        if rules.sized:
            for k in range(world.skus):
                for s in self.stores:
                    self._rebalance(k, s)

    def free(self, k: int, s: int) -> int:
        rights = self.centre[k][s]
        return rights.pool + rights.share

    # -- facts and decisions ---------------------------------------------------------------

    def _record(self, k: int, s: int, body: f.Body) -> None:
        """The store's fact: its own row at once, the centre's when it hears of it."""
        for move in stock.moves(body):
            self._store_moves(k, s, move)
        if self.up[s]:
            self._heard(k, s, body)
        else:
            self.outbox[s].append(body)

    def _store_moves(self, k: int, s: int, move: Move) -> None:
        row = self.store[k][s]
        row[0], row[1], row[2] = row[0] + move.on_hand, row[1] + move.share, row[2] + move.debt
        assert row[1] >= 0, "a store gave or sold beyond its share"

    def _heard(self, k: int, s: int, body: f.Body) -> None:
        for move in stock.moves(body):
            self._centre_moves(k, s, move)

    def _centre_moves(self, k: int, s: int, move: Move, reserved: int = 0) -> None:
        settled = settle(self.centre[k][s], move, reserved=reserved)
        self.centre[k][s] = settled.rights
        told = settled.paid - settled.found
        if told:
            self._decided(k, s, d.DebtPaid(str(k), told))
        self._touch(k, s)

    def _decided(self, k: int, s: int, body: d.Body) -> None:
        # Only while the line is up, or at once after the facts of a reconnect: nothing waits in between.
        for move in stock.decided(body):
            self._store_moves(k, s, move)
        debt = self.store[k][s][2]
        if debt < 0:
            self._record(k, s, f.Credited(str(k), -debt))

    def _grant(self, k: int, s: int, qty: int) -> int:
        given = grantable(self.centre[k][s], qty)
        if given:
            self._centre_moves(k, s, Move(str(k), share=given))
            self._decided(k, s, d.Granted(str(k), given))
        return given

    def _ask(self, k: int, s: int, qty: int) -> int:
        gives = givable(self.store[k][s][1], qty)
        if gives:
            self._record(k, s, f.Gave(str(k), gives))
        return gives

    # -- the background ----------------------------------------------------------------------

    def _touch(self, k: int, s: int) -> None:
        if self.rules.sized:
            self.dirty.setdefault((k, s), self.now + BACKGROUND_H)

    def advance(self, at: float) -> None:
        while self.dirty:
            (k, s), due = next(iter(self.dirty.items()))
            if due > at:
                break
            del self.dirty[k, s]
            self.now = due
            if self.up[s]:
                self._rebalance(k, s)
                self.dirty.pop((k, s), None)  # its own move is no news
        self.now = at

    def _rebalance(self, k: int, s: int) -> None:
        rights = self.centre[k][s]
        change = sizing.change(rights.share + rights.pool, rights.share, self._need(k, s))
        if change:
            self.tally.moves["granted" if change > 0 else "asked"] += 1
        if change > 0:
            self._grant(k, s, change)
        elif change < 0:
            self._ask(k, s, -change)

    def _need(self, k: int, s: int) -> sizing.Need:
        rates = self.world.rates
        elsewhere = sum(
            one.pool + (one.share if self.up[n] else 0) for n, one in enumerate(self.centre[k]) if n != s
        )
        worth = self.worth[s]
        return sizing.need_at(
            rates.till[k][s],
            rates.pickup[k][s],
            rates.shipment[k],
            elsewhere,
            worth,
            may_insist=self.rules.insist,
        )

    # -- shoppers --------------------------------------------------------------------------------

    def till(self, k: int, s: int) -> bool:
        if self.shelf[k][s] <= 0:
            return False
        debt = 0
        if self.store[k][s][1] <= 0:
            if self.up[s]:
                self.tally.till_waits += 1
                if not self._grant(k, s, 1):
                    return False
            elif self.rules.insist:
                self.tally.overrides += 1
                debt = 1
            else:
                return False
        loss = stock.split_loss(1, share=self.store[k][s][1])
        assert loss.debt == debt
        self.shelf[k][s] -= 1
        self._record(k, s, f.Sold(str(k), 1, loss.share, loss.debt))
        return True

    def online(self, ask: Ask) -> None:
        self._route(Promised(ask.way, ask.sku, ask.store))

    def _route(self, p: Promised) -> bool:
        k = p.sku
        if p.way == PICKUP:
            s: int | None = p.to
            if self.centre[k][p.to].pool <= 0:
                found = self._ask(k, p.to, 1) if self.up[p.to] else self._make_room(k, p.to)
                s = p.to if found else None
        else:
            s = self._in_a_pool(p)
            if s is None:
                # Nobody's pool: ask a connected store for a unit of its share.
                shares = {
                    self.codes[n]: one.share
                    for n, one in enumerate(self.centre[k])
                    if one.share > 0 and self.up[n]
                }
                s = self.choose(k, p.to, shares, p.tried)
                if s is not None and not self._ask(k, s, 1):
                    s = None
        if s is None:
            return False
        reserved = promise(self.centre[k][s], 1)
        assert reserved is not None, "promised one past the pool"
        self.centre[k][s] = reserved
        self._touch(k, s)
        self.counted(p)
        if self.up[s]:
            self._deliver(p, s)
        else:
            self.queue[s].append(p)
        return True

    def _in_a_pool(self, p: Promised) -> int | None:
        pools = {self.codes[n]: one.pool for n, one in enumerate(self.centre[p.sku]) if one.pool > 0}
        return self.choose(p.sku, p.to, pools, p.tried)

    def _make_room(self, k: int, s: int) -> bool:
        """As `server.offers.room`: a parcel that the store has not heard of goes where a pool has it."""
        for p in reversed(self.queue[s]):
            again = replace(p, tried=p.tried | {self.codes[s]})
            if p.sku != k or p.way == PICKUP or self._in_a_pool(again) is None:
                continue
            self.queue[s].remove(p)
            self._centre_moves(k, s, Move(str(k)), reserved=-1)
            self.uncounted(p)
            moved = self._route(again)
            assert moved, "a parcel was taken back and nobody has it"
            return True
        return False

    def _deliver(self, p: Promised, s: int) -> None:
        k = p.sku
        if self.shelf[k][s] > 0:
            self.shelf[k][s] -= 1
            return
        # Not found: the reservation ends, the SKU is counted, and the book learns what was never there.
        assert self.ghosts[k][s] > 0, "a promise without a unit and without a fact"
        self._centre_moves(k, s, Move(str(k)), reserved=-1)
        gone, self.ghosts[k][s] = self.ghosts[k][s], 0
        loss = stock.split_loss(gone, share=self.store[k][s][1])
        there = self.store[k][s][0]
        self._record(k, s, f.Counted(str(k), there, there - gone, share=loss.share, debt=loss.debt))
        self._broken(p, s)
        self._pay(k, s)

    def _broken(self, p: Promised, s: int) -> None:
        self.uncounted(p)
        again = Promised(p.way, p.sku, p.to, p.tried | {self.codes[s]})
        if p.way == PICKUP or not self._route(again):
            self.tally.oversell_fact += 1

    def _pay(self, k: int, s: int) -> None:
        """Debt that the pool could not pay breaks the cheapest promise the store has not heard of."""
        while self.centre[k][s].debt > 0:
            open_ = [p for p in self.queue[s] if p.sku == k]
            if not open_:
                return
            elsewhere = any(one.pool > 0 for n, one in enumerate(self.centre[k]) if n != s)
            p = min(reversed(open_), key=lambda p: (not elsewhere, p.way == PICKUP))
            self.queue[s].remove(p)
            self._centre_moves(k, s, Move(str(k)), reserved=-1)
            self._broken(p, s)

    def line_up(self, s: int) -> None:
        """Facts first, then debts, then the promises made meanwhile, then the background."""
        facts, self.outbox[s] = self.outbox[s], []
        seen = {int(body.sku) for body in facts if isinstance(body, f.Sold)}
        for body in facts:
            assert isinstance(body, f.Sold)
            self._heard(int(body.sku), s, body)
        for k in sorted(seen):
            self._pay(k, s)
        while self.queue[s]:  # one at a time: a unit that is not found may break one of the others
            self._deliver(self.queue[s].pop(0), s)
        for k in range(self.world.skus):
            self._touch(k, s)


def play(world: World, rules: Rules, margin_m: int, progress: Callable[[], None] = lambda: None) -> Tally:
    total = Tally()
    for week in range(len(world.weeks)):
        total.add((Pool if rules.pool else Counters)(world, week, rules, margin_m).play())
        progress()
    return total
