"""Facts: what happened in a store. Each kind with its body.

A fact is never refused. Every fact names its person, device and command, the
store's estimate of the centre's time with its error, and how many of the
centre's urgent decisions the store had applied. Bodies that move stock carry
the split the store made (`share`, `debt`, `paid`, `pool`), so that the centre repeats
it and never has to guess. Adding a kind or a field is a wire change: add a line
to `diary.py` and a vector.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The envelope. Short names on the wire: one scan has to fit in 250 bytes."""

    kind: str = msgspec.field(name="k")
    version: int = msgspec.field(name="v", default=1)
    command: str = msgspec.field(name="c")
    person: str = msgspec.field(name="p")
    device: str = msgspec.field(name="d")
    at: int = msgspec.field(name="t")
    """The store's estimate of the centre's time, in milliseconds since 1970."""
    error: int = msgspec.field(name="e", default=0)
    """The estimate is right to within this many milliseconds; -1 when nothing is known."""
    seen: int = msgspec.field(name="s", default=0)
    """Number of the last urgent decision that the store had applied."""
    fence: int = msgspec.field(name="f", default=0)
    body: msgspec.Raw = msgspec.field(name="b", default=msgspec.Raw(b"{}"))


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact's own part."""


class Accepted(Body, frozen=True):
    """The store took the offer. `provisional`: the line was down, nobody has confirmed it."""

    provisional: bool = False


class Declined(Body, frozen=True):
    reason: str
    note: str = ""
    sku: str = ""
    """The SKU the reason speaks of, where it speaks of one."""


class PickStarted(Body, frozen=True):
    wave: str = ""
    tote: str = ""


class Picked(Body, frozen=True):
    """Units of one line into the tote, by a scan (`code`) or typed."""

    line: int
    qty: int = 1
    code: str = ""
    serial: str = ""


class PickUndone(Body, frozen=True):
    line: int
    qty: int = 1


class Shorted(Body, frozen=True):
    """Units of a line that cannot be picked here. The reason says what it does to stock."""

    line: int
    qty: int
    reason: str
    note: str = ""
    instead: str = ""
    """For `label_mismatch`: the SKU that the goods really are."""
    sku: str = ""
    """What was on the line: a centre that lost the assignment still knows which units are gone."""
    substitute: str = ""
    """The SKU that the shopper takes instead. It becomes a line and a part of the order, offered here."""
    consent: str = ""
    """`order`: agreed with the order; `asked`: the fact's person asked, at the fact's time."""
    agreed_by: str = ""
    """Who agreed when asked."""


class Parcel(msgspec.Struct, frozen=True, omit_defaults=True):
    code: str
    lines: tuple[tuple[int, int], ...]
    """Pairs of line and quantity."""


class Packed(Body, frozen=True):
    parcels: tuple[Parcel, ...]


class Staged(Body, frozen=True):
    location: str


class HandedOver(Body, frozen=True):
    """Goods left with the shopper or whom they sent. `lines`: pairs of line and quantity."""

    lines: tuple[tuple[int, int], ...]
    proof: Literal["code", "name", "override"]
    collector: str = ""
    proxy: bool = False
    refused: tuple[tuple[int, int, str], ...] = ()
    """What the shopper did not take: line, quantity, reason. It goes back to the shelf."""
    override_by: str = ""
    """The person who allowed a release that the rules did not."""
    goods: tuple[tuple[str, int], ...] = ()
    """`lines` by SKU: a centre put back from a backup may know the lines no more, the goods it does."""
    order: str = ""
    """And whose they were: the order may be older than the backup, then nobody else is to bring them."""


class HandoverUndone(Body, frozen=True):
    """Taken back within the short while in which the goods are still on the counter."""

    lines: tuple[tuple[int, int], ...]
    goods: tuple[tuple[str, int], ...] = ()
    order: str = ""


class Shipped(Body, frozen=True):
    """The courier took the parcels of one fulfilment order."""

    lines: tuple[tuple[int, int], ...]
    manifest: str
    courier: str
    parcels: tuple[str, ...] = ()
    override_by: str = ""
    goods: tuple[tuple[str, int], ...] = ()
    order: str = ""


class PutBack(Body, frozen=True):
    """Units of a withdrawn, refused or expired line are on the shelf again."""

    line: int
    qty: int
    code: str = ""


class WithdrawalTaken(Body, frozen=True):
    """The store has applied a withdrawal: it will not release under this fence."""

    stage: str
    to_put_back: int = 0
    """Units in totes, parcels or on the pickup shelf that have to go back."""


class OwnedBefore(Body, frozen=True):
    """No deed: the centre had confirmed this turn, was put back from a backup since, and says so no more."""

    until: int
    """`owner_until` as the store knew it: the turn cannot have ended before without a word of this store."""


class HoldExpired(Body, frozen=True):
    """`owner_until` passed by the store's own pessimistic clock; it will not release any more."""

    stage: str
    to_put_back: int = 0


class Sold(Body, frozen=True):
    """A till sold units: `share` out of the store's own, `debt` out of what was promised to others.

    qty = share + debt + counted.
    """

    sku: str
    qty: int
    share: int
    debt: int = 0
    sale: str = ""
    """The till's own number of the sale and line: the same sale is never booked twice."""
    price_fen: int = 0
    sold_at: int = 0
    """The till's time, where the sale was told later than it happened."""
    counted: int = 0
    """Units that a count between the sale and its telling did not find any more: gone from stock already."""
    doubt: bool = False
    """Told late, and nobody can say whether a count came before or after: it is counted again."""
    cleared: str = ""
    """The till's code, where it was told as `till_unclear` before."""


class SaleReturned(Body, frozen=True):
    """A till took back units of a sale. They go into a hold until graded."""

    sku: str
    qty: int
    sale: str = ""
    return_id: str = ""
    sold_by: str = ""
    """The store that sold them, where it is another one."""
    returned_at: int = 0
    """The till's time, where it was told later."""
    doubt: Literal["", "unknown_sale", "too_many"] = ""
    """What does not fit what this store knows of the sale; the goods are there all the same."""
    cleared: str = ""


class SaleVoided(Body, frozen=True):
    """A till took a sale back before the goods left: they are on the shelf. qty = paid + share + pool +
    counted, the last for units that a count in between has found there already."""

    void: str
    sku: str
    qty: int
    sale: str
    """Sale and line, as `Sold` had it."""
    paid: int = 0
    share: int = 0
    pool: int = 0
    counted: int = 0
    voided_at: int = 0
    doubt: bool = False
    cleared: str = ""


class TillUnclear(Body, frozen=True):
    """A till says that it sold or took back something that cannot be booked: a code that nobody knows, a
    number used before for other goods. It moves no stock; a person finds out, and it is booked then."""

    row: str
    """The till's own name of it: sale and line."""
    what: Literal["sale", "return", "void"]
    reason: str
    code: str = ""
    qty: int = 0
    sale: str = ""
    at: int = 0
    """The till's time."""
    said: str = ""
    """The line as the till wrote it, shortened."""


class Received(Body, frozen=True):
    """Goods came in. qty = paid + share + pool."""

    sku: str
    qty: int
    paid: int = 0
    share: int = 0
    pool: int = 0
    document: str = ""
    """Transfer or delivery number; empty for goods without a paper."""


class TransferSent(Body, frozen=True):
    """Goods left for another location. qty = share + debt, as for a sale."""

    transfer: str
    to: str
    sku: str
    qty: int
    share: int
    debt: int = 0


class Counted(Body, frozen=True):
    """A count, relative to the replica's state when it was recorded.

    `expected` is what should have been on the shelf, `found` what was. More found
    is split like a receipt (paid, share, pool), less like a loss (share, debt).
    """

    sku: str
    expected: int
    found: int
    paid: int = 0
    share: int = 0
    pool: int = 0
    debt: int = 0
    count: str = ""
    """Ids of the tasks it answers, separated by spaces."""
    sheet: str = ""
    """The count sheet it belongs to; empty for a count that stood alone."""
    by: tuple[str, ...] = ()
    """Who counted, where that is not the person of the fact alone."""
    allowed_by: str = ""
    """The second person who stood by a difference above the limit."""
    looked_at: int = 0
    """When the shelf was looked at, where that was before the count was recorded: `expected` and `found`
    are of that moment, and what came and went since is in the book by its own facts."""


class SheetOpened(Body, frozen=True):
    """A count of several things was begun at the store. No effect on stock."""

    sheet: str
    kind: Literal["list", "full"]
    name: str = ""
    skus: tuple[str, ...] = ()
    """What to count, each in one go (`list`)."""
    areas: tuple[str, ...] = ()
    """Where to count (`full`). Goods come and go through the first one."""
    scope: str = ""
    """Shelves whose place begins so; empty for the whole store."""
    blind: bool = True


class CountEntered(Body, frozen=True):
    """What lay in one area of a full count. Changes nothing before the sheet is closed."""

    sheet: str
    area: str
    sku: str
    found: int
    there: int
    """What should have been on the store's shelves at that moment, all areas together."""
    position: int
    """The last fact that `there` contains."""
    instead: bool = False
    """Takes the place of what was entered for this SKU in this area before; otherwise it adds."""


class AreaFinished(Body, frozen=True):
    """Everything in this area was looked at; `again`: it was not, after all."""

    sheet: str
    area: str
    position: int
    again: bool = False


class VarianceFound(Body, frozen=True):
    """A count differs by more than one person may change the book by. It waits for a second one."""

    sku: str
    expected: int
    found: int
    position: int
    """`expected` is the shelf after this fact."""
    looked_at: int = 0
    sheet: str = ""
    count: str = ""
    """Ids of the tasks that were done, separated by spaces."""
    by: tuple[str, ...] = ()
    moved: bool = False
    """Units came or went while it was being counted."""


class RecountAsked(Body, frozen=True):
    """Somebody doubts a difference that waits: it is counted again."""

    sku: str
    sheet: str = ""
    not_by: str = ""


class SheetClosed(Body, frozen=True):
    """A full count is over: its differences are applied or wait. `cancelled`: nothing of it counts."""

    sheet: str
    cancelled: bool = False


class Adjusted(Body, frozen=True):
    """Units became unsellable or vanished outside a count: qty = share + debt."""

    sku: str
    qty: int
    share: int
    debt: int = 0
    to: Literal["damaged", "gone"] = "damaged"
    reason: str = ""
    allowed_by: str = ""
    """The second person who stood by it, where the rules want one."""


class Returned(Body, frozen=True):
    """Goods of an order came back over the counter; they wait in a hold for grading."""

    return_id: str
    sku: str
    qty: int
    order: str = ""
    """The order's number; empty for a return without receipt."""
    line: int = 0
    """The order's line; 0 where it is not known."""
    reason: str = ""
    bought_elsewhere: bool = False
    allowed_by: str = ""
    """Who stood by a return without receipt."""


class Graded(Body, frozen=True):
    """Units out of the hold. `restock` is split like a receipt (paid, share, pool)."""

    return_id: str
    sku: str
    qty: int
    grade: str
    disposition: Literal["restock", "damaged", "quarantine", "destroy", "vendor"]
    paid: int = 0
    share: int = 0
    pool: int = 0
    allowed_by: str = ""


class Gave(Body, frozen=True):
    """The store gave units of its share to the pool (asked for, or above its target)."""

    sku: str
    qty: int
    asked: int = 0
    """Number of the decision that asked; 0 when nobody did."""


class Credited(Body, frozen=True):
    """Debt had been paid twice (here and by the centre); what was over is share again."""

    sku: str
    qty: int


class StorePaused(Body, frozen=True):
    paused: bool
    reason: str = ""


KINDS: dict[str, type[Body]] = {
    "accepted": Accepted,
    "declined": Declined,
    "pick_started": PickStarted,
    "picked": Picked,
    "pick_undone": PickUndone,
    "shorted": Shorted,
    "packed": Packed,
    "staged": Staged,
    "handed_over": HandedOver,
    "handover_undone": HandoverUndone,
    "shipped": Shipped,
    "put_back": PutBack,
    "withdrawal_taken": WithdrawalTaken,
    "hold_expired": HoldExpired,
    "owned_before": OwnedBefore,
    "sold": Sold,
    "sale_returned": SaleReturned,
    "sale_voided": SaleVoided,
    "till_unclear": TillUnclear,
    "received": Received,
    "transfer_sent": TransferSent,
    "counted": Counted,
    "sheet_opened": SheetOpened,
    "count_entered": CountEntered,
    "area_finished": AreaFinished,
    "variance_found": VarianceFound,
    "recount_asked": RecountAsked,
    "sheet_closed": SheetClosed,
    "adjusted": Adjusted,
    "returned": Returned,
    "graded": Graded,
    "gave": Gave,
    "credited": Credited,
    "store_paused": StorePaused,
}
"""Every kind this version understands. An unknown one is parked, never dropped."""

NAMES: dict[type[Body], str] = {body: kind for kind, body in KINDS.items()}


def body_of(fact: Fact) -> Body | None:
    """The decoded body, or None when this version does not know the kind.

    Raises msgspec.DecodeError or ValidationError for a body that is not of its kind;
    the receiver parks such a fact.
    """
    kind = KINDS.get(fact.kind)
    return None if kind is None else msgspec.json.decode(fact.body, type=kind)
