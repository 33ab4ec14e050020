"""The handheld that works alone: its store box, its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kit_pwa as kit
from tests.e2e.kit_alone import CAP, DRESS, JEANS, SHIRT, SIZE, Box, signed_in


@pytest.fixture
def node(tmp_path: Path) -> Iterator[kit.DemoNode]:
    node = kit.store(tmp_path / "replica.db")
    node.accepted(13, [(SHIRT, 2), (JEANS, 1)], shopper="", tail="")
    node.accepted(14, [(CAP, 1)], left=29 * kit.MIN, shopper="", tail="")
    node.do("start_wave", fences=[13, 14])
    node.staged(21, [(DRESS, 1)], shopper="", tail="")
    node.accepted(31, [(CAP, 1)], shopper="", tail="")
    node.rows("policy", [("scan_gap_ms", {"value": "1500"})])
    node.acknowledge()
    yield node
    node.close()


@pytest.fixture
def box(node: kit.DemoNode) -> Iterator[Box]:
    box = Box(node)
    box.start()
    yield box
    box.kill()


@pytest.fixture
def page(browser: Any, box: Box) -> Iterator[Any]:
    """A handheld of p1 in the middle of its wave. It asks nobody but the store box; nothing in it breaks."""
    context = browser.new_context(viewport=SIZE)
    page = context.new_page()
    strange: list[str] = []
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on(
        "request", lambda r: strange.append(r.url) if not r.url.startswith((box.address, "data:")) else None
    )
    signed_in(context, box, f"/waves/{kit.wave_of(box.node, 13)}")
    yield page
    context.close()
    assert strange == []
