"""The page of printers: how each stands, what waits, and what somebody has to look at."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pwa.desk import Desk, View
from sync.replica import printing
from sync.sqlite import Row
from sync.texts import N_

PAPERS = {
    "parcel": N_("Parcel label"),
    "tote": N_("Tote label"),
    "pickup": N_("Pickup label"),
    "pick_list": N_("Pick list"),
    "handover": N_("Handover sheet"),
    "test": N_("Test print"),
}
STATES = {
    "waiting": N_("waits"),
    "sending": N_("is being sent"),
    "printed": N_("sent"),
    "unsure": N_("look whether it came out"),
    "stopped": N_("not printed"),
}
TONES = {"printed": "good", "unsure": "bad", "stopped": "gone"}
TROUBLES = {
    "TimeoutError": N_("The printer does not answer: is it on, does it have paper?"),
    "ConnectionRefusedError": N_("The printer is on but takes nothing"),
    "gaierror": N_("Its name is not known in this network"),
    "gone": N_("What it was about is not here any more"),
    "removed": N_("This printer was taken away"),
    "stopped_in_between": N_("The store box stopped while it was sent"),
    "bug": N_("This paper could not be made"),
}
NO_WAY = N_("The line to the printer broke")
MOST = 30


def printers(desk: Desk) -> View:
    rows = desk.rows(
        "SELECT * FROM print_job ORDER BY state = 'unsure' DESC, state IN ('waiting', 'sending') DESC,"
        " number DESC LIMIT ?",
        MOST,
    )
    return View(
        "printing/printers.html",
        desk.t("Printers"),
        "/printers",
        {
            "printers": [
                asdict(one) | {"trouble": trouble(desk, one.trouble)} for one in printing.printers(desk.db)
            ],
            "jobs": [job(desk, row) for row in rows],
        },
        back="/more",
    )


def job(desk: Desk, row: Row) -> dict[str, Any]:
    state, tried = row["state"], row["tries"] > 0
    subject = row["subject"]
    if row["paper"] in ("tote", "pickup"):
        order = desk.value("SELECT order_no FROM assignment WHERE fence = ?", int(subject))
        subject = order or subject
    return {
        "id": row["id"],
        "what": desk.t(PAPERS.get(row["paper"], row["paper"])),
        "subject": "" if row["paper"] in ("test", "handover") else subject,
        "printer": row["printer"],
        "asked_at": row["asked_at"],
        "state": desk.t(STATES[state]),
        "trouble": "" if state == "printed" else trouble(desk, row["trouble"]),
        "tone": "warn" if state == "waiting" and tried else TONES.get(state, ""),
        "unsure": state == "unsure",
        "over": state != "waiting",
        "stop": state in ("waiting", "unsure"),
        "again": state in ("printed", "unsure", "stopped") or tried,
    }


def trouble(desk: Desk, word: str) -> str:
    return desk.t(TROUBLES.get(word, NO_WAY)) if word else ""
