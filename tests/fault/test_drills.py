"""Two drills that a chain should have done once: the centre put back from an old backup, a box gone.

Real files, real sockets, the real commands; centre and nodes each start and stop as their programs do.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from server.audit import audit
from server.cli import yipan
from server.config import CentreConfig, wall_clock
from server.db import Tx
from server.link.backup import backup, restore
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.stock.digest import digest as digest_of_centre
from sync.agent.config import NodeConfig
from sync.agent.node import StoreNode
from sync.ids import new_id
from sync.link.proof import token_hash
from sync.replica import till
from sync.replica.digest import digest as digest_of_store
from sync.rules.digest import differences
from sync.sqlite import Connection, writing
from tests.fault.test_counts_end_to_end import until
from tests.kit_web import ITEMS, STORES, database, new_centre, running

CODES = [code for code, *_ in STORES]
TEE, CAP, COAT = "TEE-WHITE-M", "CAP-NAVY", "COAT-CAMEL-L"


class Chain:
    """The centre's folder, the stores' folders, and what people were told is saved."""

    def __init__(self, folder: Path, stock: int) -> None:
        self.folder = folder
        plain = new_centre(folder / "centre", stock=stock, now=wall_clock())
        self.config: CentreConfig = replace(plain, timers=True, clock=wall_clock, dice=os.urandom)
        self.told: dict[str, list[str]] = {code: [] for code in CODES}
        self.url = ""
        with self.centre() as db, writing(db):
            for code in CODES:
                proof = token_hash(f"token-{code}")
                db.execute("UPDATE store SET token_hash = ? WHERE code = ?", (proof, code))

    @contextmanager
    def centre(self) -> Iterator[Tx]:
        with database(self.config) as db:
            yield db

    @contextmanager
    def running(self) -> Iterator[None]:
        with running(self.config) as url:
            self.url = url
            yield

    @asynccontextmanager
    async def node(self, store: str) -> AsyncIterator[StoreNode]:
        link = f"ws://{self.url.removeprefix('http://')}/link"
        node = StoreNode(
            NodeConfig(self.folder / store, store, link, f"token-{store}", reconnect_base_s=0.05)
        )
        await node.start()
        try:
            yield node
        finally:
            await node.stop()

    async def sell(self, node: StoreNode, times: int, sku: str = CAP) -> None:
        store = node.config.store
        for _ in range(times):
            command = new_id(wall_clock(), os.urandom)
            args = {"sale": command[-8:], "rows": [[sku, 1]], "insist": True}
            done = await self.do(node, "till_sale", args, "till", command)
            assert done["sale"]
            self.told[store].append(command)

    async def do(
        self, node: StoreNode, name: str, args: dict[str, Any], person: str = "lin", command: str = ""
    ) -> dict[str, Any]:
        done = await node.perform(
            name, args, command_id=command or new_id(wall_clock(), os.urandom), person=person, device="pda-1"
        )
        assert done.ok, done.refusal
        return done.result

    def one(self, sql: str, *values: Any) -> Any:
        with self.centre() as db:
            return db.execute(sql, values).fetchone()[0]

    def times_applied(self, store: str) -> dict[str, int]:
        with self.centre() as db:
            return dict(
                db.execute(
                    "SELECT command, count(*) FROM fact WHERE store = ? AND verdict <> 'parked'"
                    " AND person = 'till' GROUP BY command",
                    (store,),
                ).fetchall()
            )

    async def agree(self, node: StoreNode) -> None:
        """Up, everything sent and heard, and both sides have the same sums."""
        store = node.config.store

        def both() -> tuple[Any, Any]:
            theirs = node.readers.read_now(digest_of_store)
            with self.centre() as db:
                return digest_of_centre(db, store), theirs

        def heard() -> bool:
            number = dict(at(node, "SELECT key, value FROM meta")).get("decisions_number", "0")
            sql = "SELECT coalesce(max(number), 0) FROM decision WHERE store = ?"
            # The catalogue comes last of what a new node is told.
            knows_all = at(node, "SELECT count(*) FROM item") == [(len(ITEMS),)]
            return knows_all and int(number) == self.one(sql, store)

        def same() -> bool:
            return heard() and not differences(*both())

        await until(lambda: node.status().up and node.status().unsent == 0 and same())


@pytest.fixture
def make(tmp_path: Path) -> Callable[[int], Chain]:
    return lambda stock: Chain(tmp_path, stock)


async def test_the_centre_put_back_from_an_old_backup_has_everything_that_stores_sent_or_still_hold(
    make: Callable[[int], Chain],
) -> None:
    chain = make(40)
    file = chain.folder / "backup.db"
    with chain.running():
        async with chain.node("S001") as one, chain.node("S002") as two, chain.node("S003") as three:
            for node in (one, two, three):
                await chain.agree(node)
                await chain.sell(node, 3)
                await chain.agree(node)
            await asyncio.to_thread(backup, chain.config.database, file, now=wall_clock())
            fence = int(
                chain.one("SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key='fence'")
            )
            for node in (one, two, three):
                await chain.sell(node, 5)
                await chain.agree(node)
            await three.cut(True)
            await until(lambda: not three.status().up)
            await chain.sell(three, 4)  # nobody but its box knows of these
    covered = chain.one("SELECT sum(applied) FROM replica")
    restore(file, chain.config.database, now=wall_clock(), dice=os.urandom)
    assert chain.one("SELECT sum(applied) FROM replica") < covered, "the centre has forgotten"
    with chain.running():
        async with chain.node("S001") as one, chain.node("S002") as two:
            for node in (one, two):
                await chain.sell(node, 2)
                await chain.agree(node)
                done = chain.times_applied(node.config.store)
                assert done == dict.fromkeys(chain.told[node.config.store], 1)
        # The third was away all the time and comes back later. Until then it may hold what nobody knows of.
        assert chain.one("SELECT group_concat(store) FROM unheard") == "S003"
        assert set(chain.times_applied("S003")) < set(chain.told["S003"])
        async with chain.node("S003") as three:
            await chain.agree(three)
            assert chain.times_applied("S003") == dict.fromkeys(chain.told["S003"], 1)
            await until(lambda: chain.one("SELECT count(*) FROM unheard") == 0)
    assert int(chain.one("SELECT value FROM meta WHERE key = 'fence'")) > fence + 100_000
    replicas = {code: chain.folder / code / "replica.db" for code in CODES}
    found = audit(chain.config.database, replicas, now=wall_clock(), settled=True)
    assert found.ok, found.details


async def test_of_a_box_that_died_the_report_names_what_is_lost_and_its_rights_end_until_they_are_counted(
    make: Callable[[int], Chain],
) -> None:
    chain = make(4)
    with chain.running():
        async with chain.node("S001") as node:
            await chain.agree(node)
            no = await asyncio.to_thread(order, chain)
            await until(lambda: offers(node))
            await chain.do(node, "accept", {"fence": offers(node)[0]})
            await until(lambda: owned(node))
            await chain.sell(node, 1)
            await chain.agree(node)
            await node.cut(True)
            await until(lambda: not node.status().up)
            arrived = node.end.acked
            await chain.sell(node, 1)
            await chain.sell(node, 1, TEE)
            lost = numbers(node, arrived)
            assert lost == [arrived + 1, arrived + 2]
        before = books(chain)
        shutil.rmtree(chain.folder / "S001")
        async with chain.node("S001") as node:
            await until(lambda: at(node, "SELECT 1 FROM task"))
            await chain.agree(node)

            (report,) = told(chain)["losses"]
            assert (report["last_fact"], report["lost_from"]) == (arrived, lost[0])
            assert report["how"] == "replaced"
            assert report["heard_at"] > 0
            assert report["open_orders"] == [f"{no}-1"]
            assert set(report["to_count"]) == {TEE, CAP, COAT}

            # The order is still this store's; the centre's free rights and promises are what they were.
            assert owned(node)
            for sku, (on_hand, reserved, share, pool) in books(chain).items():
                was = before[sku]
                assert (reserved, share, pool) == (was[1], 0, was[3]), sku
                assert on_hand == was[0] - was[2], sku
            assert at(node, "SELECT sku FROM stock WHERE share > 0") == []
            answer = await node.read(lambda db: till.question(db, CAP))
            assert not answer.may_sell

            assert len(at(node, "SELECT id FROM notice WHERE kind = 'count_first' AND done_at = 0")) == 1
            asked = at(node, "SELECT sku FROM task WHERE state = 'open' AND reason = 'lost_rights'")
            assert {row[0] for row in asked} == {TEE, CAP, COAT}
            shelf = {TEE: 3, CAP: 2, COAT: 4}
            for sku, found in shelf.items():
                await chain.do(node, "count", {"sku": sku, "found": found})
            await chain.agree(node)
            # Of CAP just as many are there as the centre had free: they stay its own.
            assert at(node, "SELECT sku, share FROM stock WHERE share > 0") == [(COAT, 2), (TEE, 1)]
            assert {sku: row[0] for sku, row in books(chain).items()} == shelf
            assert told(chain)["losses"][0]["to_count"] == []
            assert chain.one("SELECT state FROM open_case WHERE kind = 'replica_replaced'") == "closed"
            await chain.sell(node, 1, COAT)
            assert at(node, "SELECT 1 FROM stock WHERE debt <> 0") == []
            await chain.agree(node)


def order(chain: Chain) -> str:
    with chain.centre() as db, writing(db):
        new = NewOrder(
            channel="shop",
            external_id="P5-1",
            lines=(NewLine(TEE, 1, 100),),
            kind="pickup",
            pickup_store="S001",
            lat=31.24,
            lon=121.47,
        )
        return place(db, new, now=wall_clock(), dice=os.urandom).order_no


def at(node: StoreNode, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    def ask(db: Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in db.execute(sql, values)]

    return node.readers.read_now(ask)


def offers(node: StoreNode) -> list[int]:
    return [row[0] for row in at(node, "SELECT fence FROM assignment WHERE state = 'offered'")]


def owned(node: StoreNode) -> bool:
    return bool(at(node, "SELECT 1 FROM assignment WHERE ownership = 'confirmed' AND state = 'accepted'"))


def numbers(node: StoreNode, after: int) -> list[int]:
    return [row[0] for row in at(node, "SELECT number FROM fact WHERE number > ? ORDER BY number", after)]


def books(chain: Chain) -> dict[str, tuple[int, ...]]:
    with chain.centre() as db:
        rows = db.execute("SELECT sku, on_hand, reserved, share, pool FROM stock WHERE store = 'S001'")
        return {row[0]: tuple(row)[1:] for row in rows}


def told(chain: Chain) -> Any:
    """What `yipan store lost` prints, as a program of its own would read it."""
    done = CliRunner().invoke(
        yipan, ["--data", str(chain.config.data_dir), "store", "lost", "S001", "--json"], obj=None
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
