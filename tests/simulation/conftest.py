"""What belongs into every run, and what is a hunt: long, worth it, behind `make sim`."""

from __future__ import annotations

import pytest

HUNTS = ("test_mutants.py",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(name in item.nodeid for name in HUNTS):
            item.add_marker(pytest.mark.hunt)
