"""All tables of the centre, gathered for Alembic and for tests."""

from __future__ import annotations

from sqlmodel import SQLModel

from server.cases import tables as cases
from server.catalogue import tables as catalogue
from server.link import tables as link
from server.offers import tables as offers
from server.orders import tables as orders
from server.outbox import tables as outbox
from server.people import tables as people
from server.policy import tables as policy
from server.returns import tables as returns
from server.stock import tables as stock
from server.stores import tables as stores

METADATA = SQLModel.metadata
ROOMS = (cases, catalogue, link, offers, orders, outbox, people, policy, returns, stock, stores)
