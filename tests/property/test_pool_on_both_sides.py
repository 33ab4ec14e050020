"""The proof obligations of the stock pool, after every step, with SQLite on both sides of a hostile line.

Loss, repetition, reordering, crashes, restores, new incarnations, forced sales, shrink: see tests/kit_pool.
The simulator plays the whole chain for longer; here is the pool alone, and each obligation by its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import server.link.serve
from server.stock import book
from server.stock.digest import digest as digest_of_centre
from sync.replica.digest import digest as digest_of_store
from sync.rules import stock as arithmetic
from sync.rules.digest import differences
from sync.wire import decisions as d
from sync.wire import facts as f
from tests.conftest import seed
from tests.kit_pool import World

STEPS = 220
WORLDS = 20
MUST_REACH = (
    "forced sale", "shrink", "handed over", "lost frame", "repeated frame", "crash", "crash of the centre",
    "restored box", "new box", "restored centre", "broken promise", "void",
)  # fmt: skip


class Judge:
    """Looks after every step. What may never shrink is remembered per incarnation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counters: dict[tuple[str, str], int] = {}

    def look(self) -> None:
        self.rights_add_up_and_are_never_negative()
        self.promises_are_held_and_there_are_goods_for_them()
        self.counters_never_shrink()
        self.accepted_and_withdrawn_are_disjoint()
        self.what_left_an_order_left_once()
        self.broken_promises_name_their_fact()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.world.db.execute(sql, values).fetchall()]

    def rights_add_up_and_are_never_negative(self) -> None:
        for store, sku, on_hand, reserved, share, pool, debt in self.rows(
            "SELECT store, sku, on_hand, reserved, share, pool, debt FROM stock"
        ):
            assert on_hand + debt == reserved + share + pool, (store, sku)
            assert min(reserved, share, pool) >= 0, (store, sku)
        for box in self.world.boxes.values():
            assert not box.rows("SELECT 1 FROM stock WHERE share < 0 OR debt < 0"), box.code

    def promises_are_held_and_there_are_goods_for_them(self) -> None:
        """Outstanding promises ≤ on hand + debt; and all rights ≤ the goods on the floor, where no forced
        sale, shrink or reset has happened. What left and is not told yet still holds its reservation."""
        world = self.world
        promised = {
            (store, sku): units
            for store, sku, units in self.rows(
                "SELECT a.store, l.sku, sum(l.qty - l.short - l.released) FROM assignment a"
                " JOIN assignment_line l ON l.fence = a.fence WHERE a.ended_at = 0 AND a.released_at = 0"
                " GROUP BY a.store, l.sku"
            )
        }
        told = {
            (store, sku): units
            for store, sku, units in self.rows(
                "SELECT a.store, l.sku, sum(l.released) FROM assignment a"
                " JOIN assignment_line l ON l.fence = a.fence GROUP BY a.store, l.sku"
            )
        }
        for store, sku, on_hand, reserved, pool, debt in self.rows(
            "SELECT store, sku, on_hand, reserved, pool, debt FROM stock"
        ):
            place = store, sku
            assert promised.get(place, 0) <= reserved <= on_hand + debt, place
            if place in world.touched or store not in world.boxes:
                continue
            mine = world.boxes[store].rows("SELECT share FROM stock WHERE sku = ?", sku)
            share = mine[0][0] if mine else 0
            goods = world.floor[place] + world.handed[place] - told.get(place, 0)
            assert reserved + pool + share <= goods, (place, "rights to goods that are not there")

    def counters_never_shrink(self) -> None:
        (centre,) = self.rows("SELECT value FROM meta WHERE key = 'incarnation'")[0]
        for store, incarnation, applied in self.rows("SELECT store, incarnation, applied FROM replica"):
            self._grows(f"{centre} {store} {incarnation}", "applied", applied)
        for store, number in self.rows("SELECT store, max(number) FROM decision GROUP BY store"):
            self._grows(f"{centre} {store}", "decided", number)
        for (fence,) in self.rows("SELECT max(fence) FROM assignment"):
            self._grows(centre, "fence", fence or 0)

    def _grows(self, who: str, what: str, now: int) -> None:
        assert now >= self.counters.get((who, what), 0), (who, what)
        self.counters[who, what] = now

    def accepted_and_withdrawn_are_disjoint(self) -> None:
        late = self.rows(
            "SELECT c.store, c.fence FROM decision c JOIN decision w ON w.store = c.store"
            " AND w.fence = c.fence AND w.kind = 'withdrawn' AND w.number < c.number"
            " WHERE c.kind = 'confirmed'"
        )
        assert not late, f"confirmed after it was withdrawn: {late}"
        taken = self.rows(
            "SELECT fo FROM assignment WHERE ended_at = 0 AND withdraw_requested_at = 0"
            " GROUP BY fo HAVING count(*) > 1"
        )
        assert not taken, f"with two stores at once: {taken}"

    def what_left_an_order_left_once(self) -> None:
        if self.world.reached["restored centre"]:
            return  # it may have forgotten to whom it gave the order; that is what cases are for
        wanted: dict[str, Counter[str]] = {}
        for no, sku, qty in self.rows("SELECT order_no, sellable, qty FROM shop_order_line"):
            wanted.setdefault(no, Counter())[sku] += qty
        for no, gone in self.world.left.items():
            assert gone <= wanted[no], (no, "left more than once", gone, wanted[no])

    def broken_promises_name_their_fact(self) -> None:
        broken = self.rows(
            "SELECT l.store, l.sku, -l.reserved, f.kind FROM stock_ledger l LEFT JOIN fact f"
            " ON f.store = l.store AND f.incarnation = l.incarnation AND f.number = l.number"
            " WHERE l.reason = 'broken'"
        )
        units: Counter[tuple[str, str]] = Counter()
        for store, sku, qty, kind in broken:
            assert kind, (store, sku, "broken, and no fact says why")
            units[store, sku] += qty
            self.world.reached["broken promise"] += 1
        owed = {
            (store, sku): qty
            for store, sku, qty in self.rows(
                "SELECT store, sku, sum(debt) FROM stock_ledger WHERE debt > 0 GROUP BY store, sku"
            )
        }
        for place, qty in units.items():
            # An offer of two units is broken whole for the one that is owed.
            assert qty <= 2 * owed.get(place, 0), (place, qty, owed)
        self.world.reached["void"] += len(
            self.rows("SELECT 1 FROM stock_ledger WHERE reason = 'lost_rights' LIMIT 1")
        )

    # -- at rest ---------------------------------------------------------------------------------

    def at_rest(self) -> None:
        world = self.world
        for code, box in world.boxes.items():
            assert not differences(digest_of_centre(world.db, code), digest_of_store(box.db)), code
            assert not box.rows("SELECT 1 FROM stock WHERE debt <> 0"), code
            (under_way,) = box.rows("SELECT count(*) FROM fact WHERE number > ?", box.end.acked)[0]
            assert not under_way
        assert not self.rows("SELECT 1 FROM stock WHERE debt <> 0")
        there, now = self.replayed(), self.now_at_the_centre()
        for place in {*there, *now}:
            one, other = there.get(place, (0,) * 5), now.get(place, (0,) * 5)
            if self.rows("SELECT 1 FROM fact WHERE note = 'beyond_rights' AND store = ?", place[0]):
                # After a reset a store may take from rights that the centre has lost: those are clamped.
                one, other = (one[0], *one[3:]), (other[0], *other[3:])
            assert one == other, place

    def now_at_the_centre(self) -> dict[tuple[str, str], tuple[int, ...]]:
        rows = self.rows("SELECT store, sku, on_hand, share, debt, damaged, hold FROM stock")
        return {(row[0], row[1]): row[2:] for row in rows if any(row[2:])}

    def replayed(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Every fact taken and every decision made, added up from empty."""
        sums: dict[tuple[str, str], Counter[str]] = {}

        def add(store: str, moves: Any) -> None:
            for move in moves:
                row = sums.setdefault((store, move.sku), Counter())
                for name in ("on_hand", "share", "debt", "damaged", "hold"):
                    row[name] += getattr(move, name)

        skus = {
            (fence, line): sku
            for fence, line, sku in self.rows("SELECT fence, line, sku FROM assignment_line")
        }
        for store, fence, raw in self.rows("SELECT store, fence, raw FROM fact WHERE verdict <> 'parked'"):
            body = f.body_of(msgspec.json.decode(raw, type=f.Fact))
            if isinstance(body, f.HandedOver):
                known = [(skus[fence, line], qty) for line, qty in body.lines if (fence, line) in skus]
                # Of an assignment that a restored centre has lost the fact itself says which goods left.
                add(store, arithmetic.released(known or body.goods))
            elif isinstance(body, f.Shorted):
                add(store, arithmetic.moves(body, skus[fence, body.line]))
            elif body is not None:
                add(store, arithmetic.moves(body))
        for store, raw in self.rows("SELECT store, raw FROM decision"):
            decided = d.body_of(msgspec.json.decode(raw, type=d.Decision))
            assert decided is not None
            add(store, arithmetic.decided(decided))
        columns = ("on_hand", "share", "debt", "damaged", "hold")
        found = {place: tuple(row[name] for name in columns) for place, row in sums.items()}
        return {place: row for place, row in found.items() if any(row)}


def play(number: object, steps: int = STEPS) -> Counter[str]:
    world = World(number)
    judge = Judge(world)
    try:
        for _ in range(steps):
            world.step()
            judge.look()
        world.calm_down()
        judge.look()
        judge.at_rest()
    except BaseException as trouble:
        trouble.add_note(f"world {number}")
        raise
    return world.reached


def test_the_obligations_of_the_pool_hold_after_every_step_and_at_rest() -> None:
    reached: Counter[str] = Counter()
    for number in range(WORLDS):
        reached += play(f"{seed()}:{number}")
    missed = [name for name in MUST_REACH if not reached[name]]
    assert not missed, f"never reached: {missed}; {dict(reached)}"


# -- the net must catch ----------------------------------------------------------------------------------


def rights_outlive_a_lost_box(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(server.link.serve, "void_rights", lambda tx, store, *, now: 0)


def a_grant_is_not_taken_from_the_pool(patch: pytest.MonkeyPatch) -> None:
    def grant(tx: Any, store: str, sku: str, qty: int, *, now: int, person: str = "") -> int:
        row = tx.execute("SELECT pool FROM stock WHERE store = ? AND sku = ?", (store, sku)).fetchone()
        given = min(qty, row["pool"] if row else 0)
        if given:
            book.decide(tx, store, d.Granted(sku, given), at=now)
        return given

    patch.setattr(book, "grant", grant)


def a_debt_breaks_promises_without_a_word(patch: pytest.MonkeyPatch) -> None:
    from server.offers import turn

    real = turn.finish
    patch.setattr(turn, "finish", lambda *args, **more: real(*args, **(more | {"cause": None})))
    patch.setattr(turn.book, "free", nameless(turn.book.free))


def nameless(real: Any) -> Any:
    def free(tx: Any, *args: Any, cause: Any = None, **more: Any) -> int:
        return int(real(tx, *args, cause=book.Cause("broken", more["now"], fence=more["fence"]), **more))

    return free


MISTAKES = (
    rights_outlive_a_lost_box,
    a_grant_is_not_taken_from_the_pool,
    a_debt_breaks_promises_without_a_word,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.__name__)
def test_a_planted_mistake_is_found(
    mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    for number in range(WORLDS):
        try:
            play(f"{seed()}:{number}")
        except AssertionError:
            return
    raise AssertionError("nobody noticed")
