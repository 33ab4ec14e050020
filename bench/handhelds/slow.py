"""A slow handheld: the page's processor by the browser's own throttle, the worker's by its processor time.

The browser slows a page's main thread down (`Emulation.setCPUThrottlingRate`). Where it refuses to do so for
a worker, the worker's thread runs at full speed, and three times the processor time that it took is added to
what was measured: what a processor four times slower would have needed, had the page waited for all of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

THREAD = "ServiceWorker t"
"""Its name as Linux keeps it."""


class Slow:
    def __init__(self, wire: ClientConnection, slower: float) -> None:
        self.wire = wire
        self.slower = slower
        self.number = 0
        self.worker_throttled = False
        """By the browser itself."""
        self.renderers: list[int] = []
        self.seen: set[str] = set()

    @classmethod
    async def attached(cls, profile: Path, slower: float) -> Slow:
        port, path = (profile / "DevToolsActivePort").read_text().split("\n")[:2]
        wire = await connect(f"ws://127.0.0.1:{port}{path}", max_size=None)
        return cls(wire, slower)

    async def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """One question, one answer; what the browser tells meanwhile is not of interest here."""
        self.number += 1
        asked: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        await self.wire.send(json.dumps(asked | ({"sessionId": session} if session else {})))
        while True:
            told: dict[str, Any] = json.loads(await self.wire.recv())
            if told.get("id") == self.number:
                return told

    async def page(self, page: Any) -> None:
        """From now on. The throttle lasts as long as the page's session."""
        session = await page.context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": self.slower})

    async def worker(self) -> None:
        """The worker that runs now; again after it was started anew."""
        targets = (await self.call("Target.getTargets"))["result"]["targetInfos"]
        for one in targets:
            if one["type"] != "service_worker" or one["targetId"] in self.seen:
                continue
            self.seen.add(one["targetId"])
            told = await self.call("Target.attachToTarget", targetId=one["targetId"], flatten=True)
            session = told["result"]["sessionId"]
            answer = await self.call("Emulation.setCPUThrottlingRate", session, rate=self.slower)
            self.worker_throttled = "error" not in answer
        processes = (await self.call("SystemInfo.getProcessInfo"))["result"]["processInfo"]
        self.renderers = [one["id"] for one in processes if one["type"] == "renderer"]

    def cpu_ms(self) -> tuple[float, float]:
        """Processor time so far: of the pages' main threads, and of the worker's."""
        page = worker = 0
        for pid in self.renderers:
            for task in Path(f"/proc/{pid}/task").glob("*"):
                try:
                    spent = int((task / "schedstat").read_text().split()[0])
                    worker += spent if (task / "comm").read_text().startswith(THREAD) else 0
                    page += spent if task.name == str(pid) else 0
                except OSError:
                    continue
        return page / 1e6, worker / 1e6

    def worker_cpu_ms(self) -> float:
        return self.cpu_ms()[1]

    def spent(self, before: tuple[float, float]) -> float:
        """Processor time of page and worker since `before` (from `cpu_ms`), as on the slow processor. What a
        busy machine does not change: a page's own throttle spins, so its time is the slow one's already."""
        page, worker = (now - then for now, then in zip(self.cpu_ms(), before, strict=True))
        return page + worker * (1.0 if self.worker_throttled else self.slower)

    def owed(self, before: float) -> float:
        """What is to be added for work of the worker since `before` (from `worker_cpu_ms`)."""
        if self.worker_throttled:
            return 0.0
        return max(0.0, self.worker_cpu_ms() - before) * (self.slower - 1)

    async def close(self) -> None:
        await self.wire.close()
