"""Files that are there whole or not at all: keys, certificates, what a restart needs."""

from __future__ import annotations

import os
from pathlib import Path


def put_whole(path: Path, data: bytes, mode: int) -> None:
    """On the disk when this returns, with its rights from the first moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
