"""Alembic's way in. `server.schema` hands over an open connection; by hand, give `-x db=PATH`."""

from __future__ import annotations

import sync.sqlite  # noqa: F401  # isort: skip
from alembic import context
from sqlalchemy import Connection, create_engine

from server.tables import METADATA


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,  # SQLite cannot alter most things in place
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    path = context.get_x_argument(as_dictionary=True)["db"]
    with create_engine(f"sqlite:///{path}").begin() as opened:
        _run(opened)
