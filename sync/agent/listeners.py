"""Who hears what a commit changed: each open page through a queue of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

MOST_HINTS = 16
WORK = ("assignment", "notice", "all")
"""What hints of work begin with; the others are of stock and of the line."""


def of_work(hints: set[str]) -> bool:
    return any(hint.startswith(WORK) for hint in hints)


class Listeners:
    """`run` tells one run of the program from the next."""

    def __init__(self, run: int) -> None:
        self.queues: set[asyncio.Queue[set[str]]] = set()
        self._run = run
        self._told = 0

    @property
    def mark(self) -> str:
        """How far the news of work has come. A page that was drawn at the same mark has missed nothing;
        one drawn a moment before a commit was told has an older mark, and is told once too often."""
        return f"{self._run}.{self._told}"

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[set[str]]]:
        """Hints after each commit (`assignment:<fence>`, `stock:<sku>`, `notice`, `line`). A listener that
        does not keep up finds several in one set; none is kept for ever."""
        queue: asyncio.Queue[set[str]] = asyncio.Queue(MOST_HINTS)
        self.queues.add(queue)
        try:
            yield queue
        finally:
            self.queues.discard(queue)

    def tell(self, hints: set[str]) -> None:
        if not hints:
            return
        self._told += of_work(hints)
        for queue in self.queues:
            gathered = set(hints)
            if queue.full():
                while not queue.empty():
                    gathered |= queue.get_nowait()
            queue.put_nowait(gathered)
