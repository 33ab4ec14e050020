"""The pool of two stores, the real product on both sides: the centre's tables, real replicas, the real link.

A small floor stands beside them: the units that are really in each building, sold, counted, stolen and
handed over by people. Everything else is a line that loses, repeats and reorders, processes that die before
or after a commit, boxes that come back as older copies or not at all, and a centre put back from a backup.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from server.db import Tx, open_centre
from server.link.backup import _begin_again
from server.link.logs import release_held
from server.link.serve import new_end
from server.orders.new import NewLine, NewOrder
from server.orders.place import place
from server.stock import book
from server.timers import run_due
from sync import sqlite
from sync.agent.applier import ReplicaApplier
from sync.ids import new_id
from sync.link.centre_end import CentreEnd, Manners
from sync.link.clock import LinkClock, Reading
from sync.link.greeting import STILL_THERE_MS
from sync.link.proof import token_hash
from sync.link.shelf import SnapshotShelf
from sync.link.store_end import StoreEnd
from sync.replica import log
from sync.replica.commands import Outcome, perform
from sync.replica.context import Context
from sync.replica.open import open_replica
from tests.kit_facts import NOW, centre

STORES = ("S001", "S002")
SKUS = ("TEE", "CAP")
MANNERS = Manners(heartbeat=900_000)
Place = tuple[str, str]


class Crash(Exception):
    """The process died before its commit."""


@dataclass
class Line:
    end: CentreEnd
    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    """Frames of this connection that were delivered: the next of the same is a repeat."""


class Box:
    """One store's box and what its people did."""

    def __init__(self, code: str, world: World) -> None:
        self.code, self.world = code, world
        self.host = f"box-{code}"
        self.line: Line | None = None
        self.copies: list[sqlite.Connection] = []
        self.db = open_replica(":memory:", code, world.rng.randbytes, world.now)
        self.start()

    def start(self) -> None:
        standing = log.ReplicaLog().standing(self.db)
        self.applier = ReplicaApplier(self.world.id)
        self.end = StoreEnd(
            self.code,
            log.ReplicaLog(),
            self.applier,
            key=token_hash(f"token-{self.code}"),
            new_incarnation=self.world.id,
            clock=LinkClock(standing.clock),
            host=self.host,
        )
        self.end.acked, self.end.prunable = standing.acked, standing.prunable

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.db.execute(sql, values).fetchall()]

    def do(self, name: str, person: str = "lin", **args: Any) -> Outcome:
        world = self.world
        world.commands += 1
        context = Context(
            moment=self.end.clock.moment(world.reading()),
            person=person,
            role="till" if person == "till" else "associate",
            device="pda",
            command=f"{self.code}-{world.commands}",
            line_up=self.end.up,
            new_id=world.id,
        )
        with sqlite.writing(self.db):
            outcome = perform(self.db, name, args, context)
            self.end.keep(self.db, world.reading())
            frames = self.end.recorded(self.db, world.reading())
        if self.line is not None:
            self.line.up += frames
        return outcome


class World:
    FAULTS = ("lose", "repeat", "swap", "crash", "cut", "copy", "restore", "new_box", "backup", "put_back")

    def __init__(self, seed: object) -> None:
        self.rng = random.Random(str(seed))
        self.now = NOW
        self.commands = self.orders = 0
        self.reached: Counter[str] = Counter()
        odds = (0.0, 0.3, 1.0)
        self.odds = {name: self.rng.choice(odds) for name in self.FAULTS}
        self.floor: Counter[Place] = Counter()
        self.handed: Counter[Place] = Counter()
        self.left: dict[str, Counter[str]] = defaultdict(Counter)
        """By order, what left for its shopper."""
        self.codes: dict[str, str] = {}
        self.touched: set[Place] = set()
        """Where a forced sale, a shrink or a reset has happened: promises may exceed goods there."""
        opening = {(code, sku): self.rng.choice((0, 1, 2, 4, 9)) for code in STORES for sku in SKUS}
        made = centre({place: units for place, units in opening.items() if units})
        made.tx.execute("UPDATE store SET active = 0 WHERE code = 'S003'")
        for code in STORES:
            proof = token_hash(f"token-{code}")
            made.tx.execute("UPDATE store SET token_hash = ? WHERE code = ?", (proof, code))
        made.tx.execute("COMMIT")
        self.db: Tx = made.tx
        self.floor.update(opening)
        self.shelf = SnapshotShelf()
        self.boxes = {code: Box(code, self) for code in STORES}
        self.backup_copy = self.image()

    def id(self) -> str:
        return new_id(self.now, self.rng.randbytes)

    def reading(self) -> Reading:
        return Reading(mono=self.now - NOW + 1_000_000, wall=self.now, boot="boot")

    def image(self) -> sqlite.Connection:
        copy = sqlite.connect(":memory:")
        self.db.backup(copy)
        return copy

    def chance(self, name: str, share: float) -> bool:
        return self.rng.random() < self.odds[name] * share

    # -- a step --------------------------------------------------------------------------------

    def step(self) -> None:
        box = self.boxes[self.rng.choice(STORES)]
        roll = self.rng.random()
        if roll < 0.36:
            for _ in range(self.rng.randint(1, 6)):
                self.deliver(box)
        elif roll < 0.44:
            self.connect(box)
        elif roll < 0.66:
            for _ in range(self.rng.randint(1, 3)):
                self.work(box)
        elif roll < 0.74:
            self.sell(box)
        elif roll < 0.83:
            self.order()
        elif roll < 0.89:
            self.rng.choice((self.receive, self.count, self.spoil, self.grant, self.ask))(box)
        elif roll < 0.94:
            self.wait(self.rng.choice((500, 500, 30_000, 60_000, 31 * 60_000)))
        else:
            name = self.rng.choice(self.FAULTS)
            if self.rng.random() < self.odds[name]:
                getattr(self, f"do_{name}", lambda box: None)(box)

    # -- people ----------------------------------------------------------------------------------

    def sell(self, box: Box) -> None:
        sku = self.rng.choice(SKUS)
        if not self.floor[box.code, sku]:
            return
        insist = self.rng.random() < 0.3
        self.orders += 1
        done = box.do("till_sale", "till", sale=f"K{self.orders}", rows=[[sku, 1]], insist=insist)
        if done.ok:
            self.floor[box.code, sku] -= 1
            if done.result["debt"]:
                self.touched.add((box.code, sku))
                self.reached["forced sale"] += 1

    def receive(self, box: Box) -> None:
        sku, qty = self.rng.choice(SKUS), self.rng.randint(1, 4)
        if box.do("receive", code=sku, qty=qty).ok:  # a new box does not know its goods yet
            self.floor[box.code, sku] += qty

    def count(self, box: Box) -> None:
        """Units in totes and on the waiting shelf are not counted with those on the shelf."""
        sku = self.rng.choice(SKUS)
        if self.rng.random() < 0.3 and self.floor[box.code, sku] > self.in_hand(box, sku):
            self.floor[box.code, sku] -= 1  # somebody took one without paying
            self.touched.add((box.code, sku))
            self.reached["shrink"] += 1
        unheard = "SELECT 1 FROM decision WHERE store = ? AND number > ? AND kind = 'stock_loaded'"
        heard = int(log.get(box.db, "decisions_number", "0"))
        if self.db.execute(unheard, (box.code, heard)).fetchone():
            # In the books twice until it is counted again: the centre asks for that, and promises nothing.
            self.touched.add((box.code, sku))
        there = max(0, self.floor[box.code, sku] - self.in_hand(box, sku))
        if self.in_hand(box, sku) > self.floor[box.code, sku]:
            self.touched.add((box.code, sku))
        box.do("count", person=self.rng.choice(("lin", "wei")), sku=sku, found=there)

    def in_hand(self, box: Box, sku: str) -> int:
        sql = "SELECT coalesce(sum(picked - released - put_back), 0) FROM assignment_line WHERE sku = ?"
        return int(box.rows(sql, sku)[0][0])

    def spoil(self, box: Box) -> None:
        sku = self.rng.choice(SKUS)
        if self.floor[box.code, sku] > 0:
            done = box.do("adjust", sku=sku, qty=1, reason="torn", to="gone")
            if done.ok:
                self.floor[box.code, sku] -= 1
                self.touched.add((box.code, sku))

    def work(self, box: Box) -> None:
        rows = box.rows(
            "SELECT fence, order_no, state, ownership FROM assignment WHERE state NOT IN"
            " ('released', 'declined', 'closed') ORDER BY fence"
        )
        if not rows:
            return
        fence, no, state, ownership = self.rng.choice(rows)
        if state == "offered":
            name = "decline" if self.rng.random() < 0.1 else "accept"
            box.do(name, fence=fence, **({"reason": "no_time"} if name == "decline" else {}))
        elif state in ("accepted", "picking"):
            for line, sku, left in box.rows(
                "SELECT line, sku, qty - picked - short FROM assignment_line WHERE fence = ?", fence
            ):
                # A picker cannot take what is not there.
                if left and self.floor[box.code, sku] - self.in_hand(box, sku) >= left:
                    box.do("pick", fence=fence, line=line, qty=left)
        elif state == "picked":
            box.do("pack", fence=fence)
        elif state == "packed":
            box.do("stage", fence=fence, location="W1")
        elif state == "staged":
            self.hand_over(box, fence, no, ownership)
        elif state == "put_back":
            for sku, loose in box.rows(
                "SELECT sku, picked - released - put_back FROM assignment_line WHERE fence = ?", fence
            ):
                if loose:
                    box.do("put_back", fence=fence, code=sku)

    def hand_over(self, box: Box, fence: int, no: str, ownership: str) -> None:
        if self.left[no]:
            return  # a box that lost its record may not know, but the shopper does not come again
        done = box.do("hand_over", fence=fence, code=self.codes.get(no, "000000"))
        if not done.ok:
            return
        assert ownership == "confirmed", "handed over before the acceptance was confirmed"
        assert not box.rows("SELECT 1 FROM assignment WHERE fence = ? AND withdrawn = 1", fence)
        self.reached["handed over"] += 1
        for sku, qty in box.rows("SELECT sku, released FROM assignment_line WHERE fence = ?", fence):
            self.floor[box.code, sku] -= qty
            self.handed[box.code, sku] += qty
            self.left[no][sku] += qty

    def order(self) -> None:
        self.orders += 1
        code, sku = self.rng.choice(STORES), self.rng.choice(SKUS)
        new = NewOrder(
            channel="web",
            external_id=f"w{self.orders}",
            lines=(NewLine(sku, self.rng.randint(1, 2)),),
            kind="pickup",
            pickup_store=code,
            lat=31.2,
            lon=121.4,
        )
        with sqlite.writing(self.db):
            placed = place(self.db, new, now=self.now, dice=self.rng.randbytes)
        self.codes[placed.order_no] = placed.pickup_code

    def grant(self, box: Box) -> None:
        with sqlite.writing(self.db):
            book.grant(self.db, box.code, self.rng.choice(SKUS), self.rng.randint(1, 2), now=self.now)

    def ask(self, box: Box) -> None:
        with sqlite.writing(self.db):
            book.ask(self.db, box.code, self.rng.choice(SKUS), self.rng.randint(1, 2), now=self.now)

    # -- the line ----------------------------------------------------------------------------------

    def connect(self, box: Box) -> None:
        if box.line is None:
            end = new_end(self.rng.randbytes, now=self.now, shelf=self.shelf, manners=MANNERS)
            box.line = Line(end)
            box.line.up += box.end.connected(box.db, self.reading())
            box.line.down += end.connected(None, self.reading())

    def wait(self, ms: int) -> None:
        self.now += ms
        with sqlite.writing(self.db):
            run_due(self.db, self.now)
        for box in self.boxes.values():
            if box.line is not None:
                with sqlite.writing(box.db):
                    box.line.up += box.end.tick(box.db, self.reading())
                with sqlite.writing(self.db):
                    box.line.down += box.line.end.tick(self.db, self.reading())
                self.ended(box)

    def deliver(self, box: Box) -> None:
        line = box.line
        if line is None:
            return
        with sqlite.writing(self.db):
            line.down += line.end.woken(self.db, self.reading())
        ways = [way for way in (line.up, line.down) if way]
        if not ways:
            return
        way = self.rng.choice(ways)
        if self.chance("lose", 0.05):
            way.pop(0)
            self.reached["lost frame"] += 1
            return
        if len(way) > 1 and self.chance("swap", 0.1):
            way[0], way[1] = way[1], way[0]
        frame = way[0] if self.chance("repeat", 0.2) else way.pop(0)
        again = frame in line.seen
        line.seen.add(frame)
        down = way is line.down
        before = self.domain(box, down) if again else None
        crashed = self.at_store(box, line, frame) if down else self.at_centre(line, frame)
        if again and not crashed:
            self.reached["repeated frame"] += 1
            assert self.domain(box, down) == before, f"a repeated frame changed something: {frame[:120]!r}"
        self.ended(box)

    def domain(self, box: Box, down: bool) -> list[Any]:
        """What a repeated frame may not change, on the side that it reaches."""
        if down:
            return [
                box.rows("SELECT * FROM stock ORDER BY sku"),
                box.rows("SELECT fence, state, ownership FROM assignment ORDER BY fence"),
                box.rows("SELECT count(*) FROM fact"),
            ]
        return [
            [tuple(row) for row in self.db.execute(sql).fetchall()]
            for sql in (
                "SELECT * FROM stock ORDER BY store, sku",
                "SELECT fence, state, ownership, ended_at FROM assignment ORDER BY fence",
                "SELECT count(*) FROM fact",
                "SELECT count(*) FROM decision",
            )
        ]

    def at_store(self, box: Box, line: Line, frame: bytes) -> bool:
        fate = self.rng.choice(("before", "after")) if self.chance("crash", 0.05) else ""
        try:
            with sqlite.writing(box.db):
                answer = box.end.received(box.db, self.reading(), frame)
                if fate == "before":
                    raise Crash
        except Crash:
            answer = []
        if fate:
            self.crash(box)
        else:
            line.up += answer
        return bool(fate)

    def at_centre(self, line: Line, frame: bytes) -> bool:
        fate = self.rng.choice(("before", "after")) if self.chance("crash", 0.03) else ""
        try:
            with sqlite.writing(self.db):
                answer = line.end.received(self.db, self.reading(), frame)
                if fate == "before":
                    raise Crash
        except Crash:
            answer = []
        if fate:
            self.crash_centre()
        else:
            line.down += answer
        return bool(fate)

    def ended(self, box: Box) -> None:
        line = box.line
        if line is not None and (box.end.closing is not None or line.end.closing is not None):
            self.do_cut(box)

    # -- faults --------------------------------------------------------------------------------------

    def do_cut(self, box: Box) -> None:
        if box.line is not None:
            box.end.disconnected()
            with sqlite.writing(self.db):
                box.line.end.disconnected(self.db, self.reading())
            box.line = None

    def crash(self, box: Box) -> None:
        self.reached["crash"] += 1
        self.do_cut(box)
        box.start()

    def do_crash(self, box: Box) -> None:
        self.crash(box)

    def crash_centre(self) -> None:
        self.reached["crash of the centre"] += 1
        for box in self.boxes.values():
            self.do_cut(box)
        self.shelf = SnapshotShelf()

    def do_copy(self, box: Box) -> None:
        copy = sqlite.connect(":memory:")
        box.db.backup(copy)
        box.copies = [*box.copies, copy][-2:]

    def do_restore(self, box: Box) -> None:
        if not box.copies:
            return
        self.reached["restored box"] += 1
        self.do_cut(box)
        box.db = sqlite.connect(":memory:")
        self.rng.choice(box.copies).backup(box.db)
        box.start()
        # Until it has spoken it sells by the rights of an older day, and nobody can tell.
        self.touched |= {(box.code, sku) for sku in SKUS}

    def do_new_box(self, box: Box) -> None:
        """The box is gone with all it had not sent. The floor is as it is; the centre does not know."""
        self.reached["new box"] += 1
        self.do_cut(box)
        for _ in range(self.rng.randint(0, 5)):
            self.sell(box)
        self.now += STILL_THERE_MS + 1
        box.db = open_replica(":memory:", box.code, self.rng.randbytes, self.now)
        box.host = f"box-{box.code}-{self.now}"
        box.copies.clear()
        box.start()

    def do_backup(self, box: Box) -> None:
        self.backup_copy = self.image()

    def do_put_back(self, box: Box) -> None:
        if self.rng.random() < 0.5:
            return
        self.reached["restored centre"] += 1
        self.crash_centre()
        made = open_centre(":memory:")
        self.backup_copy.backup(made)
        self.db = made
        with sqlite.writing(self.db):
            old = self.db.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()[0]
            _begin_again(self.db, old, self.now, self.rng.randbytes)
        self.touched |= {(code, sku) for code in STORES for sku in SKUS}

    # -- peace -----------------------------------------------------------------------------------------

    def calm_down(self) -> None:
        """No more faults, nobody begins anything: what is on its way arrives, and a delivery pays debts."""
        self.odds = dict.fromkeys(self.FAULTS, 0.0)
        for box in self.boxes.values():
            self.do_cut(box)
        self.now += STILL_THERE_MS + 1
        self._drain()
        for box in self.boxes.values():
            for sku in SKUS:
                assert box.do("receive", code=sku, qty=30).ok
                self.floor[box.code, sku] += 30
        self._drain()

    def _drain(self) -> None:
        for _ in range(60):
            for store, incarnation in self.db.execute(
                "SELECT store, incarnation FROM replica WHERE state = 'held'"
            ).fetchall():
                with sqlite.writing(self.db):  # a person has looked at both tails
                    release_held(self.db, store, incarnation)
                self.do_cut(self.boxes[store])
            for box in self.boxes.values():
                self.connect(box)
                for _ in range(2_000):
                    if box.line is None or not (box.line.up or box.line.down):
                        break
                    self.deliver(box)
            self.wait(1_000)
            if all(self.quiet(box) for box in self.boxes.values()):
                return
        raise AssertionError("the world did not calm down")

    def quiet(self, box: Box) -> bool:
        head = self.db.execute(
            "SELECT coalesce(max(number), 0) FROM decision WHERE store = ?", (box.code,)
        ).fetchone()[0]
        return (
            box.line is not None
            and box.end.mode == "live"
            and box.end.acked == log.head(box.db)[0]
            and not (box.line.up or box.line.down)
            and int(log.get(box.db, "decisions_number", "0")) == head
            and log.get(box.db, "needs_snapshot", "0") != "1"
        )
