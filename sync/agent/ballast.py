"""Room kept back on the disk, so that a full one stops new work before it loses anything.

The file is thrown away when the disk is full: what is under way can be finished and
sent, nothing new is begun. Once there is room again it is put back by itself.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sync.agent import machine

SIZE = 8 * 1024 * 1024
SPARE = 4 * 1024 * 1024
"""Room that has to be left beside it before it is put back."""


class Ballast:
    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size
        self.thrown = False

    def put(self) -> None:
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size == self._size:
                return
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, self._size)
            finally:
                os.close(handle)

    def throw(self) -> None:
        self.thrown = True
        with contextlib.suppress(OSError):
            self._path.unlink()

    def back(self) -> None:
        if self.thrown and machine.free_bytes(self._path.parent) > self._size + SPARE:
            self.put()
            self.thrown = False
