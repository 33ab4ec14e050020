"""What a fact does to the replica. The one place, for commands and for rebase alike.

Commands record a fact and apply it here; a rebase swaps the base and applies the later
facts here again. That gives the same state because every column belongs to one side:
the centre's columns are written by decisions, the store's by its own facts, stock by
differences that add up, and what both sides touch (`state`, `ownership`, `open`) is not
written but follows from the others: `settle`. So a decision may come before or after
facts that the centre has not seen.
"""

from __future__ import annotations

from sync.replica.context import Context
from sync.replica.effects import counting, goods, store, till, work  # each enters what its kinds of fact do
from sync.replica.effects.base import of_kind
from sync.replica.effects.stock import apply_stock
from sync.rules.states import Ownership, State
from sync.sqlite import Connection
from sync.wire import facts as f

__all__ = ["KINDS", "WORKABLE", "apply", "settle"]

KINDS = (work, till, goods, counting, store)
WORKABLE = frozenset({State.OFFERED, State.ACCEPTED, State.PICKING, State.PICKED, State.PACKED, State.STAGED})


def apply(tx: Connection, body: f.Body, ctx: Context, fence: int = 0) -> None:
    """Apply one fact: stock, progress of its assignment, and the lists that staff see."""
    apply_stock(tx, body, fence)
    of_kind(body, tx, ctx, fence)
    if fence:
        settle(tx, fence, ctx.moment.now)


def settle(tx: Connection, fence: int, now: int) -> None:
    """Recompute `state`, `ownership` and `open` from the centre's columns and the store's own."""
    row = tx.execute(
        "SELECT a.progress, a.withdrawn, a.ended_at, a.accepted_at, a.confirmed, a.state, a.ownership, "
        "sum(l.qty), sum(l.picked), sum(l.short), sum(l.released), sum(l.put_back), max(l.open), "
        "min(l.picked + l.short >= l.qty) "
        "FROM assignment a JOIN assignment_line l USING (fence) WHERE a.fence = ?",
        (fence,),
    ).fetchone()
    if row is None or row[0] is None:
        return  # a fact about an assignment that this replica no longer holds
    progress, withdrawn, ended_at, accepted_at, confirmed, was_state, was_ownership = row[:7]
    _qty, picked, short, released, put_back, was_open, complete = row[7:]
    over = bool(withdrawn or ended_at)
    state = _state(
        progress,
        over=over,
        loose=picked - released - put_back,
        picked=picked,
        short=short,
        released=released,
        complete=bool(complete),
    )
    if over or state in (State.DECLINED, State.CLOSED):
        ownership = Ownership.ENDED
    elif confirmed and accepted_at:
        ownership = Ownership.CONFIRMED
    elif accepted_at:
        ownership = Ownership.PROVISIONAL
    else:
        ownership = Ownership.NONE
    if (state, ownership) != (was_state, was_ownership):
        tx.execute(
            "UPDATE assignment SET state = ?, ownership = ?, changed_at = ? WHERE fence = ?",
            (str(state), str(ownership), now, fence),
        )
    opened = int(state in WORKABLE)
    if opened != was_open:
        tx.execute("UPDATE assignment_line SET open = ? WHERE fence = ?", (opened, fence))


def _state(
    progress: str, *, over: bool, loose: int, picked: int, short: int, released: int, complete: bool
) -> State:
    if progress == "declined":
        return State.DECLINED
    if over or progress == "released":
        # Whatever is in a tote, a parcel or on the counter and did not leave goes back to the shelf.
        if loose > 0:
            return State.PUT_BACK
        return State.RELEASED if released > 0 else State.CLOSED
    if progress == "picking" and complete:
        return State.PICKED if picked > 0 else State.CLOSED
    return State(progress)
