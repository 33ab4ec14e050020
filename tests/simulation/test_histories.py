"""Two thousand histories of a whole chain in a hostile world, and proof that they went where it hurts."""

from __future__ import annotations

import os
import sys

import pytest

from tests.conftest import seed
from tests.simulation.history import shrink
from tests.simulation.many import Report, play_many

HISTORIES = int(os.environ.get("YIPAN_HISTORIES", "2000"))
HOURS = 4.0
"""A hundred steps: twice as many histories go farther than histories of twice the length."""
ENOUGH = 1_000
"""As many histories reach every rare state, whatever the seed."""

RARE = (
    "snapshot under unsent facts", "accepted with the line down", "late accepted", "late picked",
    "stale handed_over",
    "released by an override", "case released_stale", "case released_cancelled", "case forced_release",
    "case over_returned", "case restored_copy", "case replica_replaced", "case two_replicas", "case debt",
    "case too_many_attempts", "case pickup_stuck", "case unknown_fence", "box restored from a copy",
    "box lost", "box crashed after its commit", "centre crashed", "centre crashed after its commit",
    "centre away", "centre restored", "clone refused", "command repeated", "disk full", "suspended",
    "wall clock stepped", "rebooted", "partition", "half-open line", "frame lost", "frame repeated",
    "frame of an old connection", "fact credited", "fact hold_expired", "fact handover_undone",
    "fact put_back", "fact gave", "fact transfer_sent", "decision extended", "decision granted",
    "decision transfer_announced", "turn ended debt", "turn ended no_show", "turn ended reassigned",
    "turn ended short", "turn ended lapsed", "sold beyond the share", "sale told twice", "facts pruned",
    "miscounted", "short: not_found", "short: label_mismatch", "refused wrong_pin", "refused withdrawn",
    "refused hold_over", "refused not_confirmed", "refused claimed", "order sent twice",
    "cancel answered cancel_requested", "ended superseded", "ended stuck", "ended silent", "ended gap",
)  # fmt: skip
"""States that a tame world never reaches. All histories together have to reach each."""


@pytest.fixture(scope="module")
def played() -> Report:
    """Once for all tests of this file, on all cores."""
    return play_many(range(seed(), seed() + HISTORIES), hours=HOURS, bar=sys.stderr.isatty())


@pytest.mark.slow
def test_whatever_breaks_the_rules_hold(played: Report) -> None:
    assert played.histories == HISTORIES
    if played.first is None:
        return
    small, _ = shrink(played.first, hours=HOURS, most=60)
    told = [f"seeds {[one['seed'] for one in played.failing]} fail; the first of them, shrunk:"]
    told += [f"{one.rule}: {one.text}" for one in small.broken[:5]]
    pytest.fail("\n".join([*told, "", *small.script[-80:]]))


@pytest.mark.slow
def test_the_histories_trade(played: Report) -> None:
    """A world in which nothing is sold breaks no rule either."""
    assert min(played.reached[name] for name in ("fact accepted", "fact sold", "fact handed_over")) > 0


@pytest.mark.slow
@pytest.mark.skipif(HISTORIES < ENOUGH, reason=f"{HISTORIES} histories are too few to tell")
def test_the_histories_reach_the_rare_states(played: Report) -> None:
    missing = [name for name in RARE if not played.reached[name]]
    assert not missing, f"never reached in {played.histories} histories"
