"""What a count says about the book, while goods come and go. Pure.

The rule. A shelf is looked at while the store works, so a number found is true of one moment only, and is
compared with the book *of that moment*: `there`, what should have lain on the store's shelves when the
number was entered. What comes and goes afterwards is in the book by its own facts and changes
nothing about the difference. A SKU that lies in several areas is looked at several times. Goods come and
go through one area, the *gate* (where the till and the pickers take from); in the others they lie. So

    difference = (found in all areas) - there(when the gate was looked at)

which is exact if nothing came or went between the first and the last look, and also if it came and
went through the gate. If something moved in between and there is a difference, a person decides
(`moved`): it is never applied without somebody having seen it. Sales that a till tells late, losses and other
corrections of the book after a look doubt the difference in the same way.

What lies in totes, parcels and on the pickup shelf is on hand but not *there*: picking moves units off the
shelf, handing over does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sync.rules.stock import moves
from sync.wire import facts as f

REVIEW_UNITS = 10
"""A difference of more units than this waits for a second person; policy `count_review_units`."""
REVIEW_VALUE_FEN = 200_000
"""… or of goods worth more than this at their price; policy `count_review_value_fen`."""


@dataclass(frozen=True)
class Look:
    """One number that was entered. `position`: the last fact that `there` contains."""

    area: str
    found: int
    there: int
    position: int


@dataclass(frozen=True)
class Shift:
    """What one fact did to the shelf of one SKU."""

    position: int
    units: int
    corrects: bool = False
    """It changed the book about the past: the goods may have moved before the look."""
    counted: bool = False


@dataclass(frozen=True)
class Difference:
    expected: int
    found: int
    moved: bool

    @property
    def units(self) -> int:
        return self.found - self.expected


def difference(
    looks: Sequence[Look],
    gate: str,
    finished: Mapping[str, int],
    shifts: Iterable[Shift],
    there_now: int,
    *,
    doubt: bool = False,
) -> Difference | None:
    """What all looks at one SKU say together; None when it was counted anew since the first of them.

    `finished`: areas and the positions at which they were finished. Where nothing was entered in an area,
    nothing lay there when it was finished.
    """
    seen = {look.area for look in looks}
    moments = [look.position for look in looks] + [at for area, at in finished.items() if area not in seen]
    first, last = min(moments), max(moments)
    since = [shift for shift in shifts if shift.position > first]
    if any(shift.counted for shift in since):
        return None
    at_gate = [look for look in looks if look.area == gate]
    if at_gate:
        newest = max(at_gate, key=lambda look: look.position)
        at, expected = newest.position, newest.there
    else:
        at = finished[gate]
        expected = there_now - sum(shift.units for shift in since if shift.position > at)
    by_the_log = there_now - sum(shift.units for shift in since if shift.position > at)
    moved = (
        doubt
        or expected != by_the_log  # something that is no fact moved the book: the centre's stock file
        or any(shift.corrects or shift.position <= last for shift in since)
    )
    return Difference(expected, sum(look.found for look in looks), moved)


def shifts_of(body: f.Body, sku_of_line: Callable[[int], str]) -> Iterable[tuple[str, int, bool]]:
    """(SKU, units on the shelf more or less, whether that corrects the past) of one fact."""
    match body:
        case f.Picked():
            yield sku_of_line(body.line), -body.qty, False
        case f.PickUndone() | f.PutBack():
            yield sku_of_line(body.line), body.qty, False
        case f.HandedOver() | f.HandoverUndone() | f.Shipped():
            return  # out of a tote or parcel: the shelf does not see it
        case f.Shorted():
            for move in moves(body, sku_of_line(body.line)):
                yield move.sku, move.on_hand, body.reason != "damaged"
        case f.Adjusted():
            yield body.sku, -body.qty, body.to == "gone"
        case _:
            late = bool(getattr(body, "sold_at", 0) or getattr(body, "voided_at", 0))
            for move in moves(body):
                if move.on_hand:
                    yield move.sku, move.on_hand, late


def needs_second_look(units: int, price_fen: int, *, most_units: int, most_value_fen: int) -> bool:
    """Whether a difference is more than the person who counted may book alone."""
    return abs(units) > most_units or abs(units) * price_fen > most_value_fen
