"""What a person does about a case, done: each remedy that the centre can carry out, in one transaction.

Remedies that happen between people (a call, a talk with the shopper) stay words. What was done, by
whom and when, is kept with the case, and the case is closed by the same act where that settles it, or
by the fact that answers it (a count, a withdrawal taken).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from server.cases.book import close_case
from server.cases.notes import keep, kept, note
from server.db import Tx
from server.facts.parked import retry_parked
from server.link.decide import decide
from server.link.logs import release_held
from server.offers.by_hand import move_to
from server.offers.confirm import go_on_without
from server.orders.cancel import cancel
from server.orders.new import Cancelled
from server.stock import book
from sync.rules.refusals import Why, refuse
from sync.texts import N_
from sync.wire import decisions as d

MOST_SKUS = 50

ALREADY = N_("Somebody settled this case a moment ago. Nothing was changed.")


def choose_store(tx: Tx, case: str, store: str, *, now: int, person: str) -> int:
    """Offer the case's part to this store. The case closes with the part's own cases."""
    row = _open(tx, case)
    fence = move_to(tx, row["fo"], store, now, person=person)
    note(tx, case, "reassign", now=now, person=person, store=store)
    close_case(tx, case, now=now, by=person, outcome="reassigned")
    return fence


def cancel_order(tx: Tx, case: str, *, now: int, person: str, second: str = "") -> Cancelled:
    """Cancel the case's order. Where a store owns a part the case stays open until the store has answered."""
    row = _open(tx, case)
    done = cancel(tx, row["order_no"], now=now, by=person, second=second)
    note(tx, case, "cancel", now=now, person=person, second=second)
    if done.state == "cancelled":
        close_case(tx, case, now=now, by=person, outcome="cancelled")
    return done


def ask_count(tx: Tx, case: str, skus: Iterable[str], *, now: int, person: str) -> list[str]:
    """Ask the store to count these. Until then nothing of them is promised from there."""
    row = _open(tx, case)
    wanted = list(dict.fromkeys(sku.strip() for sku in skus if sku.strip()))[:MOST_SKUS]
    if not wanted:
        raise refuse(Why.BAD_INPUT, problem={"say": N_("Choose at least one item to count.")})
    for sku in wanted:
        if not tx.execute("SELECT 1 FROM item WHERE sku = ?", (sku,)).fetchone():
            raise refuse(Why.UNKNOWN_SKU, sku=sku)
    asked = kept(row).get("count_asked", [])
    new = [sku for sku in wanted if sku not in asked]
    for sku in new:
        book.suppress(tx, row["store"], sku, now=now)
        decide(tx, row["store"], d.CountAsked(sku, "asked"), at=now)
    if new:
        note(tx, case, "count", now=now, person=person, skus=new)
        keep(tx, case, count_asked=[*asked, *new])
    return new


def try_again(tx: Tx, case: str, *, now: int, person: str) -> tuple[int, int]:
    """Apply the case's parked facts again: (settled now, still waiting). Closes by itself when none waits."""
    row = _open(tx, case)
    notes = {
        one[0]
        for one in tx.execute(
            "SELECT DISTINCT f.note FROM open_case c, json_each(c.evidence) e JOIN fact f"
            " ON f.store = e.value ->> 'store' AND f.incarnation = e.value ->> 'incarnation'"
            " AND f.number = e.value ->> 'number' WHERE c.id = ? AND f.verdict = 'parked'",
            (case,),
        )
    }
    settled = sum(retry_parked(tx, now=now, note=one, store=row["store"]) for one in sorted(notes) if one)
    waiting = sum(
        tx.execute(
            "SELECT count(*) FROM fact WHERE verdict = 'parked' AND note = ? AND store = ?",
            (one, row["store"]),
        ).fetchone()[0]
        for one in notes
    )
    note(tx, case, "retry", now=now, person=person, settled=settled, waiting=waiting)
    if not waiting:
        close_case(tx, case, now=now, by=person, outcome="applied")
    return settled, waiting


def let_go_on(tx: Tx, case: str, incarnation: str, *, now: int, person: str) -> None:
    """This box is the store's own: it goes on under a new name, and what only it has is taken."""
    row = _open(tx, case)
    if not release_held(tx, row["store"], incarnation):
        raise refuse(
            Why.BAD_INPUT, problem={"say": N_("That box is not held any more. Load the page again.")}
        )
    note(tx, case, "go_on", now=now, person=person, box=incarnation)
    for other in tx.execute(
        "SELECT id FROM open_case WHERE state = 'open' AND store = ?"
        " AND kind IN ('two_replicas', 'other_bytes', 'facts_missing')",
        (row["store"],),
    ).fetchall():
        close_case(tx, other["id"], now=now, by=person, outcome="went_on")


def start_afresh(tx: Tx, case: str, *, now: int, person: str) -> None:
    """The store takes a fresh snapshot at its next word; its own unsent facts stay."""
    _open(tx, case)
    note(tx, case, "rebase", now=now, person=person)
    close_case(tx, case, now=now, by=person, outcome="rebased")


def go_without(tx: Tx, case: str, *, now: int, person: str) -> None:
    """What waits for this store since the restore waits no more: offers lapse, acceptances are confirmed."""
    row = _open(tx, case)
    note(tx, case, "go_without", now=now, person=person)
    if not go_on_without(tx, row["store"], now, person=person):
        close_case(tx, case, now=now, by=person, outcome="heard")


def _open(tx: Tx, case: str) -> sqlite3.Row:
    row: sqlite3.Row | None = tx.execute(
        "SELECT * FROM open_case WHERE id = ? AND state = 'open'", (case,)
    ).fetchone()
    if row is None:
        raise refuse(Why.BAD_INPUT, problem={"say": ALREADY})
    return row
