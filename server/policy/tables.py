"""What HQ decides as numbers: deadlines, holds, caps. Per channel and kind of order where it matters."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class Policy(SQLModel, table=True):
    """`accept_s|hold_s|max_attempts|may_move_km|…`, optionally `:channel:kind`; see server.policy."""

    key: str = Field(primary_key=True)
    value: str
