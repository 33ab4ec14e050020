"""The stock pool's bench, played on a small made-up file: what must hold on any data."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "pool.py"


HEAD = ["InvoiceNo", "InvoiceDate", "StockCode", "Description", "Quantity", "UnitPrice"]


@pytest.fixture(scope="module")
def order_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dice = random.Random(11)
    path = tmp_path_factory.mktemp("lines") / "lines.csv"
    with path.open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(HEAD)
        for number in range(1_500):
            day, minute = divmod(number * 21 * 600 // 1_500, 600)
            at = datetime(2011, 8, 29, 8) + timedelta(days=day, minutes=minute)  # noqa: DTZ001 - as the file has it
            for _ in range(dice.randrange(1, 6)):
                sku = f"{10_000 + int(dice.expovariate(0.12)):05d}"
                rows.writerow([number, f"{at:%Y-%m-%d %H:%M}", sku, sku, 2, 1.5])
    return path


def played(path: Path, *more: str) -> dict[str, Any]:
    words = [sys.executable, str(BENCH), "--data", str(path), "--json"]
    words += ["--stores", "4", "--skus", "40", "--seeds", "1", "--warmup-weeks", "1"]
    done = subprocess.run([*words, *more], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return {row["policy"]: row for row in found["rows"]}


def test_rights_never_oversell_and_lose_less_than_what_shops_do_today(order_lines: Path, tmp_path: Path):
    plot = tmp_path / "pool.svg"
    rows = played(order_lines, "--offline", "0.3", "--mean-outage", "8", "--plot", str(plot))
    assert set(rows) == {"connected", "synced", "safety1", "safety2", "drop", "half", "sized", "sized_insist"}
    for policy in ("connected", "half", "sized", "sized_insist"):
        assert rows[policy]["oversell_protocol"] == 0
    assert rows["synced"]["oversell_protocol"] > 0, "the comparison would show nothing"
    assert rows["connected"]["lost_pct"] <= rows["sized"]["lost_pct"] < rows["drop"]["lost_pct"]
    assert rows["sized"]["lost_pct"] < rows["safety1"]["lost_pct"]
    assert rows["sized_insist"]["overrides"] > 0
    assert rows["sized_insist"]["oversell_fact"] <= rows["sized_insist"]["overrides"]
    assert "<svg" in plot.read_text()


def test_units_that_only_the_book_has_break_promises_even_with_exact_counters(order_lines: Path):
    rows = played(order_lines, "--offline", "0.1", "--phantom", "0.05")
    assert rows["connected"]["oversell_fact"] > 0
    assert rows["connected"]["oversell_protocol"] == 0
    assert rows["sized"]["oversell_protocol"] == 0


def test_the_same_seed_plays_the_same(order_lines: Path):
    assert played(order_lines) == played(order_lines)
