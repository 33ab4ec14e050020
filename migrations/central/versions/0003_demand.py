"""What is asked for per SKU and store, and how long lines are down: what shares are sized by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "demand",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("till", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("pickup", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("shipment", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("exposure", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("free", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("store", "sku"),
    )
    op.create_index("demand_sku", "demand", ["sku"], unique=False)
    op.create_table(
        "outage",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("count", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("hours", sa.Float(), server_default="0.0", nullable=False),
        sa.PrimaryKeyConstraint("store"),
    )


def downgrade() -> None:
    op.drop_table("outage")
    op.drop_table("demand")
