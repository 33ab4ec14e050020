"""What waits on this device, and what only the store box can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pwa.twin.pages.base import view

Data = dict[str, Any]

VERSION = "0.1.0"
"""Of this software, as support codes name it."""


def help_page(t: Callable[..., str]) -> Data:
    return view("twin/help.html", t("Without the store box"), "/help", {}, "/kept")


def kept_page(t: Callable[..., str]) -> Data:
    return view("twin/kept.html", t("On this device"), "/kept", {}, "/more")


def what_now_page(t: Callable[..., str]) -> Data:
    return view("support/now.html", t("What now?"), "/what-now", {"version": VERSION}, "/orders")


def only_with_the_node(t: Callable[..., str], back: str) -> Data:
    """What a handheld cannot do alone, said plainly."""
    text = t("This needs the store box, which does not answer. What you did is kept on this device.")
    return view("gone.html", t("Not now"), back, {"text": text}, back, 503)


def stay_signed_in(waiting: int, t: Callable[..., str]) -> Data:
    """Whoever leaves now would leave their work behind."""
    text = t("{n} actions wait for the store box. Stay signed in until they are handed in.", {"n": waiting})
    return view("gone.html", t("Not now"), "/orders", {"text": text}, "/orders", 409)
