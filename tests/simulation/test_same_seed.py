"""The same seed gives the same history, to the last frame, in another process with other hashes too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.simulation.history import play

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (
    "import sync.sqlite\n"
    "from tests.simulation.history import play\n"
    "print(' '.join(play(seed, hours=6).trace for seed in (3, 9, 17)))\n"
)


def traces(hash_seed: str) -> list[str]:
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    out = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return out.stdout.split()


def test_two_processes_with_different_hash_seeds_play_the_same_history() -> None:
    first = traces("1")
    assert len(first) == 3
    assert len(set(first)) == 3
    assert traces("2") == first


def test_a_history_can_be_played_twice_in_one_process() -> None:
    assert play(5, hours=6).trace == play(5, hours=6).trace


def test_another_seed_is_another_history() -> None:
    assert play(5, hours=4).trace != play(6, hours=4).trace
