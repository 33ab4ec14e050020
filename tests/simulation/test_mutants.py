"""Each planted bug turns the simulator red within seconds; without one it is green on the same seeds."""

from __future__ import annotations

import time

import pytest

from tests.simulation.history import play
from tests.simulation.mutants import MUTANTS, planted

SEEDS = range(1, 61)
HOURS = 8.0
AT_MOST_S = 60.0
"""Processor seconds for one bug; nearly all are found in one or two."""


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_planted_bug_is_found(name: str) -> None:
    began = time.process_time()
    with planted(name):
        for seed in SEEDS:
            if not play(seed, hours=HOURS).ok:
                return
            if time.process_time() - began > AT_MOST_S:
                break
    pytest.fail(f"{name} was not found in {seed} histories")


def test_without_a_planted_bug_the_same_seeds_are_green() -> None:
    for seed in SEEDS:
        history = play(seed, hours=HOURS)
        assert history.ok, (seed, history.broken[:2])
