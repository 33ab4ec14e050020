"""A replica may go on although the facts before it are lost for good: the chain at which it begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_beginning"
down_revision = "0006_debts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("replica", sa.Column("beginning", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup of the older program instead.")
