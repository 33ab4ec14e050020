"""The six figures above the table, for a region or the whole chain."""

from __future__ import annotations

from dataclasses import dataclass

from server.board.look import Look, StoreNow
from server.board.pulse import Pulse, add_up


@dataclass(frozen=True)
class Tiles:
    orders: int
    stores: int
    waiting: int
    next_lapse: int
    unroutable: int
    down: int
    promises_there: int
    accepted_percent: str
    """One decimal; empty when nothing was answered yet."""
    median_accept_ms: int
    lapsed: int
    filled_percent: str
    short_picks: int
    cases: int
    oldest_case_at: int


def within(look: Look, region: str) -> list[StoreNow]:
    """The stores a region sees, most at risk first."""
    rows = [row for row in look.stores.values() if not region or row.region == region]
    return sorted(rows, key=lambda row: (-row.risk, row.code))


def tiles(look: Look, pulse: Pulse, region: str) -> Tiles:
    rows = within(look, region)
    codes = {row.code for row in rows}
    day = add_up(pulse, sorted(codes) if region else None)
    down = [row for row in rows if not row.up and row.since]
    cases = sum(row.cases for row in rows) + (0 if region else look.cases_elsewhere)
    oldest = [at for code, at in look.oldest_case_of.items() if not region or code in codes]
    return Tiles(
        orders=day.orders,
        stores=len(rows),
        waiting=sum(row.offers for row in rows),
        next_lapse=min((row.next_lapse for row in rows if row.offers), default=0),
        unroutable=0 if region else look.unroutable,
        down=len(down),
        promises_there=sum(row.promises for row in down),
        accepted_percent=_percent(day.accepted_share),
        median_accept_ms=day.median_accept_ms or 0,
        lapsed=day.lapsed,
        filled_percent=_percent(day.filled_share),
        short_picks=day.short_picks,
        cases=cases,
        oldest_case_at=min(oldest, default=0),
    )


def scale(look: Look) -> int:
    """The length of the work bars: one for all stores, in steps, so that it seldom changes."""
    most = max((sum(row.stages) for row in look.stores.values()), default=0)
    for step in (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000):
        if most <= step:
            return step
    return most


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f}"
