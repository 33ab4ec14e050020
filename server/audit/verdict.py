"""What an audit says: violations per rule, and the first of them in words."""

from __future__ import annotations

from dataclasses import dataclass, field

RULES = (
    "no_oversell",
    "one_release",
    "exactly_once",
    "nothing_lost",
    "agreement",
    "on_time",
    "no_blockage",
    "owned",
)
"""The seven rules of the design, and: no order without an owner, an outcome or an open case."""

MOST_DETAILS = 200


@dataclass
class Audit:
    rules: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RULES, 0))
    details: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not any(self.rules.values())

    def against(self, rule: str, sentence: str) -> None:
        self.rules[rule] += 1
        if len(self.details) < MOST_DETAILS:
            self.details.append(f"{rule}: {sentence}")
