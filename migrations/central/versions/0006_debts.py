"""A movement says which debt it made, also where free units paid it at once; goods on their way by SKU."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_debts"
down_revision = "0005_counts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_ledger", sa.Column("owed", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "stock_ledger_owed", "stock_ledger", ["sku", "id"], sqlite_where=sa.text("owed > 0 OR debt <> 0")
    )
    op.create_index("transfer_sku", "transfer", ["sku"], sqlite_where=sa.text("received < sent"))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup of the older program instead.")
