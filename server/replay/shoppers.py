"""What shoppers do: buy at tills, order, cancel, bring goods back; and what clerks find on shelves."""

from __future__ import annotations

from server.orders.cancel import cancel
from server.orders.place import NewLine, NewOrder, place
from server.replay.baskets import Basket, Comeback, Shrink
from server.replay.clock import Clock
from server.replay.dice import Chance
from server.replay.habits import HOUR, Habits
from server.replay.headquarters import Headquarters
from server.replay.places import City, Weighted
from server.replay.shop import PIN, Deed, Shop
from server.replay.witness import Bought, Witness
from sync.replica import read, till
from sync.rules.refusals import Refused

CHANNEL = "web"


class Shoppers:
    def __init__(
        self,
        shops: list[Shop],
        hq: Headquarters,
        clock: Clock,
        chance: Chance,
        habits: Habits,
        witness: Witness,
        *,
        nearness: Weighted,
        homes: list[City],
        home_of: Weighted,
        ean: dict[str, str],
    ) -> None:
        self._shops = shops
        self._hq = hq
        self._clock = clock
        self._chance = chance
        self._habits = habits
        self._witness = witness
        self._nearness = nearness
        self._homes = homes
        self._home_of = home_of
        self._ean = ean

    def _shop(self, *name: object) -> Shop:
        return self._shops[self._nearness.index(self._chance.share("shop", *name))]

    def buy(self, basket: Basket) -> None:
        if basket.way == "till":
            self._at_till(basket)
        else:
            self._order(basket)

    # -- tills ------------------------------------------------------------------------------

    def _at_till(self, basket: Basket) -> None:
        """What the share lacks the centre may grant while the shopper waits, if the line is up."""
        shop = self._shop(basket.name)
        if shop.ask_for([(self._ean.get(sku) or sku, qty) for sku, qty, _ in basket.rows]):
            self._witness.counts["till questions to the centre"] += 1
            self._clock.after(self._habits.till_waits, lambda: self._sell(shop, basket))
        else:
            self._sell(shop, basket)

    def _sell(self, shop: Shop, basket: Basket) -> None:
        """A till asks its node first, as a real one does: yes is sold, the rest is a shopper's decision."""
        rows: list[list[object]] = []
        taken: list[list[object]] = []
        counts = self._witness.counts
        for sku, qty, _price in basket.rows:
            code = self._ean.get(sku) or sku
            counts["till units asked for"] += qty
            answer = till.question(shop.db, code, qty)
            if answer.may_sell:
                rows.append([code, qty])
            elif (
                answer.may_insist
                and answer.there > 0
                and self._chance.share("insists", basket.name, sku) < self._habits.insists
            ):
                taken.append([code, qty])
            else:
                counts["till units not sold"] += qty
                counts["till units not on the shelf"] += qty if answer.there < qty else 0
        deeds = []
        if rows:
            deeds.append(Deed("till_sale", {"sale": f"{shop.code}-{basket.name}", "rows": rows}, "T"))
        if taken:
            args = {"sale": f"{shop.code}-{basket.name}-i", "rows": taken, "insist": True}
            deeds.append(Deed("till_sale", args, "T"))
        if not deeds:
            return
        sku_of = {self._ean.get(sku) or sku: sku for sku, _, _ in basket.rows}
        for deed, outcome in zip(deeds, shop.all(deeds), strict=True):
            if not outcome.ok:
                counts["till units not sold"] += sum(int(qty) for _, qty in deed.args["rows"])
                continue
            counts["till sales"] += 1
            if deed.args.get("insist"):
                counts["till sales insisted on"] += 1
            for code, qty in deed.args["rows"]:
                counts["till units sold"] += qty
                unit = Bought(shop.code, basket.customer, sale=deed.args["sale"])
                self._witness.bought[sku_of[code]].append(unit)

    # -- orders -----------------------------------------------------------------------------

    def _order(self, basket: Basket) -> None:
        shop = self._pickup_shop(basket)
        home = self._homes[self._home_of.index(self._chance.share("home", basket.name))]
        new = NewOrder(
            channel=CHANNEL,
            external_id=basket.name,
            kind=basket.way,
            lines=tuple(NewLine(sku, qty, price) for sku, qty, price in basket.rows),
            pickup_store=shop.code if basket.way == "pickup" else "",
            lat=home.lat,
            lon=home.lon,
            name=f"Customer {basket.customer or 'guest'}",
            phone="000000" + basket.name[-4:],
            address="" if basket.way == "pickup" else home.name,
        )
        now = self._clock.now
        try:
            placed = self._hq.write(lambda tx: place(tx, new, now=now, dice=self._hq.dice))
        except Refused as refused:
            self._witness.refused[f"place: {refused.refusal.reason}"] += 1
            return
        self._witness.codes[placed.order_no] = placed.pickup_code
        self._witness.customers[placed.order_no] = basket.customer
        if self._chance.share("cancels", basket.name) < self._habits.cancels:
            wait = self._chance.exponential(6 * HOUR, "cancel", basket.name)
            self._clock.after(wait, lambda: self._cancel(placed.order_no))

    def _pickup_shop(self, basket: Basket) -> Shop:
        """Near home, if the web shop says it is there; else the first of three that has it all."""
        first = self._shop(basket.name)
        if basket.way != "pickup" or self._chance.share("stays", basket.name) < self._habits.wants_this_store:
            return first
        for shop in (first, *(self._shop(basket.name, turn) for turn in range(3))):
            if all(self._available(shop.code, sku) >= qty for sku, qty, _ in basket.rows):
                return shop
        return first

    def _available(self, store: str, sku: str) -> int:
        row = self._hq.db.execute(
            "SELECT pool FROM stock WHERE store = ? AND sku = ? AND suppressed = 0", (store, sku)
        ).fetchone()
        return int(row[0]) if row else 0

    def _cancel(self, order_no: str) -> None:
        now = self._clock.now
        try:
            answer = self._hq.write(lambda tx: cancel(tx, order_no, now=now, by="shopper"))
            self._witness.counts[f"cancellation answered {answer.state}"] += 1
        except Refused as refused:
            self._witness.refused[f"cancel: {refused.refusal.reason}"] += 1

    # -- back over the counter ----------------------------------------------------------------

    def bring_back(self, back: Comeback) -> None:
        unit = self._witness.brings_back(back.sku, back.customer)
        shops = {shop.code: shop for shop in self._shops}
        if unit is None:
            shop = self._shop(back.name)
            args = {
                "sku": back.sku,
                "qty": back.qty,
                "reason": "no receipt",
                "lead": {"person": f"{shop.code}-L", "pin": PIN},
            }
            ok = shop.do("blind_return", args).ok
            self._witness.counts["returns without receipt"] += ok
            return
        if unit.sale:
            args = {"sale": unit.sale, "sku": back.sku, "qty": 1}
            self._witness.counts["till returns"] += shops[unit.store].do("till_return", args, "T").ok
            return
        shop = shops[unit.store]
        args = {"order": unit.order_no, "line": unit.line, "sku": back.sku, "qty": 1, "reason": "not_wanted"}
        if self._chance.share("elsewhere", back.name) < self._habits.returns_elsewhere:
            other = self._shop("elsewhere", back.name)
            if other is not shop:
                shop, args["elsewhere"] = other, True
        if shop.do("take_return", args).ok:
            self._witness.counts["returns of orders"] += 1
            self._witness.counts["returns at another store"] += bool(args.get("elsewhere"))

    def correct(self, shrink: Shrink) -> None:
        """A clerk's correction: broken and vanished goods are written off, found ones are counted in."""
        shop = self._shop(shrink.name)
        there = read.shelf(shop.db, shrink.sku).there
        if shrink.qty > 0:
            shop.do("count", {"sku": shrink.sku, "found": there + shrink.qty}, "B")
            return
        qty = min(-shrink.qty, there)
        if qty <= 0:
            return
        broken = any(word in shrink.note.lower() for word in ("damage", "broken", "wet", "rust", "smash"))
        args = {
            "sku": shrink.sku,
            "qty": qty,
            "reason": shrink.note[:60] or "missing",
            "to": "damaged" if broken else "gone",
        }
        shop.do("adjust", args, "L")
