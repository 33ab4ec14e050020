"""Goods that were sent and have not arrived are looked for after a while: once, and found without a scan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transfer", sa.Column("asked_at", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "transfer_on_its_way",
        "transfer",
        ["at"],
        unique=False,
        sqlite_where=sa.text("received < sent AND asked_at = 0"),
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup of the older program instead.")
