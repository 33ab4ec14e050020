"""The table of proofs names tests. A test that was renamed or removed must not stay in it."""

from __future__ import annotations

import re

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "proofs.md").read_text()


def test_every_test_that_the_table_of_proofs_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert len(named) > 40
    assert not named - there, sorted(named - there)


def test_every_row_of_the_tables_names_a_test() -> None:
    """'the same' stands for the test of the row above it, which the first row of its table names."""
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and "---" not in line]
    bare = [row for row in rows if "`test_" not in row and not re.match(r"\| (obligation|rule|no) ", row)]
    assert not [row for row in bare if "the same" not in row], bare
