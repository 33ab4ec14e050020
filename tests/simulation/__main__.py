"""Many histories, one report: `python -m tests.simulation --seed S --seeds K --stores N --hours H --json`."""

from __future__ import annotations

# First, before anything can load the standard library's SQLite.
import sync.sqlite  # noqa: F401  # isort: skip

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.simulation.history import History, play, shrink

RULES = (
    "no oversell", "one release", "exactly once", "nothing lost", "agreement", "on time", "no blockage",
    "sessions", "progress", "trouble",
)  # fmt: skip
"""Design rules 1 to 7; sessions (two never both write), and exceptions that nobody should have raised."""


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    ask.add_argument("--seed", type=int, default=1, help="the first seed")
    ask.add_argument("--seeds", type=int, default=100, help="how many histories")
    ask.add_argument("--stores", type=int, default=3)
    ask.add_argument("--hours", type=float, default=6.0, help="virtual hours of a history, 25 steps each")
    ask.add_argument("--workers", type=int, default=0, help="processes; 0: one for each core")
    ask.add_argument("--json", action="store_true", help="one JSON object on standard output")
    ask.add_argument("--script", action="store_true", help="print what happened in a single history")
    ask.add_argument("--no-shrink", action="store_true", help="do not shrink the first failing seed")
    args = ask.parse_args()
    if args.script:
        history = play(args.seed, stores=args.stores, hours=args.hours)
        print("\n".join(history.script))
        print(f"trace {history.trace}")
    seeds = range(args.seed, args.seed + args.seeds)
    report, first = _run(seeds, args.stores, args.hours, args.workers)
    if first is not None and not args.no_shrink:
        report["shrunk"] = _shrunk(first, args.stores, args.hours)
    if args.json:
        print(json.dumps(report, indent=1))
    else:
        print(_plain(report))
    return 0 if report["ok"] else 1


def _run(seeds: range, stores: int, hours: float, workers: int) -> tuple[dict[str, Any], History | None]:
    violations: Counter[str] = Counter(dict.fromkeys(RULES, 0))
    reached: Counter[str] = Counter()
    failing: list[dict[str, Any]] = []
    steps = stuck = 0
    first: History | None = None
    for done, history in enumerate(_histories(seeds, stores, hours, workers), start=1):
        steps += history.steps
        reached += history.reached
        stuck += history.stuck
        for rule in {one.rule for one in history.broken if one.rule != "stuck"}:
            violations[rule] += 1
        if not history.ok:
            first = first or history
            found = [f"step {one.step}: {one.rule}: {one.text}" for one in history.broken[:3]]
            failing.append({"seed": history.seed, "found": found})
        _progress(done, len(seeds), len(failing))
    return {
        "histories": len(seeds),
        "steps": steps,
        "stores": stores,
        "hours": hours,
        "violations": dict(violations),
        "stuck": stuck,
        "reached": dict(sorted(reached.items())),
        "failing_seeds": failing,
        "ok": not failing,
    }, first


def _histories(seeds: range, stores: int, hours: float, workers: int) -> Iterator[History]:
    one = partial(play, stores=stores, hours=hours)
    if workers == 1 or len(seeds) < 8:
        yield from map(one, seeds)
        return
    with multiprocessing.Pool(workers or None) as pool:
        yield from pool.imap(one, seeds, chunksize=4)


def _shrunk(history: History, stores: int, hours: float) -> dict[str, Any]:
    print(f"\nshrinking seed {history.seed} …", file=sys.stderr)
    small, without = shrink(history, stores=stores, hours=hours)
    return {"seed": history.seed, "steps": small.steps, "without": sorted(without), "script": small.script}


def _progress(done: int, whole: int, failing: int) -> None:
    if done % max(1, whole // 200) and done != whole:
        return
    filled = 40 * done // whole
    bar = "#" * filled + "." * (40 - filled)
    print(f"\r[{bar}] {done}/{whole} histories, {failing} failing", end="", file=sys.stderr, flush=True)
    if done == whole:
        print(file=sys.stderr)


def _plain(report: dict[str, Any]) -> str:
    lines = [f"{report['histories']} histories, {report['steps']} steps, ok: {report['ok']}"]
    lines += [f"  {rule}: {count}" for rule, count in report["violations"].items() if count]
    lines += [
        f"  seed {one['seed']}: {one['found'][0] if one['found'] else 'stuck'}"
        for one in report["failing_seeds"]
    ]
    if "shrunk" in report:
        lines += ["", *report["shrunk"]["script"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
