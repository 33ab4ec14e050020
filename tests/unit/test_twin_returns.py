"""What may come back of an order, at a handheld alone."""

from __future__ import annotations

from pwa.twin.deeds.returns import may_come_back


def test_units_of_one_line_that_left_under_several_turns_are_one_choice() -> None:
    """A line that moved away and came back, or whose part was split, leaves the store under two turns."""

    def turn(*lines: tuple[int, str, int]) -> dict[str, object]:
        return {
            "order_no": "YP-1",
            "lines": [{"order_line": line, "sku": sku, "released": qty} for line, sku, qty in lines],
        }

    extract = {
        "returnable": {},
        "left": {"YP-1": [[2, "CAP", 1]]},
        "turns": [turn((1, "TEE", 1), (2, "CAP", 2)), turn((1, "TEE", 2), (1, "BAG", 1), (3, "DRESS", 0))],
    }
    assert may_come_back(extract, "YP-1") == [[1, "BAG", 1], [1, "TEE", 3], [2, "CAP", 3]]
    assert may_come_back(extract, "YP-2") == []
