"""The running store node without its web face."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sync.agent.config import LineStatus, NodeConfig
from sync.replica.commands import Outcome

T = TypeVar("T")


class StoreNode:
    def __init__(self, config: NodeConfig) -> None:
        self.config = config

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def perform(
        self, name: str, args: dict[str, Any], *, command_id: str, person: str, device: str
    ) -> Outcome:
        raise NotImplementedError

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        raise NotImplementedError

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` in a durable transaction on the writer thread: what is the store's own and no
        fact (sessions, wrong PINs, a chosen language). The pages rely on it."""
        raise NotImplementedError

    def status(self) -> LineStatus:
        raise NotImplementedError

    def subscribe(self) -> AbstractContextManager[asyncio.Queue[set[str]]]:
        raise NotImplementedError

    async def cut(self, cut: bool) -> None:
        """Demonstration and tests: drop the line and keep it down, or let it come back."""
        raise NotImplementedError
