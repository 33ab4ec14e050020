"""Stores that have not been heard to the end since the centre was put back from a backup."""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0009_unheard"
down_revision = "0008_substitution"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unheard",
        sa.Column("store", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["store"], ["store.code"]),
        sa.PrimaryKeyConstraint("store"),
    )
    # Until now this was read from the sessions: who has not said hello since is still in doubt.
    op.execute(
        "INSERT INTO unheard (store, since) SELECT s.store, CAST(r.value AS INTEGER) FROM store_session s"
        " JOIN meta r ON r.key = 'restored_at' JOIN store p ON p.code = s.store"
        " WHERE p.active AND s.connected_at < CAST(r.value AS INTEGER)"
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup of the older program instead.")
