"""Pickers who offer another article wherever the order lets them, in the same hostile world."""

from __future__ import annotations

from collections import Counter

from tests.simulation.history import play


def test_another_article_instead_breaks_no_rule() -> None:
    reached: Counter[str] = Counter()
    for seed in range(5000, 5024):
        history = play(seed, hours=8, substitutes=0.9)
        assert history.ok, (seed, history.broken[:2])
        reached.update(history.reached)
    assert reached["another instead"] >= 8, reached
    assert reached["accepted for its picker"] >= 4, reached
    assert reached["listed instead"] >= 2, reached
    assert reached["refused not_listed"], reached
