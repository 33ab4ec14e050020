"""A fact with the place it came from: what every effect and every case names."""

from __future__ import annotations

from dataclasses import dataclass

from server.cases.book import Evidence
from server.stock.cause import Cause
from sync.wire.facts import Fact


@dataclass(frozen=True)
class Source:
    store: str
    incarnation: str
    number: int
    fact: Fact
    now: int

    def cause(self, note: str = "") -> Cause:
        return Cause(
            self.fact.kind,
            self.now,
            incarnation=self.incarnation,
            number=self.number,
            fence=self.fact.fence,
            person=self.fact.person,
            note=note,
        )

    def evidence(self, note: str = "") -> Evidence:
        return Evidence(self.store, self.incarnation, self.number, self.fact.kind, note)
