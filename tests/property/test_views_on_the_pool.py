"""Random orders of several channels with views: none takes what it is not shown, and the identity holds.

What a channel may take is reckoned here by plain arithmetic over the tables, before each order, and not
with the product's own functions.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from server.api.availability import available
from server.offers.turn import end_turn
from server.stock import book
from server.stock.cause import Cause
from server.views.load import load_views
from sync.rules.stock import Move
from tests.conftest import seed
from tests.kit_orders import Centre, problems

CHANNELS = ("web", "mall", "live")
SKUS = ("A", "B", "C")
STEPS = 80


class Chain:
    """A centre, and the views as plain figures: exact channel and SKU only, so that nothing is looked up."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.centre = Centre(4, seed=rng.randrange(10**6))
        for code in CHANNELS:
            self.centre.tx.execute(
                "INSERT INTO channel (code, name, key_hash) VALUES (?, ?, '')", (code, code)
            )
        self.rules: dict[tuple[str, str], dict[str, int]] = {}
        for store in self.stores():
            for sku in SKUS:
                self.centre.stock(store, sku, rng.randrange(8), share=0)
        # Quotas count from the beginning, so what counts is plain: whatever was promised once.
        rows = [{"channel": channel, "sku": sku, "quota": 50} for channel in CHANNELS for sku in SKUS]
        assert not load_views(self.centre.tx, rows, now=self.centre.now).errors
        self.rules = {(row["channel"], row["sku"]): {"quota": 50} for row in rows}

    def stores(self) -> list[str]:
        return [row[0] for row in self.centre.rows("SELECT code FROM store ORDER BY code")]

    def set_view(self) -> None:
        rng, place = self.rng, (self.rng.choice(CHANNELS), self.rng.choice(SKUS))
        kind = rng.choice(("safety_stock", "threshold", "quota", "percent"))
        value = rng.randrange(1, 101) if kind == "percent" else rng.randrange(7)
        row: dict[str, Any] = {"channel": place[0], "sku": place[1], kind: value}
        loaded = load_views(self.centre.tx, [row], now=self.centre.now)
        assert not loaded.errors
        self.rules.setdefault(place, {})[kind] = value

    def pool(self, sku: str) -> dict[str, int]:
        return dict(
            self.centre.rows(
                "SELECT k.store, k.pool FROM stock k JOIN store s ON s.code = k.store"
                " WHERE k.sku = ? AND NOT k.suppressed AND s.active AND NOT s.paused",
                sku,
            )
        )

    def promised(self, channel: str, sku: str) -> int:
        """Units of parts that a store had once, less what is cancelled."""
        return int(
            self.centre.one(
                "SELECT coalesce(sum(l.qty - l.cancelled), 0) FROM fulfilment_line l"
                " JOIN fulfilment_order f ON f.fo = l.fo JOIN shop_order o ON o.no = f.order_no"
                " WHERE o.channel = ? AND l.sku = ? AND f.attempts > 0",
                channel,
                sku,
            )
        )

    def may_take(self, channel: str, sku: str) -> tuple[int, dict[str, int]]:
        of = self.rules.get((channel, sku), {})
        places = {store: max(0, pool - of.get("safety_stock", 0)) for store, pool in self.pool(sku).items()}
        total = sum(places.values())
        if total < of.get("threshold", 0):
            return 0, places
        most = total * of.get("percent", 100) // 100
        if "quota" in of:
            most = min(most, max(0, of["quota"] - self.promised(channel, sku)))
        return most, places

    # -- what happens -------------------------------------------------------------------------

    def order(self) -> None:
        rng = self.rng
        channel, wanted = rng.choice(CHANNELS), rng.sample(SKUS, rng.randrange(1, 3))
        may = {sku: self.may_take(channel, sku) for sku in wanted}
        found, _ = available(self.centre.tx, channel, wanted, self.centre.now, by_store=False)
        assert {one.sku: one.available for one in found} == {sku: most for sku, (most, _) in may.items()}
        before = {sku: self.pool(sku) for sku in wanted}
        self.centre.now += 1
        kind: dict[str, Any] = {}
        if rng.random() < 0.3:
            kind = {"kind": "pickup", "pickup_store": rng.choice(self.stores())}
        self.centre.order(*((sku, rng.randrange(1, 5)) for sku in wanted), channel=channel, **kind)
        for sku, (most, places) in may.items():
            after = self.pool(sku)
            taken = {store: before[sku][store] - after[store] for store in before[sku]}
            assert sum(taken.values()) <= most, (channel, sku, taken, most)
            assert all(units <= places[store] for store, units in taken.items()), (
                channel,
                sku,
                taken,
                places,
            )

    def lapse(self) -> None:
        fences = self.centre.rows("SELECT fence FROM assignment WHERE ended_at = 0 AND ownership = 'none'")
        if fences:
            end_turn(self.centre.tx, self.rng.choice(fences)[0], "lapsed", self.centre.now)

    def cancel(self) -> None:
        orders = self.centre.rows("SELECT no FROM shop_order WHERE state = 'open'")
        if orders:
            self.centre.cancel(self.rng.choice(orders)[0])

    def goods(self) -> None:
        store, sku, units = self.rng.choice(self.stores()), self.rng.choice(SKUS), self.rng.randrange(-2, 5)
        moves = [Move(sku, on_hand=units, share=max(0, units // 2))]
        book.apply_moves(self.centre.tx, store, moves, Cause("test", self.centre.now))

    def pause(self) -> None:
        from server.stores.pause import pause

        pause(
            self.centre.tx, self.rng.choice(self.stores()), self.rng.random() < 0.4, "t", now=self.centre.now
        )

    def time(self) -> None:
        before = {(c, s): self._over(c, s) for c, s in self.rules}
        self.centre.later(self.rng.randrange(1, 3_600_000))
        for place, over in before.items():
            assert self._over(*place) <= max(0, over), f"{place}: timers took beyond the quota"

    def _over(self, channel: str, sku: str) -> int:
        return self.promised(channel, sku) - self.rules[channel, sku]["quota"]

    def check(self) -> None:
        assert problems(self.centre.tx) == []


@pytest.mark.parametrize("run", range(12))
def test_no_channel_takes_beyond_its_view_and_rights_add_up(run: int):
    rng = random.Random(f"{seed()}:views:{run}")
    chain = Chain(rng)
    deeds = [chain.order] * 6 + [chain.set_view, chain.set_view, chain.lapse, chain.cancel, chain.goods,
                                 chain.pause, chain.time]  # fmt: skip
    for _ in range(STEPS):
        rng.choice(deeds)()
        chain.check()
    offered = chain.centre.one("SELECT count(*) FROM assignment")
    waited = chain.centre.one("SELECT count(*) FROM fulfilment_order WHERE state = 'waiting'")
    assert min(offered - 5, waited) > 0, "a history in which nothing is hidden proves nothing"
