"""May these goods leave? For counter and courier alike. The twin of sync/replica/commands/release.py."""

from __future__ import annotations

from typing import Any

from pwa.twin.deeds.base import NEXT, held, not_now, settle
from pwa.twin.no import No

Data = dict[str, Any]


def may_leave(extract: Data, turn: Data, ctx: Data) -> bool:
    """Owned, not withdrawn, and before `owner_until` by the latest that the centre's time can be."""
    owned = turn["ownership"] == "confirmed" and not turn["withdrawn"]
    return bool(owned and ctx["latest"] < turn["owner_until"] and not extract.get("awaits", False))


def ready(extract: Data, turn: Data, ctx: Data) -> None:
    """The goods are packed. Those to be put back that are still in their parcels are told why."""
    if turn["state"] in NEXT["release"]:
        return
    if turn["state"] == "put_back" and not turn["released_at"] and turn["parcels"]:
        against(extract, turn, ctx)
    not_now(turn)


def against(extract: Data, turn: Data, ctx: Data) -> None:
    if may_leave(extract, turn, ctx):
        return
    if extract.get("awaits", False):
        raise No("not_confirmed", order=turn["order_no"])
    if turn["withdrawn"]:
        raise No("withdrawn", order=turn["order_no"], at=turn["withdrawn_at"], to=turn["withdrawn_to"])
    if turn["expired"] or (turn["confirmed"] and turn["accepted_at"]):
        raise No("hold_over", order=turn["order_no"], at=turn["owner_until"])
    raise No("not_confirmed", order=turn["order_no"])


def leave(extract: Data, turn: Data, stays: Data, who: str, ctx: Data) -> None:
    for line in turn["lines"]:
        line["released"] = line["released"] + held(line) - stays.get(str(line["line"]), 0)
    turn["progress"] = "released"
    turn["released_at"] = ctx["now"]
    turn["released_by"] = ctx["person"]
    turn["collector"] = who
    settle(extract, turn, ctx)
