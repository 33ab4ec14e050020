"""May these goods leave? Judged once for the counter and the courier.

Only an owned fulfilment order leaves: confirmation applied, no withdrawal applied, before
`owner_until` by the latest that the centre's time can be, and none while the centre is about to say
anew what is owned. Anything else needs a supervisor, and the fact says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sync.replica import read
from sync.replica.commands.base import Desk, Lead
from sync.rules.refusals import Refused, Why, refuse
from sync.rules.states import State, Step, allows, may_release


class Override(Lead, frozen=True):
    """A supervisor's PIN and reason for a release that the rules do not allow."""


RELEASABLE = frozenset({State.PACKED, State.STAGED})


def against(desk: Desk, row: sqlite3.Row) -> Refused | None:
    """Why the goods may not leave, or None."""
    order = row["order_no"]
    if read.awaits_snapshot(desk.tx):
        return refuse(Why.NOT_CONFIRMED, order=order)
    if may_release(
        ownership=row["ownership"],
        withdrawn=bool(row["withdrawn"]),
        owner_until=row["owner_until"],
        latest_now=desk.ctx.moment.latest,
    ):
        return None
    if row["withdrawn"]:
        return refuse(Why.WITHDRAWN, order=order, time=desk.time(row["withdrawn_at"]), to=row["withdrawn_to"])
    if row["expired"] or (row["confirmed"] and row["accepted_at"]):
        return refuse(Why.HOLD_OVER, order=order, time=desk.time(row["owner_until"]))
    return refuse(Why.NOT_CONFIRMED, order=order)


def ready(desk: Desk, row: sqlite3.Row, override: Override | None) -> None:
    """The goods are packed. With an override also those that were to be put back and are still here."""
    if State(row["state"]) in RELEASABLE:
        assert allows(row["state"], Step.RELEASE)
        return
    still_packed = State(row["state"]) is State.PUT_BACK and not row["released_at"]
    if still_packed and read.parcels(desk.tx, row["fence"]):
        if override is not None:
            return
        refused = against(desk, row)
        if refused is not None:
            raise refused
    raise desk.not_now(row)


def stood_by(desk: Desk, override: Override | None) -> str:
    """The supervisor who allows it, checked by PIN; their reason is part of the record."""
    if override is None:
        return ""
    by = desk.lead("handover.override", override)
    if not override.reason.strip():
        raise refuse(Why.UNKNOWN_REASON, reason="")
    return by


def goods(desk: Desk, fence: int, lines: Iterable[tuple[int, int]]) -> tuple[tuple[str, int], ...]:
    """The same units by SKU, for a centre that may have lost the lines."""
    skus = {line["line"]: line["sku"] for line in read.lines(desk.tx, fence)}
    by_sku: dict[str, int] = {}
    for line, qty in lines:
        by_sku[skus[line]] = by_sku.get(skus[line], 0) + qty
    return tuple(sorted(by_sku.items()))


def units(desk: Desk, fence: int) -> dict[int, int]:
    """What is packed and still here, by line."""
    return {line: qty for line, _sku, qty in read.to_put_back(desk.tx, fence)}
