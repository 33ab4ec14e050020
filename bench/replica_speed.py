"""How fast a store's record answers when it is large: 50,000 SKUs, 20,000 past orders.

    .venv/bin/python bench/replica_speed.py [--skus 50000] [--orders 20000]

Prints one JSON object: milliseconds at the median and the 95th percentile, per kind of work. The file
is on disk with `synchronous=FULL`, as in a store; each command is one commit.
"""

from __future__ import annotations

import sync.sqlite as sqlite  # isort: skip - first of all, see there

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sync.ids import new_id
from sync.replica import decisions, read, till
from sync.replica.commands import perform
from sync.replica.context import Context, Moment
from sync.replica.open import open_replica
from sync.sqlite import Connection
from sync.wire import decisions as d

NOW = 1_763_802_000_000


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--skus", type=int, default=50_000)
    asked.add_argument("--orders", type=int, default=20_000)
    asked.add_argument("--rounds", type=int, default=300)
    args = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = open_replica(Path(folder) / "replica.db", "S001", os.urandom, NOW)
        fill(db, args.skus, args.orders)
        print(json.dumps(measure(db, args.skus, args.orders, args.rounds), indent=2))


def context(number: int, person: str = "lin") -> Context:
    return Context(
        moment=Moment.exact(NOW),
        person=person,
        role="associate",
        device="pda",
        command=f"b{number:020}",
        line_up=True,
        new_id=lambda: new_id(NOW, os.urandom),
    )


def fill(db: Connection, skus: int, orders: int) -> None:
    with sqlite.writing(db):
        decisions.apply_rows(
            db,
            "catalogue",
            (
                {
                    "key": f"SKU-{n:06}",
                    "body": {"name_en": f"Item {n}", "name_zh": f"商品 {n}", "gtins": [f"{n:013}0"]},
                }
                for n in range(skus)
            ),
        )
        for start in range(0, skus, 500):
            rows = tuple((f"SKU-{n:06}", 20, 10) for n in range(start, min(start + 500, skus)))
            decide(db, start + 1, d.StockLoaded(f"d{start}", rows))
    with sqlite.writing(db):
        for fence in range(1, orders + 1):
            offer(db, fence, skus)
            if fence <= orders - 50:
                decide(db, fence, d.Withdrawn("lapsed"), fence)


def offer(db: Connection, fence: int, skus: int) -> None:
    lines = tuple(d.OfferLine(i, f"SKU-{(fence * 7 + i) % skus:06}", 2, i) for i in range(1, 4))
    decide(db, fence, d.Offered(f"F{fence}", f"O{fence}", "pickup", NOW + 10**9, lines), fence)


def decide(db: Connection, number: int, body: d.Body, fence: int = 0) -> None:
    raw = msgspec.Raw(msgspec.json.encode(body))
    decision = d.Decision(kind=d.NAMES[type(body)], at=NOW, fence=fence, body=raw)
    decisions.apply_decision(db, number, decision, context(number))


def measure(db: Connection, skus: int, orders: int, rounds: int) -> dict[str, Any]:
    number = 10**6

    def command(name: str, args: dict[str, Any]) -> None:
        nonlocal number
        number += 1
        with sqlite.writing(db):
            outcome = perform(db, name, args, context(number))
        assert outcome.ok, outcome

    fences = range(orders - 40, orders)
    for fence in fences:
        command("accept", {"fence": fence})
    wave = {f: perform_wave(db, f) for f in fences}
    scans = [(f, i) for f in fences for i in (1, 2, 3) for _ in range(2)][:rounds]
    found = {
        "scan": timed(
            [
                lambda f=f, i=i: command("scan", {"code": f"SKU-{(f * 7 + i) % skus:06}", "wave": wave[f]})
                for f, i in scans
            ]
        ),
        "till sale": timed(
            [
                lambda n=n: command("till_sale", {"sale": f"S{n}", "rows": [[f"SKU-{n * 13 % skus:06}", 1]]})
                for n in range(rounds)
            ]
        ),
        "till question": timed(
            [lambda n=n: till.question(db, f"SKU-{n * 17 % skus:06}", 1) for n in range(rounds)]
        ),
        "receive": timed(
            [
                lambda n=n: command("receive", {"code": f"SKU-{n * 19 % skus:06}", "qty": 3})
                for n in range(rounds)
            ]
        ),
        "shelf": timed([lambda n=n: read.shelf(db, f"SKU-{n * 23 % skus:06}") for n in range(rounds)]),
    }
    return {"skus": skus, "orders": orders, **found}


def perform_wave(db: Connection, fence: int) -> str:
    with sqlite.writing(db):
        outcome = perform(db, "start_wave", {"fences": [fence]}, context(2 * 10**6 + fence))
    return str(outcome.result["wave"])


def timed(calls: list[Callable[[], Any]]) -> dict[str, float]:
    took = []
    for call in calls:
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1000)
    took.sort()
    return {"p50_ms": round(statistics.median(took), 3), "p95_ms": round(took[int(len(took) * 0.95)], 3)}


if __name__ == "__main__":
    main()
