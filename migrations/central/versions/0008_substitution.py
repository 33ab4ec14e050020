"""Orders say whether another article may come instead; a line may stand in for another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_substitution"
down_revision = "0007_beginning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shop_order", sa.Column("substitution", sa.String(), server_default="", nullable=False))
    op.add_column(
        "shop_order_line", sa.Column("instead_of", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup of the older program instead.")
