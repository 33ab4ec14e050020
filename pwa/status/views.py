"""The status page, the notices and the menu."""

from __future__ import annotations

from pwa import notices as told
from pwa import work
from pwa.desk import Desk, View
from pwa.secure.address import Address
from pwa.secure.address import told as told_of_address
from pwa.status.words import FACTS, WAITS_FOR_LINE, WORKS_OFFLINE
from sync.replica import printing, read


def status(desk: Desk, at: Address) -> View:
    """`at`: the address that the page was asked for at."""
    waiting = desk.rows(
        "SELECT kind, count(*) AS n, min(recorded_at) AS oldest FROM fact WHERE verdict = ''"
        " AND number > (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'facts_acked')"
        " GROUP BY kind ORDER BY oldest"
    )
    late = desk.rows(
        "SELECT kind, verdict, note, recorded_at, fence FROM fact WHERE verdict NOT IN ('', 'applied')"
        " ORDER BY number DESC LIMIT 20"
    )
    return View(
        "status/status.html",
        desk.t("Status"),
        "/status",
        {
            "waiting": [
                {"text": desk.t(FACTS.get(row["kind"], row["kind"])), "n": row["n"], "oldest": row["oldest"]}
                for row in waiting
            ],
            "late": [{"text": desk.t(FACTS.get(row["kind"], row["kind"])), **dict(row)} for row in late],
            "works": [desk.t(text) for text in WORKS_OFFLINE],
            "waits": [desk.t(text) for text in WAITS_FOR_LINE],
            "facts": desk.value("SELECT max(number) FROM fact") or 0,
            "incarnation": read.meta(desk.db, "incarnation"),
            "trouble": getattr(desk.line, "trouble", ""),
            "held": getattr(desk.line, "held", ""),
            "paused": told.paused(desk),
            "secure": told_of_address(at, desk.t, desk.now),
            "may_pause": desk.who.role == "store_lead",
        },
        back="/more",
    )


def notices(desk: Desk) -> View:
    return View(
        "status/notices.html",
        desk.t("Notices"),
        "/notices",
        {"notices": told.open_notices(desk)},
        back="/orders",
    )


def more(desk: Desk) -> View:
    counted = work.counts(desk)
    return View(
        "status/more.html",
        desk.t("More"),
        "/more",
        {
            "counts": counted,
            "put_back": desk.value("SELECT count(*) FROM assignment WHERE state = 'put_back'"),
            "held": desk.value("SELECT count(*) FROM goods_return WHERE graded < qty"),
            "tasks": desk.value("SELECT count(*) FROM task WHERE state = 'open' AND kind = 'count'"),
            "notices": len(told.open_notices(desk)),
            "printing": printing.troubled(desk.db),
            "till_files": desk.value("SELECT max(id) FROM till_file"),
            "courier": desk.value(
                "SELECT count(*) FROM assignment WHERE kind <> 'pickup' AND state IN ('packed', 'staged')"
            ),
        },
        back="/orders",
    )
