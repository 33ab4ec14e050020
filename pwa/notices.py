"""Notices as the pages show them: a heading, what happened and what to do, and the way there."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pwa.desk import Desk
from sync.replica import notices, read


@dataclass(frozen=True)
class Notice:
    id: str
    kind: str
    at: int
    title: str
    text: tuple[str, ...]
    url: str
    """Where the work is that follows from it; empty where reading is all there is to do."""
    action: str


def open_notices(desk: Desk) -> list[Notice]:
    return [notice(desk, shown) for shown in notices.open_notices(desk.db, desk.t.translate, desk.now)]


def notice(desk: Desk, shown: notices.Shown) -> Notice:
    t = desk.t
    row = read.assignment(desk.db, shown.fence) if shown.fence else None
    units = sum(qty for _, _, qty in read.to_put_back(desk.db, shown.fence)) if shown.fence else 0
    text = [shown.sentence, shown.next_step]
    count_first = shown.kind == "count_first"
    if count_first:
        title = t("Count first")
    elif shown.kind == "till_file":
        title = t("A till's file needs you")
    elif row is None:
        title = t("Look at this")
    elif shown.kind == "withdrawn" and (to := went_to(desk, shown.id)):
        title = t("{order} went to {store}", order=row["order_no"], store=to)
    elif shown.kind in ("withdrawn", "hold_expired"):
        title = t("{order} is no longer yours", order=row["order_no"])
    else:
        title = t("About {order}", order=row["order_no"])
    put_back = units and row is not None and row["state"] == "put_back"
    if put_back:
        text.append(t("Nothing is lost: they can be sold again once they are scanned back."))
    url, action = "", ""
    if put_back:
        url, action = f"/putback/{shown.fence}", t.n("Put back {n} item", "Put back {n} items", units)
    elif count_first:
        url, action = "/count", t("Count")
    elif shown.kind == "till_file":
        url, action = "/till-files", t("Open the list")
    return Notice(
        shown.id,
        shown.kind,
        shown.at,
        title,
        tuple(part for part in text if part),
        url,
        action,
    )


def went_to(desk: Desk, notice_id: str) -> str:
    """The store that has it now, in the reader's language."""
    row = desk.row("SELECT params FROM notice WHERE id = ?", notice_id)
    to = json.loads(row["params"]).get("to", "") if row else ""
    return str(to.get(desk.t.language) or to.get("en", "")) if isinstance(to, dict) else str(to)


def why_ended(desk: Desk, fence: int) -> str:
    """Why a turn ended, in one or two sentences; also after the notice was put away."""
    row = desk.row(
        "SELECT * FROM notice WHERE fence = ? AND kind IN ('withdrawn', 'hold_expired') ORDER BY"
        " at DESC LIMIT 1",
        fence,
    )
    return notices.shown(desk.db, row, desk.t.translate, desk.now).sentence if row else ""


def paused(desk: Desk) -> bool:
    return bool(read.meta(desk.db, "pause"))
