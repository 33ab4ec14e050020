"""How people behave: the numbers that are assumptions and not data.

The file of order lines knows no stores and no staff. Whatever is made up about them
stands here in one place, so that a reader of the figures can see what they rest on.
Times are in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Habits:
    # Staff
    opens_at_hour: int = 7
    closes_at_hour: int = 21
    sees_offer: float = 4 * MINUTE
    """Median until somebody answers an offer."""
    never_sees: float = 0.03
    declines: float = 0.03
    starts_pick: float = 6 * MINUTE
    per_line: float = 20 * SECOND
    packs: float = 2 * MINUTE
    puts_back: float = 45 * MINUTE
    counts: float = 30 * MINUTE
    grades: float = 40 * MINUTE
    not_found: float = 0.008
    found_broken: float = 0.004
    wrong_scan: float = 0.01
    """A scan of the neighbour's item, which the page has to refuse."""
    undoes_pick: float = 0.004
    courier_hour: int = 17
    # Shoppers
    collects: float = 7 * HOUR
    """Mean time from "ready" to the counter."""
    comes_untold: float = 0.1
    never_collects: float = 0.04
    refuses_line: float = 0.01
    undone_hand_over: float = 0.004
    cancels: float = 0.015
    insists: float = 0.25
    """A shopper who already holds a promised unit in the hand takes it."""
    override: float = 0.1
    """How often a lead hands over an unconfirmed pickup rather than send the shopper away."""
    wants_this_store: float = 0.15
    """How often a shopper orders a pickup at a store that has not all of it, rather than at another."""
    returns_elsewhere: float = 0.3
    restock: float = 0.85
    till_waits: int = 300
    """How long a till waits for the centre's answer, in milliseconds."""
    # Goods
    cover_weeks: float = 2.0
    """Opening stock and refills, in weeks of expected demand."""
    carries: float = 0.7
    """Share of the range that a store carries although little of it is sold there."""
    display: float = 3.0
    """Units of a carried item beyond its expected demand: one to show, two to sell."""
    may_move_km: int = 60
    # Line
    latency: int = 60
    """One way, in milliseconds."""
