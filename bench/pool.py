"""What the stock pool loses when lines are down, against what shops do today, on real order lines.

    .venv/bin/python bench/pool.py --data FILE --stores 6 --skus 300 --offline 0.1 --mean-outage 2 \\
        --warmup-weeks 2 --seeds 3 --json

Lost: units not sold, in per cent of what somebody who knows all shoppers in advance would have sold.
Oversell: promises that no store could keep, per 10,000 online units asked for, by cause: the protocol
(the number at the centre was wrong) or a fact (a forced sale, a unit that only the book had). `--plot`
writes a picture. See `stock_pool.world` for what is made up, `stock_pool.policies` for what is compared.
"""

from __future__ import annotations

import sync.sqlite  # isort: skip - first of all, see there  # noqa: F401

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stock_pool.plot import draw
from stock_pool.policies import POLICIES, Rules, Tally, play
from stock_pool.world import BadData, Source, World, confidence, make_world

from server.policy.read import DEFAULTS
from server.replay.lines import BadFile

Row = dict[str, Any]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail_dev.csv.gz"
MARGIN_KM = float(DEFAULTS["ship_margin_km"])
"""As the product has it when nobody says otherwise."""


def main() -> None:
    args = parse(sys.argv[1:])
    began = time.monotonic()
    try:
        source = Source.read(args.data, args.first_week, args.weeks)
        cities = cities_of(args)
        rows = [
            row for offline, mean in scenarios(args) for row in table(source, cities, args, offline, mean)
        ]
    except (BadFile, BadData, OSError) as trouble:
        sys.exit(f"{args.data}: {trouble}")
    if args.plot:
        args.plot.write_text(draw(rows), encoding="utf-8")
    answer = {
        "data": args.data.name,
        "stores": args.stores,
        "skus": args.skus,
        "weeks": max(source.weeks) + 1 - args.warmup_weeks,
        "seeds": args.seeds,
        "phantom": args.phantom,
        "margin_km": args.margin_km,
        "rows": rows,
        "wall_s": round(time.monotonic() - began, 1),
    }
    print(json.dumps(answer, indent=None if args.json else 2) if args.json else text(rows))


def parse(words: list[str]) -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", type=Path, default=DATA, help=f"default: {DATA.name} in ../shared/data")
    asked.add_argument(
        "--cities", type=Path, help="default: cities.csv beside the data, else a few that are known"
    )
    asked.add_argument("--stores", type=whole(1), default=6)
    asked.add_argument("--skus", type=whole(1), default=300, help="the most sold of the weeks to learn from")
    asked.add_argument("--offline", type=part, nargs="+", default=[0.1], help="share of the time, below 1")
    asked.add_argument("--mean-outage", type=hours, nargs="+", default=[2.0], help="hours; one per --offline")
    asked.add_argument("--warmup-weeks", type=whole(1), default=2)
    asked.add_argument("--first-week", type=whole(0), default=0)
    asked.add_argument("--weeks", type=whole(0), default=0, help="of the file, from --first-week; 0: all")
    asked.add_argument("--seeds", type=whole(1), default=3)
    asked.add_argument("--first-seed", type=int, default=1)
    asked.add_argument(
        "--phantom", type=part, default=0.0, help="share of the book's units that are not there"
    )
    asked.add_argument(
        "--margin-km", type=float, default=MARGIN_KM, help="how much farther a shipment may come"
    )
    asked.add_argument("--plot", type=Path, help="writes an SVG picture")
    asked.add_argument("--json", action="store_true", help="one JSON object; progress goes to standard error")
    args = asked.parse_args(words)
    if len(args.mean_outage) not in (1, len(args.offline)):
        asked.error("--mean-outage: one for all, or one for each --offline")
    if not args.data.is_file():
        asked.error(f"{args.data} is not here: give the order lines with --data")
    if args.cities and not args.cities.is_file():
        asked.error(f"{args.cities} is not here")
    return args


def whole(least: int) -> Callable[[str], int]:
    def number(word: str) -> int:
        if int(word) < least:
            raise argparse.ArgumentTypeError(f"{word} is less than {least}")
        return int(word)

    return number


def part(word: str) -> float:
    if not 0 <= float(word) < 1:
        raise argparse.ArgumentTypeError(f"{word} is not a share from 0 to less than 1")
    return float(word)


def hours(word: str) -> float:
    if not 0 < float(word) < math.inf:
        raise argparse.ArgumentTypeError(f"{word} is not a number of hours above 0")
    return float(word)


def cities_of(args: argparse.Namespace) -> Path | None:
    found = (args.cities, args.data.parent / "cities.csv", DATA.parent / "cities.csv")
    return next((path for path in found if path and path.is_file()), None)


def scenarios(args: argparse.Namespace) -> list[tuple[float, float]]:
    means = args.mean_outage * len(args.offline) if len(args.mean_outage) == 1 else args.mean_outage
    return list(zip(args.offline, means, strict=True))


def table(
    source: Source, cities: Path | None, args: argparse.Namespace, offline: float, mean: float
) -> list[Row]:
    print(f"{offline:.0%} offline: {args.seeds} worlds", file=sys.stderr, flush=True)
    worlds = [
        make_world(
            source,
            cities,
            stores=args.stores,
            skus=args.skus,
            warmup=args.warmup_weeks,
            offline=offline,
            mean_outage=mean,
            phantom=args.phantom,
            seed=seed,
        )
        for seed in range(args.first_seed, args.first_seed + args.seeds)
    ]
    rows = []
    for rules in POLICIES:
        print(f"{offline:.0%} offline: {rules.name}", file=sys.stderr, flush=True)
        tallies = [play(world, rules, round(args.margin_km * 1000)) for world in worlds]
        rows.append(row_of(rules, offline, mean, worlds, tallies))
    return rows


def row_of(rules: Rules, offline: float, mean: float, worlds: list[World], tallies: list[Tally]) -> Row:
    lost = [100 * (w.most - t.sold) / w.most for w, t in zip(worlds, tallies, strict=True)]
    online = max(sum(t.online_asked for t in tallies), 1)
    tills = sum(t.till_sold for t in tallies)
    return {
        "policy": rules.name,
        "offline": offline,
        "mean_outage": mean,
        "lost_pct": round(sum(lost) / len(lost), 3),
        "lost_pct_pm": round(confidence(lost), 3),
        "oversell_protocol": round(1e4 * sum(t.oversell_protocol for t in tallies) / online, 2),
        "oversell_fact": round(1e4 * sum(t.oversell_fact for t in tallies) / online, 2),
        "overrides": round(1e4 * sum(t.overrides for t in tallies) / online, 2),
        "till_wait_pct": round(100 * sum(t.till_waits for t in tallies) / max(tills, 1), 3),
        "units_sold": sum(t.sold for t in tallies),
        "km_per_shipment": round(sum(t.km for t in tallies) / max(sum(t.shipped for t in tallies), 1), 1),
        "rights_moved": sum(sum(t.moves.values()) for t in tallies),
    }


def text(rows: list[Row]) -> str:
    heads = ("offline", "lost %", "±", "protocol", "fact", "forced", "wait %", "km", "moves")
    head = f"{'policy':<14}" + "".join(f"{word:>9}" for word in heads)
    lines = [head]
    for r in rows:
        cells = (
            f"{r['offline']:.0%}", f"{r['lost_pct']:.2f}", f"{r['lost_pct_pm']:.2f}",
            f"{r['oversell_protocol']:.1f}", f"{r['oversell_fact']:.1f}", f"{r['overrides']:.1f}",
            f"{r['till_wait_pct']:.2f}", f"{r['km_per_shipment']:.0f}", str(r["rights_moved"]),
        )  # fmt: skip
        lines.append(f"{r['policy']:<14}" + "".join(f"{cell:>9}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
