"""The store as a whole: taking new offers or not, and notices that a person has dealt with."""

from __future__ import annotations

import msgspec

from sync.replica.commands.base import Desk, Result, command
from sync.rules.refusals import Why, refuse
from sync.wire import facts as f


class Pause(msgspec.Struct, frozen=True):
    paused: bool
    reason: str = ""


class DismissNotice(msgspec.Struct, frozen=True):
    id: str


@command("pause", Pause, "store.pause")
def pause(desk: Desk, args: Pause) -> Result:
    """Finish old work, take no new. The centre stops offering when it hears of it."""
    desk.record(f.StorePaused(args.paused, args.reason.strip()[:80]))
    desk.hints.add("line")
    return {"paused": args.paused}


@command("dismiss_notice", DismissNotice, "notice.dismiss")
def dismiss_notice(desk: Desk, args: DismissNotice) -> Result:
    changed = desk.tx.execute(
        "UPDATE notice SET done_at = ?, done_by = ? WHERE id = ? AND done_at = 0",
        (desk.now, desk.ctx.person, args.id),
    ).rowcount
    if not changed and not desk.tx.execute("SELECT 1 FROM notice WHERE id = ?", (args.id,)).fetchone():
        raise refuse(Why.UNKNOWN_NOTICE, id=args.id)
    desk.hints.add("notice")
    return {"id": args.id}
