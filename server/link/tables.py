"""The centre's end of the link: replicas, sessions, facts taken, decisions to send, bulk streams."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field, SQLModel


class Meta(SQLModel, table=True):
    """incarnation, fence, order_no, last_seen_at, stream_seq, …"""

    key: str = Field(primary_key=True)
    value: str


class Replica(SQLModel, table=True):
    """One incarnation of a store's database."""

    store: str = Field(primary_key=True, foreign_key="store.code")
    incarnation: str = Field(primary_key=True)
    state: str = Field(
        default="live",
        description="live, closed, held, released (a person let it take a new incarnation), evidence",
    )
    host: str = ""
    opened_at: int
    applied: int = Field(default=0, description="number of the last fact applied")
    chain: str = ""
    backed_up: int = Field(default=0, description="number of the last fact that a verified backup covers")
    taken: int = Field(default=0, description="number of the last urgent decision the store has applied")
    parent: str = Field(default="", description="the incarnation that this continues, up to `fork`")
    fork: int = 0
    note: str = ""
    beginning: str = Field(default="", description="chain of fact `fork` if what led to it is kept nowhere")


class StoreSession(SQLModel, table=True):
    """The link of a store as the board shows it. `number` grows; a writing transaction checks it."""

    __tablename__ = "store_session"
    store: str = Field(primary_key=True, foreign_key="store.code")
    number: int = 0
    incarnation: str = ""
    host: str = ""
    software: str = ""
    connected_at: int = 0
    heard_at: int = 0
    closed_at: int = Field(default=0, description="0 while the line is up")
    unsent: int = 0
    oldest_unsent_at: int = 0


class FactTaken(SQLModel, table=True):
    __tablename__ = "fact"
    __table_args__ = (
        Index("fact_fence", "fence"),
        Index("fact_command", "command"),
        Index("fact_parked", "note", sqlite_where=text("verdict = 'parked'")),
    )
    store: str = Field(primary_key=True)
    incarnation: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    fence: int = 0
    person: str = ""
    device: str = ""
    command: str = ""
    occurred_at: int = 0
    received_at: int
    verdict: str
    note: str = ""
    chain: str
    raw: bytes = Field(sa_type=LargeBinary)


class DecisionMade(SQLModel, table=True):
    __tablename__ = "decision"
    store: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    fence: int = 0
    at: int
    chain: str
    raw: bytes = Field(sa_type=LargeBinary)


class StreamRow(SQLModel, table=True):
    """The newest body of each key of a bulk stream. `seq` grows over all streams."""

    __tablename__ = "stream_row"
    __table_args__ = (Index("stream_row_seq", "stream", "seq", unique=True),)
    stream: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    seq: int
    body: bytes = Field(sa_type=LargeBinary, description="JSON, or null for a removed key")
