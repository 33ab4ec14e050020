"""Days of trade on virtual time: the product's own rooms, lines that come and go, and an auditor.

A made-up file always runs; the real one runs where it lies beside the project.
"""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from server.audit import RULES
from server.replay.baskets import demand
from server.replay.cli import replay
from server.replay.dice import Chance
from server.replay.lines import BadFile, read_lines
from server.replay.places import read_cities
from server.replay.play import Play, Wishes
from tests.conftest import ROOT, seed

DATA = ROOT.parent / "shared" / "data"
HEADER = (
    "InvoiceNo",
    "InvoiceDate",
    "StockCode",
    "Description",
    "Quantity",
    "UnitPrice",
    "CustomerID",
    "Country",
)
REAL = DATA / "online_retail_dev.csv.gz"


def made_up(path: Path, days: int = 2, invoices: int = 22) -> Path:
    """Order lines in the shape of the public data set: sales, a batch, returns, corrections, fees."""
    rng = random.Random(seed())
    skus = [f"{10000 + number}" for number in range(60)]
    begin = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    rows: list[list[Any]] = []
    number = 500_000
    for day in range(days):
        for _ in range(invoices):
            number += 1
            at = begin + timedelta(days=day, minutes=rng.randrange(11 * 60))
            batch = rng.random() < 0.05
            for _ in range(rng.randrange(20, 40) if batch else rng.randrange(1, 12)):
                sku = rng.choice(skus[:20] if rng.random() < 0.5 else skus)
                rows.append(
                    [number, at, sku, f"Thing {sku}", rng.choice((1, 2, 12)), 1.25, rng.randrange(9000)]
                )
            if batch:
                rows.append([number, at, "DOT", "DOTCOM POSTAGE", 1, 99.0, ""])
        for _ in range(3):
            number += 1
            at = begin + timedelta(days=day, minutes=rng.randrange(11 * 60))
            rows.append([f"C{number}", at, rng.choice(skus), "Thing", -1, 1.25, rng.randrange(9000)])
            rows.append([number + 10**6, at, rng.choice(skus), "damaged", rng.choice((-2, 1)), 0.0, ""])
    rows.sort(key=lambda row: row[1])
    with path.open("w", encoding="utf-8", newline="") as text:
        out = csv.writer(text)
        out.writerow(HEADER)
        for row in rows:
            out.writerow([row[0], row[1].strftime("%Y-%m-%d %H:%M"), *row[2:], "United Kingdom"])
    return path


def play(file: Path, folder: Path, *, limit: int = 0, **wishes: Any) -> dict[str, Any]:
    chance = Chance(wishes.get("seed", 1))
    folder.mkdir()
    found = Play(
        Wishes(**wishes), demand(read_lines(file), chance, limit=limit), read_cities(None), {}, folder
    ).run()
    assert found["ok"], (wishes, found["rules"], found["details"])
    assert "digest" not in found["cases"], "the two sides' own digests differed on the way"
    return found


@pytest.mark.parametrize("offline", [0.0, 0.1, 0.3])
def test_days_of_trade_break_no_rule_however_often_lines_are_cut(tmp_path: Path, offline: float) -> None:
    found = play(
        made_up(tmp_path / "lines.csv"), tmp_path / "run",
        stores=4, offline=offline, mean_outage_h=2.0, seed=seed(), look_every=25,
    )  # fmt: skip
    assert found["orders"] > 25
    assert found["till"]["units_sold"] > 40
    assert found["fill"] > 0.6
    assert found["audits"] > 20
    if offline:
        assert found["outages"] > 0


def test_the_same_seed_gives_the_same_run_to_the_last_byte(tmp_path: Path) -> None:
    file = made_up(tmp_path / "lines.csv", days=1, invoices=12)
    runs = [
        play(file, tmp_path / name, stores=3, offline=0.3, mean_outage_h=1.0, seed=7) for name in ("a", "b")
    ]
    for found in runs:
        del found["wall_s"], found["cpu_s"], found["orders_per_s"]
    assert runs[0] == runs[1]


def test_other_seeds_give_other_runs(tmp_path: Path) -> None:
    file = made_up(tmp_path / "lines.csv", days=1, invoices=6)
    one, two = (play(file, tmp_path / str(n), stores=3, offline=0.2, seed=n)["facts_by_kind"] for n in (1, 2))
    assert one != two


def test_the_command_prints_one_json_object_with_a_count_per_rule(tmp_path: Path) -> None:
    file = made_up(tmp_path / "lines.csv", days=1, invoices=40)
    result = CliRunner().invoke(
        replay, [str(file), "--stores", "2", "--limit", "20", "--seed", "3", "--json"]
    )
    found = json.loads(result.stdout)
    assert result.exit_code == 0, found["details"]
    assert set(found["rules"]) == set(RULES)
    assert found["ok"] is True
    assert found["baskets"] == 20


def test_a_file_that_is_none_is_told_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text("InvoiceNo,InvoiceDate,StockCode,Quantity,UnitPrice\n1,yesterday,10001,1,2.5\n")
    with pytest.raises(BadFile, match=r"line 2.*yesterday"):
        list(read_lines(file))
    file.write_text("a,b\n1,2\n")
    with pytest.raises(BadFile, match="no column"):
        list(read_lines(file))


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason=f"the real order lines are not at {REAL}")
@pytest.mark.parametrize("offline", [0.1, 0.3])
def test_a_slice_of_real_order_lines_breaks_no_rule(tmp_path: Path, offline: float) -> None:
    found = play(REAL, tmp_path / "run", limit=250, stores=6, offline=offline, mean_outage_h=2.0, seed=seed())
    assert found["baskets"] == 250
    assert found["fill"] > 0.6
