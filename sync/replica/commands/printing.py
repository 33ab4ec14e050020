"""Asking for paper, asking again, and taking a request back."""

from __future__ import annotations

import msgspec

from sync.replica import printing
from sync.replica.commands.base import Desk, Result, command, quantity
from sync.rules.refusals import Why, refuse
from sync.sqlite import Row

MOST_COPIES = 20
WAITING = "pickups"
"""What the handover sheet is about when no courier is named: the orders that wait for their shopper."""

THERE = {
    "parcel": "SELECT 1 FROM parcel WHERE code = ?",
    "parcels": "SELECT 1 FROM parcel WHERE fence = ?",
    "tote": "SELECT 1 FROM assignment WHERE fence = ? AND wave <> ''",
    "totes": "SELECT 1 FROM assignment WHERE wave = ?",
    "pickup": "SELECT 1 FROM assignment WHERE fence = ?",
    "pick_list": "SELECT 1 FROM assignment WHERE wave = ?",
    "handover": f"SELECT 1 FROM manifest WHERE code = ?1 UNION ALL SELECT 1 WHERE ?1 = '{WAITING}'",
    "test": "SELECT 1 FROM printer WHERE name = ?",
}
"""What must be there for a paper about it."""
EACH = {
    "parcels": ("parcel", "SELECT code FROM parcel WHERE fence = ? ORDER BY code"),
    "totes": ("tote", "SELECT fence FROM assignment WHERE wave = ? ORDER BY tote, fence"),
}
"""Several labels by one tap."""


class Print(msgspec.Struct, frozen=True):
    what: str
    subject: str
    printer: str = ""
    copies: int = 1


class Job(msgspec.Struct, frozen=True):
    job: str


@command("print", Print, "print")
def print_paper(desk: Desk, args: Print) -> Result:
    if args.what not in THERE:
        raise refuse(Why.NOT_UNDERSTOOD, problem="what")
    quantity(args.copies, MOST_COPIES)
    if desk.tx.execute(THERE[args.what], (args.subject,)).fetchone() is None:
        raise refuse(Why.NOTHING_TO_PRINT)
    name = args.subject if args.what == "test" else args.printer
    paper, each = EACH.get(args.what, (args.what, ""))
    found = printing.printer(desk.tx, name) if name else printing.fit(desk.tx, paper)
    if found is None:
        raise refuse(Why.NO_PRINTER)
    subjects = [args.subject]
    if each:
        subjects = [str(row[0]) for row in desk.tx.execute(each, (args.subject,))]
    for subject in subjects:
        job = f"{desk.ctx.command}:{subject}" if each else desk.ctx.command
        printing.ask(
            desk.tx, job, paper, subject, found.name,
            copies=args.copies, language=language(desk), person=desk.ctx.person, now=desk.now,
        )  # fmt: skip
    desk.hints.add("print")
    return {"printer": found.name, "papers": len(subjects)}


@command("print_again", Job, "print")
def print_again(desk: Desk, args: Job) -> Result:
    """Somebody looked and no paper was there, or wants one more."""
    row = _job(desk, args.job)
    if printing.printer(desk.tx, row["printer"]) is None:
        raise refuse(Why.NO_PRINTER)
    if row["state"] in ("waiting", "sending"):
        desk.tx.execute("UPDATE print_job SET next_at = ? WHERE number = ?", (desk.now, row["number"]))
    else:
        printing.ask(
            desk.tx, desk.ctx.command, row["paper"], row["subject"], row["printer"],
            copies=row["copies"], language=row["language"], person=desk.ctx.person, now=desk.now,
        )  # fmt: skip
        if row["state"] == "unsure":
            _stop(desk, row)
    desk.hints.add("print")
    return {"printer": row["printer"]}


@command("stop_print", Job, "print")
def stop_print(desk: Desk, args: Job) -> Result:
    """Not wanted any more; or the paper is there after all."""
    row = _job(desk, args.job)
    if row["state"] in ("waiting", "unsure"):
        _stop(desk, row)
    desk.hints.add("print")
    return {"job": args.job}


def _job(desk: Desk, job: str) -> Row:
    row: Row | None = desk.tx.execute("SELECT * FROM print_job WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise refuse(Why.NOTHING_TO_PRINT)
    return row


def _stop(desk: Desk, row: Row) -> None:
    desk.tx.execute(
        "UPDATE print_job SET state = 'stopped', changed_at = ? WHERE number = ?", (desk.now, row["number"])
    )


def language(desk: Desk) -> str:
    """Papers are in the language of who asked for them."""
    row = desk.tx.execute("SELECT language FROM person WHERE id = ?", (desk.ctx.person,)).fetchone()
    return str(row[0]) if row else "en"
