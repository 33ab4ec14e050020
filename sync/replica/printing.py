"""The queue to the store's printers: what waits, what was sent, what nobody can be sure of.

A job that never reached its printer is tried again by itself. Once bytes have gone out and the line
broke, the label may or may not have come out: only a person can see that, so the job says `unsure`
and waits for them. Nothing of this is told to the centre: a label is not a fact about goods.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sync.replica import read
from sync.sqlite import Connection, Row

DAY_MS = 86_400_000
TRY_FIRST_MS = 2_000
TRY_MOST_MS = 60_000
KEPT_MS = 2 * DAY_MS
LABELS = ("parcel", "tote", "pickup")
SHEETS = ("pick_list", "handover")
FITTING = {"label": ("zpl", "escpos", "pdf"), "sheet": ("pdf", "escpos")}
"""Kinds of printers for a kind of paper, the fittest first. A list has no room on labels."""
POLICY_PARCEL = "print_parcel"


@dataclass(frozen=True)
class Printer:
    name: str
    kind: str
    host: str
    port: int
    width_mm: float
    height_mm: float
    dpi: int
    trouble: str = ""
    trouble_at: int = 0


def printers(db: Connection) -> list[Printer]:
    return [Printer(**dict(row)) for row in db.execute("SELECT * FROM printer ORDER BY name")]


def printer(db: Connection, name: str) -> Printer | None:
    row = db.execute("SELECT * FROM printer WHERE name = ?", (name,)).fetchone()
    return Printer(**dict(row)) if row else None


def fit(db: Connection, paper: str) -> Printer | None:
    """The printer that takes a paper when nobody names one."""
    kinds = FITTING["label" if paper in LABELS else "sheet"]
    found = [one for one in printers(db) if one.kind in kinds]
    return min(found, key=lambda one: (kinds.index(one.kind), one.name), default=None)


def offered(db: Connection) -> dict[str, bool]:
    """Whether labels and sheets can be printed here: pages offer no button that cannot work."""
    return {"label": fit(db, "parcel") is not None, "sheet": fit(db, "handover") is not None}


def troubled(db: Connection) -> int:
    """Papers that somebody should look after: not printed although tried, or perhaps printed."""
    row = db.execute(
        "SELECT count(*) FROM print_job WHERE state = 'unsure' OR (state = 'waiting' AND tries > 0)"
    ).fetchone()
    return int(row[0])


def add_printer(tx: Connection, one: Printer) -> None:
    """New, or set up anew under its name."""
    tx.execute(
        "INSERT OR REPLACE INTO printer (name, kind, host, port, width_mm, height_mm, dpi)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (one.name, one.kind, one.host, one.port, one.width_mm, one.height_mm, one.dpi),
    )


def remove_printer(tx: Connection, name: str, now: int) -> bool:
    """What waited for it is stopped, not lost from sight."""
    tx.execute(
        "UPDATE print_job SET state = 'stopped', trouble = 'removed', changed_at = ?"
        " WHERE printer = ? AND state = 'waiting'",
        (now, name),
    )
    return tx.execute("DELETE FROM printer WHERE name = ?", (name,)).rowcount > 0


def ask(
    tx: Connection,
    job: str,
    paper: str,
    subject: str,
    printer: str,
    *,
    copies: int = 1,
    language: str = "en",
    person: str = "",
    now: int,
) -> None:
    """Put a paper into the queue. The same id again changes nothing."""
    tx.execute(
        "INSERT OR IGNORE INTO print_job (id, paper, subject, printer, copies, language, person, asked_at,"
        " next_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (job, paper, subject, printer, copies, language, person, now, now, now),
    )
    tx.execute(
        "DELETE FROM print_job WHERE state NOT IN ('waiting', 'sending') AND changed_at < ?", (now - KEPT_MS,)
    )


def label_parcels(
    tx: Connection, command: str, codes: tuple[str, ...], *, language: str, person: str, now: int
) -> bool:
    """Packing closes the parcel and prints, where a printer is set up and the policy does not forbid it."""
    found = fit(tx, "parcel")
    if found is None or read.policy(tx, POLICY_PARCEL, "yes") == "no":
        return False
    for code in codes:
        ask(
            tx, f"{command}:{code}", "parcel", code, found.name,
            language=language, person=person, now=now,
        )  # fmt: skip
    return True


# --- the worker's side


def due(db: Connection, now: int) -> dict[str, Row]:
    """The oldest waiting job of each printer, where its time to be tried has come.

    Strictly in order: a label that cannot be sent holds up those behind it, which could not be sent either.
    """
    rows = db.execute(
        "SELECT j.* FROM print_job j WHERE j.number IN (SELECT min(number) FROM print_job"
        " WHERE state IN ('waiting', 'sending') GROUP BY printer) AND j.state = 'waiting' AND j.next_at <= ?",
        (now,),
    )
    return {row["printer"]: row for row in rows}


def begin(tx: Connection, number: int, now: int) -> bool:
    """Bytes are about to go out. False: somebody has stopped it in the meantime."""
    return _to(tx, number, "sending", "waiting", now)


def done(tx: Connection, number: int, now: int) -> None:
    _to(tx, number, "printed", "sending", now)
    tx.execute(
        "UPDATE printer SET trouble = '', trouble_at = 0"
        " WHERE name = (SELECT printer FROM print_job WHERE number = ?)",
        (number,),
    )


def failed(tx: Connection, number: int, trouble: str, now: int, *, lost: bool = False) -> None:
    """Not printed for sure: tried again later. `lost`: there is nothing to print any more."""
    row = tx.execute("SELECT * FROM print_job WHERE number = ?", (number,)).fetchone()
    if row is None or row["state"] not in ("waiting", "sending"):
        return
    wait = min(TRY_FIRST_MS * 2 ** min(row["tries"], 10), TRY_MOST_MS)
    # Yesterday's labels that come out when somebody switches the printer on do harm.
    over = lost or now - row["asked_at"] > DAY_MS
    tx.execute(
        "UPDATE print_job SET state = ?, tries = tries + 1, next_at = ?, trouble = ?, changed_at = ?"
        " WHERE number = ?",
        ("stopped" if over else "waiting", now + wait, trouble, now, number),
    )
    if not lost:
        _note(tx, row["printer"], trouble, now)


def unsure(tx: Connection, number: int, trouble: str, now: int) -> None:
    """Some or all of it went out, and then the line broke."""
    row = tx.execute("SELECT printer FROM print_job WHERE number = ?", (number,)).fetchone()
    if row is not None and _to(tx, number, "unsure", "sending", now, trouble):
        _note(tx, row["printer"], trouble, now)


def left_over(db: Connection, busy: Collection[str]) -> list[int]:
    """Jobs that were being sent when the node died, or when its disk was full: nobody sends them now."""
    rows = db.execute("SELECT number, printer FROM print_job WHERE state = 'sending'")
    return [row["number"] for row in rows if row["printer"] not in busy]


def _to(tx: Connection, number: int, state: str, before: str, now: int, trouble: str = "") -> bool:
    return (
        tx.execute(
            "UPDATE print_job SET state = ?, trouble = ?, changed_at = ? WHERE number = ? AND state = ?",
            (state, trouble, now, number, before),
        ).rowcount
        > 0
    )


def _note(tx: Connection, name: str, trouble: str, now: int) -> None:
    tx.execute("UPDATE printer SET trouble = ?, trouble_at = ? WHERE name = ?", (trouble, now, name))
