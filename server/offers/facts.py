"""What facts about assignments do."""

from __future__ import annotations

from server.db import Tx
from server.facts.verdict import Verdict
from sync.wire.facts import Body, Fact


def assignment_fact(
    tx: Tx, store: str, number: int, incarnation: str, fact: Fact, body: Body, now: int
) -> Verdict:
    raise NotImplementedError  # signature first; the body follows with the next commit
