"""Child processes: started in groups of their own, watched, and ended in order.

A Ctrl-C in the terminal reaches only the demo, which then ends stores first and
the centre last; were the demo itself killed, the kernel ends its children.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.shell.children import die_with_parent

END_S = 10.0


class WouldNotStart(Exception):
    """A process ended, or did not answer in time. Carries the end of its log."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Child:
    name: str
    command: Sequence[str]
    log: Path
    health: str
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    async def wait_until_healthy(self, client: httpx.AsyncClient, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if not self.runs:
                raise WouldNotStart(f"{self.name} ended at once. The end of {self.log}:\n{self.tail()}")
            try:
                if (await client.get(self.health, timeout=2.0)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
        raise WouldNotStart(f"{self.name} did not answer in {timeout_s:.0f} s. {self.log}:\n{self.tail()}")

    async def end(self) -> None:
        """Politely, then not. What was committed is safe either way."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        until = time.monotonic() + END_S
        while self.process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.05)
        if self.process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """kill -9, as a power cut would end it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()
