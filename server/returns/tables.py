"""Goods that came back."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel


class GoodsReturn(SQLModel, table=True):
    __tablename__ = "goods_return"
    id: str = Field(primary_key=True)
    order_no: str = Field(default="", index=True)
    line: int = 0
    store: str
    sku: str
    qty: int
    graded: int = 0
    grade: str = ""
    disposition: str = ""
    state: str = Field(default="held", description="held, graded, flagged")
    received_at: int
    person: str = ""
    reason: str = ""
    bought_elsewhere: bool = False
    sale: str = Field(default="", description="the till's sale, where it was one")
    incarnation: str = ""
    number: int = Field(default=0, description="the fact that brought it: store, incarnation, number")


class Transfer(SQLModel, table=True):
    __table_args__ = (
        Index("transfer_on_its_way", "at", sqlite_where=text("received < sent AND asked_at = 0")),
        Index("transfer_sku", "sku", sqlite_where=text("received < sent")),
    )
    code: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    sender: str
    receiver: str
    sent: int = 0
    received: int = 0
    at: int
    asked_at: int = Field(default=0, description="since when a person looks for what did not arrive")
