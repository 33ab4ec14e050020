"""Whatever is lost, repeated, reordered, crashed, restored or cloned: nothing told is lost, nothing twice."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sync.link import greeting
from sync.link.centre_end import CentreEnd
from sync.link.relate import Relation
from sync.link.store_end import StoreEnd
from sync.replica import log
from sync.wire import frames
from tests.conftest import seed
from tests.kit_hostile import World
from tests.kit_link import ToyApplier

SECONDS = float(os.environ.get("YIPAN_LINK_SECONDS", "20"))
STEPS = 500
WORLDS = 40
"""Always the same ones at least, so that what must be reached does not hang on a machine's speed."""

MUST_REACH = (
    "crash_store", "crash_centre", "restore_store", "restore_centre", "clone", "late", "pruned", "released",
    "case:restored_copy", "case:other_bytes", "case:centre_restored", "case:parked_fact",
    "ended:gap",
)  # fmt: skip


def play(number: int, steps: int = STEPS) -> World:
    world = World(number)
    try:
        for _ in range(steps):
            world.step()
        world.calm_down()
        world.check()
    except BaseException as trouble:
        trouble.add_note(f"replay with YIPAN_LINK_SEED={number}")
        raise
    return world


def test_nothing_told_is_lost_and_nothing_is_done_twice() -> None:
    reached: Counter[str] = Counter()
    one = os.environ.get("YIPAN_LINK_SEED")
    if one:
        play(int(one))
        return
    began = time.monotonic()
    played = 0
    while played < WORLDS or time.monotonic() - began < SECONDS:
        reached += play(seed() * 1_000 + played).reached
        played += 1
    missed = [name for name in MUST_REACH if not reached[name]]
    assert not missed, f"these states were never reached in {played} worlds: {missed}; {dict(reached)}"


@pytest.mark.parametrize("number", [1, 2])
def test_the_same_seed_plays_the_same_world(number: int) -> None:
    def trace() -> list[str]:
        world = World(number)
        for _ in range(150):
            world.step()
        return [f"{world.now}", *(f"{s.store.head()}:{sorted(s.told)}" for s in world.sites.values())]

    assert trace() == trace()


# -- the net must catch: mistakes that were planted on purpose -----------------------------------------


def no_session_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CentreEnd, "_still_mine", lambda self, tx: True)


def no_chain_check(patch: pytest.MonkeyPatch) -> None:
    """Positions are numbers alone: an old copy that worked on passes for the log it once was."""
    patch.setattr(
        greeting,
        "relate",
        lambda **at: (
            Relation("follows", at["applied"])
            if at["head"] >= at["applied"]
            else Relation("behind", at["head"])
        ),
    )


def goes_on_one_too_early(patch: pytest.MonkeyPatch) -> None:
    """The last fact that a copy shares with the centre is taken for news."""
    real = greeting._common

    def early(*given: Any) -> Relation:
        found = real(*given)
        return found if found.kind == "ask" else Relation(found.kind, max(0, found.common - 1))

    patch.setattr(greeting, "_common", early)


def facts_forgotten_when_acknowledged(patch: pytest.MonkeyPatch) -> None:
    """Acknowledged taken for prunable: after a restore of the centre nobody has them."""
    real = log.ReplicaLog.prune
    patch.setattr(
        log.ReplicaLog,
        "prune",
        lambda self, tx, upto, before: real(self, tx, int(log.get(tx, "facts_acked", "0")), before),
    )


def snapshot_erases_unsent_facts(patch: pytest.MonkeyPatch) -> None:
    real = ToyApplier.rebase
    patch.setattr(
        ToyApplier, "rebase", lambda self, tx, content, facts, moment: real(self, tx, content, 10**9, moment)
    )


def snapshot_not_remembered_as_needed(patch: pytest.MonkeyPatch) -> None:
    real = log.ReplicaLog.fork

    def fork(self: Any, tx: Any, incarnation: str, number: int) -> None:
        real(self, tx, incarnation, number)
        log.put(tx, "needs_snapshot", 0)

    patch.setattr(log.ReplicaLog, "fork", fork)
    patch.setitem(StoreEnd._SESSION, frames.SnapshotPart, lambda self, tx, now, frame: [])


def second_box_let_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(greeting, "_another_box_is_there", lambda tx, log, now, hello: False)


def sent_counts_as_acknowledged(patch: pytest.MonkeyPatch) -> None:
    real = StoreEnd._hello

    def hello(self: Any, tx: Any, now: Any, numbers: Any) -> Any:
        log.put(tx, "facts_acked", max(self._sent, int(log.get(tx, "facts_acked", "0"))))
        return real(self, tx, now, numbers)

    patch.setattr(StoreEnd, "_hello", hello)
    patch.setattr(log.ReplicaLog, "after", after_what_was_acknowledged(log.ReplicaLog.after))


def after_what_was_acknowledged(real: Any) -> Any:
    def after(self: Any, tx: Any, number: int, count: int, size: int) -> Any:
        return [
            one
            for one in real(self, tx, number, count, size)
            if one.number > int(log.get(tx, "facts_acked", "0"))
        ]

    return after


def repeats_are_applied_again(patch: pytest.MonkeyPatch) -> None:
    real = StoreEnd._decisions_frame

    def again(self: Any, tx: Any, now: Any, frame: frames.Decisions) -> Any:
        if frame.n <= self._decisions[0] and frame.n > 1:
            for number, raw in enumerate(frame.i, start=frame.n):
                self._apply(tx, number, bytes(raw), self.clock.moment(now))
        return real(self, tx, now, frame)

    patch.setitem(StoreEnd._SESSION, frames.Decisions, again)


MISTAKES = (
    no_session_check,
    no_chain_check,
    goes_on_one_too_early,
    facts_forgotten_when_acknowledged,
    snapshot_erases_unsent_facts,
    snapshot_not_remembered_as_needed,
    second_box_let_in,
    sent_counts_as_acknowledged,
    repeats_are_applied_again,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.__name__)
def test_a_planted_mistake_is_found(
    mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    for number in range(60):
        try:
            play(number)
        except Exception:
            return
    raise AssertionError("sixty worlds did not notice")
