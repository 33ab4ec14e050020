"""Two thousand histories of a whole chain in a hostile world, and proof that they went where it hurts."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.conftest import seed
from tests.simulation.history import play, shrink

HISTORIES = int(os.environ.get("YIPAN_HISTORIES", "2000"))
CHUNKS = 40
HOURS = 6.0

RARE = (
    "accepted with the line down", "late accepted", "late picked", "stale handed_over",
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
"""States that a tame world never reaches. All chunks together have to reach each."""


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_breaks_the_rules_hold(chunk: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    reached: Counter[str] = Counter()
    for number in range(chunk, HISTORIES, CHUNKS):
        history = play(seed() + number, hours=HOURS)
        reached += history.reached
        if not history.ok:
            small, _ = shrink(history, hours=HOURS, most=60)
            told = "\n".join(f"{one.rule}: {one.text}" for one in small.broken[:5])
            pytest.fail(f"seed {history.seed}\n{told}\n\n" + "\n".join(small.script[-80:]))
    assert reached["fact accepted"] > 0
    assert reached["fact sold"] > 0


@pytest.mark.slow
def test_the_histories_reach_the_rare_states() -> None:
    """Enough seeds of their own that one worker can tell; the same mix as above."""
    reached: Counter[str] = Counter()
    missing = set(RARE)
    for number in range(400):
        reached += play(seed() + 1_000_000 + number, hours=HOURS).reached
        missing = {name for name in missing if not reached[name]}
        if not missing:
            return
    pytest.fail(f"never reached in 400 histories: {sorted(missing)}")
