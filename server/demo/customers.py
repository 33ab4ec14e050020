"""Shoppers at the channels and at the tills: they buy through the real API, at a bearable pace."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx

from server.demo.chain import Chain
from server.demo.goods import SHOPPERS, STORES, alike, basket, items


@dataclass(frozen=True)
class Bought:
    order_no: str
    external_id: str
    pickup_code: str
    answer: dict[str, Any]


def _line(sku: str, qty: int, *, listed: bool) -> dict[str, Any]:
    """Some say what may come instead, others leave it to the store."""
    others = alike(sku) if listed else []
    return {"sku": sku, "qty": qty} | ({"substitutes": others} if others else {})


class Shop:
    """A channel with its API key."""

    def __init__(self, chain: Chain, code: str, key: str, rng: random.Random) -> None:
        self.chain = chain
        self.code = code
        self.rng = rng
        self._numbers = itertools.count(1)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._sent: dict[str, dict[str, Any]] = {}

    async def order(
        self,
        kind: str,
        lines: list[tuple[str, int]],
        *,
        store: str = "",
        near: str = "",
        external_id: str = "",
    ) -> Bought:
        """One order. The same external id sends the same order again: a repeat is harmless."""
        external = external_id or f"{self.code}-{next(self._numbers):05d}-{self.rng.randrange(16**4):04x}"
        if external not in self._sent:
            self._sent[external] = self._new(kind, lines, store, near, external)
        answer = await self._post("/api/v1/orders", self._sent[external])
        return Bought(answer["order_no"], external, answer.get("pickup_code", ""), answer)

    def _new(
        self, kind: str, lines: list[tuple[str, int]], store: str, near: str, external: str
    ) -> dict[str, Any]:
        name_en, name_zh, phone = self.rng.choice(SHOPPERS)
        place = next(one for one in STORES if one.code == (store or near or "S001"))
        language = self.rng.choice(("en", "zh"))
        return {
            "external_id": external,
            "kind": kind,
            "lines": [_line(sku, qty, listed=kind == "pickup") for sku, qty in lines],
            "pickup_store": store if kind == "pickup" else "",
            "lat": place.lat + self.rng.uniform(-0.02, 0.02),
            "lon": place.lon + self.rng.uniform(-0.02, 0.02),
            "name": name_zh if language == "zh" else name_en,
            "phone": phone,
            "address": "" if kind == "pickup" else f"{place.name_en}, {self.rng.randint(1, 200)} Demo Road",
            "language": language,
            "substitution": "ask" if kind == "pickup" else "allowed",
        }

    async def read(self, order_no: str) -> dict[str, Any]:
        found = await self.chain.client.get(
            f"{self.chain.centre_url}/api/v1/orders/{order_no}", headers=self._headers
        )
        found.raise_for_status()
        answer: dict[str, Any] = found.json()
        return answer

    async def cancel(self, order_no: str) -> dict[str, Any]:
        return await self._post(f"/api/v1/orders/{order_no}/cancel", {})

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        found = await self.chain.client.post(
            f"{self.chain.centre_url}{path}", json=body, headers=self._headers
        )
        if found.status_code >= 400:
            raise httpx.HTTPStatusError(
                f"{path}: {found.status_code} {found.text[:300]}", request=found.request, response=found
            )
        answer: dict[str, Any] = found.json()
        return answer


class Till:
    def __init__(self, chain: Chain, store: str, rng: random.Random) -> None:
        self.url = chain.node_url(store)
        self.client = chain.client
        self.rng = rng
        self.store = store
        self._numbers = itertools.count(1)
        self._headers = {"Authorization": f"Bearer {chain.keys.till}", "X-Till": f"{store}-T1"}

    async def sell(self, rows: list[tuple[str, int]], *, insist: bool = False) -> httpx.Response:
        sale = f"{self.store}-{next(self._numbers):05d}-{self.rng.randrange(16**4):04x}"
        body = {"sale": sale, "rows": [{"code": code, "qty": qty} for code, qty in rows], "insist": insist}
        return await self.client.post(f"{self.url}/till/sales", json=body, headers=self._headers)

    async def may_sell(self, code: str, qty: int) -> dict[str, Any]:
        found = await self.client.get(
            f"{self.url}/till/may-sell", params={"code": code, "qty": qty}, headers=self._headers
        )
        answer: dict[str, Any] = found.json()
        return answer


class Crowd:
    """Keeps coming until told to stop. Counts what it met; a closed door is only counted."""

    def __init__(self, chain: Chain, rng: random.Random, *, every_s: float) -> None:
        self.chain = chain
        self.rng = rng
        self.every_s = every_s
        self.met: Counter[str] = Counter()
        self.shops = [
            Shop(chain, "APP", chain.keys.app, rng),
            Shop(chain, "WEB", chain.keys.web, rng),
        ]
        self.tills = [Till(chain, store, rng) for store in chain.codes]

    async def come(self) -> None:
        await asyncio.gather(self._online(), self._at_tills())

    async def _wait(self) -> None:
        await asyncio.sleep(self.rng.expovariate(1 / self.every_s))

    async def _online(self) -> None:
        while True:
            await self._wait()
            shop = self.rng.choice(self.shops)
            kind = self.rng.choices(("pickup", "shipment", "same_day"), (5, 4, 1))[0]
            store = self.rng.choice(self.chain.codes)
            with self._noted("orders"):
                bought = await shop.order(
                    kind, basket(self.rng), store=store if kind == "pickup" else "", near=store
                )
                if self.rng.random() < 0.05:
                    await asyncio.sleep(self.rng.uniform(1, 10))
                    await shop.cancel(bought.order_no)
                    self.met["cancellations"] += 1

    async def _at_tills(self) -> None:
        goods = items()
        while True:
            await self._wait()
            till = self.rng.choice(self.tills)
            with self._noted("till sales"):
                answer = await till.sell([(self.rng.choice(goods).gtin, 1)])
                if answer.status_code == 409:
                    self.met["till sales refused"] += 1

    @contextlib.contextmanager
    def _noted(self, what: str) -> Any:
        try:
            yield
            self.met[what] += 1
        except httpx.HTTPStatusError as refused:
            self.met[f"{what}: {refused.response.status_code}"] += 1
        except httpx.HTTPError:
            self.met[f"{what}: no answer"] += 1
