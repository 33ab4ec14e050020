"""Commands: what people and tills ask the store node to do. One module per activity.

`perform` is the only way in. A command's id is made before the first try; the first answer is
remembered and given to every repeat, so a lost answer never does anything twice.
"""

from __future__ import annotations

import msgspec

from sync.replica import log
from sync.replica.commands import (  # each enters its commands into the list
    counting,
    courier,
    handover,
    offers,
    packing,
    picking,
    printing,
    putback,
    returns,
    scanning,
    shelf,
    store,
    till,
)
from sync.replica.commands.base import COMMANDS, Desk, Guess, Outcome, Result
from sync.replica.context import Context
from sync.rules.refusals import Refusal, Refused, Why
from sync.sqlite import Connection, savepoint

ACTIVITIES = (
    *(offers, picking, scanning, packing, handover, courier, putback),
    *(returns, shelf, counting, store, till, printing),
)

__all__ = ["ACTIVITIES", "COMMANDS", "Outcome", "known", "perform"]

_encode = msgspec.json.Encoder().encode


class _Stored(msgspec.Struct, omit_defaults=True):
    ok: bool
    reason: str = ""
    facts: Result = {}
    result: Result = {}


def perform(tx: Connection, name: str, args: Result, ctx: Context) -> Outcome:
    """Do a command once. The caller holds one transaction around it, and commits it whatever the outcome."""
    remembered = known(tx, ctx.command)
    if remembered is not None:
        return remembered
    outcome = _first_time(tx, name, args, ctx)
    stored = _Stored(
        outcome.ok,
        str(outcome.refusal.reason) if outcome.refusal else "",
        outcome.refusal.facts if outcome.refusal else {},
        outcome.result,
    )
    tx.execute(
        "INSERT INTO command (id, name, person, device, at, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        (ctx.command, name, ctx.person, ctx.device, ctx.moment.now, _encode(stored).decode()),
    )
    return outcome


def known(tx: Connection, command_id: str) -> Outcome | None:
    """What the first try answered, if there was one."""
    row = tx.execute("SELECT outcome FROM command WHERE id = ?", (command_id,)).fetchone()
    if row is None:
        return None
    stored = msgspec.json.decode(row[0], type=_Stored)
    refusal = Refusal(Why(stored.reason), stored.facts) if stored.reason else None
    return Outcome(stored.ok, refusal, stored.result)


def _first_time(tx: Connection, name: str, args: Result, ctx: Context) -> Outcome:
    entry = COMMANDS.get(name)
    if entry is None:
        return Outcome(False, Refusal(Why.UNKNOWN_COMMAND, {"name": name}))
    try:
        wanted = msgspec.convert(args, entry.args, strict=False)
    except msgspec.ValidationError as error:
        return Outcome(False, Refusal(Why.NOT_UNDERSTOOD, {"problem": str(error)}))
    desk = Desk(tx, ctx, log.get(tx, "store"))
    try:
        with savepoint(tx, "command"):
            desk.must(entry.permission)
            result = entry.handle(desk, wanted)
    except Refused as refused:
        if isinstance(refused, Guess):
            refused.count(tx)
        return Outcome(False, refused.refusal)
    return Outcome(True, None, result, frozenset(desk.hints))
