"""Views on the pool: what a channel may see and take, and what counts for its quotas."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_views"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_view",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", sa.Integer(), server_default="0", nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("at", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("channel", "store", "sku", "kind"),
    )
    op.create_table(
        "quota_use",
        sa.Column("fo", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["fo"], ["fulfilment_order.fo"]),
        sa.PrimaryKeyConstraint("fo", "sku"),
    )
    op.create_index("quota_use_channel", "quota_use", ["channel", "sku", "at", "fo"], unique=False)


def downgrade() -> None:
    op.drop_table("quota_use")
    op.drop_table("channel_view")
