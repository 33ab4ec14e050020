"""Planted bugs, each a mistake that somebody could make, put in by name for the length of a `with`.

The product knows nothing of them: they replace functions of the running process. The suite has to find each
within seconds; one that is not found says that the simulator is blind there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import server.counters
import server.db
import server.facts.apply
import server.facts.stock
import server.facts.verdict
import server.link.logs
import server.link.serve
import server.offers.facts
import server.offers.rows
import server.offers.sweep
import server.offers.turn
import server.orders.cancel
import server.stock.book
import server.stock.debts
import sync.agent.applier
import sync.link.centre_end
import sync.link.clock
import sync.link.greeting
import sync.link.store_end
import sync.replica.commands
import sync.replica.commands.release
import sync.replica.decisions
import sync.replica.effects
import sync.replica.effects.base
import sync.replica.log
import sync.replica.read
import sync.replica.rebase
import sync.replica.timers
import sync.sqlite
from server.link.decide import decide
from server.routing.map import on_stock
from server.stock.cause import Cause
from sync.link.relate import Relation
from sync.replica.commands import handover
from sync.rules.moment import Moment
from sync.rules.states import Ownership, State
from sync.rules.stock import Move
from sync.wire import decisions as d
from sync.wire import facts as f

Patch = tuple[Any, Any, Any]
MUTANTS: dict[str, Callable[[], list[Patch]]] = {}


def mutant(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    MUTANTS[make.__name__] = make
    return make


@contextmanager
def planted(name: str) -> Iterator[None]:
    with ExitStack() as stack:
        for where, attribute, wrong in MUTANTS[name]():
            if isinstance(where, dict):
                stack.enter_context(mock.patch.dict(where, {attribute: wrong}))
            else:
                stack.enter_context(mock.patch.object(where, attribute, wrong))
        yield


# -- the log and its names -------------------------------------------------------------------------


@mutant
def a_fact_is_applied_twice() -> list[Patch]:
    right = server.facts.apply.apply_fact

    def wrong(tx: Any, store: str, incarnation: str, number: int, fact: Any, *, now: int) -> Any:
        verdict = right(tx, store, incarnation, number, fact, now=now)
        if number % 5 == 0:
            right(tx, store, incarnation, number, fact, now=now)
        return verdict

    return [(server.link.serve, "apply_fact", wrong)]


@mutant
def no_incarnation_after_a_restore() -> list[Patch]:
    """An older copy goes on under its old name, and the centre takes its numbers as known."""

    def follows(*, head: int, floor: int, checks: Any, applied: int, chain_at: Any) -> Relation:
        return Relation("follows", applied)

    return [(sync.link.greeting, "relate", follows)]


@mutant
def facts_are_dropped_once_sent() -> list[Patch]:
    right = sync.link.store_end.StoreEnd._facts_to_send

    def wrong(self: Any, tx: Any, now: Any) -> Any:
        out = right(self, tx, now)
        if out:
            head = sync.replica.log.head(tx)
            tx.execute("DELETE FROM fact WHERE number <= ? AND number < ?", (self._sent, head[0]))
        return out

    return [(sync.link.store_end.StoreEnd, "_facts_to_send", wrong)]


@mutant
def a_decision_is_applied_twice() -> list[Patch]:
    right = sync.agent.applier.ReplicaApplier.decision

    def wrong(self: Any, tx: Any, number: int, decision: Any, moment: Any) -> None:
        right(self, tx, number, decision, moment)
        if decision.kind in ("granted", "stock_loaded", "debt_paid"):
            right(self, tx, number, decision, moment)

    return [(sync.agent.applier.ReplicaApplier, "decision", wrong)]


@mutant
def the_cursor_moves_and_the_decision_is_lost() -> list[Patch]:
    """The cursor is written although applying was put off, and the put-off part is forgotten."""
    right = sync.agent.applier.ReplicaApplier.decision

    def wrong(self: Any, tx: Any, number: int, decision: Any, moment: Any) -> None:
        if number % 7:
            right(self, tx, number, decision, moment)

    return [(sync.agent.applier.ReplicaApplier, "decision", wrong)]


@mutant
def two_sessions_both_write() -> list[Patch]:
    return [(sync.link.centre_end.CentreEnd, "_still_mine", lambda self, tx: True)]


@mutant
def two_boxes_of_one_store() -> list[Patch]:
    return [(sync.link.greeting, "_another_box_is_there", lambda *args: False)]


@mutant
def a_snapshot_erases_unsent_facts() -> list[Patch]:
    return [(sync.replica.rebase, "_apply_again", lambda tx, facts, kept, ctx: 0)]


@mutant
def synchronous_normal() -> list[Patch]:
    right, right_centre = sync.sqlite.connect, server.db.open_centre

    def connect(*args: Any, **more: Any) -> Any:
        db = right(*args, **more)
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    def centre(*args: Any) -> Any:
        db = right_centre(*args)
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    from tests.simulation import chain

    return [(sync.sqlite, "connect", connect), (chain, "open_centre", centre)]


@mutant
def a_command_is_done_at_every_try() -> list[Patch]:
    def wrong(tx: sqlite3.Connection, command_id: str) -> None:
        tx.execute("DELETE FROM command WHERE id = ?", (command_id,))

    return [(sync.replica.commands, "known", wrong)]


@mutant
def a_sale_is_booked_at_every_telling() -> list[Patch]:
    right = sync.replica.effects.base.of_kind.dispatch(f.Sold)

    def wrong(body: Any, tx: Any, ctx: Any, fence: int) -> None:
        return None

    class Forgetful:
        def __call__(self, body: Any, *args: Any) -> Any:
            handler = wrong if isinstance(body, f.Sold) else of_kind.dispatch(type(body))
            return handler(body, *args)

    of_kind = sync.replica.effects.base.of_kind
    assert right is not None
    return [(sync.replica.effects, "of_kind", Forgetful())]


# -- rights ------------------------------------------------------------------------------------------


@mutant
def grant_beyond_rights() -> list[Patch]:
    def wrong(tx: Any, store: str, sku: str, qty: int, *, now: int, person: str = "") -> int:
        decide(tx, store, d.Granted(sku, qty), at=now)
        return qty

    return [(server.stock.book, "grant", wrong)]


@mutant
def give_beyond_rights() -> list[Patch]:
    right = sync.replica.decisions.react

    def wrong(tx: Any, number: int, body: Any, fence: int, stage: str, ctx: Any) -> Any:
        if isinstance(body, d.Asked):
            sync.replica.decisions._record(tx, f.Gave(body.sku, body.qty, number), ctx)
            return set()
        return right(tx, number, body, fence, stage, ctx)

    return [(sync.replica.decisions, "react", wrong)]


@mutant
def promise_what_is_the_stores() -> list[Patch]:
    """One past the pool: the last unit of the share is promised as well."""

    def wrong(tx: Any, store: str, rows: Any, *, fence: int, now: int, person: str = "") -> bool:
        tx.execute("SAVEPOINT promise")
        for sku, qty in rows:
            row = tx.execute(
                "UPDATE stock SET reserved = reserved + ?1, share = share - max(0, ?1 - pool),"
                " pool = max(0, pool - ?1) WHERE store = ?2 AND sku = ?3 AND pool + share >= ?1"
                " AND pool >= ?1 - 1 RETURNING pool",
                (qty, store, sku),
            ).fetchone()
            if row is None:
                tx.execute("ROLLBACK TO promise")
                tx.execute("RELEASE promise")
                return False
            on_stock(tx, store, sku, row[0] + 1, False)
        tx.execute("RELEASE promise")
        return True

    return [(server.stock.book, "promise", wrong)]


@mutant
def half_a_bundle_is_promised() -> list[Patch]:
    """All or none is forgotten: what was reserved stays reserved when a later part is missing."""

    def wrong(tx: Any, store: str, rows: Any, *, fence: int, now: int, person: str = "") -> bool:
        for sku, qty in rows:
            row = tx.execute(
                "UPDATE stock SET pool = pool - ?1, reserved = reserved + ?1 WHERE store = ?2 AND sku = ?3"
                " AND pool >= ?1 AND suppressed = 0 RETURNING pool",
                (qty, store, sku),
            ).fetchone()
            if row is None:
                return False
        return True  # and nobody told the map

    return [(server.stock.book, "promise", wrong)]


@mutant
def debt_paid_by_both_and_kept() -> list[Patch]:
    return [(sync.replica.decisions, "credit", lambda tx, sku, ctx: None)]


@mutant
def debt_is_never_paid() -> list[Patch]:
    return [(server.stock.debts, "break_offers", lambda tx, store, sku, cause: 0)]


@mutant
def the_last_count_wins() -> list[Patch]:
    right = server.facts.stock.stock_fact

    def wrong(tx: Any, source: Any, body: Any) -> Any:
        if isinstance(body, f.Counted):
            row = tx.execute(
                "SELECT on_hand FROM stock WHERE store = ? AND sku = ?", (source.store, body.sku)
            ).fetchone()
            more = body.found - (row[0] if row else 0)
            server.stock.book.apply_moves(tx, source.store, [Move(body.sku, on_hand=more)], source.cause())
            return server.facts.verdict.APPLIED
        return right(tx, source, body)

    return [(server.facts.apply, "stock_fact", wrong)]


@mutant
def picked_goods_are_sold_again_at_once() -> list[Patch]:
    """What is in a tote of an ended turn is free before anybody has put it back."""
    right = server.offers.turn.free_what_is_not_in_hand

    def wrong(tx: Any, turn: Any, now: int, *more: Any) -> int:
        for line in server.offers.rows.lines_of(tx, turn.fence).values():
            if line.reserved:
                server.stock.book.free(tx, turn.store, line.sku, line.reserved, fence=turn.fence, now=now)
                tx.execute(
                    "UPDATE assignment_line SET reserved = 0 WHERE fence = ? AND line = ?",
                    (turn.fence, line.line),
                )
        return int(right(tx, turn, now, *more))

    return [(server.offers.turn, "free_what_is_not_in_hand", wrong)]


@mutant
def a_release_frees_the_unit_as_well() -> list[Patch]:
    right = server.stock.book.consume

    def wrong(tx: Any, store: str, sku: str, qty: int, **more: Any) -> Any:
        beyond = right(tx, store, sku, qty, **more)
        server.stock.book._move(tx, store, Move(sku, on_hand=qty), Cause("twice", more["now"]))
        return beyond

    return [(server.stock.book, "consume", wrong)]


# -- offer, ownership, release ---------------------------------------------------------------------------


@mutant
def no_fence_check() -> list[Patch]:
    """A late acceptance is taken for a good one, and so is everything after it."""
    return [(server.offers.rows.TurnRow, "current", property(lambda self: True))]


@mutant
def hand_over_before_confirmation() -> list[Patch]:
    def wrong(*, ownership: Any, withdrawn: bool, owner_until: int, latest_now: int) -> bool:
        return not withdrawn and Ownership(ownership) in (Ownership.CONFIRMED, Ownership.PROVISIONAL)

    return [(sync.replica.commands.release, "may_release", wrong)]


@mutant
def hand_over_after_the_hold() -> list[Patch]:
    def wrong(*, ownership: Any, withdrawn: bool, owner_until: int, latest_now: int) -> bool:
        return Ownership(ownership) is Ownership.CONFIRMED and not withdrawn

    return [
        (sync.replica.commands.release, "may_release", wrong),
        (sync.replica.timers, "_expire_holds", lambda tx, ctx: 0),
    ]


@mutant
def hand_over_twice() -> list[Patch]:
    def units(desk: Any, fence: int) -> dict[int, int]:
        return {line["line"]: line["picked"] for line in sync.replica.read.lines(desk.tx, fence)}

    def ready(desk: Any, row: Any, override: Any) -> None:
        if State(row["state"]) in (State.PACKED, State.STAGED, State.RELEASED):
            return
        raise desk.not_now(row)

    return [
        (handover, "ready", ready),
        (handover, "units", units),
        (handover, "against", lambda desk, row: None),
    ]


@mutant
def accepted_work_is_withdrawn_at_once() -> list[Patch]:
    def wrong(tx: Any, turn: Any, reason: str, now: int) -> None:
        server.offers.turn.finish(tx, turn, reason, now, again=reason != "cancelled")

    return [(server.offers.turn, "ask_back", wrong), (server.orders.cancel, "ask_back", wrong)]


@mutant
def fences_come_again_after_a_restore() -> list[Patch]:
    return [
        (server.counters, "past_fence", lambda tx, heard, now: None),
        (server.counters.JUMPS, "fence", 0),
        (server.counters.PER_SECOND, "fence", 0),
    ]


@mutant
def rights_by_the_wall_clock() -> list[Patch]:
    return [(sync.link.clock.LinkClock, "moment", lambda self, now: Moment.exact(now.wall))]


@mutant
def suspended_time_does_not_count() -> list[Patch]:
    """Every reboot and every sleep starts the store's time anew from what it heard last."""
    right = sync.link.clock.LinkClock.moment

    def wrong(self: Any, now: Any) -> Moment:
        if self._saved is not None and self._saved.boot != now.boot:
            return Moment.exact(self._saved.low)
        return right(self, now)

    return [(sync.link.clock.LinkClock, "moment", wrong)]


@mutant
def offers_never_lapse() -> list[Patch]:
    return [(server.offers.sweep, "_lapse", lambda tx, now: 0)]


@mutant
def offers_lapse_early() -> list[Patch]:
    right = server.offers.sweep._lapse

    def wrong(tx: Any, now: int) -> int:
        tx.execute(
            "UPDATE assignment SET accept_by = offered_at + 1200000 WHERE ended_at = 0 AND ownership = 'none'"
        )
        return int(right(tx, now))

    return [(server.offers.sweep, "_lapse", wrong)]


@mutant
def a_withdrawn_turn_is_confirmed() -> list[Patch]:
    """An acceptance that comes after the offer has moved on is confirmed all the same."""
    right = server.offers.facts._EFFECTS[f.Accepted]

    def wrong(tx: Any, source: Any, turn: Any, body: Any) -> Any:
        verdict = right(tx, source, turn, body)
        if not turn.current:
            decide(tx, turn.store, d.Confirmed(source.now + 3_600_000), at=source.now, fence=turn.fence)
        return verdict

    return [(server.offers.facts._EFFECTS, f.Accepted, wrong)]


@mutant
def applied_counts_as_backed_up() -> list[Patch]:
    """A store is told that it may forget what no backup has. (An acknowledgement that is only too early does
    no harm: both ends greet each other anew with what they have on disk.)"""
    wrong = server.link.logs._REPLICA.replace("backed_up", "applied AS backed_up")
    return [(server.link.logs, "_REPLICA", wrong)]
