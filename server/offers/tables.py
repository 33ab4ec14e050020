"""Assignments: one store's turn at a fulfilment order, under a fence."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel


class Assignment(SQLModel, table=True):
    """`state`/`ownership` mirror the store's facts; `ended_*` is what the centre decided."""

    __table_args__ = (
        Index("assignment_open", "ended_at", "ownership", "accept_by"),
        Index("assignment_store", "store", "ended_at"),
        # The board counts these all the time; they are few among very many ended turns.
        Index("assignment_put_back", "store", sqlite_where=text("state = 'put_back'")),
    )
    fence: int = Field(primary_key=True)
    fo: str = Field(foreign_key="fulfilment_order.fo", index=True)
    store: str
    attempt: int = 1
    offered_at: int
    accept_by: int
    state: str = Field(default="offered", description="sync.rules.states.State")
    ownership: str = Field(default="none", description="none, provisional, confirmed, ended")
    accepted_at: int = Field(default=0, description="the store's time of acceptance")
    confirmed_at: int = 0
    owner_until: int = 0
    released_at: int = 0
    withdraw_requested_at: int = 0
    ended_at: int = 0
    ended_reason: str = Field(
        default="",
        description="lapsed, declined, cancelled, reassigned, released_elsewhere, no_show, hold_over, short,"
        " debt, restored, done; with ended_at = 0: what a requested withdrawal is for",
    )
    distance_m: int = 0
    person: str = ""
    location: str = ""


class AssignmentLine(SQLModel, table=True):
    """`reserved`: units this assignment holds in stock.reserved at its store right now."""

    __tablename__ = "assignment_line"
    fence: int = Field(primary_key=True, foreign_key="assignment.fence")
    line: int = Field(primary_key=True)
    sku: str
    qty: int
    reserved: int = 0
    picked: int = 0
    short: int = 0
    released: int = 0
    put_back: int = 0


class Unheard(SQLModel, table=True):
    """Stores that have not told all since this centre was put back from a backup, at `since`."""

    store: str = Field(primary_key=True, foreign_key="store.code")
    since: int
