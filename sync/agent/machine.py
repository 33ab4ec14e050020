"""What a store node asks of the machine it runs on: clocks, boot, name, free space."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from functools import lru_cache
from pathlib import Path

from sync.link.clock import Reading


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Changes with every boot. Where the machine does not tell, every start counts as a boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return uuid.uuid4().hex


def reading() -> Reading:
    """The clock that counts suspended time where there is one: a closed lid must not stop a deadline."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return Reading(
        mono=time.clock_gettime_ns(clock) // 1_000_000, wall=time.time_ns() // 1_000_000, boot=boot_id()
    )


def fingerprint(data_dir: Path) -> str:
    """Tells two boxes apart that were started from copies of one disk."""
    parts = [str(data_dir.resolve()), f"{uuid.getnode():x}"]
    for name in ("/etc/machine-id", "/sys/class/dmi/id/product_uuid"):
        try:
            parts.append(Path(name).read_text().strip())
        except OSError:
            continue
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
