"""Many histories, one report: `python -m tests.simulation --seed S --seeds K --stores N --hours H --json`."""

from __future__ import annotations

# First, before anything can load the standard library's SQLite.
import sync.sqlite  # isort: skip - first of all, see there  # noqa: F401

import argparse
import json
import sys
from typing import Any

from tests.simulation.history import History, play, shrink
from tests.simulation.many import play_many


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    ask.add_argument("--seed", type=int, default=1, help="the first seed")
    ask.add_argument("--seeds", type=int, default=100, help="how many histories")
    ask.add_argument("--stores", type=int, default=3, help="1 to 8")
    ask.add_argument("--hours", type=float, default=6.0, help="virtual hours of a history, 25 steps each")
    ask.add_argument("--workers", type=int, default=0, help="processes; 0: one for each core")
    ask.add_argument("--json", action="store_true", help="one JSON object on standard output")
    ask.add_argument("--script", action="store_true", help="print what happened in the first history")
    ask.add_argument("--no-shrink", action="store_true", help="do not shrink the first failing seed")
    args = ask.parse_args()
    if not 1 <= args.stores <= 8 or args.hours <= 0 or args.seeds < 0 or args.workers < 0:
        ask.error("1 to 8 stores, some hours, no negative numbers")
    if args.script:
        history = play(args.seed, stores=args.stores, hours=args.hours)
        print("\n".join([*history.script, f"trace {history.trace}"]), file=sys.stderr if args.json else None)
    seeds = range(args.seed, args.seed + args.seeds)
    report = play_many(seeds, stores=args.stores, hours=args.hours, workers=args.workers, bar=True)
    said = report.as_json()
    if report.first is not None and not args.no_shrink and not report.interrupted:
        said["shrunk"] = _shrunk(report.first, args.stores, args.hours)
    print(json.dumps(said, indent=1) if args.json else _plain(said))
    if report.interrupted:
        return 130
    return 0 if report.ok else 1


def _shrunk(history: History, stores: int, hours: float) -> dict[str, Any]:
    print(f"\nshrinking seed {history.seed} …", file=sys.stderr)
    small, without = shrink(history, stores=stores, hours=hours)
    return {"seed": history.seed, "steps": small.steps, "without": sorted(without), "script": small.script}


def _plain(said: dict[str, Any]) -> str:
    lines = [f"{said['histories']} histories, {said['steps']} steps, ok: {said['ok']}"]
    lines += [f"  {rule}: {count}" for rule, count in said["violations"].items() if count]
    lines += [
        f"  seed {one['seed']}: {one['found'][0] if one['found'] else 'stuck'}"
        for one in said["failing_seeds"]
    ]
    if "shrunk" in said:
        lines += ["", *said["shrunk"]["script"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
