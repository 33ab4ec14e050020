"""Power cuts without a kernel's help: what a process wrote and synced is recorded, and disks are made of it.

A child process runs the real centre and a real store node over a socket while `powercut.c` records every
write and every sync of their database files; whatever a person or the other side was told is recorded in the
same file, in order. Then any moment can be cut: bytes that were synced are there, each write since may be
there, missing or torn. Not shown: disks that lie about a sync, and directories that forget a file.
"""

from __future__ import annotations

# First, before anything can load the standard library's SQLite.
import sync.sqlite  # isort: skip

import asyncio
import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEAD = struct.Struct("=IIqq")
SECTOR = 512
SALES, ORDERS = 40, 12
"""Of one run; each is told on its own, some at once."""


@dataclass
class Entry:
    op: str
    """w: written, s: synced, t: cut to a length; r: ready; what was told: k saved, o ordered, a acked."""
    path: str
    at: int
    data: bytes = b""


@dataclass
class Record:
    entries: list[Entry]
    before: dict[str, bytes]
    """Files as they lay on the disk when the process began."""
    ready: int = 0
    """From here on the moments are worth cutting."""

    def told(self, upto: int, op: str) -> list[str]:
        return [one.path for one in self.entries[:upto] if one.op == op]


@dataclass
class Disk:
    durable: bytearray = field(default_factory=bytearray)
    since: list[Entry] = field(default_factory=list)

    def do(self, entry: Entry) -> None:
        if entry.op == "s":
            for one in self.since:
                change(self.durable, one)
            self.since.clear()
        else:
            self.since.append(entry)

    def after_the_cut(self, rng: random.Random) -> bytes:
        """Some of what was not synced came through, some not, and some in part."""
        left = bytearray(self.durable)
        fate = rng.choice(("none", "all", "some", "some"))
        for one in self.since:
            if fate == "none" or (fate == "some" and rng.random() < 0.5):
                continue
            torn = fate == "some" and one.op == "w" and len(one.data) > SECTOR and rng.random() < 0.3
            if torn:
                for sector in range(0, len(one.data), SECTOR):
                    if rng.random() < 0.5:
                        change(left, Entry("w", "", one.at + sector, one.data[sector : sector + SECTOR]))
            else:
                change(left, one)
        return bytes(left)


def change(content: bytearray, entry: Entry) -> None:
    if entry.op == "t":
        del content[entry.at :]
        content.extend(bytes(entry.at - len(content)))
        return
    if len(content) < entry.at:
        content.extend(bytes(entry.at - len(content)))
    content[entry.at : entry.at + len(entry.data)] = entry.data


def cut(record: Record, upto: int, rng: random.Random, target: Path) -> None:
    """The database files below `target` as a power cut after `upto` entries may have left them."""
    disks: dict[str, Disk] = {path: Disk(bytearray(data)) for path, data in record.before.items()}
    for entry in record.entries[:upto]:
        if entry.op in "wst":
            disks.setdefault(entry.path, Disk()).do(entry)
    for path, disk in disks.items():
        if path.endswith("-journal"):
            continue  # only while a database is made, long before the first cut
        file = target / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(disk.after_the_cut(rng))


def build(folder: Path) -> Path:
    """The recorder. Python is installed with a C compiler here and on CI."""
    library = folder / "powercut.so"
    source = str(HERE / "powercut.c")
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), source, "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return library


def recorded(folder: Path, *, unsafe: bool = False) -> Record:
    """Run the child on loopback and read what it left. `unsafe`: with `synchronous = NORMAL`."""
    from sync.link.proof import token_hash
    from sync.sqlite import writing
    from tests.kit_web import STORES, database, new_centre

    config = new_centre(folder / "centre", stock=500)
    with database(config) as db, writing(db):
        for code, *_ in STORES:
            db.execute("UPDATE store SET token_hash = ? WHERE code = ?", (token_hash(f"token-{code}"), code))
    with database(config) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = {str(config.database): config.database.read_bytes()}
    file = folder / "record"
    env = os.environ | {
        "POWERCUT_RECORD": str(file),
        "LD_PRELOAD": str(build(folder)),
        "POWERCUT_UNSAFE": "1" if unsafe else "",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.fault.kit_powercut", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    entries = list(read(file.read_bytes()))
    ready = next(number for number, one in enumerate(entries) if one.op == "r")
    return Record(entries, before, ready)


def read(data: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(data):
        op, path, place, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        name = data[at : at + path].decode()
        at += path
        yield Entry(chr(op), name, place, data[at : at + length])
        at += length


# -- the child ---------------------------------------------------------------------------------------


class Teller:
    """What somebody was told, written into the record the moment they are told."""

    def __init__(self) -> None:
        self._file = os.open(os.environ["POWERCUT_RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __call__(self, op: str, text: str = "") -> None:
        name = text.encode()
        os.write(self._file, HEAD.pack(ord(op), len(name), 0, 0) + name)


async def child(folder: Path) -> None:
    import httpx

    from server.app import make_app
    from server.config import CentreConfig, wall_clock
    from sync.agent.config import NodeConfig
    from sync.agent.node import StoreNode
    from tests.fault.test_counts_end_to_end import served, until
    from tests.kit_web import KEY, ORDER

    tell = Teller()
    config = CentreConfig(data_dir=folder / "centre", timers=True, clock=wall_clock, dice=os.urandom)
    headers = {"authorization": f"Bearer {KEY}"}
    async with served(make_app(config)) as url:
        link = f"ws://{url.removeprefix('http://')}/link"
        node = StoreNode(NodeConfig(folder / "S001", "S001", link, "token-S001", reconnect_base_s=0.05))
        await node.start()
        try:
            async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as web:
                await until(lambda: node.status().up and node.end.at_cut)
                await until(lambda: node.status().unsent == 0)
                await asyncio.sleep(0.3)
                tell("r")

                async def sell(number: int) -> None:
                    args: dict[str, Any] = {"sale": f"K{number}", "rows": [["TEE-WHITE-M", 1]]}
                    done = await node.perform(
                        "till_sale", args, command_id=f"sale-{number:04d}", person="till", device="till-1"
                    )
                    assert done.ok, done.refusal
                    tell("k", f"sale-{number:04d}")

                async def order(number: int) -> None:
                    body = ORDER | {"external_id": f"O-{number}", "kind": "shipment"}
                    answer = await web.post(f"{url}/api/v1/orders", json=body)
                    assert answer.status_code == 201, answer.text
                    tell("o", answer.json()["order_no"])

                for number in range(SALES):
                    together = [sell(number * 10 + one) for one in range(1 + number % 3)]
                    if number < ORDERS:
                        together.append(order(number))
                    await asyncio.gather(*together)
                    tell("a", str(node.end.acked))
                await until(lambda: node.status().unsent == 0)
                tell("a", str(node.end.acked))
        finally:
            await node.stop()


def _less_safe() -> None:
    """The planted mistake: every connection of this process syncs less than it says."""
    real = sync.sqlite.sqlite3.connect

    def connect(*args: Any, **more: Any) -> Any:
        base = more.get("factory", sync.sqlite.Connection)

        class Less(base):  # type: ignore[misc, valid-type]  # of whichever class the caller asks for
            def execute(self, sql: str, *values: Any) -> Any:
                return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), *values)

        return real(*args, **(more | {"factory": Less}))

    sync.sqlite.sqlite3.connect = connect


if __name__ == "__main__":
    if os.environ.get("POWERCUT_UNSAFE"):
        _less_safe()
    asyncio.run(child(Path(sys.argv[1])))
