"""A line of an order may say which articles come instead of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_substitutes"
down_revision = "0009_unheard"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shop_order_line", sa.Column("substitutes", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup of the older program instead.")
