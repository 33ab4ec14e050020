"""Whatever a store's people and the centre do, in whatever order: the replica's rules hold.

One random history of commands and decisions is played on a store. Then:
decisions moved before facts that had not seen them give the same visible state; a snapshot at any cut
with the later facts applied again gives the same state as the whole history; repeats change nothing;
rights are never negative unless a recorded physical loss took them.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import sqlite
from sync.replica import decisions, effects, timers
from sync.replica.commands import perform
from sync.replica.context import Context, Moment
from sync.replica.rebase import rebase
from sync.wire import decisions as d
from sync.wire import facts as f
from sync.wire.snapshot import (
    SnapAssignment,
    SnapLine,
    SnapParcel,
    SnapReturn,
    SnapReturnable,
    Snapshot,
    SnapTask,
    SnapTransfer,
    StockRow,
)
from tests.kit_replica import HOUR, MINUTE, PIN, Shop, visible

SKUS = ("TEE-M", "JEANS", "SOCKS")
PEOPLE = ("lin", "wei", "amy")
AMY = {"person": "amy", "pin": PIN["amy"], "reason": "seen the passport"}
APT = {
    "offered": ("accept",),
    "accepted": ("start_wave", "scan", "pick"),
    "picking": ("scan", "pick", "pick", "short"),
    "picked": ("pack", "pack", "undo_pick"),
    "packed": ("stage",),
    "staged": ("hand_over",),
    "released": ("undo_hand_over",),
    "put_back": ("put_back", "scan", "undo_hand_over", "hand_over"),
}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Play:
    """A random day. Keeps the order in which decisions and facts came to be."""

    def __init__(self, seed: int, steps: int) -> None:
        self.rng = random.Random(seed)
        self.shop = Shop(seed=seed)
        self.lost: dict[str, int] = {}
        """Units whose reservation a physical loss took: a short pick that lowered stock."""
        self.shop.stock(TEE_M=(8, 4), JEANS=(4, 2), SOCKS=(2, 1))
        for _ in range(steps):
            self.step()
            self.check()

    def step(self) -> None:
        shop, rng = self.shop, self.rng
        shop.now += rng.choice((1_000, MINUTE, 10 * MINUTE))
        shop.doubt = rng.choice((0, 0, MINUTE))
        shop.line_up = rng.random() < 0.6
        rng.choice((self.command, self.command, self.command, self.centre, self.clock))()

    def clock(self) -> None:
        shop = self.shop
        if self.rng.random() < 0.2:
            shop.now += 24 * HOUR
        with sqlite.writing(shop.db):
            timers.run_due(shop.db, shop.context("node", command=f"auto:t{shop.now}"))

    def centre(self) -> None:
        shop, rng = self.shop, self.rng
        fence = rng.randint(1, max(shop.fence, 1))
        sku = rng.choice(SKUS)
        row = shop.row(fence) if shop.fence else None
        match rng.randint(0, 10):
            case 0 | 1 | 2 | 3:
                lines = [(s, rng.randint(1, 2)) for s in rng.sample(SKUS, rng.randint(1, 2))]
                # A promise comes out of the pool: the centre never promises what it has no right to.
                if all(self.pool(s) >= qty for s, qty in lines):
                    shop.offer(lines, kind=rng.choice(("pickup", "shipment")))
            case 4 | 5 if row is not None and row["accepted_at"] and not row["withdrawn"]:
                shop.confirm(fence)
            case 6 if row is not None and not row["withdrawn"]:
                shop.decide(
                    d.Withdrawn(rng.choice(("lapsed", "cancelled", "late")), "S002", "Xujiahui"), fence
                )
            case 7:
                free = max(self.pool(sku), 0)
                if free:
                    shop.decide(d.Granted(sku, rng.randint(1, free)))
            case 8 if (debt := shop.units(sku)["debt"]) > 0 and self.pool(sku) > 0:
                shop.decide(d.DebtPaid(sku, min(debt, self.pool(sku))))
            case 9:
                shop.decide(
                    rng.choice(
                        (
                            d.Asked(sku, rng.randint(1, 3)),
                            d.CountAsked(sku, "doubt", rng.choice(PEOPLE)),
                            d.TransferAnnounced(f"T{shop.number}", "S002", ((sku, 2),)),
                            d.ReturnKnown("YP-900001", ((1, sku, rng.randint(1, 3)),)),
                            d.StockLoaded(f"L{shop.number}", ((sku, 2, 1),)),
                        )
                    )
                )
            case _ if row is not None:
                shop.decide(d.Extended(accept_by=shop.now + HOUR), fence)

    def pool(self, sku: str) -> int:
        """What the centre may give or promise: its part less what orders still hold."""
        shop = self.shop
        units = shop.units(sku)
        held = shop.count(
            "SELECT coalesce(sum(qty - short - released - put_back), 0) FROM assignment_line "
            "WHERE sku = ? AND (open = 1 OR picked > released + put_back)",
            sku,
        )
        return units["on_hand"] + units["debt"] - units["share"] - held

    def command(self) -> None:
        shop, rng = self.shop, self.rng
        fence = rng.randint(1, max(shop.fence, 1))
        person, sku = rng.choice(PEOPLE), rng.choice(SKUS)
        row = shop.row(fence) if shop.fence else None
        line = rng.randint(1, 2)
        qty = rng.choice((1, 1, 2))
        goods = shop.db.execute("SELECT id FROM goods_return WHERE graded < qty ORDER BY id").fetchone()
        choices: list[tuple[str, dict[str, Any]]] = [
            ("receive", {"code": sku, "qty": rng.randint(1, 4), "document": rng.choice(("", "T3"))}),
            ("count", {"sku": sku, "found": rng.randint(0, 9)}),
            (
                "adjust",
                {
                    "sku": sku,
                    "qty": qty,
                    "reason": "torn",
                    "to": rng.choice(("damaged", "gone")),
                    "lead": AMY,
                },
            ),
            (
                "till_sale",
                {"sale": f"S{rng.randint(1, 9)}", "rows": [[sku, qty]], "insist": rng.random() < 0.5},
            ),
            ("till_return", {"sale": f"S{rng.randint(1, 9)}", "sku": sku, "qty": 1}),
            (
                "take_return",
                {
                    "order": rng.choice(("YP-900001", "YP-000001")),
                    "sku": sku,
                    "qty": 1,
                    "reason": "x",
                    "elsewhere": rng.random() < 0.7,
                },
            ),
            (
                "grade",
                {
                    "return_id": goods[0] if goods else "R0",
                    "qty": 1,
                    "grade": "A",
                    "disposition": rng.choice(("restock", "damaged", "vendor")),
                },
            ),
            ("send_transfer", {"to": "S002", "rows": [[sku, qty]]}),
            ("decline", {"fence": fence, "reason": rng.choice(("no_time", "not_found"))}),
        ]
        work: list[tuple[str, dict[str, Any]]] = [
            ("accept", {"fence": fence}),
            ("start_wave", {"fences": [fence]}),
            ("scan", {"code": sku, "fence": fence}),
            ("scan", {"code": sku, "fence": fence}),
            ("pick", {"fence": fence, "line": line, "qty": qty}),
            ("undo_pick", {"fence": fence, "line": line, "qty": 1}),
            (
                "short",
                {
                    "fence": fence,
                    "line": line,
                    "qty": qty,
                    "reason": rng.choice(("not_found", "damaged", "display_worn", "sold_to_walk_in")),
                },
            ),
            ("pack", {"fence": fence}),
            ("stage", {"fence": fence, "location": rng.choice(("W1", "W2"))}),
            (
                "hand_over",
                {
                    "fence": fence,
                    "code": "428913",
                    "override": rng.choice((None, None, None, AMY)),
                    "refused": rng.choice(([], [[line, 1, "size"]])),
                },
            ),
            ("undo_hand_over", {"fence": fence}),
            ("put_back", {"fence": fence, "code": sku}),
        ]
        if row is not None and rng.random() < 0.75:
            # Mostly what a person would do next, or hand-overs would be as rare as in a random walk.
            apt = APT.get(row["state"], ())
            work = [choice for choice in work if choice[0] in apt] or work
        picker = row["picker"] if row is not None else ""
        name, args = rng.choice(choices if rng.random() < 0.4 else work)
        person = picker or person if name in ("scan", "pick", "undo_pick", "short") else person
        if name == "short":
            self.note_loss(fence, args)
        ctx = shop.context("till" if name.startswith("till") else person)
        before = visible(shop.db)
        with sqlite.writing(shop.db):
            outcome = perform(shop.db, name, args, ctx)
        if name == "short" and not outcome.ok:
            self.lost = self._lost_before
        if not outcome.ok:
            assert visible(shop.db) == before, (name, args)
        after, facts = visible(shop.db), shop.count("SELECT count(*) FROM fact")
        with sqlite.writing(shop.db):
            again = perform(shop.db, name, args, ctx)
        assert (again.ok, again.refusal, again.result) == (outcome.ok, outcome.refusal, outcome.result)
        assert (visible(shop.db), shop.count("SELECT count(*) FROM fact")) == (after, facts)

    def note_loss(self, fence: int, args: dict[str, Any]) -> None:
        self._lost_before = dict(self.lost)
        row = self.shop.db.execute(
            "SELECT sku FROM assignment_line WHERE fence = ? AND line = ?", (fence, args["line"])
        ).fetchone()
        if row and args["reason"] in ("damaged", "sold_to_walk_in"):
            self.lost[row[0]] = self.lost.get(row[0], 0) + args["qty"]

    def check(self) -> None:
        for row in self.shop.db.execute("SELECT * FROM stock"):
            sku = row["sku"]
            assert row["share"] >= 0
            assert row["on_hand"] + row["debt"] - row["share"] + self.lost.get(sku, 0) >= 0, tuple(row)
            assert row["debt"] >= 0
            assert row["hold"] >= 0
        for line in self.shop.db.execute("SELECT * FROM assignment_line"):
            assert line["picked"] + line["short"] <= line["qty"]
            assert line["released"] + line["put_back"] <= line["picked"]


# --- replaying a history in another order -------------------------------------------------

Item = tuple[str, int, Any]
"""("decision", number, Decision) or ("fact", number, Fact)."""


def history(shop: Shop) -> list[Item]:
    """As it happened: each fact after the decisions it had seen, and its answer after its decision."""
    raw = shop.db.execute("SELECT number, raw FROM fact ORDER BY number").fetchall()
    facts = [(number, msgspec.json.decode(data, type=f.Fact)) for number, data in raw]
    waiting = list(shop.sent)
    items: list[Item] = []
    for number, fact in facts:
        # The answer to a decision is recorded while that decision is being applied.
        seen = max(fact.seen, int(fact.command[5:]) if fact.command[5:].isdigit() else 0)
        while waiting and waiting[0][0] <= seen:
            at, decision = waiting.pop(0)
            items.append(("decision", at, decision))
        items.append(("fact", number, fact))
    items += [("decision", at, decision) for at, decision in waiting]
    return items


def put(db: sqlite.Connection, item: Item) -> None:
    kind, number, it = item
    if kind == "decision":
        body = d.body_of(it)
        assert body is not None
        decisions.effect(db, number, body, it)
    else:
        fact_body = f.body_of(it)
        assert fact_body is not None
        effects.apply(db, fact_body, context_of(it), it.fence)


def context_of(fact: f.Fact) -> Context:
    return Context(
        moment=Moment.exact(fact.at),
        person=fact.person,
        role="associate",
        device=fact.device,
        command=fact.command,
        line_up=True,
        new_id=lambda: "unused",
    )


def empty(seed: int = 1) -> sqlite.Connection:
    return Shop(seed=seed).db


@QUICK
@given(seed=st.integers(0, 10**9), order=st.randoms(use_true_random=False))
def test_decisions_and_facts_that_had_not_seen_them_commute(seed: int, order: random.Random) -> None:
    play = Play(seed, 60)
    items = history(play.shop)
    # Any decision may come earlier, as long as decisions keep their order and facts keep theirs.
    shuffled: list[Item] = []
    told = [item for item in items if item[0] == "decision"]
    said = [item for item in items if item[0] == "fact"]
    needs = {}
    count = 0
    for item in items:
        if item[0] == "decision":
            count += 1
        else:
            needs[item[1]] = count
    passed = 0
    while told or said:
        free = not said or not (needs[said[0][1]] <= passed)
        if told and (free or order.random() < 0.5):
            shuffled.append(told.pop(0))
            passed += 1
        else:
            shuffled.append(said.pop(0))
    db = empty()
    with sqlite.writing(db):
        for item in shuffled:
            put(db, item)
    assert visible(db) == visible(play.shop.db)


def snapshot_of(db: sqlite.Connection, decided: int, said: int, now: int) -> Snapshot:
    """What a centre that has seen exactly this would send. It keeps no work that is over."""
    rows = db.execute(
        "SELECT * FROM assignment WHERE state NOT IN ('released', 'declined', 'closed') "
        "OR (withdrawn = 1 AND ended_at = 0) ORDER BY fence"
    ).fetchall()
    assignments = []
    for a in rows:
        lines = db.execute("SELECT * FROM assignment_line WHERE fence = ?", (a["fence"],)).fetchall()
        parcels = db.execute("SELECT code, lines FROM parcel WHERE fence = ?", (a["fence"],)).fetchall()
        assignments.append(
            SnapAssignment(
                fence=a["fence"],
                fo=a["fo"],
                order=a["order_no"],
                kind=a["kind"],
                offered_at=a["offered_at"],
                accept_by=a["accept_by"],
                channel=a["channel"],
                shopper=a["shopper"],
                phone_tail=a["phone_tail"],
                code_salt=a["code_salt"],
                code_hash=a["code_hash"],
                confirmed=bool(a["confirmed"]),
                owner_until=a["owner_until"],
                withdrawn=bool(a["withdrawn"]),
                withdrawn_at=a["withdrawn_at"],
                withdrawn_reason=a["withdrawn_reason"],
                withdrawn_to=a["withdrawn_to"],
                withdrawn_to_at=a["withdrawn_to_at"],
                state=a["state"],
                ended_at=a["ended_at"],
                accepted_at=a["accepted_at"],
                accepted_by=a["accepted_by"],
                wave=a["wave"],
                tote=a["tote"],
                picker=a["picker"],
                location=a["location"],
                manifest=a["manifest"],
                released_at=a["released_at"],
                released_by=a["released_by"],
                collector=a["collector"],
                lines=tuple(
                    SnapLine(
                        x["line"],
                        x["sku"],
                        x["qty"],
                        x["order_line"],
                        x["sellable"],
                        x["picked"],
                        x["short"],
                        x["released"],
                        x["put_back"],
                    )
                    for x in lines
                ),
                parcels=tuple(
                    SnapParcel(p[0], tuple(map(tuple, msgspec.json.decode(p[1])))) for p in parcels
                ),
            )
        )
    return Snapshot(
        store="S001",
        made_at=now,
        decisions=decided,
        facts=said,
        stock=tuple(
            StockRow(*row[:6], bool(row[6]))
            for row in db.execute("SELECT sku, on_hand, share, debt, damaged, hold, suppressed FROM stock")
        ),
        assignments=tuple(assignments),
        returns=tuple(
            SnapReturn(
                r["id"],
                r["sku"],
                r["qty"],
                r["order_no"],
                r["line"],
                r["graded"],
                r["reason"],
                bool(r["bought_elsewhere"]),
                r["received_at"],
                r["received_by"],
                r["grade"],
                r["disposition"],
                r["sale"],
            )
            for r in db.execute("SELECT * FROM goods_return WHERE graded < qty")
        ),
        returnables=tuple(
            SnapReturnable(*row) for row in db.execute("SELECT order_no, line, sku, qty FROM returnable")
        ),
        transfers=tuple(
            SnapTransfer(*row)
            for row in db.execute("SELECT code, direction, other, sku, qty, received, at FROM transfer")
        ),
        tasks=tuple(
            SnapTask(*row)
            for row in db.execute(
                "SELECT id, kind, sku, reason, not_by, made_at FROM task WHERE state = 'open'"
            )
        ),
        paused=bool(db.execute("SELECT 1 FROM meta WHERE key = 'pause' AND value <> ''").fetchone()),
    )


@QUICK
@given(seed=st.integers(0, 10**9), cut=st.floats(0, 1), wire=st.booleans())
def test_a_snapshot_at_any_cut_with_the_later_facts_is_the_whole_history(
    seed: int, cut: float, wire: bool
) -> None:
    play = Play(seed, 60)
    shop = play.shop
    items = history(shop)
    said = [item for item in items if item[0] == "fact"]
    facts = int(len(said) * cut)
    # The centre has all decisions, of course, and the store's facts up to the cut.
    base = empty()
    with sqlite.writing(base):
        left = facts
        for item in items:
            if item[0] == "decision":
                put(base, item)
            elif left:
                put(base, item)
                left -= 1
    snap = snapshot_of(base, len(shop.sent), facts, shop.now)
    if wire:
        snap = msgspec.json.decode(msgspec.json.encode(snap), type=Snapshot)
    before, log = visible(shop.db), shop.count("SELECT count(*) FROM fact")
    for _ in range(2):  # a snapshot applied twice is applied once
        with sqlite.writing(shop.db):
            again = rebase(shop.db, snap, shop.context("node", command="auto:r"))
        assert again == len(said) - facts
        assert visible(shop.db) == before
        assert shop.count("SELECT count(*) FROM fact") == log


@QUICK
@given(seed=st.integers(0, 10**9), back=st.integers(1, 25))
def test_a_store_that_missed_decisions_catches_up_by_a_snapshot_and_owes_nothing(
    seed: int, back: int
) -> None:
    """Decisions fell out of the log: the snapshot brings them, and the store says what it owes for them."""
    play = Play(seed, 50)
    shop = play.shop
    number = shop.number
    centre = empty()
    with sqlite.writing(centre):
        for item in history(shop):
            put(centre, item)
        fences = [r[0] for r in centre.execute("SELECT fence FROM assignment WHERE withdrawn = 0").fetchall()]
        for missed, fence in enumerate(fences[:back], number + 1):
            decision = d.Decision(kind="withdrawn", at=shop.now, fence=fence)
            decisions.effect(centre, missed, d.Withdrawn("reassigned", "S002"), decision)
    snap = snapshot_of(centre, number + back, shop.count("SELECT count(*) FROM fact"), shop.now)
    with sqlite.writing(shop.db):
        rebase(shop.db, snap, shop.context("node", command="auto:r"))
    assert shop.count("SELECT count(*) FROM assignment WHERE withdrawn = 1 AND ended_at = 0") == 0
    assert shop.count("SELECT count(*) FROM stock WHERE debt < 0") == 0
    for fence in fences[:back]:
        if fence in {a.fence for a in snap.assignments}:
            assert len([1 for fact, _ in shop.facts("withdrawal_taken") if fact.fence == fence]) <= 1
            assert shop.state(fence)[0] in ("put_back", "closed", "released", "declined")


def test_the_random_day_reaches_what_it_is_meant_to_reach() -> None:
    """A generator that never gets to a hand-over proves nothing about hand-overs."""
    kinds: dict[str, int] = {}
    for seed in range(40):
        for fact, _ in Play(seed, 80).shop.facts():
            kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
    wanted = {
        "accepted",
        "declined",
        "pick_started",
        "picked",
        "pick_undone",
        "shorted",
        "packed",
        "staged",
        "handed_over",
        "handover_undone",
        "put_back",
        "withdrawal_taken",
        "hold_expired",
        "sold",
        "sale_returned",
        "received",
        "transfer_sent",
        "counted",
        "adjusted",
        "returned",
        "graded",
        "gave",
    }
    assert wanted <= kinds.keys(), wanted - kinds.keys()
