"""Count sheets of stores, every count of a SKU with what became of it, and looks area by area."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_counts"
down_revision = "0004_views"
branch_labels = None
depends_on = None


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(), server_default=default, nullable=False)


def _number(name: str, default: str | None = "0") -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=default, nullable=False)


def _flag(name: str, default: str = "0") -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=default, nullable=False)


def upgrade() -> None:
    op.create_table(
        "count_sheet",
        _text("store", None),
        _text("id", None),
        _text("kind", None),
        _text("name"),
        _text("scope"),
        _flag("blind", "1"),
        _text("areas", "[]"),
        _text("finished", "[]"),
        _number("lines"),
        _text("made_by"),
        _flag("by_centre"),
        _number("made_at"),
        _text("state", "open"),
        _number("closed_at"),
        _text("closed_by"),
        sa.PrimaryKeyConstraint("store", "id"),
        sa.ForeignKeyConstraint(["store"], ["store.code"]),
    )
    op.create_index("count_sheet_open", "count_sheet", ["store", "state"], unique=False)
    op.create_table(
        "stock_count",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("store", None),
        _text("sku", None),
        _text("sheet"),
        _number("expected", None),
        _number("found", None),
        _text("state", None),
        _flag("moved"),
        _text("counted_by"),
        _text("allowed_by"),
        _number("looked_at", None),
        _number("settled_at"),
        _text("incarnation"),
        _number("number"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stock_count_place", "stock_count", ["store", "sku", "id"], unique=False)
    op.create_index("stock_count_open", "stock_count", ["store", "state"], unique=False)
    op.create_table(
        "count_look",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("store", None),
        _text("sheet", None),
        _text("sku", None),
        _text("area", None),
        _number("found", None),
        _number("there", None),
        _flag("instead"),
        _text("person"),
        _number("at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("count_look_place", "count_look", ["store", "sku", "id"], unique=False)
    op.create_index("count_look_sheet", "count_look", ["store", "sheet"], unique=False)


def downgrade() -> None:
    op.drop_table("count_look")
    op.drop_table("stock_count")
    op.drop_table("count_sheet")
