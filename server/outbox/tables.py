"""What happened, for people and programs outside: the event history and the outbox to channels."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class Event(SQLModel, table=True):
    """One line of history. `kind` is a word of docs/glossary.md (offered, accepted, lapsed, …)."""

    __table_args__ = (Index("event_order", "order_no", "id"), Index("event_store", "store", "id"))
    id: int | None = Field(default=None, primary_key=True)
    at: int
    kind: str
    store: str = ""
    order_no: str = ""
    fo: str = ""
    fence: int = 0
    person: str = ""
    data: str = Field(default="{}", description="JSON")


class Outgoing(SQLModel, table=True):
    """A message to a channel or shopper. `id` is its idempotency key."""

    __tablename__ = "outgoing"
    __table_args__ = (
        Index("outgoing_due", "state", "channel", "event_id"),
        Index("outgoing_event", "event_id"),
        Index("outgoing_order", "order_no"),
    )
    id: str = Field(primary_key=True)
    event_id: int
    channel: str
    kind: str
    order_no: str = ""
    payload: str
    state: str = Field(default="waiting", description="waiting, delivered, shown (no receiver), given_up")
    attempts: int = 0
    next_at: int
    delivered_at: int = 0
    last_error: str = ""
    at: int
