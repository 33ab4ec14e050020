"""One history from one seed: the steps, the calm after them, the judgement; and how a failing one shrinks."""

from __future__ import annotations

import gc
import json
import traceback
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from server.cases.book import close_case
from server.link.logs import release_held
from sync.replica import log
from tests.simulation.faults import Faults
from tests.simulation.mix import HOUR, MINUTE, SECOND
from tests.simulation.people import People
from tests.simulation.world import World
from tests.simulation.world.story import Broken

STEPS_AN_HOUR = 25
STEP_NAMES = "deed", "fault", "wait"


@dataclass
class History:
    seed: int
    steps: int
    trace: str
    broken: list[Broken]
    stuck: bool
    reached: Counter[str]
    script: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.broken and not self.stuck


def play(
    seed: int,
    *,
    stores: int = 3,
    hours: float = 10.0,
    without: Collection[int] = (),
    mood: str | None = None,
    substitutes: float = 0.0,
) -> History:
    """`without`: numbers of steps that are left out. Every step has its own dice. `mood`: see `mix.MOODS`."""
    gc.disable()  # what goes round in circles is swept up once, after the history
    try:
        world = World(seed, stores, hours, mood, substitutes)
        try:
            return _play(world, frozenset(without))
        finally:
            world.close()
    finally:
        gc.enable()


def _play(world: World, without: Collection[int]) -> History:
    seed, people, faults = world.seed, People(world), Faults(world)
    count = int(world.hours * STEPS_AN_HOUR)
    done = 0
    stuck = False
    try:
        for number in range(1, count + 1):
            world.step_no = number
            if number in without:
                continue
            world.roll.now_of(seed, number)
            _step(world, people, faults, world.hours / count)
            world.look()
            done += 1
            if world.broken:
                break
        else:
            world.step_no = count + 1
            world.roll.now_of(seed, "calm")
            stuck = not _calm(world, people)
    except Exception:
        world.fail("trouble", traceback.format_exc())
    if not world.broken:
        _count_reached(world)
    return History(seed, done, world.trace, world.broken, stuck, world.reached, world.script)


def _step(world: World, people: People, faults: Faults, mean_h: float) -> None:
    roll = world.roll
    draw = roll.random()
    mean = mean_h * HOUR
    # Nobody waits for a snapshot: what is done while it is under way has to survive it.
    hurry = 0.95 if world.base_under_way else 0.6
    wait = roll.choice((200, SECOND, 5 * SECOND)) if draw < hurry else int(roll.expovariate(1 / (mean * 2.2)))
    if roll.random() < 0.004:
        wait += roll.choice((HOUR, 4 * HOUR))
    world.advance(wait)
    if world.broken:
        return
    world.retry_due()
    if roll.random() < world.mix.fault_share:
        name = roll.choices(list(world.mix.faults), list(world.mix.faults.values()))[0]
        faults.strike(name)
    else:
        name = roll.choices(list(world.mix.deeds), list(world.mix.deeds.values()))[0]
        people.deed(name)


def _nothing_beside_its_substitute(world: World) -> None:
    """Who got another article did not get the first one as well, unless a case says so."""
    for one in world.floor.orders.values():
        got = (one.got - one.unknown - one.forced).total()
        if not one.swapped or got <= one.want.total() - one.swapped:
            continue
        if (
            world.centre.db.execute("SELECT 1 FROM open_case WHERE order_no = ?", (one.no,)).fetchone()
            is None
        ):
            world.fail("one release", f"order {one.no} got {got} units of {dict(one.want)}")


def _only_what_was_listed(world: World) -> None:
    """Who listed what may come instead got nothing else instead."""
    for order_no, sku, listed in world.centre.db.execute(
        "SELECT new.order_no, new.sellable, old.substitutes FROM shop_order_line new JOIN shop_order_line old"
        " ON old.order_no = new.order_no AND old.line = new.instead_of WHERE old.substitutes <> ''"
    ).fetchall():
        world.reached["listed instead"] += 1
        if sku not in json.loads(listed):
            world.fail("one release", f"order {order_no} got {sku} instead, which is not among {listed}")


def _calm(world: World, people: People) -> bool:
    """No more faults: lines come up and stay, persons decide what was held; all drains in bounded time."""
    world.calm = True
    now = world.now
    if not world.centre.running:
        world.centre.down_until = now
    for box in world.boxes.values():
        box.partition_until = box.suspended_until = 0
        box.full_until = 0
        box.fill_disk(False)
        box.down_until = min(box.down_until, now)
        box.next_tick = now
        box.connect_at = now
        world.close_store_side(box)
    world.advance(SECOND)
    world.retries = [(now, box, cmd) for _, box, cmd in world.retries]
    for _ in range(8):
        world.retry_due()
        world.retries = []
    # A session that the centre still believes in goes by itself; another box waits for that.
    for _ in range(40):
        world.advance(2 * MINUTE)
        world.look()
        if world.broken:
            return False
        _persons_decide(world)
        if _quiet(world):
            break
    else:
        world.fail("stuck", _why_not_quiet(world))
        return False
    stores = {code: box.db for code, box in world.boxes.items()}
    world.auditor.at_rest(world.centre.db, stores)
    world.auditor.orders(
        world.centre.db,
        {
            one.no: (dict(one.want), dict(one.got - one.unknown), dict(one.forced))
            for one in world.floor.orders.values()
        },
    )
    _nothing_beside_its_substitute(world)
    _only_what_was_listed(world)
    return not world.broken


def _persons_decide(world: World) -> None:
    """What was held for a person: somebody looks at both tails and lets it go on."""
    db = world.centre.db
    held = db.execute("SELECT store, incarnation FROM replica WHERE state = 'held'").fetchall()
    if not held:
        return

    def job(tx: object) -> bool:
        for store, incarnation in held:
            release_held(db, store, incarnation)
            world.reached["held replica released"] += 1
        for row in db.execute(
            "SELECT id FROM open_case WHERE kind = 'other_bytes' AND state = 'open'"
        ).fetchall():
            close_case(db, row[0], now=world.now, by="hq", outcome="looked")
        return True

    world.at_centre(job)
    for box in world.boxes.values():
        if box.end.mode == "held":
            world.close_store_side(box)


def _quiet(world: World) -> bool:
    return not _why_not_quiet(world)


def _why_not_quiet(world: World) -> str:
    for code, box in world.boxes.items():
        end, head = box.end, log.head(box.db)[0]
        standing = log.ReplicaLog().standing(box.db)
        decided = world.centre.db.execute(
            "SELECT coalesce(max(number), 0) FROM decision WHERE store = ?", (code,)
        ).fetchone()[0]
        if not end.up or end.mode != "live":
            return f"{code} is not connected ({end.mode}, {end.closing})"
        if end.acked != head:
            return f"{code} has {head - end.acked} facts that nobody took"
        if standing.needs_snapshot or standing.decisions[0] != decided:
            at = f"{standing.decisions[0]} of {decided}"
            return f"{code} stands at decision {at}, snapshot {standing.needs_snapshot}"
    for (store,) in world.centre.db.execute("SELECT store FROM unheard").fetchall():
        return f"{store} has not been heard to the end since the centre was put back"
    for (fence,) in world.centre.db.execute(
        "SELECT fence FROM assignment WHERE ended_at = 0 AND ownership = 'provisional'"
    ).fetchall():
        return f"turn {fence} was accepted and is not confirmed"
    return ""


def _count_reached(world: World) -> None:
    """Rare states, from what the centre wrote down."""
    db, reached = world.centre.db, world.reached
    for kind, n in db.execute("SELECT kind, count(*) FROM open_case GROUP BY kind"):
        reached[f"case {kind}"] += n
    for verdict, kind, n in db.execute(
        "SELECT verdict, kind, count(*) FROM fact WHERE verdict <> 'applied' GROUP BY 1, 2"
    ):
        reached[f"{verdict} {kind}"] += n
    for kind, n in db.execute("SELECT kind, count(*) FROM fact GROUP BY kind"):
        reached[f"fact {kind}"] += n
    for reason, n in db.execute(
        "SELECT ended_reason, count(*) FROM assignment WHERE ended_at > 0 GROUP BY 1"
    ):
        reached[f"turn ended {reason}"] += n
    for (n,) in db.execute(
        "SELECT count(*) FROM fact WHERE kind = 'accepted' AND command LIKE 'auto:%' AND verdict = 'applied'"
    ):
        reached["accepted for its picker"] += n
    for kind, n in db.execute("SELECT kind, count(*) FROM decision GROUP BY kind"):
        reached[f"decision {kind}"] += n


def shrink(
    history: History, *, stores: int = 3, hours: float = 10.0, most: int = 200
) -> tuple[History, set[int]]:
    """Leave out steps as long as the same rule stays broken; greedily, big pieces first."""
    rule = history.broken[0].rule if history.broken else "stuck"
    last = max((one.step for one in history.broken), default=int(hours * STEPS_AN_HOUR))
    count = int(hours * STEPS_AN_HOUR)
    without: set[int] = set(range(last + 1, count + 1))
    best, tries = history, 0
    kept = list(range(1, min(last, count) + 1))
    size = max(1, len(kept) // 2)
    while size >= 1 and tries < most:
        at = 0
        while at < len(kept) and tries < most:
            piece = kept[at : at + size]
            tries += 1
            found = play(history.seed, stores=stores, hours=hours, without=without | set(piece))
            if found.broken and found.broken[0].rule == rule:
                without |= set(piece)
                best = found
                del kept[at : at + size]
            else:
                at += size
        size //= 2
    return best, without
