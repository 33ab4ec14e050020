"""Count sheets of stores, and every count of a SKU with what became of it."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class CountSheet(SQLModel, table=True):
    """A list of SKUs or a full count. The store's own record is the store's; this follows its facts."""

    __tablename__ = "count_sheet"
    __table_args__ = (Index("count_sheet_open", "store", "state"),)
    store: str = Field(primary_key=True, foreign_key="store.code")
    id: str = Field(primary_key=True)
    kind: str = Field(description="list or full")
    name: str = ""
    scope: str = Field(default="", description="shelves whose place begins so; empty for all")
    blind: bool = True
    areas: str = Field(default="[]", description="JSON list; goods come and go through the first")
    finished: str = Field(default="[]", description="JSON list of the areas that are finished")
    lines: int = Field(default=0, description="SKUs on a list")
    made_by: str = ""
    by_centre: bool = False
    made_at: int = 0
    state: str = Field(default="open", description="open, closed, cancelled")
    closed_at: int = 0
    closed_by: str = ""


class StockCount(SQLModel, table=True):
    """One SKU counted once. `open`: the difference waits at the store for a second person."""

    __tablename__ = "stock_count"
    __table_args__ = (
        Index("stock_count_place", "store", "sku", "id"),
        Index("stock_count_open", "store", "state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    store: str
    sku: str
    sheet: str = ""
    expected: int
    found: int
    state: str = Field(description="open, applied, again (doubted), replaced (by a newer count)")
    moved: bool = Field(default=False, description="units came or went while it was being counted")
    counted_by: str = Field(default="", description="ids, separated by spaces")
    allowed_by: str = ""
    looked_at: int
    settled_at: int = 0
    incarnation: str = ""
    number: int = Field(default=0, description="the fact that says so")


class CountLook(SQLModel, table=True):
    """What was entered in one area of a full count; kept, because most looks find nothing to correct."""

    __tablename__ = "count_look"
    __table_args__ = (
        Index("count_look_place", "store", "sku", "id"),
        Index("count_look_sheet", "store", "sheet"),
    )
    id: int | None = Field(default=None, primary_key=True)
    store: str
    sheet: str
    sku: str
    area: str
    found: int
    there: int
    instead: bool = False
    person: str = ""
    at: int = 0
