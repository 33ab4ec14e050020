"""Who works here, in which role and place. Associates sign in at their store's node, managers here."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class Person(SQLModel, table=True):
    id: str = Field(primary_key=True)
    name: str
    role: str = Field(description="a role of sync.rules.permissions")
    store: str = Field(default="", index=True)
    region: str = ""
    pin_hash: str = Field(description="argon2id")
    language: str = "en"
    active: bool = True


class WebSession(SQLModel, table=True):
    __tablename__ = "web_session"
    token: str = Field(primary_key=True, description="sha256 of the cookie")
    person: str = Field(foreign_key="person.id")
    opened_at: int
    used_at: int


class Channel(SQLModel, table=True):
    """A shop, marketplace or till system that talks to the API with a key."""

    code: str = Field(primary_key=True)
    name: str
    key_hash: str = Field(default="", description="sha256 of the API key")
    scopes: str = Field(
        default="orders availability", description="space separated: orders availability catalogue stock"
    )
    webhook_url: str = ""
    webhook_secret: str = ""
    active: bool = True
