"""A courier comes while the store box is away: parcels are loaded and go, each once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.kit_alone import (
    CAP,
    JEANS,
    SHIRT,
    SIZE,
    Box,
    facts,
    handed_in,
    looked_at,
    says,
    signed_in,
    state,
    waiting,
    wedge,
)

pytestmark = pytest.mark.browser


def parcels(box: Box, fence: int) -> list[str]:
    rows = box.node.db.execute("SELECT code FROM parcel WHERE fence = ? ORDER BY code", (fence,))
    return [row["code"] for row in rows]


def test_a_courier_takes_parcels_while_the_box_is_away_and_each_has_left_once(browser: Any, box: Box) -> None:
    node = box.node
    node.picked(41, [(SHIRT, 2)], kind="shipment", shopper="", tail="")
    node.do("pack", fence=41, parcels=[[[1, 1]], [[1, 1]]])
    node.packed(42, [(CAP, 1)], kind="same_day", shopper="", tail="")
    node.packed(43, [(JEANS, 1)], kind="shipment", shopper="", tail="")
    node.offer(44, [(CAP, 1)], kind="shipment", shopper="", tail="")
    node.do("accept", fence=44)  # the centre has not confirmed it yet
    node.do("pick", fence=44, line=1)
    node.do("pack", fence=44)
    context = browser.new_context(viewport=SIZE)
    page = signed_in(context, box, "/courier")
    before = facts(node)
    box.kill()

    page.reload()
    page.fill("[name=courier]", "SF Express")
    page.get_by_role("button", name="Open a manifest").click()
    says(page, "Scan each parcel that SF Express takes.")
    first, second = parcels(box, 41)
    wedge(page, first)
    says(page, "Right parcel. Loaded.")
    wedge(page, first)
    says(page, "Already on this manifest.")
    wedge(page, parcels(box, 42)[0])
    page.get_by_role("button", name="Hand over 2 parcels").click()
    says(page, f"Parcel {second} of YP-1041")  # all of an order or nothing
    wedge(page, second)
    wedge(page, parcels(box, 44)[0])
    page.get_by_role("button", name="Hand over 4 parcels").click()
    says(page, "not confirmed")
    page.get_by_role("button", name="Take off: YP-1044").click()
    says(page, "Taken off this manifest.")
    wedge(page, parcels(box, 21)[0])
    says(page, "YP-1021 is a pickup")
    manifest = page.url.rsplit("/", 1)[1]
    page.get_by_role("button", name="Hand over 3 parcels").click()
    says(page, "Handed to the courier.")

    paths = ["/courier", f"/courier/{manifest}", "/orders?tab=ready", "/orders/41"]
    alone = looked_at(page, paths[:3])
    assert facts(node) == before, "the box has heard of nothing"
    assert waiting(page) > 0
    box.start()
    handed_in(page)
    assert [state(node, fence) for fence in (41, 42, 43, 44)] == ["released", "released", "packed", "packed"]
    rows = node.db.execute("SELECT fence, person FROM fact WHERE kind = 'shipped' ORDER BY fence")
    assert [tuple(row) for row in rows] == [(41, "p1"), (42, "p1")]
    assert facts(node) - before == 2
    for mine, theirs, path in zip(alone, looked_at(page, paths[:3]), paths, strict=False):
        assert (mine[0], theirs[0]) == ("device", "box")
        assert mine[1] == theirs[1], path
    context.close()
