"""A rule's refusal, as both sides raise it: a reason of sync/rules/refusals.py and its facts."""

from __future__ import annotations

from typing import Any


class No(Exception):
    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts
