"""The staff of the stores that nobody plays: they answer offers and work them, at a human pace.

What the page refuses, and what another hand did meanwhile, is life and is counted;
they go on with the next thing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import httpx

from server.demo.chain import Chain
from server.demo.goods import DemoPerson
from server.demo.pages import NoSuchForm
from server.demo.staff import Associate, NotDone

COURIER = "SF Express"


class Colleague:
    def __init__(
        self, chain: Chain, person: DemoPerson, rng: random.Random, *, pace_s: float, collected_after_s: float
    ) -> None:
        self.chain = chain
        self.person = person
        self.rng = rng
        self.pace_s = pace_s
        self.collected_after_s = collected_after_s
        """How long a shopper takes to come for their order."""
        self.met: Counter[str] = Counter()
        self.at_work = asyncio.Event()
        self.at_work.set()
        self.hands = Associate(chain.secure_url(person.store), person, pause=self._breathe, trust=chain.trust)
        self._ready_since: dict[int, float] = {}

    async def _breathe(self) -> None:
        await asyncio.sleep(self.rng.uniform(0.4, 1.4) * self.pace_s)

    async def work(self) -> None:
        try:
            while True:
                await self.at_work.wait()
                await self._breathe()
                try:
                    await self._round()
                except NotDone as no:
                    self.met[no.why] += 1
                except NoSuchForm:
                    self.met["moved on meanwhile"] += 1
                except httpx.HTTPError:
                    self.met["page did not answer"] += 1
        finally:
            await self.hands.close()

    async def _round(self) -> None:
        if not self.hands.signed_in:
            await self.hands.sign_in()
        for fence in (await self.hands.offers())[:3]:
            await self._breathe()
            if self.rng.random() < 0.04:
                await self.hands.decline(fence, "no_time")
                self.met["declined"] += 1
            else:
                await self.hands.accept(fence)
                self.met["accepted"] += 1
        for fence in await self.hands.put_backs():
            await self.hands.put_back(fence)
            self.met["put back"] += 1
        for begun in await self.hands.begun():
            await self.hands.scan_all(begun)
        wave = await self.hands.accepted()
        if wave:
            await self.hands.fulfil(wave[:3], f"P{self.rng.randint(1, 4)}-{self.rng.randint(1, 6)}")
            self.met["picked and packed"] += len(wave[:3])
        await self._counter()
        loaded = await self.hands.ship(COURIER)
        self.met["shipped"] += loaded

    async def _counter(self) -> None:
        """Shoppers come with the code that they were sent, some while after their order was ready."""
        now = asyncio.get_running_loop().time()
        for fence, order_no in await self.hands.waiting_pickups():
            since = self._ready_since.setdefault(fence, now)
            code = self.chain.inbox.codes.get(order_no, "")
            if code and now - since > self.collected_after_s:
                page = await self.hands.hand_over(fence, code)
                self.met["handed over" if page.ok else f"counter said {page.outcome}"] += 1
