"""Stores and warehouses: where they are, when they are open, what they can do."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class Region(SQLModel, table=True):
    code: str = Field(primary_key=True)
    name_en: str
    name_zh: str


class Store(SQLModel, table=True):
    code: str = Field(primary_key=True)
    name_en: str
    name_zh: str
    region: str = Field(foreign_key="region.code", index=True)
    kind: str = Field(default="store", description="store or warehouse")
    lat: float = 0.0
    lon: float = 0.0
    timezone: str = "UTC"
    opening_hours: str = Field(default="{}", description='JSON {"mon": ["10:00", "22:00"]}; {} = always open')
    capacity_per_day: int = Field(default=0, description="fulfilment orders; 0 = no limit")
    rank: int = Field(default=100, description="the region's ranking; lower is asked first")
    paused: bool = False
    pause_reason: str = ""
    can_pickup: bool = True
    can_ship: bool = True
    can_same_day: bool = True
    token_hash: str = Field(default="", description="sha256 of the node's token")
    active: bool = True
