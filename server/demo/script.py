"""The run without a person: one store's line is cut twice, and its staff go on working.

    1  two pickups are accepted online; one is picked, packed, staged and handed over
    2  a third is offered, then the line of S001 is cut
    3  with the line cut S001 accepts the third (provisional), picks both by scanning, packs, stages,
       hands over the one it owns, is refused the other, sells at the till and takes a return
    4  the line is back: the third is confirmed and handed over
    5  S002 is offered an order and its line is cut; it accepts and picks; the deadline passes, the
       order moves to another store by itself
    6  the line is back: S002's acceptance was late, what it picked goes back to the shelf

Every step goes through the pages, the till API and the centre's API. A step that does not
happen as told is noted as not done, and the run is not ok.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from server.demo.chain import Chain
from server.demo.customers import Bought, Shop, Till
from server.demo.goods import items
from server.demo.settle import one, reading
from server.demo.staff import Associate, NotDone

Say = Callable[[str], None]


class Script:
    def __init__(self, chain: Chain, rng: random.Random, *, accept_s: int, say: Say) -> None:
        self.chain = chain
        self.accept_s = accept_s
        self.say = say
        self.steps: dict[str, bool] = {}
        self.started = time.monotonic()
        self.told: list[dict[str, Any]] = []
        self.shop = Shop(chain, "APP", chain.keys.app, rng)
        self.till = Till(chain, "S001", rng)
        self.gtin = {item.sku: item.gtin for item in items()}

    def tell(self, text: str) -> None:
        at = round(time.monotonic() - self.started, 1)
        self.told.append({"at_s": at, "text": text})
        self.say(f"{at:6.1f} s  {text}")

    async def step(self, name: str, doing: Awaitable[Any]) -> Any:
        self.steps[name] = False
        result = await doing
        self.steps[name] = True
        self.tell(name)
        return result

    async def play(self) -> None:
        lin, wu = (
            Associate(self.chain.secure_url(code), self.chain.person(f"{code}-1"), trust=self.chain.trust)
            for code in ("S001", "S002")
        )
        try:
            await lin.sign_in()
            await self._first_store(lin)
            await wu.sign_in()
            await self._second_store(wu)
        except Exception as trouble:
            self.tell(f"stopped: {type(trouble).__name__}: {trouble}")
        finally:
            await lin.close()
            await wu.close()

    # -- S001 -----------------------------------------------------------------------------

    async def _first_store(self, lin: Associate) -> None:
        line = self.chain.lines["S001"]
        sold = await self.shop.order("pickup", [("CAP-NAV", 1)], store="S001")
        owned = await self.shop.order("pickup", [("TEE-INK-M", 2), ("BELT-BRO", 1)], store="S001")
        for bought in (sold, owned):
            fence = await self.offered(lin, bought)
            await lin.accept(fence)
        await self.step("two pickups accepted online and confirmed", self.confirmed("S001", sold, owned))
        await self.step("one is picked, packed, staged and handed over", self._hand_over(lin, sold))

        third = await self.shop.order("pickup", [("SCARF-ROS", 1)], store="S001")
        fence = await self.offered(lin, third)
        line.cut()
        await self.step("the line of S001 is cut; its page says so", self.line_is(lin, up=False))

        await self.step("with the line cut, an offer is accepted provisionally", lin.accept(fence))
        both = [await self.fence_of("S001", owned), fence]
        picking = lin.fulfil(both, "P1-1", one_wrong=self.gtin["COAT-CAM-L"])
        await self.step("both are picked by scanning (a wrong item is refused), packed and staged", picking)
        await self.step("what the store owns is handed over", self._counter(lin, owned, fits=True))
        await self.step("what is not confirmed is not handed over", self._counter(lin, third, fits=False))
        await self.step("an article comes back and is graded", self._return(lin, sold))
        await self.step("the till sells", self._sell())

        line.restore()
        await self.step("the line is back", self.line_is(lin, up=True))
        await self.step("the offer accepted offline is confirmed", self.confirmed("S001", third))
        await self.step("and handed over", self._counter(lin, third, fits=True))

    async def _hand_over(self, lin: Associate, bought: Bought) -> None:
        await lin.fulfil([await self.fence_of("S001", bought)], "P1-2")
        await self._counter(lin, bought, fits=True)

    async def _counter(self, lin: Associate, bought: Bought, *, fits: bool) -> None:
        page = await lin.hand_over(await self.fence_of("S001", bought), self.code_of(bought))
        if page.ok is not fits:
            raise NotDone(f"hand over {bought.order_no}: {page.outcome} {page.text[:300]}")

    def code_of(self, bought: Bought) -> str:
        """As the shopper has it: from the message that their shop was sent, or its order's answer."""
        return self.chain.inbox.codes.get(bought.order_no) or bought.pickup_code

    async def _return(self, lin: Associate, bought: Bought) -> None:
        await lin.take_return(bought.order_no, self.gtin["CAP-NAV"], "not_wanted")
        await lin.grade_all("A", "restock", self.chain.person("S001-lead"))

    async def _sell(self) -> None:
        answer = await self.till.sell([(self.gtin["SOCK-GRE"], 1)])
        if answer.status_code >= 300:
            raise NotDone(f"till: {answer.status_code} {answer.text[:300]}")

    # -- S002 -----------------------------------------------------------------------------

    async def _second_store(self, wu: Associate) -> None:
        line = self.chain.lines["S002"]
        bought = await self.shop.order("pickup", [("KNIT-MOS-L", 1)], store="S002")
        fence = await self.offered(wu, bought)
        line.cut()
        await self.step("the line of S002 is cut before it answers", self.line_is(wu, up=False))
        await wu.accept(fence)
        await self.step("S002 accepts and picks, not knowing", wu.pick([fence]))
        moved = self.until(
            lambda: self.moved(bought, "S002"), "the order moves on", within_s=self.accept_s + 20
        )
        await self.step("nobody heard it in time: the order moves to another store by itself", moved)
        line.restore()
        await self.step("the line of S002 is back", self.line_is(wu, up=True))
        late = self.until(lambda: self.state_of("S002", fence) == "put_back", "S002 hears that it was late")
        await self.step("S002's acceptance was late; its pick is a put-back", late)
        await self.step("the article is scanned back to its shelf", wu.put_back(fence))

    # -- looking --------------------------------------------------------------------------

    async def until(self, true: Callable[[], Any], what: str, *, within_s: float = 20.0) -> Any:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            found = await asyncio.to_thread(true)
            if found:
                return found
            await asyncio.sleep(0.15)
        raise NotDone(f"not within {within_s:.0f} s: {what}")

    async def line_is(self, who: Associate, *, up: bool) -> None:
        until = time.monotonic() + 20
        while await who.line_is_up() is not up:
            if time.monotonic() > until:
                raise NotDone(f"the page of {who.person.store} still says {'down' if up else 'up'}")
            await asyncio.sleep(0.1)

    async def offered(self, who: Associate, bought: Bought) -> int:
        """The offer is on the store's page."""
        fence = await self.until(lambda: self.fence_at(who.person.store, bought), "the offer arrives")
        if fence not in await who.offers():
            raise NotDone(f"{bought.order_no} is not among the offers of {who.person.store}")
        return int(fence)

    async def confirmed(self, store: str, *orders: Bought) -> None:
        for bought in orders:
            await self.until(partial(self.owns, store, bought), f"{bought.order_no} is confirmed")

    async def fence_of(self, store: str, bought: Bought) -> int:
        return int(await self.until(lambda: self.fence_at(store, bought), "the order is at the store"))

    def fence_at(self, store: str, bought: Bought) -> int:
        return self._replica(store, "SELECT max(fence) FROM assignment WHERE order_no = ?", bought.order_no)

    def owns(self, store: str, bought: Bought) -> int:
        sql = "SELECT count(*) FROM assignment WHERE order_no = ? AND ownership = 'confirmed'"
        return self._replica(store, sql, bought.order_no)

    def state_of(self, store: str, fence: int) -> str:
        db = reading(self.chain.replica(store))
        try:
            return str(db.execute("SELECT state FROM assignment WHERE fence = ?", (fence,)).fetchone()[0])
        finally:
            db.close()

    def moved(self, bought: Bought, away_from: str) -> int:
        db = reading(self.chain.database)
        try:
            sql = (
                "SELECT count(*) FROM fulfilment_order WHERE order_no = ? AND store NOT IN ('', ?)"
                " AND state IN ('offered', 'owned', 'released')"
            )
            return one(db, sql, bought.order_no, away_from)
        finally:
            db.close()

    def _replica(self, store: str, sql: str, *values: Any) -> int:
        db = reading(self.chain.replica(store))
        try:
            return one(db, sql, *values)
        finally:
            db.close()
