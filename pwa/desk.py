"""What a view is given (`Desk`), and what it gives back (`View`).

A view is a plain function from a reader's desk to a template and its data: it reads the
replica and decides nothing. It runs in a reader thread, so pages never wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pwa.node import LineStatus
from pwa.texts import Texts
from sync.sqlite import Connection, Row


@dataclass(frozen=True)
class Who:
    """The person who is signed in, the handheld in their hand, and the store they work in."""

    person: str
    name: str
    role: str
    language: str
    device: str
    theme: str = "auto"
    text: str = "100"
    hand: str = "right"
    sound: str = "on"
    buzz: str = "on"
    camera: str = "on"
    """What the handheld is set to: pwa/settings/look.py."""
    leave: str = ""
    """In a training: where the real pages are."""


@dataclass(frozen=True)
class Feedback:
    """What became of the last action: a sign, a sentence, a next step, perhaps a way back."""

    mood: str
    """good, bad, again (seen before) or info."""
    text: str
    next_step: str = ""
    command: str = ""
    undo: dict[str, Any] | None = None
    """`{url, until, fields}` of a form that takes the action back."""


@dataclass(frozen=True)
class Desk:
    db: Connection
    who: Who
    store: str
    store_name: str
    line: LineStatus
    t: Texts
    new_id: Callable[[], str]
    feedback: Feedback | None = None
    args: dict[str, str] = field(default_factory=dict)
    """What the address or the form said beyond the path: tabs, searches, rows typed so far."""

    @property
    def now(self) -> int:
        return self.line.moment.now

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self.db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        found: Row | None = self.db.execute(sql, values).fetchone()
        return found

    def value(self, sql: str, *values: Any) -> Any:
        found = self.db.execute(sql, values).fetchone()
        return found[0] if found else None

    def seen(self) -> list[str]:
        """The newest commands whose facts this page has in it already, whoever gave them.

        A handheld counts those of its scans on top that are not among these.
        """
        newest = self.rows("SELECT command FROM fact ORDER BY number DESC LIMIT 12")
        return sorted({row["command"] for row in newest})


@dataclass(frozen=True)
class View:
    template: str
    title: str
    url: str
    """The address that shows this again after a reload."""
    data: dict[str, Any] = field(default_factory=dict)
    back: str = ""
    """Where the back arrow leads; empty on the first page."""
    status: int = 200
    feedback: Feedback | None = None
    """What to say instead of the action's own words, where the page knows better."""


class Gone(Exception):
    """The thing a page speaks of is not here. `text` is a message id, `back` a way out."""

    def __init__(self, text: str, back: str = "/orders", **values: Any) -> None:
        super().__init__(text)
        self.text = text
        self.back = back
        self.values = values


Build = Callable[[Desk], View]
