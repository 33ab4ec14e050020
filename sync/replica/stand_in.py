"""An offer that answers this store's own short pick is accepted for whoever named the other article.

They have it in their hand and their store has given it to the order: asking them again a second later
tells nobody anything. It is an acceptance like any other all the same: the command's own rules judge it,
the centre confirms it or does not. Whoever does not fit any more (signed off for good, too long ago)
is not spoken for; then it is an offer like any other.
"""

from __future__ import annotations

from dataclasses import replace

from sync.replica import commands
from sync.replica.context import Context
from sync.sqlite import Connection


def accept_own(tx: Connection, answers: str, fence: int, ctx: Context) -> set[str]:
    """Accept the offer that the command `answers` called for, once. Hints of what changed."""
    asked = tx.execute(
        "SELECT f.person, f.device, f.recorded_at, p.role, a.accept_by - a.offered_at AS patience"
        " FROM assignment a JOIN assignment short ON short.order_no = a.order_no"
        " JOIN fact f ON f.fence = short.fence AND f.fence > 0 JOIN person p ON p.id = f.person"
        " WHERE a.fence = ? AND f.command = ? AND f.kind = 'shorted' AND p.active = 1",
        (fence, answers),
    ).fetchone()
    # As long as an offer waits for its answer. Later they may have gone home, and it is asked anew.
    if asked is None or ctx.moment.latest - asked["recorded_at"] > asked["patience"]:
        return set()
    theirs = replace(
        ctx,
        person=asked["person"],
        role=asked["role"],
        device=asked["device"],
        command=f"auto:{answers}",
    )
    return set(commands.perform(tx, "accept", {"fence": fence}, theirs).hints)
