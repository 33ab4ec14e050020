"""What became of a fact at the centre. Exactly one final verdict each; parked is a provisional one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Name = Literal["applied", "late", "stale", "forced", "parked"]


@dataclass(frozen=True)
class Verdict:
    """`applied` is implied by the acknowledgement; any other name is told to the store.

    late: right when it was done, but the turn was over. stale: under an old fence. forced: it went
    beyond rights; the stock follows it and somebody is told. parked: kept for a person.
    """

    name: Name
    note: str = ""
    """A short code saying why, for the store's page and the log (`unknown_sku`, `other_store`, …)."""
    case: str = ""


APPLIED = Verdict("applied")
