"""One fact, one effect, one verdict."""

from __future__ import annotations

from server.db import Tx
from server.facts.verdict import Verdict
from sync.wire.facts import Fact

__all__ = ["Verdict", "apply_fact"]


def apply_fact(tx: Tx, store: str, incarnation: str, number: int, fact: Fact, *, now: int) -> Verdict:
    """The effect of a fact and what became of it. Never refuses, never raises for what a store sent."""
    raise NotImplementedError  # signature first; the body follows with the next commit
