"""Who works on this handheld, where the store box cannot be asked. The twin of pwa/signin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.base import view

Data = dict[str, Any]


def who_page(people: list[Data], goal: str, t: Callable[..., str]) -> Data:
    """Those who can come back to this handheld with their PIN."""
    data = {"people": people, "next": goal}
    return view("twin/names.html", t("Who are you?"), "/sign-in", data, "/orders")


def pin_page(who: Data, goal: str, t: Callable[..., str]) -> Data:
    data = {"person": {"id": who["person"], "name": who["name"]}, "next": goal, "locked": 0}
    return view("signin/pin.html", who["name"], "/sign-in", data, "/sign-in")
