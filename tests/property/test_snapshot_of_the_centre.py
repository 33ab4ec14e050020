"""A snapshot made by the real centre and taken by a real replica is the same world as the log.

One store's people work on their replica while shoppers order and other stores compete. Facts and decisions
cross late. At some moments a copy of the store is rebased on a snapshot made at that cut; it must then show
what the original shows once it has heard the same decisions. At rest, digests agree.
"""

from __future__ import annotations

import random
import sqlite3
from typing import Any

import msgspec
import pytest

from server.facts.apply import apply_fact
from server.link.decide import decide
from server.link.snapshot import snapshot
from server.orders.cancel import cancel
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.stock.digest import digest as digest_of_centre
from server.stock.load import load
from server.timers import run_due
from sync import sqlite
from sync.replica import decisions
from sync.replica.digest import digest as digest_of_store
from sync.replica.rebase import rebase
from sync.rules.digest import differences
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import Snapshot
from tests.conftest import seed
from tests.kit_facts import Centre, centre
from tests.kit_replica import HOUR, MINUTE, Shop, visible

SKUS = ("TEE-M", "JEANS", "SOCKS")
APT = {
    "offered": ("accept", "accept", "accept", "decline"),
    "accepted": ("start_wave", "pick", "pick"),
    "picking": ("pick", "pick", "pick", "short"),
    "picked": ("pack", "pack", "undo_pick"),
    "packed": ("stage", "ship"),
    "staged": ("hand_over", "ship"),
    "put_back": ("put_back",),
}


class World:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.c: Centre = centre()
        self.shop = Shop(seed=rng.randrange(10**6))
        self.codes: dict[str, str] = {}
        self.orders = 0
        tx = self.c.tx
        tx.executemany(
            "INSERT INTO item (sku, name_en, name_zh) VALUES (?, ?, ?)", [(sku, sku, sku) for sku in SKUS]
        )
        tx.execute("INSERT INTO replica (store, incarnation, opened_at) VALUES ('S001', 'S001-i1', 1)")
        for store in ("S001", "S002"):
            load(tx, store, [(sku, rng.randrange(2, 12)) for sku in SKUS], "OPENING", self.shop.now)

    def step(self) -> None:
        self.shop.now += self.rng.choice((1_000, 10_000, MINUTE, 4 * MINUTE))
        self.c.now = self.shop.now
        self.rng.choice(
            [self.order] * 2
            + [self.work] * 8
            + [self.floor] * 2
            + [self.tell] * 3
            + [self.hear] * 3
            + [self.cancel, self.clock, self.compete]
        )()

    # -- shoppers and time ----------------------------------------------------------------

    def order(self) -> None:
        self.orders += 1
        pickup = self.rng.random() < 0.5
        made = place(
            self.c.tx,
            NewOrder(
                channel="web",
                external_id=f"w{self.orders}",
                kind="pickup" if pickup else "shipment",
                pickup_store="S001" if pickup else "",
                lines=tuple(NewLine(sku, self.rng.randrange(1, 3)) for sku in self.rng.sample(SKUS, 2)),
                lat=31.1,
                lon=121.4,
                name="Li Wang",
                phone="13800004821",
                address="1 Bund",
            ),
            now=self.c.now,
            dice=self.rng.randbytes,
        )
        self.codes[made.order_no] = made.pickup_code

    def cancel(self) -> None:
        if self.codes and self.rng.random() < 0.5:
            cancel(self.c.tx, self.rng.choice(sorted(self.codes)), now=self.c.now, by="web")

    def clock(self) -> None:
        if self.rng.random() < 0.15:
            self.shop.now += 35 * MINUTE
        elif self.rng.random() < 0.03:
            self.shop.now += 49 * HOUR
        self.c.now = self.shop.now
        run_due(self.c.tx, self.c.now)

    def compete(self) -> None:
        """The other store takes what it is offered, so that a withdrawal can say who has it now."""
        row = self.c.tx.execute(
            "SELECT fence FROM assignment WHERE store = 'S002' AND state = 'offered' AND ended_at = 0 LIMIT 1"
        ).fetchone()
        if row is not None:
            self.c.report("S002", f.Accepted(), fence=row["fence"])

    # -- people in the store --------------------------------------------------------------

    def work(self) -> None:
        shop, rng = self.shop, self.rng
        rows = shop.db.execute(
            f"SELECT fence, state, order_no FROM assignment WHERE state IN ({','.join('?' * len(APT))})",
            tuple(APT),
        ).fetchall()
        if not rows:
            return
        row = rng.choice(rows)
        fence, what = row["fence"], rng.choice(APT[row["state"]])
        lines = shop.db.execute("SELECT * FROM assignment_line WHERE fence = ?", (fence,)).fetchall()
        line = rng.choice(lines)["line"]
        args: dict[str, Any] = {"fence": fence}
        match what:
            case "decline":
                args["reason"] = rng.choice(["no_time", "not_found"])
            case "start_wave":
                args = {"fences": [fence]}
            case "pick" | "undo_pick" | "put_back":
                args |= {"line": line, "qty": 1}
            case "short":
                args |= {
                    "line": line,
                    "qty": 1,
                    "reason": rng.choice(["not_found", "damaged", "sold_to_walk_in"]),
                }
            case "stage":
                args["location"] = f"W-{rng.randrange(3)}"
            case "hand_over":
                args["code"] = self.codes[row["order_no"]]
            case "ship":
                made = shop.do("open_manifest", courier="SF")
                if made.ok:
                    shop.do("load", manifest=made.result["manifest"], fence=fence)
                    shop.do("ship", manifest=made.result["manifest"])
                return
        shop.do(what, rng.choice(["lin", "wei"]), **args)

    def floor(self) -> None:
        """What happens beside orders."""
        shop, rng, sku = self.shop, self.rng, self.rng.choice(SKUS)
        match rng.randrange(7):
            case 0:
                shop.do("till_sale", "till", sale=f"T{shop.now}", rows=[[sku, 1]], insist=rng.random() < 0.5)
            case 1:
                shop.do("receive", code=sku, qty=rng.randrange(1, 4))
            case 2:
                row = shop.db.execute("SELECT on_hand FROM stock WHERE sku = ?", (sku,)).fetchone()
                found = max(0, (row[0] if row else 0) + rng.randrange(-1, 2))
                task = shop.db.execute(
                    "SELECT id FROM task WHERE state = 'open' AND sku = ?", (sku,)
                ).fetchone()
                more = {"task": task[0]} if task and rng.random() < 0.7 else {}
                shop.do("count", rng.choice(["lin", "wei", "amy"]), sku=sku, found=found, **more)
            case 3:
                shop.do(
                    "take_return", order=rng.choice([*sorted(self.codes), ""]), sku=sku, qty=1, reason="size"
                )
            case 4:
                row = shop.db.execute("SELECT id FROM goods_return WHERE graded < qty").fetchone()
                if row:
                    better = rng.random() < 0.5
                    shop.do(
                        "grade", "amy", return_id=row["id"], qty=1, grade="A" if better else "C",
                        disposition="restock" if better else "damaged",
                    )  # fmt: skip
            case 5:
                shop.do("send_transfer", to="S002", rows=[[sku, 1]])
            case 6:
                shop.do("pause", "amy", paused=rng.random() < 0.3, reason="stocktake")

    # -- the line -------------------------------------------------------------------------

    def tell(self, most: int = 8) -> int:
        tx = self.c.tx
        taken = tx.execute("SELECT applied FROM replica WHERE store = 'S001'").fetchone()[0]
        rows = self.shop.db.execute(
            "SELECT number, raw, chain FROM fact WHERE number > ? ORDER BY number LIMIT ?", (taken, most)
        ).fetchall()
        for number, raw, chain in rows:
            fact = msgspec.json.decode(raw, type=f.Fact)
            verdict = apply_fact(tx, "S001", "S001-i1", number, fact, now=self.c.now)
            assert verdict.name != "parked", (fact, verdict)
            tx.execute(
                "INSERT INTO fact (store, incarnation, number, kind, fence, person, device, command,"
                " occurred_at, received_at, verdict, note, chain, raw)"
                " VALUES ('S001', 'S001-i1', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (number, fact.kind, fact.fence, fact.person, fact.device, fact.command, fact.at, self.c.now,
                 verdict.name, verdict.note, chain, raw),
            )  # fmt: skip
            tx.execute("UPDATE replica SET applied = ?, chain = ? WHERE store = 'S001'", (number, chain))
            if verdict.name != "applied":
                said = d.VerdictGiven(number, verdict.name, fact.kind, verdict.note, verdict.case)
                decide(tx, "S001", said, at=self.c.now, fence=fact.fence)
        return len(rows)

    def hear(self, most: int = 8) -> int:
        rows = self.c.tx.execute(
            "SELECT number, raw FROM decision WHERE store = 'S001' AND number > ? ORDER BY number LIMIT ?",
            (self.shop.number, most),
        ).fetchall()
        for number, raw in rows:
            decision = msgspec.json.decode(raw, type=d.Decision)
            with sqlite.writing(self.shop.db):
                ctx = self.shop.context("node", command=f"auto:{number}")
                decisions.apply_decision(self.shop.db, number, decision, ctx)
            self.shop.number = number
        return len(rows)

    def at_rest(self) -> None:
        for _ in range(300):
            if not self.tell() + self.hear():
                return
        raise AssertionError("the line never came to rest")

    # -- the claim ------------------------------------------------------------------------

    def rebased_copy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a copy shows after a snapshot, and what the original shows after the same decisions."""
        content = msgspec.json.encode(snapshot(self.c.tx, "S001"))
        taken = msgspec.json.decode(content, type=Snapshot)
        assert (taken.facts, taken.incarnation) == tuple(
            self.c.tx.execute("SELECT applied, incarnation FROM replica WHERE store = 'S001'").fetchone()
        )
        copy = _copy(self.shop.db)
        with sqlite.writing(copy):
            rebase(copy, taken, self.shop.context("node", command="auto:rebase"), above=taken.facts)
        while self.hear():
            pass
        assert taken.decisions == self.shop.number
        return _what_matters(copy), _what_matters(self.shop.db)


def _what_matters(db: sqlite3.Connection) -> dict[str, Any]:
    found: dict[str, Any] = visible(db)
    # A snapshot leaves out turns about which nobody has to do anything any more: what the centre says
    # of them later (why it ended, until when it would have been owned) a store may hear or not.
    for at, row in enumerate(found["assignment"]):
        if row[10] in ("closed", "released"):
            found["assignment"][at] = (*row[:6], 0, row[7], "", *row[9:])
    # Where the centre doubts a count by itself, the log tells of the next count alone.
    doubted = {row[2] for row in found["task"] if row[4] == "loaded_meanwhile"}
    stock = [(*row[:6], 0) if row[0] in doubted else row for row in found["stock"]]
    found["stock"] = [row for row in stock if any(row[1:])]
    # What orders allow to be returned is told in advance by a snapshot, by the log only when it changes.
    del found["returnable"]
    return found


def _copy(db: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite.connect(":memory:")
    db.backup(copy)
    return copy


@pytest.mark.parametrize("run", range(12))
def test_a_snapshot_and_the_log_tell_a_store_the_same(run: int):
    rng = random.Random(f"{seed()}:{run}")
    world = World(rng)
    for step in range(220):
        world.step()
        if step % 20 == 19:
            by_snapshot, by_log = world.rebased_copy()
            for table, rows in by_log.items():
                assert by_snapshot[table] == rows, (table, step)
    world.at_rest()
    centre_says, store_says = digest_of_centre(world.c.tx, "S001"), digest_of_store(world.shop.db)
    assert not differences(centre_says, store_says)
    assert world.c.ledger_adds_up()
