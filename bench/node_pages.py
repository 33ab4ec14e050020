"""How fast a handheld's pages answer, and how fast an order reaches an idle store's screen.

    .venv/bin/python bench/node_pages.py [--skus 50000] [--stores 4] [--rounds 120] [--orders 30] [--json]

A centre and its store nodes as processes of their own on loopback, each store with the whole
range on its shelves, behind the demo's lines. Prints a table, or one JSON object:

- `page_ms`: median and 95th percentile per page and over all of them, one browser per store;
- `page_busy_ms`: the same while every till sells ten times a second;
- `page_first_ms`: the very first look at each page;
- `page_cpu_ms`: processor time of a store node per page, which a busy machine does not change;
- `order_to_screen_ms`: from the shop's request to the centre's API until the refreshed list of an
  idle store's handheld names the order: the median of three runs, and the worst order of all.

Gates: 30 ms at the 95th percentile, 100 ms at the median.
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

PAGES = {
    "offers": "/orders",
    "work": "/orders?tab=work",
    "hand over": "/handover",
    "courier": "/courier",
    "put back": "/putback",
    "returns": "/returns",
    "stock": "/stock",
    "stock by name": "/stock?code=Thing+4711",
    "one SKU": "/stock/B00007",
    "count": "/count",
    "receive": "/receive",
    "status": "/status",
    "more": "/more",
}
"""With them per store, under addresses of its own: one order, its pick page and its pack page."""
RUNS = 3
PAGE_GATE_MS, ORDER_GATE_MS = 30, 100


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
    asked.add_argument("--rounds", type=int, default=120)
    asked.add_argument("--orders", type=int, default=30)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="yipan-bench-") as folder:
        chain = BigChain(Path(folder), options.stores)
        chain.skus = options.skus
        began = time.perf_counter()
        try:
            await chain.start()
            ready_s = time.perf_counter() - began
            people = [await _signed_in(chain, code) for code in chain.codes]
            runs = [await _orders(chain, people, options.orders // RUNS, run) for run in range(RUNS)]
            pages = [
                {**PAGES, **await _at_work(chain, hands, code)}
                for hands, code in zip(people, chain.codes, strict=True)
            ]
            first = await _pages(people, pages, len(pages[0]))
            cpu_s = _cpu_s(chain)
            idle = await _pages(people, pages, options.rounds)
            cpu_ms = (_cpu_s(chain) - cpu_s) * 1000 / idle["all"]["count"]
            selling = asyncio.gather(*(_sell(chain, code) for code in chain.codes))
            busy = await _pages(people, pages, options.rounds)
            selling.cancel()
            await asyncio.gather(selling, return_exceptions=True)
            for hands in people:
                await hands.close()
        finally:
            await chain.stop()
    found = {
        "skus": options.skus,
        "stores": options.stores,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "ready_s": round(ready_s, 1),
        "order_to_screen_ms": {
            "median": round(statistics.median(map(statistics.median, runs)), 1),
            "worst": round(max(map(max, runs)), 1),
            "orders": sum(map(len, runs)),
        },
        "page_cpu_ms": round(cpu_ms, 1),
        "page_first_ms": first["all"],
        "page_ms": idle,
        "page_busy_ms": busy,
    }
    print(json.dumps(found, indent=1) if options.json else _table(found))


def _table(found: dict[str, Any]) -> str:
    order = found["order_to_screen_ms"]
    lines = [
        f"{found['stores']} stores of {found['skus']:,} SKUs, {found['cores']} cores, "
        f"load {found['load']}, ready in {found['ready_s']} s",
        f"order to screen: median {order['median']} ms (gate {ORDER_GATE_MS}), worst {order['worst']} ms "
        f"of {order['orders']}",
        f"pages: {found['page_cpu_ms']} ms of processor time each; gate {PAGE_GATE_MS} ms at the p95",
        f"{'page':<16}{'p50':>8}{'p95':>8}   {'p50':>8}{'p95':>8}  (while tills sell)",
    ]
    for page, idle in found["page_ms"].items():
        busy = found["page_busy_ms"][page]
        figures = f"{idle['median']:>8}{idle['p95']:>8}   {busy['median']:>8}{busy['p95']:>8}"
        lines.append(f"{page:<16}{figures}")
    return "\n".join(lines)


def _cpu_s(chain: Chain) -> float:
    """Processor time of all store nodes so far."""
    ticks = 0
    for code in chain.codes:
        process = chain.children[code].process
        assert process is not None
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _signed_in(chain: Chain, code: str) -> Hands:
    person = chain.staff(code)[0]
    hands = Hands(chain.node_url(code))
    page = await hands.open(f"/sign-in?person={person.id}")
    page = await hands.send(page.form("/sign-in"), pin=person.pin)
    assert page.status == 200, page.text[:300]
    assert "/sign-in" not in page.url, page.text[:300]
    return hands


async def _at_work(chain: Chain, hands: Hands, code: str) -> dict[str, str]:
    """Two orders accepted here, one in a wave and one picked: the addresses of their pages."""
    for number in range(2):
        await _order(chain, code, f"work-{code}-{number}", f"B{number + 900:05d}")
    await asyncio.sleep(0.5)
    page = await hands.open("/orders")
    page = await hands.send(page.form("/offers/accept"))
    assert page.ok, page.text[:300]
    await asyncio.sleep(0.5)
    # The newest first, so that what came before stays on the list as work.
    fences = sorted((await hands.open("/orders?tab=work")).form("/waves").fields["fence"], key=int)
    found = {"order": f"/orders/{fences[0]}"}
    for fence, name in ((fences[-1], "pack"), (fences[-2], "pick")):
        form = (await hands.open("/orders?tab=work")).form("/waves")
        page = await hands.send(form, fence=[fence])
        assert page.ok, page.text[:300]
        if name == "pick":
            wave = page.form("/waves/[^/]+/scan").action.split("/")[2]
            found["pick"] = f"/waves/{wave}"
        else:
            page = await hands.send(page.form("/waves/[^/]+/pick"), qty="1")
            assert page.ok, page.text[:300]
            found["pack"] = f"/pack/{fence}"
    return found


async def _pages(
    people: Sequence[Hands], pages: Sequence[dict[str, str]], rounds: int
) -> dict[str, dict[str, float]]:
    """One request at a time per store, as one person makes them; stores beside each other."""
    taken: dict[str, list[float]] = {name: [] for name in pages[0]}

    async def walk(hands: Hands, paths: dict[str, str]) -> None:
        names = list(paths)
        for number in range(rounds):
            name = names[number % len(names)]
            began = time.perf_counter()
            answer = await hands.client.get(paths[name])
            taken[name].append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, (paths[name], answer.status_code)
            assert "/sign-in" not in str(answer.url)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(walk(*one) for one in zip(people, pages, strict=True)))
    everything = {"all": [one for some in taken.values() for one in some], **taken}
    return {name: _figures(some) for name, some in everything.items()}


async def _order(chain: Chain, code: str, name: str, sku: str) -> str:
    order = {
        "external_id": name,
        "kind": "pickup",
        "pickup_store": code,
        "lines": [{"sku": sku, "qty": 1}],
        "name": "Bench",
        "phone": "13800000000",
    }
    headers = {"Authorization": f"Bearer {chain.keys.web}"}
    answer = await chain.client.post(f"{chain.centre_url}/api/v1/orders", json=order, headers=headers)
    assert answer.status_code < 300, answer.text
    return str(answer.json()["order_no"])


async def _orders(chain: Chain, people: Sequence[Hands], count: int, run: int) -> list[float]:
    """Each time an idle store with its list open: order, hint on the stream, list asked for again."""
    taken: list[float] = []
    hands, code = people[0], chain.codes[0]
    async with hands.client.stream("GET", "/changes", timeout=60.0) as stream:
        lines = stream.aiter_lines()
        for number in range(count):
            await asyncio.sleep(0.5)
            began = time.perf_counter()
            no = await _order(chain, code, f"bench-{run}-{number}", f"B{run * count + number:05d}")
            async for line in lines:
                if line == "event: work" and no in (await hands.client.get("/orders")).text:
                    break
            taken.append((time.perf_counter() - began) * 1000)
    return taken


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
