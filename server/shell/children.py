"""Child processes that end with their parent, however that ends."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel asks the child to end when its parent is gone. Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded here: a forked child should do as little as it can.
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask
