"""The stock arithmetic that centre and store share.

    on_hand + debt = reserved + share + pool        reserved, share, pool ≥ 0

per location and SKU, over good units. The store knows `on_hand`, `share` and
`debt`; what is left, `on_hand + debt - share`, is the centre's part (`reserved` +
`pool`). The centre keeps all of them, and its `pool` is always what remains.
Debt is what left the store beyond its rights. It can be below zero for a moment,
when the store and the centre both paid it; the store then credits itself.

A fact says how the store split its movement, so applying it is plain addition on both
sides, in any order against the centre's own decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.wire import decisions as d
from sync.wire import facts as f


@dataclass(frozen=True)
class Move:
    """Differences in units. `hold`: taken back, not graded; `damaged`: not sellable."""

    sku: str
    on_hand: int = 0
    share: int = 0
    debt: int = 0
    damaged: int = 0
    hold: int = 0


@dataclass(frozen=True)
class Split:
    """How units that arrive (paid, share, pool) or leave (share, debt) touch the rights."""

    share: int = 0
    debt: int = 0
    paid: int = 0
    pool: int = 0


def split_loss(qty: int, *, share: int) -> Split:
    """Units that leave: the store's own share first, the rest is debt."""
    own = min(qty, max(share, 0))
    return Split(share=own, debt=qty - own)


def split_gain(qty: int, *, share: int, debt: int, target: int) -> Split:
    """Units that arrive: pay debt first, fill the share up to its target, give the rest."""
    paid = min(qty, max(debt, 0))
    own = min(qty - paid, max(target - share, 0))
    return Split(paid=paid, share=own, pool=qty - paid - own)


def half_target(free: int) -> int:
    """The share a store should hold of its free units, until shares are sized by demand.

    `free` = on hand less what is promised to orders the store knows. The odd unit
    belongs to the store: a shopper in front of the shelf cannot be sent elsewhere.
    """
    return (max(free, 0) + 1) // 2


def moves(fact: f.Body, sku_of_line: str = "") -> Iterable[Move]:
    """What a fact does to stock here. `sku_of_line`: the SKU of the line a fact names.

    Releases (`HandedOver`, `Shipped`) name several lines; see `released`.
    """
    match fact:
        case f.Sold():
            yield Move(fact.sku, on_hand=fact.counted - fact.qty, share=-fact.share, debt=fact.debt)
        case f.SaleVoided():
            yield Move(fact.sku, on_hand=fact.qty - fact.counted, share=fact.share, debt=-fact.paid)
        case f.TransferSent():
            yield Move(fact.sku, on_hand=-fact.qty, share=-fact.share, debt=fact.debt)
        case f.SaleReturned():
            yield Move(fact.sku, hold=fact.qty)
        case f.Received():
            yield Move(fact.sku, on_hand=fact.qty, share=fact.share, debt=-fact.paid)
        case f.Counted():
            found = fact.found - fact.expected
            if found >= 0:
                yield Move(fact.sku, on_hand=found, share=fact.share, debt=-fact.paid)
            else:
                yield Move(fact.sku, on_hand=found, share=-fact.share, debt=fact.debt)
        case f.Adjusted():
            damaged = fact.qty if fact.to == "damaged" else 0
            yield Move(fact.sku, on_hand=-fact.qty, share=-fact.share, debt=fact.debt, damaged=damaged)
        case f.Returned():
            yield Move(fact.sku, hold=fact.qty)
        case f.Graded():
            if fact.disposition == "restock":
                yield Move(fact.sku, hold=-fact.qty, on_hand=fact.qty, share=fact.share, debt=-fact.paid)
            elif fact.disposition in ("damaged", "quarantine"):
                yield Move(fact.sku, hold=-fact.qty, damaged=fact.qty)
            else:
                yield Move(fact.sku, hold=-fact.qty)
        case f.Gave():
            yield Move(fact.sku, share=-fact.qty)
        case f.Credited():
            yield Move(fact.sku, share=fact.qty, debt=fact.qty)
        case f.Shorted():
            # The units were reserved, so the loss comes out of the reservation that ends here.
            if fact.reason == "damaged":
                yield Move(sku_of_line, on_hand=-fact.qty, damaged=fact.qty)
            elif fact.reason == "sold_to_walk_in":
                yield Move(sku_of_line, on_hand=-fact.qty)
            elif fact.reason == "label_mismatch":
                yield Move(sku_of_line, on_hand=-fact.qty)
                if fact.instead:
                    # What it really is joins the centre's pool: nobody here had a right to it.
                    yield Move(fact.instead, on_hand=fact.qty)
        case _:
            return


def released(lines: Iterable[tuple[str, int]]) -> Iterable[Move]:
    """Goods that left with a shopper or a courier: reserved units, so only `on_hand` moves."""
    for sku, qty in lines:
        yield Move(sku, on_hand=-qty)


def decided(decision: d.Body) -> Iterable[Move]:
    """What a decision does to stock at its store."""
    match decision:
        case d.Granted():
            yield Move(decision.sku, share=decision.qty)
        case d.DebtPaid():
            yield Move(decision.sku, debt=-decision.qty)
        case d.StockLoaded():
            for sku, qty, share in decision.rows:
                yield Move(sku, on_hand=qty, share=share)
        case _:
            return
