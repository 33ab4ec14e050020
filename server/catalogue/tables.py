"""Items are stocked, sellables are sold, listings are what a channel calls them."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class Item(SQLModel, table=True):
    sku: str = Field(primary_key=True)
    name_en: str
    name_zh: str
    detail_en: str = ""
    detail_zh: str = ""
    price_fen: int = 0
    serialised: bool = False


class Gtin(SQLModel, table=True):
    gtin: str = Field(primary_key=True, description="always 14 digits")
    sku: str = Field(index=True, foreign_key="item.sku")


class Sellable(SQLModel, table=True):
    """A bundle of items under one code. An item sold as itself needs no row here."""

    code: str = Field(primary_key=True)
    name_en: str
    name_zh: str


class SellablePart(SQLModel, table=True):
    __tablename__ = "sellable_part"
    sellable: str = Field(primary_key=True, foreign_key="sellable.code")
    sku: str = Field(primary_key=True, foreign_key="item.sku")
    qty: int


class Listing(SQLModel, table=True):
    channel: str = Field(primary_key=True)
    external_sku: str = Field(primary_key=True)
    sellable: str = Field(description="code of a sellable, or an item's SKU")


class Shelf(SQLModel, table=True):
    store: str = Field(primary_key=True, foreign_key="store.code")
    sku: str = Field(primary_key=True, foreign_key="item.sku")
    location: str
