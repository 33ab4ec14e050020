"""The stock pool's bench, played on a small made-up file: what must hold on any data."""

from __future__ import annotations

import csv
import gzip
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--warmup-weeks", "3"], "no more than the 3 to learn from"),
        (["--weeks", "1"], "1 weeks are no more than the 1"),
        (["--offline", "1"], "not a share"),
        (["--offline", "0.1", "0.3", "--mean-outage", "1", "2", "3"], "one for all"),
        (["--skus", "0"], "less than 1"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_line(order_lines: Path, words: list[str], said: str):
    with pytest.raises(subprocess.CalledProcessError) as trouble:
        played(order_lines, *words)
    assert said in trouble.value.stderr
    assert "Traceback" not in trouble.value.stderr


def test_a_file_may_be_packed_or_not_and_a_torn_one_is_named(order_lines: Path, tmp_path: Path):
    packed = tmp_path / "lines.csv.gz"
    packed.write_bytes(gzip.compress(order_lines.read_bytes()))
    assert played(packed) == played(order_lines)
    packed.write_bytes(packed.read_bytes()[:2_000])
    with pytest.raises(subprocess.CalledProcessError) as trouble:
        played(packed)
    assert "lines.csv.gz" in trouble.value.stderr.splitlines()[-1]
    assert "Traceback" not in trouble.value.stderr


@pytest.mark.parametrize("stores", ["1", "40"])
def test_one_store_or_many_more_than_there_are_cities_can_be_played(order_lines: Path, stores: str):
    rows = played(order_lines, "--stores", stores, "--skus", "5", "--offline", "0.9")
    assert rows["sized"]["oversell_protocol"] == 0
    assert rows["sized"]["till_wait_pct"] >= 0


def test_a_week_without_sales_in_between_is_a_week(order_lines: Path, tmp_path: Path):
    gap = tmp_path / "gap.csv"
    text = order_lines.read_text().splitlines(keepends=True)
    gap.write_text(
        "".join(line for line in text if not "2011-09-05" <= line.split(",")[1][:10] < "2011-09-12")
    )
    assert played(gap, "--offline", "0.5")["sized"]["oversell_protocol"] == 0
