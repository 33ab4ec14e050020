"""All tables of the centre, gathered for Alembic and for tests.

SQL is written by hand on the hot paths, so every default a model states is a default of the
database as well: an INSERT names what it knows and nothing else.
"""

from __future__ import annotations

from sqlalchemy import DefaultClause
from sqlmodel import SQLModel

from server.cases import tables as cases
from server.catalogue import tables as catalogue
from server.counts import tables as counts
from server.link import tables as link
from server.offers import tables as offers
from server.orders import tables as orders
from server.outbox import tables as outbox
from server.people import tables as people
from server.policy import tables as policy
from server.returns import tables as returns
from server.stock import tables as stock
from server.stores import tables as stores
from server.views import tables as views

METADATA = SQLModel.metadata
ROOMS = (
    *(cases, catalogue, counts, link, offers, orders, outbox),
    *(people, policy, returns, stock, stores, views),
)

for _table in METADATA.tables.values():
    for _column in _table.columns:
        _value = getattr(_column.default, "arg", None)
        if isinstance(_value, (bool, int, float)):
            _column.server_default = DefaultClause(str(int(_value) if isinstance(_value, bool) else _value))
        elif isinstance(_value, str):
            _column.server_default = DefaultClause(_value)
