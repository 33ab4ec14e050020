"""How many of a store's free units are its own share, and how many the centre's pool.

While the line is up rights follow demand: a till that runs out asks the centre, an order that finds no
pool asks the store. So the split matters for the time that the line is down. Outages are roughly
exponential with a mean D, sales come one by one at a rate λ, so the number asked for in an outage is
geometric: `P(at least j) = p^j` with `p = λD / (1 + λD)`. Each free unit goes to the side that is
likelier to want its next one: the till with `p_till^(share + 1)`, the pool with `p_pool^(pool + 1)`.

The centre sizes when it moves rights in the background, a store when units arrive: the same functions,
fed with the same two numbers per SKU (`Need`). Where nothing is known, `stock.half_target` stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sync.rules.stock import half_target

USUAL_OUTAGE_H = 2.0
"""What a store's outages last until its own history says otherwise."""
LEAST_NEED = 1e-6
"""Nothing is wanted with certainty by nobody: two zero rates still have an order."""
FAVOUR_BLOCK = 1.3
"""How much more a unit is worth at the till than in the pool, all else equal. A shopper before the shelf
waits for a round trip or leaves: this spares half of those and costs no sale. More spares more of them, and
costs pickups at stores whose line is down (`bench/pool.py`)."""
FAVOUR_WARN = 5.0
"""The same where the till may insist: a unit that is sold all the same may have been promised, and a
broken promise costs more than a sale: far fewer break, for some more lost sales."""
HYSTERESIS = 0.25
"""Rights move when the other side values the unit by this much more. Less would send units to and fro."""
FEW = (1, 2, 4)
"""Units that a store is likely to split by itself: only what arrives while its line is down."""
LEAST_GAIN = 0.005
"""And when an outage is that much likelier to want it there. Most SKUs of most stores hardly sell: whichever
side has them, nothing is lost, and their moves would be most of all moves. Twice this costs sales."""
EVEN_HOURS = tuple([1 / 24] * 24)
"""The profile of a shop about which nothing is known yet."""


@dataclass(frozen=True)
class Need:
    """Units expected to be asked for during one outage: at the till, and from the pool."""

    till: float
    online: float
    favour: float = FAVOUR_BLOCK
    """How much more the till's sale counts: `FAVOUR_WARN` where it may insist."""


def chance_of_more(need: float) -> float:
    """p of stock asked for at a mean of `need` an outage: the chance that (yet) another unit is wanted."""
    m = max(need, LEAST_NEED)
    return m / (1.0 + m)


def online_need(pickup: float, shipment: float, elsewhere: int) -> float:
    """What the pool of a store is for: its own pickups, and shipments that no other store can fill.

    A shipment comes here only when the `elsewhere` units of other stores that it could take went before it:
    their pools, and the shares of those that can be asked.
    """
    if shipment <= 0:
        return pickup
    return pickup + shipment * chance_of_more(shipment) ** max(elsewhere, 0)


def share_of(free: int, need: Need) -> int:
    """The share of `free` units, as if handed out one at a time; the odd one is the till's.

    In closed form, because thousands of SKUs are sized at a time: the largest share whose last unit the
    till values no less than the pool its next.
    """
    if free <= 0:
        return 0
    till = -math.log(chance_of_more(need.till))
    pool = -math.log(chance_of_more(need.online))
    # favour · p_till^y ≥ p_pool^(free - y + 1), in logarithms
    share = math.floor((math.log(need.favour) + (free + 1) * pool) / (till + pool) + 1e-9)
    return min(max(share, 0), free)


def target(free: int, need: Need | None) -> int:
    """The share a store should hold of its free units: by demand where it is known, else half."""
    return half_target(free) if need is None else share_of(free, need)


def change(free: int, share: int, need: Need, *, hysteresis: float = HYSTERESIS) -> int:
    """Units to grant (above zero) or to ask back (below zero); 0 while the split is good enough.

    Moves all the way to the target, but only once the first unit is worth the moving.
    """
    aim = share_of(free, need)
    if aim == share:
        return 0
    # What the first unit to move is worth on either side: as the last of one, as the next of the other.
    in_share = share + 1 if aim > share else share
    in_pool = free - share if aim > share else free - share + 1
    till = need.favour * chance_of_more(need.till) ** in_share
    pool = chance_of_more(need.online) ** in_pool
    there, here = (till, pool) if aim > share else (pool, till)
    worth_it = there > here * (1 + hysteresis) and there - here > LEAST_GAIN * need.favour
    return aim - share if worth_it else 0


def body_of(need: Need) -> dict[str, float]:
    """As the bulk stream `needs` carries it, short: three figures are more than anybody knows."""
    return {"till": _short(need.till), "online": _short(need.online), "favour": need.favour}


def need_of(body: dict[str, float]) -> Need:
    return Need(float(body["till"]), float(body["online"]), float(body.get("favour", FAVOUR_BLOCK)))


def _short(number: float) -> float:
    return float(f"{number:.3g}")


def is_news(told: Need | None, need: Need) -> bool:
    """Whether a store that goes by what it was told splits a few units so that one would be moved again.

    Everything else would be talk: outages four times longer or shorter hardly change a split.
    """
    return any(change(free, target(free, told), need) for free in FEW)


# --- rates -------------------------------------------------------------------------------


def rate(sold: float, exposure: float, *, prior: float, weight: float) -> float:
    """Units a day from `sold` in `exposure` days in stock, pulled towards `prior` as by `weight` days.

    Days without stock say nothing about what would have been sold, so they are in neither figure.
    """
    seen = max(exposure, 0.0) + weight
    return (max(sold, 0.0) + max(prior, 0.0) * weight) / seen if seen > 0 else 0.0


def outage_hours(
    total_h: float, outages: int, *, usual_h: float = USUAL_OUTAGE_H, weight: float = 3.0
) -> float:
    """Mean outage of a store from its own history, pulled towards the usual while that is short."""
    return (total_h + usual_h * weight) / (max(outages, 0) + weight)


def hours_worth(profile: tuple[float, ...], hour: int, mean_h: float) -> float:
    """Days' worth of sales expected in an outage that begins in this hour of the day.

    `profile` is each hour's share of a day's sales. An outage lasts beyond `k` hours with `e^(-k/D)`.
    """
    if mean_h <= 0:
        return 0.0
    keep = math.exp(-1.0 / mean_h)
    whole = keep ** len(profile)
    # The share of each hour that an exponential outage covers, given that it reached it.
    within = mean_h * (1.0 - keep)
    worth = sum(keep**ahead * profile[(hour + ahead) % len(profile)] for ahead in range(len(profile)))
    return within * worth / (1.0 - whole)


def usual_worth(profile: tuple[float, ...], mean_h: float) -> float:
    """The same for an outage that begins while people shop, whenever that is.

    Sizes follow this and not the hour: what an outage at night is worth hardly matters, and following
    the clock would send a third of all units to and fro twice a day.
    """
    busy = sum(profile)
    if busy <= 0:
        return hours_worth(EVEN_HOURS, 0, mean_h)
    if mean_h <= 0:
        return 0.0
    keep = math.exp(-1.0 / mean_h)
    # What an hour is worth is its own sales and, as far as the outage goes on, what the next one is worth.
    worth, total = hours_worth(profile, 0, mean_h), 0.0
    within = mean_h * (1.0 - keep)
    for part in reversed(profile):
        worth = within * part + keep * worth
        total += part * worth
    return total / busy


def need_at(
    till_day: float,
    pickup_day: float,
    shipment_day: float,
    elsewhere: int,
    worth: float,
    *,
    may_insist: bool = False,
    untold: float = 0.0,
) -> Need:
    """The need of one SKU at one store from daily rates and the days' worth that an outage covers.

    `untold`: days of till sales of which nobody hears before the till's next file.
    """
    online = online_need(pickup_day * worth, shipment_day * worth, elsewhere)
    return Need(till_day * (worth + untold), online, FAVOUR_WARN if may_insist else FAVOUR_BLOCK)


def shipping_weight(till_day: float, pickup_day: float, free: int) -> float:
    """How much a store needs its next unit itself; the least is asked for a shipment first."""
    return (till_day + pickup_day) / max(free, 1)
