"""Stock per location and SKU, and the ledger of everything that moved it.

on_hand + debt = reserved + share + pool; reserved, share, pool >= 0.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel


class Stock(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("on_hand + debt = reserved + share + pool", name="rights_add_up"),
        CheckConstraint("reserved >= 0 AND share >= 0 AND pool >= 0", name="rights_not_negative"),
        Index("stock_sku", "sku", "store"),
    )
    store: str = Field(primary_key=True, foreign_key="store.code")
    sku: str = Field(primary_key=True, foreign_key="item.sku")
    on_hand: int = 0
    reserved: int = 0
    share: int = 0
    pool: int = 0
    debt: int = 0
    damaged: int = 0
    hold: int = 0
    suppressed: bool = Field(default=False, description="not found: not promised from here until counted")


class StockLedger(SQLModel, table=True):
    __tablename__ = "stock_ledger"
    __table_args__ = (
        Index("stock_ledger_place", "store", "sku", "id"),
        Index("stock_ledger_owed", "sku", "id", sqlite_where=text("owed > 0 OR debt <> 0")),
    )
    id: int | None = Field(default=None, primary_key=True)
    store: str
    sku: str
    at: int
    reason: str = Field(description="kind of the fact or decision, or what the centre did (promise, free, …)")
    on_hand: int = 0
    reserved: int = 0
    share: int = 0
    pool: int = 0
    debt: int = 0
    damaged: int = 0
    hold: int = 0
    incarnation: str = ""
    number: int = Field(default=0, description="the fact that caused it; 0 for the centre's own acts")
    fence: int = 0
    person: str = ""
    note: str = ""
    owed: int = Field(default=0, description="debt that this movement made, what was paid at once included")


class Demand(SQLModel, table=True):
    """What is asked for, as fading sums: units, and the days in stock in which they were asked for.

    An empty store is the whole chain, an empty SKU the whole assortment: what a new store or SKU leans on.
    """

    __table_args__ = (Index("demand_sku", "sku"),)
    store: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    till: float = 0.0
    pickup: float = 0.0
    shipment: float = 0.0
    exposure: float = Field(default=0.0, description="days with units to sell, fading like the sums")
    free: int = Field(default=0, description="share and pool, as the ledger adds up")
    at: int = 0
    since: int = 0


class Outage(SQLModel, table=True):
    """How long a store's line is down when it is down; fading, so that a mended line is believed."""

    store: str = Field(primary_key=True)
    count: float = 0.0
    hours: float = 0.0
