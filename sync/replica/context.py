"""Who does something, when, and under which command: what every change to the replica is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync.rules.moment import Moment

__all__ = ["Context", "Moment"]


@dataclass(frozen=True)
class Context:
    moment: Moment
    person: str
    role: str
    device: str
    command: str
    """The command's id, made before the first try; `auto:<n>` when the node acts by itself."""
    line_up: bool
    new_id: Callable[[], str]
    """Ids for things the command makes (parcels, returns, waves); brings clock and dice with it."""
