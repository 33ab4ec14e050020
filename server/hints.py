"""Hints: "something changed there, look again". Spread after a commit, coalesced, never queued.

A hint names a topic (`store:S001`, `stream:catalogue`, `order:YP-000123`, `board`). A listener
holds a set of topics that changed since it last looked, so it is bounded by the topics it
listens to, however fast they come. Losing a hint costs latency, never data: every listener
looks by itself now and then.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Listener:
    """One listener's changed topics. Made by `Hints.listen`, belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._changed: set[str] = set()
        self._event = asyncio.Event()

    def note(self, topics: set[str]) -> None:
        self._changed |= topics
        self._event.set()

    def take(self) -> set[str]:
        """What changed since the last look; empty when nothing did."""
        changed, self._changed = self._changed, set()
        self._event.clear()
        return changed

    async def wait(self, timeout_s: float | None = None) -> set[str]:
        """Wait until something changed, at most `timeout_s`; then it is `take()`."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            pass
        return self.take()


class Hints:
    """Who listens to what. `publish` may be called from any thread."""

    def __init__(self) -> None:
        self._by_topic: dict[str, set[Listener]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def listen(self, topics: Iterable[str]) -> Iterator[Listener]:
        """Listen to these topics until the block ends. To be entered inside a running loop."""
        listener = Listener(asyncio.get_running_loop())
        names = frozenset(topics)
        with self._lock:
            for topic in names:
                self._by_topic.setdefault(topic, set()).add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                for topic in names:
                    listeners = self._by_topic[topic]
                    listeners.discard(listener)
                    if not listeners:
                        del self._by_topic[topic]

    def publish_all(self) -> None:
        """Wake everybody: something changed and nobody can say what."""
        with self._lock:
            topics = list(self._by_topic)
        self.publish(topics)

    def publish(self, topics: Iterable[str]) -> None:
        """Wake who listens to one of these topics: one call into each loop, whatever the number."""
        loops: dict[asyncio.AbstractEventLoop, dict[Listener, set[str]]] = {}
        with self._lock:
            for topic in topics:
                for listener in self._by_topic.get(topic, ()):
                    loops.setdefault(listener.loop, {}).setdefault(listener, set()).add(topic)
        for loop, changed in loops.items():
            try:
                loop.call_soon_threadsafe(_spread, changed)
            except RuntimeError:
                # The loop is gone with its listeners; a hint for nobody.
                continue


def _spread(changed: dict[Listener, set[str]]) -> None:
    for listener, topics in changed.items():
        listener.note(topics)
