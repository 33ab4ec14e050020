"""How fast a handheld answers a hand, with its store box and without it, on a processor four times slower.

    .venv/bin/python bench/handheld.py [--scans 40] [--orders 200] [--waiting 500] [--slower 4] [--json]

A centre and a store node as processes of their own, the node behind HTTPS with a certificate of the chain's
authority, and headless Chromium at 360×640 with a profile on disk. The store has 200 open orders, ten of them
in the wave that is picked. Then the node is killed, the browser restarted, and the node started again. Each
figure stands beside its gate; `load` says what else the machine had to do.

- `feedback`: from the last key of a scan until its answer is drawn;
- `swapped`: from a tap until the page that it asked for is drawn;
- `cold_start`: from a restarted browser's request until its page is drawn and takes scans, the node dead and
  500 commands waiting;
- `drained`: from the return of the node until nothing waits, the time it takes to notice it included;
- `javascript`: the scripts that a page fetches on a first load before it can be worked with, gzipped each;
- `javascript_in_all`: with what follows while nobody waits: the worker (pages and rules for work without the
  box) and the camera's page script;
- `long_list`: the longest task of the page while 200 orders are drawn and scrolled.

What the worker cost is in the figures, see `handhelds.slow`. `processor` is what page and worker computed for
one tap or scan, on the slow processor: a busy machine does not change it.
"""

from __future__ import annotations

import sync.sqlite  # isort: skip - first of all, see there  # noqa: F401

import argparse
import asyncio
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from handhelds.slow import Slow
from handhelds.store import STORE, BusyStore, browser_at, load, opened, sign_in

from tests.e2e.kit_alone import STORED

WATCH = (Path(__file__).parent / "handhelds" / "watch.js").read_text()
GATES = {
    "feedback_online": 100.0,
    "feedback_offline": 100.0,
    "feedback_offline_500_waiting": 100.0,
    "swapped_online": 150.0,
    "swapped_offline": 150.0,
    "cold_start": 1_000.0,
    "drained": 5_000.0,
    "javascript": 40.0,
    "javascript_in_all": 67.0,
    "long_list_online": 200.0,
    "long_list_offline": 200.0,
}
RESTARTS = 3
BEFORE_LOAD = """() => {
  const until = performance.getEntriesByType("navigation")[0].loadEventStart;
  return performance.getEntriesByType("resource")
    .filter((one) => one.initiatorType === "script" && one.startTime < until).map((one) => one.name);
}"""
"""What the page's scripts are that had to be there before it could be worked with."""
Figures = dict[str, dict[str, Any]]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--scans", type=int, default=40, help="scans and taps each, online and offline")
    asked.add_argument("--orders", type=int, default=200)
    asked.add_argument(
        "--waiting", type=int, default=500, help="commands in the outbox before the node is back"
    )
    asked.add_argument("--slower", type=float, default=4.0)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="yipan-bench-") as folder:
        found = asyncio.run(measured(options, Path(folder)))
    print(json.dumps(found, indent=1) if options.json else table(found))


async def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    loads = [load()]
    began = time.perf_counter()
    async with (
        opened(BusyStore(folder / "chain", orders=options.orders)) as chain,
        async_playwright() as driver,
    ):
        bench = Bench(chain, driver, folder / "profile", options)
        await bench.first_load()
        await bench.start_work()
        loads.append(load())
        await bench.long_list("long_list_online")
        await bench.scans("feedback_online", options.scans)
        await bench.taps("swapped_online", options.scans)
        await chain.kill_part(STORE)
        await bench.long_list("long_list_offline")
        await bench.scans("feedback_offline", options.scans)
        await bench.taps("swapped_offline", options.scans)
        loads.append(load())
        await bench.fill_outbox(options.waiting - 10)
        await bench.scans("feedback_offline_500_waiting", 10)
        await bench.cold_starts()
        await bench.drain()
        loads.append(load())
    return {
        "slower": options.slower,
        "worker_throttled_by": "browser" if bench.worker_throttled else "processor time added",
        "cores": os.cpu_count(),
        "load": loads,
        "seconds": round(time.perf_counter() - began),
        "figures": bench.figures,
        "once": bench.once,
        "ok": bench.once["ok"] and all(one["ok"] for one in bench.figures.values() if "gate" in one),
    }


class Bench:
    """One handheld's day. Each step leaves its figure."""

    def __init__(self, chain: BusyStore, driver: Any, profile: Path, options: argparse.Namespace) -> None:
        self.chain, self.driver, self.profile, self.options = chain, driver, profile, options
        self.figures: Figures = {}
        self.once: dict[str, Any] = {"ok": False}
        self.wave = ""
        self.worker_throttled = False
        self.scanned_online = 0

    def tell(self, name: str, value: float, unit: str, **more: Any) -> None:
        told: dict[str, Any] = {"value": round(value, 1), "unit": unit, **more}
        if name in GATES:
            told |= {"gate": GATES[name], "ok": value <= GATES[name]}
        self.figures[name] = told
        print(f"{name}: {told['value']} {unit}", file=sys.stderr, flush=True)

    def tell_spread(self, name: str, taken: Sequence[float], **more: Any) -> None:
        """The 95th percentile against the gate, the median beside it."""
        ordered = sorted(taken)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        spread = {"p50": round(statistics.median(ordered), 1), "worst": round(ordered[-1], 1)}
        self.tell(name, p95, "ms", **spread, count=len(ordered), **more)

    async def switched_on(self) -> None:
        self.context = await browser_at(self.driver, self.chain, self.profile)
        await self.context.add_init_script(WATCH)
        self.page = self.context.pages[0]
        self.page.set_default_timeout(60_000)
        self.slow = await Slow.attached(self.profile, self.options.slower)

    async def slowed(self) -> None:
        await self.slow.page(self.page)
        await self.slow.worker()
        self.worker_throttled = self.slow.worker_throttled

    async def first_load(self) -> None:
        """Everything that a new handheld fetches, until it could work alone."""
        await self.switched_on()
        scripts: set[str] = set()
        self.context.on("request", lambda r: scripts.add(r.url) if r.resource_type == "script" else None)
        await sign_in(self.page, self.chain)
        first = set(await self.page.evaluate(BEFORE_LOAD))
        await self.prepared()
        worker = self.context.service_workers[0]
        names = "performance.getEntriesByType('resource').map((one) => one.name)"
        fetched = scripts | {worker.url, *(await worker.evaluate(names))}
        assert first <= fetched, first - fetched
        sizes: dict[str, int] = {}
        async with httpx.AsyncClient(verify=self.chain.trust, trust_env=False) as client:
            for url in sorted(fetched):
                answer = await client.get(url)
                if "javascript" in answer.headers["content-type"]:
                    sizes[url] = len(gzip.compress(answer.content, 9))
        self.tell_sizes("javascript", {url: size for url, size in sizes.items() if url in first})
        self.tell_sizes("javascript_in_all", sizes)

    def tell_sizes(self, name: str, sizes: dict[str, int]) -> None:
        ordered = sorted(sizes.items(), key=lambda one: -one[1])
        parts = {
            url.removeprefix(self.chain.address).split("?")[0]: round(size / 1000, 1) for url, size in ordered
        }
        self.tell(name, sum(sizes.values()) / 1000, "kB", parts=parts)

    async def prepared(self) -> None:
        await self.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
        while not await self.page.evaluate(STORED, "kept/bag"):
            await asyncio.sleep(0.1)

    async def start_work(self) -> None:
        """All offers accepted, the first ten in a wave; the handheld has heard of it."""
        for tab, button in (("offers", "Accept"), ("work", "Pick ")):
            await self.page.goto(f"{self.chain.address}/orders?tab={tab}&later=1")
            await self.page.locator(".foot button", has_text=button).click()
            await self.page.locator("#said .fb, .lines.walk").first.wait_for(timeout=120_000)
        self.wave = self.page.url.split("/waves/")[1].split("?")[0]
        self.page = await self.context.new_page()
        await self.context.pages[0].close()
        await self.go(f"/waves/{self.wave}")
        while True:
            turns = (await self.page.evaluate(STORED, "kept/bag"))["extract"]["turns"]
            if any(turn["wave"] == self.wave for turn in turns) and len(turns) >= self.options.orders:
                break
            await asyncio.sleep(0.2)
        await self.slowed()

    async def go(self, path: str) -> None:
        await self.page.goto(self.chain.address + path)
        await self.page.wait_for_function("() => globalThis.yipan?.scan && globalThis.htmx")

    async def marked(self, kind: str) -> float:
        """Until the page has noted it; how long it took."""
        return float(await asyncio.wait_for(self.page.evaluate("(kind) => bench.taken(kind)", kind), 60))

    async def scans(self, name: str, count: int) -> None:
        """One after the other, each after the page has its answer to the one before."""
        await self.go(f"/waves/{self.wave}")
        answered: list[float] = []

        async def one() -> float:
            await asyncio.sleep(0.26)  # later than a bounce of the one before
            code = await self.page.evaluate("bench.wanted()")
            await self.page.keyboard.type(code)
            began, cpu = time.perf_counter(), self.slow.worker_cpu_ms()
            await self.page.keyboard.press("Enter")
            taken = await self.marked("feedback")
            answer = "() => window.yipan.scan.waiting() === 0"
            await self.page.wait_for_function(answer, polling=30)
            answered.append((time.perf_counter() - began) * 1000 + self.slow.owed(cpu))
            self.scanned_online += name == "feedback_online"
            return taken

        before = self.slow.cpu_ms()
        taken = [await one() for _ in range(count)]
        spent = self.slow.spent(before) / count
        more = {
            "answered_p50": round(statistics.median(answered), 1),
            "processor_with_answer": round(spent, 1),
        }
        self.tell_spread(name, taken, **more)

    async def taps(self, name: str, count: int) -> None:
        """Through the lists, into an order and back, as a person at work does."""
        await self.go("/orders?tab=work&later=1")
        tab = ".tabs a:nth-child({})".format
        ways = {
            tab(3): "an empty list",
            tab(1): "another",
            tab(2): "the list",
            "#cards li:nth-child({n}) a": "an order",
            "a.icon": "back to the list",
        }
        by: dict[str, list[float]] = {name: [] for name in ways.values()}
        taken, worker, spent = [], [], 0.0
        for number in range(count):
            way = list(ways)[number % len(ways)]
            name_of, way = ways[way], way.replace("{n}", str(30 + number))
            if name_of == "an order":
                await self.scrolled_to(30 + number)
            place = self.page.locator(way).first
            await place.hover()  # where it stays: a long list settles as it is scrolled
            box = await place.bounding_box()
            cpu, at = self.slow.worker_cpu_ms(), self.slow.cpu_ms()
            await self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            swapped = await self.marked("swapped")
            await asyncio.sleep(0.1)
            worker.append(self.slow.owed(cpu))
            spent += self.slow.spent(at) / count
            taken.append(swapped + worker[-1])
            by[name_of].append(taken[-1])
        more = {"worker_p50": round(statistics.median(worker), 1), "processor": round(spent, 1)}
        medians = {key: round(statistics.median(some)) for key, some in by.items() if some}
        self.tell_spread(name, taken, p50_of=medians, **more)

    async def long_list(self, name: str) -> None:
        await self.go("/orders?tab=work&later=1")
        cards = await self.scrolled_to(self.options.orders)
        await asyncio.sleep(0.5)
        long = await self.page.evaluate("bench.long")
        self.tell(name, max(long, default=0), "ms", orders=cards, tasks_over_50_ms=len(long))

    async def scrolled_to(self, card: int) -> int:
        """Down the list until so many cards are drawn: it grows as it is scrolled."""
        for _ in range(60):
            cards = int(await self.page.locator("#cards li").count())
            if cards >= card:
                return cards
            await self.page.mouse.move(180, 400)
            await self.page.mouse.wheel(0, 1_500)
            await asyncio.sleep(0.1)
        raise AssertionError(f"{cards} of {card} cards")

    async def fill_outbox(self, count: int) -> None:
        """By hand, in one page, as fast as the device takes them in."""
        waits = sum(row["state"] == "waiting" for row in await self.page.evaluate(STORED, "outbox"))
        await self.go(f"/waves/{self.wave}")
        ask = "([wave, count]) => bench.record(wave, count)"
        rows = await self.page.evaluate(ask, [self.wave, count - waits])
        for part, some in (("first", rows[:50]), ("last", rows[-50:])):
            self.tell(f"recorded_{part}_50", statistics.median(some), "ms")

    async def cold_starts(self) -> None:
        """The whole browser ended and begun again, the node dead."""
        taken: list[float] = []
        worker: list[float] = []
        for _ in range(RESTARTS):
            await self.slow.close()
            await self.context.close()
            await self.switched_on()
            await self.slow.page(self.page)
            await self.page.goto(f"{self.chain.address}/waves/{self.wave}", wait_until="commit")
            page_ms = float(await self.page.evaluate("bench.usable()"))
            await self.slow.worker()
            worker.append(self.slow.owed(0.0))
            taken.append(page_ms + worker[-1])
        more = {"each": [round(one) for one in taken], "of_it_worker": round(statistics.median(worker))}
        self.tell("cold_start", statistics.median(taken), "ms", **more)

    async def drain(self) -> None:
        """The node is back over its record: how long until all is handed in, and how often each was done."""
        rows = [row for row in await self.page.evaluate(STORED, "outbox") if row["state"] == "waiting"]
        await self.chain.start_part(STORE)
        began, cpu = time.perf_counter(), self.slow.worker_cpu_ms()
        while True:
            left = sum(row["state"] == "waiting" for row in await self.page.evaluate(STORED, "outbox"))
            now = (time.perf_counter() - began) * 1000
            if not left:
                break
            assert now < 60_000, f"{left} still wait"
            await asyncio.sleep(0.05)
        owed = self.slow.owed(cpu)
        # From the box's return: when the first of them was gone, a look every now and then cannot say.
        self.tell("drained", now + owed, "ms", commands=len(rows), of_it_worker=round(owed))
        self.once = self.counted([row["id"] for row in rows])

    def counted(self, ids: list[str]) -> dict[str, Any]:
        """What the node's record has of them."""
        import sqlite3

        db = sqlite3.connect(f"file:{self.chain.replica(STORE)}?mode=ro", uri=True)
        try:
            marks = ",".join("?" * len(ids))
            done = dict(
                db.execute(f"SELECT command, count(*) FROM fact WHERE command IN ({marks}) GROUP BY 1", ids)
            )
            units = db.execute("SELECT sum(picked) FROM assignment_line").fetchone()[0]
        finally:
            db.close()
        told = {
            "waiting": len(ids),
            "done": len(done),
            "done_twice": sum(count > 1 for count in done.values()),
            "units_picked": units,
            "units_scanned": self.scanned_online + len(ids),
        }
        right = told["units_picked"] == told["units_scanned"] and not told["done_twice"]
        return told | {"ok": right and len(set(ids)) == len(ids) == len(done)}


def table(found: dict[str, Any]) -> str:
    lines = [
        f"processor {found['slower']:g} times slower (worker: {found['worker_throttled_by']}), "
        f"{found['cores']} cores, load {found['load']}, {found['seconds']} s",
        f"{'figure':<32}{'':>10}{'gate':>10}",
    ]
    for name, one in found["figures"].items():
        gate = f"{one['gate']:g}" if "gate" in one else ""
        mark = "" if one.get("ok", True) else "  MISSED"
        rest = {key: value for key, value in one.items() if key not in ("value", "unit", "gate", "ok")}
        lines.append(f"{name:<32}{one['value']:>8} {one['unit']}{gate:>8}{mark}  {rest or ''}")
    lines.append(f"exactly once: {found['once']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
