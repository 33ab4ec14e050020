"""Two facts that cannot both stand, or anything a person must settle."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class Case(SQLModel, table=True):
    __tablename__ = "open_case"
    __table_args__ = (Index("open_case_state", "state", "opened_at"),)
    id: str = Field(primary_key=True)
    kind: str = Field(description="a kind of server.cases.kinds")
    state: str = Field(default="open", description="open, closed")
    store: str = ""
    order_no: str = Field(default="", index=True)
    fo: str = ""
    fence: int = 0
    sku: str = ""
    params: str = Field(default="{}", description="JSON for the sentence")
    evidence: str = Field(default="[]", description="JSON: facts as {store, incarnation, number, kind}")
    remedy: str = Field(default="", description="code of the suggested remedy")
    opened_at: int
    closed_at: int = 0
    closed_by: str = ""
    outcome: str = ""
