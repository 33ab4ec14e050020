"""What the pages need of a store node. `sync.agent.node.StoreNode` is one; tests bring another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sync.agent.listeners import Listeners
from sync.replica.context import Moment
from sync.sqlite import Connection

if TYPE_CHECKING:
    from sync.replica.commands import Outcome

T = TypeVar("T")


class LineStatus(Protocol):
    """The line to the centre, as the status line of every page shows it. Times in ms since 1970."""

    @property
    def up(self) -> bool: ...
    @property
    def since(self) -> int: ...
    @property
    def heard_at(self) -> int: ...
    @property
    def unsent(self) -> int: ...
    @property
    def oldest_unsent_at(self) -> int: ...
    @property
    def moment(self) -> Moment: ...


class Node(Protocol):
    async def perform(
        self, name: str, args: dict[str, Any], *, command_id: str, person: str, device: str
    ) -> Outcome: ...

    async def ask_share(self, rows: Sequence[tuple[str, int]]) -> bool:
        """Before a sale: ask the centre for what the share lacks, for a moment. True: it has answered."""
        ...

    async def read(self, fn: Callable[[Connection], T]) -> T: ...

    def look(self, fn: Callable[[Connection], T]) -> T:
        """A short question, answered here and now on the event loop: no thread in between."""
        ...

    async def write(self, fn: Callable[[Connection], T]) -> T: ...

    def status(self) -> LineStatus: ...

    @property
    def listeners(self) -> Listeners: ...
