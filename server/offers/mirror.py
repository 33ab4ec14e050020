"""The centre's mirror of a store's progress, and the line of history that goes with it."""

from __future__ import annotations

from typing import Any

from server.db import Tx
from server.facts.source import Source
from server.facts.verdict import APPLIED, Verdict
from server.offers.rows import TurnRow
from server.outbox.events import happened
from sync.rules.states import State, Step, after, allows

LATE = Verdict("late")
STALE = Verdict("stale")


def finish_picking(tx: Tx, source: Source, turn: TurnRow) -> None:
    """All lines picked or short: packing comes next, once."""
    row = tx.execute(
        "SELECT min(l.picked + l.short >= l.qty), sum(l.picked), a.state FROM assignment_line l"
        " JOIN assignment a ON a.fence = l.fence WHERE l.fence = ?",
        (turn.fence,),
    ).fetchone()
    if row[0] and row[1] and row[2] == State.PICKING:
        tx.execute("UPDATE assignment SET state = 'picked' WHERE fence = ?", (turn.fence,))
        tell(tx, source, turn, "picked", None)


def step(tx: Tx, turn: TurnRow, move: Step, *, person: str = "") -> None:
    """Mirror the store's progress. The store is the authority on its own floor: what the table
    does not know is left as it is, and the fact still counts. A turn that is over stays over.
    """
    if turn.ended_at or not allows(turn.state, move):
        return
    turn.state = after(turn.state, move)
    tx.execute(
        "UPDATE assignment SET state = ?1, person = CASE ?2 WHEN '' THEN person ELSE ?2 END WHERE fence = ?3",
        (turn.state, person, turn.fence),
    )


def in_time(turn: TurnRow) -> Verdict:
    return APPLIED if turn.current else LATE


def tell(
    tx: Tx,
    source: Source,
    turn: TurnRow,
    word: str,
    data: dict[str, Any] | None,
    *,
    notify: bool = True,
) -> None:
    """One line of history, at the centre's time, with the store's time beside it where they differ."""
    if abs(source.fact.at - source.now) > 60_000:
        data = {**(data or {}), "occurred_at": source.fact.at}
    happened(
        tx,
        word,
        at=source.now,
        store=turn.store,
        order_no=turn.order_no,
        fo=turn.fo,
        fence=turn.fence,
        person=source.fact.person,
        data=data,
        notify=notify,
        channel=turn.channel,
    )
