"""The dice of a history, its clock, and what is said of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.chain import NINE
from tests.simulation.machine import Machine
from tests.simulation.mix import MINUTE, Mix


class Roll(Random):
    """Dice that are changed under everybody's hands at the beginning of each step."""

    def now_of(self, seed: int, step: object) -> None:
        self.seed(f"{seed}:{step}")


@dataclass(frozen=True)
class Broken:
    rule: str
    step: int
    at: int
    text: str


class Story:
    def __init__(self, seed: int, hours: float, mood: str | None) -> None:
        self.seed, self.hours = seed, hours
        self.roll = Roll()
        self.roll.now_of(seed, "begin")
        self.mix = Mix(self.roll, mood)
        self.now = NINE
        self.step_no = 0
        self.calm = False
        self.reached: Counter[str] = Counter()
        self.broken: list[Broken] = []
        self.script: list[str] = []
        self._trace = hashlib.blake2b(digest_size=16)

    # -- saying what happened -----------------------------------------------------------------

    def note(self, text: str) -> None:
        line = f"{self.step_no:4d} {(self.now - NINE) / MINUTE:8.2f}m {text}"
        self.script.append(line)
        self._trace.update(line.encode())

    def fail(self, rule: str, text: str) -> None:
        self.broken.append(Broken(rule, self.step_no, self.now, text))

    @property
    def trace(self) -> str:
        return self._trace.hexdigest()

    # -- chance ------------------------------------------------------------------------------------

    def chance(self, odds: float) -> bool:
        return not self.calm and odds > 0 and self.roll.random() < odds

    def _fate(self, machine: Machine[Any], odds: float, full: bool = False) -> str:
        if self.calm:
            return ""
        if full and self.roll.random() < 0.3:
            return "full"
        if self.chance(odds):
            return self.roll.choice(("before", "middle", "after"))
        return ""

    def _latency(self) -> int:
        return int(self.roll.choice(self.mix.latencies))
