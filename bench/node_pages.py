"""How fast a handheld's pages answer, and how fast an order reaches an idle store's screen.

    .venv/bin/python bench/node_pages.py [--skus 50000] [--stores 4] [--rounds 200] [--orders 40]

A centre and its store nodes as processes of their own on loopback, each store with the whole
range on its shelves, behind the demo's lines. Prints one JSON object:

- `page_ms`: median and 95th percentile per page and over all of them, one browser per store;
- `page_busy_ms`: the same while every till sells ten times a second;
- `order_to_screen_ms`: from the shop's request to the centre's API until the refreshed list of an
  idle store's handheld names the order: median and worst.

Floors: 30 ms at the 95th percentile, 100 ms at the median.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from server.catalogue.load import load_items
from server.db import open_centre
from server.demo.chain import Chain
from server.demo.goods import STORES, check_digit
from server.demo.pages import Hands
from server.replay.adapters import hasty
from server.stock.load import load_stock
from sync.sqlite import writing

PAGES = (
    "/orders",
    "/stock",
    "/stock/B00007",
    "/count",
    "/receive",
    "/courier",
    "/handover",
    "/putback",
    "/returns",
    "/status",
    "/more",
)


class BigChain(Chain):
    """The demo's chain with a range as large as a department store's."""

    skus = 50_000

    def _seed(self) -> None:
        super()._seed()
        db = open_centre(self.database)
        hasty(db)
        now = int(time.time() * 1000)
        rows = [
            {
                "sku": f"B{number:05d}",
                "name_en": f"Thing {number}",
                "name_zh": f"货品{number}",
                "price_fen": 9900,
                "gtins": _gtin(number),
            }
            for number in range(self.skus)
        ]
        with writing(db):
            load_items(db, rows, now=now)
        for store in STORES[: self.stores]:
            with writing(db):
                stock = [{"sku": row["sku"], "qty": 4} for row in rows]
                load_stock(db, stock, store=store.code, document="bench", now=now)
        db.close()

    def _knows_its_store(self, code: str) -> bool:
        import sqlite3

        db = sqlite3.connect(f"file:{self.replica(code)}?mode=ro", uri=True, timeout=10.0)
        try:
            tables = ("item", "stock", "person")
            counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
        except sqlite3.OperationalError:
            return False
        finally:
            db.close()
        return counts[0] > self.skus and counts[1] >= self.skus and counts[2] > 0


def _gtin(number: int) -> str:
    digits = f"29{number:010d}"
    return digits + check_digit(digits)


async def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--skus", type=int, default=50_000)
    asked.add_argument("--stores", type=int, default=4)
    asked.add_argument("--rounds", type=int, default=200)
    asked.add_argument("--orders", type=int, default=40)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="yipan-bench-") as folder:
        chain = BigChain(Path(folder), options.stores)
        chain.skus = options.skus
        began = time.perf_counter()
        await chain.start()
        ready_s = time.perf_counter() - began
        try:
            people = [await _signed_in(chain, code) for code in chain.codes]
            found = {
                "skus": options.skus,
                "stores": options.stores,
                "cores": os.cpu_count(),
                "ready_s": round(ready_s, 1),
                "order_to_screen_ms": await _orders(chain, people, options.orders),
                "page_ms": await _pages(people, options.rounds),
            }
            selling = asyncio.gather(*(_sell(chain, code) for code in chain.codes))
            found["page_busy_ms"] = await _pages(people, options.rounds)
            selling.cancel()
            await asyncio.gather(selling, return_exceptions=True)
            for hands in people:
                await hands.close()
        finally:
            await chain.stop()
    print(json.dumps(found, indent=1))


async def _signed_in(chain: Chain, code: str) -> Hands:
    person = chain.staff(code)[0]
    hands = Hands(chain.node_url(code))
    page = await hands.open(f"/sign-in?person={person.id}")
    page = await hands.send(page.form("/sign-in"), pin=person.pin)
    assert page.status == 200, page.text[:300]
    assert "/sign-in" not in page.url, page.text[:300]
    return hands


async def _pages(people: Sequence[Hands], rounds: int) -> dict[str, Any]:
    """One request at a time per store, as one person makes them; stores beside each other."""
    taken: dict[str, list[float]] = {path: [] for path in PAGES}

    async def walk(hands: Hands) -> None:
        for number in range(rounds):
            path = PAGES[number % len(PAGES)]
            began = time.perf_counter()
            answer = await hands.client.get(path)
            taken[path].append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (path, answer.status_code)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(walk(hands) for hands in people))
    return {
        "all": _figures([one for some in taken.values() for one in some]),
        **{path: _figures(some) for path, some in taken.items()},
    }


async def _orders(chain: Chain, people: Sequence[Hands], count: int) -> dict[str, float]:
    """Each time an idle store with its list open: order, hint on the stream, list asked for again."""
    taken: list[float] = []
    hands, code = people[0], chain.codes[0]
    async with hands.client.stream("GET", "/changes", timeout=60.0) as stream:
        lines = stream.aiter_lines()
        for number in range(count):
            await asyncio.sleep(0.6)
            order = {
                "external_id": f"bench-{number}",
                "kind": "pickup",
                "pickup_store": code,
                "lines": [{"sku": f"B{number:05d}", "qty": 1}],
                "name": "Bench",
                "phone": "13800000000",
            }
            headers = {"Authorization": f"Bearer {chain.keys.web}"}
            began = time.perf_counter()
            answer = await chain.client.post(f"{chain.centre_url}/api/v1/orders", json=order, headers=headers)
            assert answer.status_code < 300, answer.text
            no = answer.json()["order_no"]
            async for line in lines:
                if line == "event: work" and no in (await hands.client.get("/orders")).text:
                    break
            taken.append((time.perf_counter() - began) * 1000)
    return {"median": round(statistics.median(taken), 1), "worst": round(max(taken), 1), "orders": count}


async def _sell(chain: Chain, code: str) -> None:
    headers = {"Authorization": f"Bearer {chain.keys.till}"}
    async with httpx.AsyncClient(base_url=chain.node_url(code), headers=headers) as till:
        for number in range(1_000_000):
            row = {"code": f"B{100 + number % 20_000:05d}", "qty": 1}
            await till.post("/till/sales", json={"sale": f"{code}-{number}", "rows": [row]})
            await asyncio.sleep(0.1)


def _figures(taken: Sequence[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "worst": round(ordered[-1], 1),
        "count": len(ordered),
    }


if __name__ == "__main__":
    asyncio.run(main())
