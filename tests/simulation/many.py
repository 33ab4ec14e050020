"""Many histories on all cores, summed up as they come in: one report, whatever their number."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from functools import partial
from typing import Any

from tests.simulation.history import History, play

RULES = (
    "no oversell", "one release", "exactly once", "nothing lost", "agreement", "on time", "no blockage",
    "sessions", "progress", "trouble",
)  # fmt: skip
"""Design rules 1 to 7; sessions (two never both write), and exceptions that nobody should have raised."""
TOLD = 100
"""Failing seeds of which the report says what was found; it names them all."""


class Report:
    """What the histories played so far had in them. Grows with what was found, not with their number."""

    def __init__(self, stores: int, hours: float) -> None:
        self.stores, self.hours = stores, hours
        self.histories = self.steps = self.stuck = 0
        self.interrupted = False
        self.violations: Counter[str] = Counter(dict.fromkeys(RULES, 0))
        self.reached: Counter[str] = Counter()
        self.failing: list[dict[str, Any]] = []
        self.first: History | None = None
        """The first that failed, whole: it is the one that is shrunk."""

    def add(self, history: History) -> None:
        self.histories += 1
        self.steps += history.steps
        self.stuck += history.stuck
        self.reached.update(history.reached)
        for rule in {one.rule for one in history.broken if one.rule != "stuck"}:
            self.violations[rule] += 1
        if not history.ok:
            self.first = self.first or history
            self.failing.append({"seed": history.seed, "found": []})
            if len(self.failing) <= TOLD:
                found = [f"step {one.step}: {one.rule}: {one.text}" for one in history.broken[:3]]
                self.failing[-1]["found"] = found

    @property
    def ok(self) -> bool:
        return not self.failing

    def as_json(self) -> dict[str, Any]:
        said = {
            "histories": self.histories,
            "steps": self.steps,
            "stores": self.stores,
            "hours": self.hours,
            "violations": dict(self.violations),
            "stuck": self.stuck,
            "reached": dict(sorted(self.reached.items())),
            "failing_seeds": self.failing,
            "ok": self.ok,
        }
        return said | ({"interrupted": True} if self.interrupted else {})


def play_many(
    seeds: range, *, stores: int = 3, hours: float = 6.0, workers: int = 0, bar: bool = False
) -> Report:
    """`workers` 0: one for each core. Ctrl-C ends it; the report is of what was played until then."""
    report = Report(stores, hours)
    histories = _histories(seeds, stores, hours, workers or len(os.sched_getaffinity(0)))
    try:
        for history in histories:
            report.add(history)
            if bar and not history.ok:
                print(f"\nseed {history.seed} fails: {history.broken[0].text}", file=sys.stderr)
            if bar:
                _progress(report.histories, len(seeds), len(report.failing))
    except KeyboardInterrupt:
        report.interrupted = True
        if bar:
            print(file=sys.stderr)
    finally:
        with suppress(KeyboardInterrupt):
            histories.close()
    return report


def _histories(seeds: range, stores: int, hours: float, workers: int) -> Generator[History, None, None]:
    one = partial(_play, stores=stores, hours=hours)
    if workers == 1 or len(seeds) < 8:
        yield from map(one, seeds)
        return
    # The parent alone hears Ctrl-C; leaving the block ends the workers.
    with multiprocessing.Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap(one, seeds, chunksize=4)


def _play(seed: int, *, stores: int, hours: float) -> History:
    history = play(seed, stores=stores, hours=hours)
    if history.ok:
        history.script.clear()  # nobody reads it, and it has to go through a pipe
    return history


def _progress(done: int, whole: int, failing: int) -> None:
    if done % max(1, whole // 200) and done != whole:
        return
    filled = 40 * done // whole
    picture = "#" * filled + "." * (40 - filled)
    print(f"\r[{picture}] {done}/{whole} histories, {failing} failing", end="", file=sys.stderr, flush=True)
    if done == whole:
        print(file=sys.stderr)
