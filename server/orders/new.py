"""What a channel asks for and what it is told. API types and table classes stay outside."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class NewLine(msgspec.Struct, frozen=True):
    """`sku`: an item, a sellable (bundle) or what the channel calls either in its listing."""

    sku: str
    qty: int
    price_fen: int = 0
    substitutes: tuple[str, ...] = ()
    """What may come instead, the shopper's first choice first; empty: whatever the store offers."""


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    external_id: str
    kind: str = "shipment"
    """pickup, shipment or same_day."""
    lines: tuple[NewLine, ...]
    pickup_store: str = ""
    lat: float = 0.0
    lon: float = 0.0
    name: str = ""
    phone: str = ""
    address: str = ""
    language: str = "en"
    note: str = ""
    promised_by: int = 0
    substitution: str = ""
    """May another article come instead of one that is missing? '': no; `ask`: the store asks the shopper
    of a pickup; `allowed`: agreed with the order."""


@dataclass(frozen=True)
class Part:
    """One fulfilment order as the channel sees it."""

    fo: str
    state: str
    store: str
    fence: int = 0
    accept_by: int = 0


@dataclass(frozen=True)
class Placed:
    order_no: str
    state: str
    parts: tuple[Part, ...]
    pickup_code: str = ""
    """For the shopper; stores never see it."""
    repeated: bool = False
    """The same external id came before, with the same content: nothing was done twice."""


@dataclass(frozen=True)
class Cancelled:
    order_no: str
    state: str
    """cancelled; cancel_requested while a store that owns it has not answered; done when it was too late."""
    waiting_for: tuple[str, ...] = ()
    """Stores that have not answered yet; after a restore of the centre, those that were not heard since."""
    until: int = 0
    """When their ownership ends at the latest."""
