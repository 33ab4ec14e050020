"""What becomes of a difference that a count found: it is booked, or it waits for a second person."""

from __future__ import annotations

from dataclasses import dataclass

from sync.replica import notices, read
from sync.replica.commands.base import Desk
from sync.rules.counting import REVIEW_UNITS, REVIEW_VALUE_FEN, Difference, needs_second_look
from sync.rules.stock import split_gain, split_loss
from sync.wire import facts as f


@dataclass(frozen=True)
class Finding:
    """A SKU that was counted, by whom, when, and the tasks that are done by it."""

    sku: str
    difference: Difference
    by: tuple[str, ...]
    position: int
    sheet: str = ""
    tasks: tuple[str, ...] = ()
    looked_at: int = 0
    """0: just now."""
    book_is_low: bool = False
    """After a loss the centre took units off the books on purpose: that more is found was to be expected."""


def above_the_limit(desk: Desk, sku: str, units: int) -> bool:
    return needs_second_look(
        units,
        read.price_fen(desk.tx, sku),
        most_units=read.policy_number(desk.tx, "count_review_units", REVIEW_UNITS),
        most_value_fen=read.policy_number(desk.tx, "count_review_value_fen", REVIEW_VALUE_FEN),
    )


def settle(desk: Desk, found: Finding) -> bool:
    """Book it, or let it wait. Returns whether it waits."""
    units = found.difference.units
    expected = found.book_is_low and units > 0
    if units and not expected and (found.difference.moved or above_the_limit(desk, found.sku, units)):
        desk.record(
            f.VarianceFound(
                found.sku,
                found.difference.expected,
                found.difference.found,
                found.position,
                found.looked_at,
                found.sheet,
                " ".join(found.tasks),
                found.by,
                found.difference.moved,
            )
        )
        desk.hints.add("task")
        return True
    book(desk, found)
    return False


def book(desk: Desk, found: Finding, *, allowed_by: str = "") -> None:
    """Move the book by the difference; the rights follow from what they are now, not from what they were."""
    expected, counted, more = found.difference.expected, found.difference.found, found.difference.units
    sku, shelf = found.sku, read.shelf(desk.tx, found.sku)
    by = () if found.by == (desk.ctx.person,) else found.by
    told = (" ".join(found.tasks), found.sheet, by, allowed_by, found.looked_at)
    if more >= 0:
        gain = split_gain(more, share=shelf.share, debt=shelf.debt, target=shelf.target(more))
        desk.record(f.Counted(sku, expected, counted, gain.paid, gain.share, gain.pool, 0, *told))
    else:
        loss = split_loss(-more, share=shelf.share)
        desk.record(f.Counted(sku, expected, counted, 0, loss.share, 0, loss.debt, *told))
        _tell_of_lack(desk, sku)
    desk.hints.add("task")


def _tell_of_lack(desk: Desk, sku: str) -> None:
    """Fewer units than open orders want: name the newest ones, which go without."""
    shelf = read.shelf(desk.tx, sku)
    lacking = -shelf.free
    if lacking <= 0:
        return
    hit, units = [], lacking
    for promise in reversed(read.promised_to(desk.tx, sku)):
        if units <= 0:
            break
        hit.append(promise.order)
        units -= promise.units
    if hit:
        notices.make(
            desk.tx,
            f"lacking:{desk.ctx.command}:{sku}",
            "lacking",
            desk.now,
            0,
            units=lacking,
            item=desk.item(sku),
            sku=sku,
            orders=hit,
        )
        desk.hints.add("notice")
