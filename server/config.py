"""What one centre process is told at start. Values only; `server.main` wires the real things together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from server.clock import SteadyClock
from sync.ids import Dice


def wall_clock() -> int:
    """Milliseconds since 1970, for commands beside a running centre (which has `server.clock`)."""
    return time.time_ns() // 1_000_000


MAX_UPLOAD = 64 * 1024 * 1024
"""Catalogue and stock files may be larger than an order."""


@dataclass(frozen=True)
class CentreConfig:
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    demo_control_url: str = ""
    """Set by `yipan demo`: the board then shows a switch that cuts or restores a store's line."""
    behind_https: bool = False
    """Cookies are marked Secure. Off only for a trial on loopback."""
    max_body: int = 8 * 1024 * 1024
    api_per_s: int = 500
    """Requests a second that one channel's key may make for long; 0 = no bound."""
    api_burst: int = 5_000
    """Requests it may make at once: the first minute of a sale, a till that catches up."""
    timers: bool = True
    """Deadlines and the outbox run inside this process; tests with their own clock turn it off."""
    clock: Callable[[], int] = field(default_factory=SteadyClock)
    dice: Dice = field(default=os.urandom)

    @property
    def database(self) -> Path:
        return self.data_dir / "centre.db"

    @property
    def authority(self) -> Path:
        """Folder of the certificate authority, where one was made (`yipan ca create`)."""
        return self.data_dir / "ca"
