"""One demo from beginning to end: start the chain, let people come, play the script or wait, judge, stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.demo.chain import Chain, running
from server.demo.colleagues import Colleague
from server.demo.customers import Crowd
from server.demo.script import Script
from server.demo.settle import happened, judged, unanswered, until_answered, until_quiet

Say = Callable[[str], None]

SETTLE_S = 45.0
"""How long the end of a run may take to become quiet before that is itself a finding."""
FINISH_S = 8.0
"""What the end of a scripted run usually takes: the last orders worked, everything sent."""


@dataclass(frozen=True)
class Options:
    folder: Path
    stores: int = 4
    port: int = 0
    seconds: int = 0
    seed: int = 0
    staff: str = "others"
    """Who works by themselves: `others` (every store but S001), `all`, `none`."""
    https: bool = False
    """Show a visitor the HTTPS addresses; a browser opens them once it trusts the demo's root."""
    say: Say = print

    @property
    def scripted(self) -> bool:
        return self.seconds > 0

    @property
    def accept_s(self) -> int:
        """How long an offer waits: minutes for a visitor, seconds for a script."""
        return max(15, self.seconds // 4) if self.scripted else 240

    @property
    def policy(self) -> dict[str, int]:
        return {
            "accept_s": self.accept_s,
            # A pickup may move to a store within this distance; the shopper is told.
            "may_move_km": 300,
            "started_grace_s": self.accept_s,
            "retry_s": 20,
        }


def _pace(options: Options) -> tuple[float, float, float]:
    """Seconds between shoppers, between an associate's movements, until a shopper collects."""
    return (2.5, 0.25, 4.0) if options.scripted else (9.0, 3.0, 60.0)


class Town:
    """Shoppers and staff, at a pace that fits the run."""

    def __init__(self, chain: Chain, options: Options, rng: random.Random) -> None:
        every_s, pace_s, collected_after_s = _pace(options)
        away = {"S001"} if options.staff == "others" and not options.scripted else set()
        stores = [] if options.staff == "none" else [code for code in chain.codes if code not in away]
        self.crowd = Crowd(chain, rng, every_s=every_s)
        self.staff = [
            Colleague(chain, chain.staff(code)[1], rng, pace_s=pace_s, collected_after_s=collected_after_s)
            for code in stores
        ]
        self._coming: list[asyncio.Task[None]] = []
        self._working: list[asyncio.Task[None]] = []

    def open(self) -> None:
        self._coming = [asyncio.create_task(self.crowd.come())]
        self._working = [asyncio.create_task(one.work()) for one in self.staff]

    async def close_doors(self) -> None:
        """Nobody comes any more; the staff finish what is there."""
        await _cancel(self._coming)

    async def go_home(self) -> None:
        await self.close_doors()
        await _cancel(self._working)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def play(options: Options) -> dict[str, Any]:
    """The run without a person. Returns the one JSON object that it prints."""
    started = time.monotonic()
    rng = random.Random(options.seed)
    chain = Chain(options.folder, stores=options.stores, policy=options.policy, port=options.port)
    async with running(chain):
        options.say(f"centre and {options.stores} stores run after {time.monotonic() - started:.0f} s")
        script = Script(chain, rng, accept_s=options.accept_s, say=options.say)
        town = Town(chain, options, rng)
        for one in town.staff:
            if one.person.store in ("S001", "S002"):
                one.at_work.clear()  # until the script is through these stores work by its book
        town.open()
        try:
            await script.play()
            for line in chain.lines.values():
                line.restore()
            for one in town.staff:
                one.at_work.set()
            left = options.seconds - (time.monotonic() - started) - FINISH_S
            if left > 0:
                options.say(f"{time.monotonic() - started:6.1f} s  business goes on for {left:.0f} s more")
                await asyncio.sleep(left)
            await town.close_doors()
            options.say(
                f"{time.monotonic() - started:6.1f} s  the doors close; the staff finish what is there"
            )
            await until_answered(chain, FINISH_S + options.accept_s)
        finally:
            await town.go_home()
        options.say(f"{time.monotonic() - started:6.1f} s  waiting until nothing is on its way")
        quiet = await until_quiet(chain, SETTLE_S)
        counted = await asyncio.to_thread(happened, chain)
        verdict = await asyncio.to_thread(judged, chain, settled=quiet.reached)
        messages = {
            "received": dict(chain.inbox.kinds),
            "repeated": chain.inbox.repeated,
            "forged": chain.inbox.forged,
        }
        died = [child.name for child in chain.dead()]
    met: Counter[str] = Counter()
    for one in town.staff:
        met.update(one.met)
    missing = [name for name, done in script.steps.items() if not done]
    stopped = [one["text"] for one in script.told if one["text"].startswith("stopped")]
    return {
        "ok": verdict["ok"] and quiet.reached and not missing and not stopped and not died,
        "rules": verdict["rules"],
        "details": verdict["details"],
        "settled": {"reached": quiet.reached, "after_s": round(quiet.waited_s, 1), "waiting": quiet.waiting},
        "steps": script.steps,
        "story": script.told,
        "policy": options.policy,
        "policy_note": "deadlines are shortened for the demo; by default an offer waits 1800 s",
        "lines": {code: {"cuts": line.cuts} for code, line in chain.lines.items()},
        "happened": counted,
        "customers": dict(town.crowd.met),
        "staff": dict(met),
        "messages": messages,
        "processes_that_died": died,
        "seed": options.seed,
        "wall_s": round(time.monotonic() - started, 1),
    }


async def visit(options: Options) -> dict[str, Any]:
    """The run for a person: until Ctrl-C."""
    rng = random.Random(options.seed)
    chain = Chain(options.folder, stores=options.stores, policy=options.policy, port=options.port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    options.say("starting the centre and its stores…")
    async with running(chain):
        options.say(welcome(chain, options))
        town = Town(chain, options, rng)
        town.open()
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 2)
                for child in chain.dead():
                    options.say(f"{child.name} ended by itself; starting it again. Its log: {child.log}")
                    await chain.start_part(child.name)
        finally:
            await town.go_home()
        options.say("ending…")
        for line in chain.lines.values():
            line.restore()
        quiet = await until_quiet(chain, 10.0)
        verdict = await asyncio.to_thread(judged, chain, settled=quiet.reached)
        counted = await asyncio.to_thread(happened, chain)
        if quiet.reached:
            # Settled, the auditor wants an owner for everything. Offers that were waiting for an answer
            # when the visitor left are in order.
            verdict["rules"]["owned"] -= await asyncio.to_thread(unanswered, chain)
    return {
        "ok": not any(verdict["rules"].values()),
        "rules": verdict["rules"],
        "details": verdict["details"],
        "happened": counted,
        "policy": options.policy,
        "seed": options.seed,
    }


def welcome(chain: Chain, options: Options) -> str:
    manager = chain.person("east")
    headquarters = chain.person("hq")
    rows = [
        "",
        "  yipan runs. Everything below is on this machine only.",
        "",
        f"  Board, orders, cases, messages   {chain.centre_url}",
        f"      regional manager  {manager.id}  PIN {manager.pin}",
        f"      headquarters      {headquarters.id}    PIN {headquarters.pin}",
        "",
        "  Handheld pages (best in a window of 360×640)",
    ]
    for code in chain.codes:
        first, second, lead = chain.staff(code)
        yours = "   <- yours: nobody else works here" if code == "S001" and options.staff == "others" else ""
        url = chain.secure_url(code) if options.https else chain.node_url(code)
        rows.append(f"      {code}  {url}{yours}")
        rows.append(
            f"            {first.name} PIN {first.pin} · {second.name} PIN {second.pin} (中文)"
            f" · lead {lead.name} PIN {lead.pin}"
        )
    rows += [
        "",
        "  On the board each store has a switch: cut its line, restore it. Work in the store goes on.",
        f"  API for channels: {chain.centre_url}/schema   key of the shop WEB: {chain.keys.web}",
        "  Its shoppers' messages, pickup codes included, stand on the board under Messages.",
        f"  Deadlines are shortened for the demo: an offer waits {options.accept_s // 60} minutes"
        " (policy; 30 by default).",
        "  A browser counts 127.0.0.1 as secure, so http:// lacks nothing here. The same ports speak https://",
        "  as in a store; the staff use that. For your own browser (--https prints these addresses) trust",
        f"  {chain.root}",
        f"  Data and logs: {options.folder}",
        "",
        "  Ctrl-C ends everything.",
        "",
    ]
    return "\n".join(rows)
