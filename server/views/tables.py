"""The views that HQ has set, and which parts of orders count for a quota.

A view holds no units: nothing here enters on hand + debt = reserved + share + pool.
"""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class ChannelView(SQLModel, table=True):
    """One number for a channel, a store and a SKU; `*` is every one, `TEE-*` every SKU that begins so."""

    __tablename__ = "channel_view"
    channel: str = Field(primary_key=True)
    store: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    kind: str = Field(primary_key=True, description="safety_stock, threshold, quota, percent")
    value: int
    days: int = Field(default=0, description="quota: it begins anew every so many days; 0: until it is reset")
    since: int = Field(default=0, description="quota: units promised from here on count")
    person: str = ""
    at: int = 0


class QuotaUse(SQLModel, table=True):
    """This part of an order counts for its channel's quota of the SKU, from when it was first promised.

    How many units follows from the part's own lines: what is cancelled counts no more, by whatever way.
    """

    __tablename__ = "quota_use"
    __table_args__ = (Index("quota_use_channel", "channel", "sku", "at", "fo"),)
    fo: str = Field(primary_key=True, foreign_key="fulfilment_order.fo")
    sku: str = Field(primary_key=True)
    channel: str
    at: int
