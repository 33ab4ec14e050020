"""What has to go back, and to which shelf."""

from __future__ import annotations

from typing import Any

from pwa import notices, work
from pwa.desk import Desk, View
from sync.rules.states import State


def tasks(desk: Desk) -> View:
    return View(
        "putback/tasks.html",
        desk.t("Put back"),
        "/putback",
        {"cards": work.cards(desk, "a.state = 'put_back'", order="a.changed_at, a.fence")},
        back="/orders?tab=work",
    )


def order(desk: Desk, fence: int) -> View:
    card = work.card(desk, fence)
    lines = [line for line in work.lines(desk, [fence]) if line.picked]
    waiting = sorted((line for line in lines if line.held), key=lambda line: (line.shelf == "", line.shelf))
    current = waiting[0] if waiting else None
    t = desk.t
    task: dict[str, Any] = {
        "lines": [
            {
                "key": line.key,
                "codes": line.codes,
                "have": line.put_back,
                "want": line.picked - line.released,
                "tote": "",
                "here": line is current,
            }
            for line in [*waiting, *(line for line in lines if not line.held)]
        ],
        "say": {
            "more": t("Back on the shelf. {left} more."),
            "last": t("Back on the shelf. It can be sold again."),
            "again": t("All of these are back already."),
            "wrong": t("Not one of the items to put back."),
        },
    }
    return View(
        "putback/order.html",
        t("Put back {order}", order=card.order_no),
        f"/putback/{fence}",
        {
            "card": card,
            "lines": lines,
            "waiting": waiting,
            "current": current,
            "task": task,
            "why": notices.why_ended(desk, fence),
            "done": card.state != State.PUT_BACK,
        },
        back="/orders?tab=work",
    )
