"""What goes in and out of the API. Structs of this room; table classes never cross it.

Times are RFC 3339 text in UTC; money is in fen; names of columns stay inside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Text = Annotated[str, Meta(max_length=500)]
Quantity = Annotated[int, Meta(ge=1, le=10_000)]


def moment(at: int) -> str:
    """Milliseconds since 1970 as RFC 3339; empty for never."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds") if at else ""


class ProblemLine(Struct, omit_defaults=True):
    message: str
    line: int = 0
    """As an editor counts them; for JSON the place in the list, from 1."""
    field: str = ""


class Problem(Struct):
    """RFC 9457, with `next_step`: what the reader can do about it."""

    type: str
    title: str
    status: int
    next_step: str
    instance: str = ""
    errors: list[ProblemLine] = []


class OrderLineIn(Struct, forbid_unknown_fields=True):
    sku: Name
    """An item's SKU, the code of a bundle, or what this channel's listing calls either."""
    qty: Quantity
    price_fen: Annotated[int, Meta(ge=0, le=10_000_000_000)] = 0
    substitutes: Annotated[list[Name], Meta(max_length=20)] = []
    """Articles that may come instead of this one, the shopper's first choice first. Without it a store may
    offer any, as far as `substitution` lets it. Not for bundles."""


class OrderIn(Struct, forbid_unknown_fields=True):
    """An order of the key's own channel. The same external_id with the same content is the same order."""

    external_id: Name
    lines: Annotated[list[OrderLineIn], Meta(min_length=1, max_length=300)]
    kind: Annotated[str, Meta(pattern="^(pickup|shipment|same_day)$")] = "shipment"
    pickup_store: Annotated[str, Meta(max_length=80)] = ""
    lat: Annotated[float, Meta(ge=-90, le=90)] = 0.0
    lon: Annotated[float, Meta(ge=-180, le=180)] = 0.0
    name: Annotated[str, Meta(max_length=120)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    address: Text = ""
    language: Annotated[str, Meta(pattern="^(en|zh)$")] = "en"
    note: Text = ""
    promised_by: datetime | None = None
    """By when the shopper was promised it, with a time zone."""
    substitution: Annotated[str, Meta(pattern="^(none|ask|allowed)$")] = "none"
    """May another article come instead of one that the store cannot find? `ask`: the store asks the shopper
    of a pickup and says who agreed; `allowed`: agreed with the order. What it costs is the shop's matter."""


class LineOut(Struct):
    sku: str
    qty: int
    released: int
    cancelled: int
    """Short, or moved to another fulfilment order."""


class PartOut(Struct):
    """One fulfilment order: the part of the order that one store works."""

    fulfilment_order: str
    state: str
    """waiting, offered, owned, released, cancelled or person."""
    says: str
    """The same in words, in the reader's language."""
    store: str
    accept_by: str
    owner_until: str
    stage: str
    lines: list[LineOut]


class EventOut(Struct):
    id: int
    at: str
    kind: str
    order_no: str = ""
    fulfilment_order: str = ""
    store: str = ""
    data: dict[str, Any] = {}


class OrderLineOut(Struct):
    sku: str
    qty: int
    price_fen: int
    instead_of: int = 0
    """Of a line that a store added with consent: which line (counted from 1) it stands in for."""
    substitutes: list[str] = []
    """What may come instead of it; empty: whatever the store offers."""


class OrderOut(Struct):
    """Where an order stands."""

    order_no: str
    external_id: str
    channel: str
    kind: str
    state: str
    """open, cancel_requested, done or cancelled."""
    says: str
    placed_at: str
    pickup_store: str
    pickup_code: str
    """For the shopper, and for nobody else."""
    lines: list[OrderLineOut]
    parts: list[PartOut]
    history: list[EventOut]
    repeated: bool = False
    """The order was here before: nothing was done twice."""


class CancelledOut(Struct):
    order_no: str
    state: str
    says: str
    waiting_for: list[str]
    until: str


class AvailableOut(Struct):
    sku: str
    available: int
    """What may be promised to this channel now."""
    stores: dict[str, int] | None = None


class AvailabilityOut(Struct):
    at: str
    channel: str
    items: list[AvailableOut]
    unknown: list[str]


class AvailabilityWish(Struct):
    skus: Annotated[list[Name], Meta(min_length=1, max_length=10_000)]
    """Items, bundles, or what the channel calls either."""
    channel: str = ""
    by_store: bool = False


class ChangesOut(Struct):
    at: str
    channel: str
    next: int
    """Give it back as `after`."""
    stores: str
    """Give it back too: it changes when a store opens, closes or pauses, or a view changes."""
    reread: bool
    """What is listed is not all that changed: ask for everything once, then go on from `next`."""
    more: bool
    """There is more to be read at once."""
    items: list[AvailableOut]


class LoadedOut(Struct):
    """What became of an upload: good lines are kept, whatever is wrong with others."""

    good: int
    bad: int
    repeated: bool
    says: str
    errors: list[ProblemLine]


class MessageOut(Struct):
    id: str
    """The idempotency key, as in the header webhook-id."""
    event: int
    at: str
    kind: str
    order_no: str
    state: str
    attempts: int
    payload: msgspec.Raw


class EventsOut(Struct):
    events: list[EventOut]
    next_after: int
    """Ask again with after= this."""


class OutboxOut(Struct):
    messages: list[MessageOut]
    next_after: int
