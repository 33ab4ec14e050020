"""Orders are the shopper's; fulfilment orders are the parts that one location works."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Order(SQLModel, table=True):
    __tablename__ = "shop_order"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("shop_order_state", "state", "placed_at"),
    )
    no: str = Field(primary_key=True, description="YP-000123")
    channel: str
    external_id: str
    kind: str = Field(description="pickup, shipment or same_day")
    state: str = Field(default="open", description="open, cancel_requested, done, cancelled")
    placed_at: int
    promised_by: int = 0
    pickup_store: str = ""
    lat: float = 0.0
    lon: float = 0.0
    name: str = ""
    phone: str = ""
    address: str = ""
    language: str = "en"
    note: str = ""
    pickup_code: str = Field(default="", description="sent to the shopper, never to a store")
    code_salt: str = ""
    code_hash: str = ""
    cancel_requested_at: int = 0
    closed_at: int = 0
    fingerprint: str = Field(default="", description="of the request: a repeat with other content is told")
    substitution: str = Field(default="", description="'' (never), ask (a pickup's shopper), or allowed")


class OrderLine(SQLModel, table=True):
    __tablename__ = "shop_order_line"
    order_no: str = Field(primary_key=True, foreign_key="shop_order.no")
    line: int = Field(primary_key=True)
    sellable: str
    qty: int
    price_fen: int = 0
    instead_of: int = Field(default=0, description="the line that this one stands in for; 0: as ordered")
    substitutes: str = Field(default="", description="SKUs that may come instead, as JSON; '': any may")


class FulfilmentOrder(SQLModel, table=True):
    __tablename__ = "fulfilment_order"
    fo: str = Field(primary_key=True, description="YP-000123-1")
    order_no: str = Field(foreign_key="shop_order.no", index=True)
    state: str = Field(
        description="waiting (nobody can do it now), offered, owned, released, cancelled,"
        " person (a case is open)",
        index=True,
    )
    fence: int = Field(default=0, description="the current assignment; 0 while waiting")
    store: str = ""
    attempts: int = 0
    next_try_at: int = 0
    made_at: int


class FulfilmentLine(SQLModel, table=True):
    """What of the order this fulfilment order still has to bring: items, not sellables."""

    __tablename__ = "fulfilment_line"
    fo: str = Field(primary_key=True, foreign_key="fulfilment_order.fo")
    line: int = Field(primary_key=True)
    order_line: int
    sellable: str = ""
    sku: str
    qty: int
    released: int = 0
    cancelled: int = Field(default=0, description="short, moved to another fulfilment order, or cancelled")


class Excluded(SQLModel, table=True):
    """A store that declined a fulfilment order or let it lapse is not asked again for it."""

    fo: str = Field(primary_key=True, foreign_key="fulfilment_order.fo")
    store: str = Field(primary_key=True)
    reason: str
    at: int


class LeftOut(SQLModel, table=True):
    """Routing leaves a store out for a SKU for a while (a short pick's reason says how long)."""

    __tablename__ = "left_out"
    store: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    until: int
    reason: str
