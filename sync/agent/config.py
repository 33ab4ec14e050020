"""What a store node is told at start, and what it says about its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sync.replica.context import Moment


@dataclass(frozen=True)
class NodeConfig:
    data_dir: Path
    store: str
    centre_url: str
    """ws:// or wss:// address of the centre's link, e.g. `ws://127.0.0.1:8080/link`."""
    token: str = field(repr=False)
    language: str = "en"
    reconnect_base_s: float = 1.0
    reconnect_cap_s: float = 120.0
    send_limit_s: float = 20.0
    host: str = ""
    """Fingerprint of the machine; empty: taken from the machine."""
    timers_s: float = 1.0


@dataclass(frozen=True)
class LineStatus:
    """The line to the centre, as every page's status line shows it."""

    up: bool
    since: int
    """When the line came up or went down, by the node's estimate of the centre's time."""
    heard_at: int
    """When the centre was last heard; 0: never since this node started."""
    unsent: int
    """Facts recorded here that the centre has not acknowledged."""
    oldest_unsent_at: int
    """When the oldest of them was recorded; 0 when there is none."""
    moment: Moment
    trouble: str = ""
    """Why the line does not come up, where the centre or the network said so (a code)."""
    held: str = ""
    """A lane that stopped at a decision this version cannot apply, e.g. `urgent:17`."""
