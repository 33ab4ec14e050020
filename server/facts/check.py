"""Whether a fact's numbers can be a fact at all.

A fact that went beyond rights is applied and its consequences repaired. Numbers that no shop floor can
produce (quantities below zero, a split that does not add up) are a bug or a forgery: such a fact is
parked, because repeating it would mint or destroy rights without any goods having moved.
"""

from __future__ import annotations

from sync.wire import facts as f

MOST_UNITS = 1_000_000
"""More units than any one action in a store can mean."""


def nonsense(body: f.Body) -> str:
    """Why this cannot have happened as written, as a short code; empty when it can."""
    match body:
        case f.Sold():
            return _units(body.qty) or _adds_up(body.qty, body.share, body.debt, body.counted)
        case f.SaleVoided():
            return _units(body.qty) or _adds_up(body.qty, body.paid, body.share, body.pool, body.counted)
        case f.TransferSent() | f.Adjusted():
            return _units(body.qty) or _adds_up(body.qty, body.share, body.debt)
        case f.Received():
            return _units(body.qty) or _adds_up(body.qty, body.paid, body.share, body.pool)
        case f.Counted():
            return _count(body)
        case f.VarianceFound():
            return _looked(body.expected, body.found)
        case f.CountEntered():
            return _looked(body.there, body.found)
        case f.Graded():
            if body.disposition == "restock":
                return _units(body.qty) or _adds_up(body.qty, body.paid, body.share, body.pool)
            return _units(body.qty)
        case f.SaleReturned() | f.Returned() | f.Credited():
            return _units(body.qty)
        case f.Gave():
            # Asked and with nothing to give, a store says so: somebody waits for the answer.
            return "" if body.qty == 0 and body.asked else _units(body.qty)
        case f.Picked() | f.PickUndone() | f.Shorted() | f.PutBack():
            return _units(body.qty)
        case f.HandedOver():
            quantities = [row[1] for row in body.lines] + [row[1] for row in body.refused]
            return next(filter(None, map(_units, quantities)), "") or _goods(body)
        case f.HandoverUndone() | f.Shipped():
            return next(filter(None, (_units(qty) for _, qty in body.lines)), "") or _goods(body)
        case _:
            return ""


def _goods(body: f.HandedOver | f.HandoverUndone | f.Shipped) -> str:
    """What left by SKU is what left by line. An older store does not say it."""
    if not body.goods:
        return ""
    return _adds_up(sum(qty for _, qty in body.lines), *(qty for _, qty in body.goods))


def _count(body: f.Counted) -> str:
    wrong = _looked(body.expected, body.found)
    if wrong:
        return wrong
    more = body.found - body.expected
    if more >= 0:
        return _adds_up(more, body.paid, body.share, body.pool) or ("split_wrong" if body.debt else "")
    return _adds_up(-more, body.share, body.debt) or ("split_wrong" if body.paid or body.pool else "")


def _looked(expected: int, found: int) -> str:
    possible = -MOST_UNITS <= expected <= MOST_UNITS and 0 <= found <= MOST_UNITS
    return "" if possible else "impossible_quantity"


def _units(qty: int) -> str:
    return "" if 0 < qty <= MOST_UNITS else "impossible_quantity"


def _adds_up(qty: int, *parts: int) -> str:
    return "" if min(parts) >= 0 and sum(parts) == qty else "split_wrong"
