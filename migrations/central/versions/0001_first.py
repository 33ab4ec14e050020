"""The centre as first released: all tables, and history that cannot be edited."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What happened stays as it was written. Two openings, both narrow: a parked fact gets its final
# verdict, and retention deletes a table's oldest rows while `retention:<table>` stands in meta
# (server.schema.retention puts it there and takes it away in the same transaction).
APPEND_ONLY = [
    statement
    for table, unless in (
        (
            "fact",
            "OLD.verdict = 'parked' AND NEW.raw IS OLD.raw AND NEW.chain IS OLD.chain "
            "AND NEW.store IS OLD.store AND NEW.incarnation IS OLD.incarnation "
            "AND NEW.number IS OLD.number AND NEW.received_at IS OLD.received_at",
        ),
        ("decision", "0"),
        ("event", "0"),
        ("stock_ledger", "0"),
    )
    for statement in (
        f"CREATE TRIGGER {table}_is_not_edited BEFORE UPDATE ON {table} WHEN NOT ({unless}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
        f"CREATE TRIGGER {table}_is_not_deleted BEFORE DELETE ON {table} "
        f"WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'retention:{table}') "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    )
]


def upgrade() -> None:
    op.create_table(
        "channel",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), server_default="", nullable=False),
        sa.Column("scopes", sa.String(), server_default="orders availability", nullable=False),
        sa.Column("webhook_url", sa.String(), server_default="", nullable=False),
        sa.Column("webhook_secret", sa.String(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "decision",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("store", "number"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("store", sa.String(), server_default="", nullable=False),
        sa.Column("order_no", sa.String(), server_default="", nullable=False),
        sa.Column("fo", sa.String(), server_default="", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("data", sa.String(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("event_order", ["order_no", "id"], unique=False)
        batch_op.create_index("event_store", ["store", "id"], unique=False)

    op.create_table(
        "fact",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("incarnation", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("device", sa.String(), server_default="", nullable=False),
        sa.Column("command", sa.String(), server_default="", nullable=False),
        sa.Column("occurred_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("store", "incarnation", "number"),
    )
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.create_index("fact_command", ["command"], unique=False)
        batch_op.create_index("fact_fence", ["fence"], unique=False)
        batch_op.create_index(
            "fact_parked", ["note"], unique=False, sqlite_where=sa.text("verdict = 'parked'")
        )

    op.create_table(
        "goods_return",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), server_default="", nullable=False),
        sa.Column("line", sa.Integer(), server_default="0", nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.Column("graded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("grade", sa.String(), server_default="", nullable=False),
        sa.Column("disposition", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), server_default="held", nullable=False),
        sa.Column("received_at", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("bought_elsewhere", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("sale", sa.String(), server_default="", nullable=False),
        sa.Column("incarnation", sa.String(), server_default="", nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("goods_return", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_goods_return_order_no"), ["order_no"], unique=False)

    op.create_table(
        "item",
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("detail_en", sa.String(), server_default="", nullable=False),
        sa.Column("detail_zh", sa.String(), server_default="", nullable=False),
        sa.Column("price_fen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("serialised", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("sku"),
    )
    op.create_table(
        "left_out",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("store", "sku"),
    )
    op.create_table(
        "listing",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("external_sku", sa.String(), nullable=False),
        sa.Column("sellable", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_sku"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "open_case",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("store", sa.String(), server_default="", nullable=False),
        sa.Column("order_no", sa.String(), server_default="", nullable=False),
        sa.Column("fo", sa.String(), server_default="", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sku", sa.String(), server_default="", nullable=False),
        sa.Column("params", sa.String(), server_default="{}", nullable=False),
        sa.Column("evidence", sa.String(), server_default="[]", nullable=False),
        sa.Column("remedy", sa.String(), server_default="", nullable=False),
        sa.Column("opened_at", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_by", sa.String(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("open_case", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_open_case_order_no"), ["order_no"], unique=False)
        batch_op.create_index("open_case_state", ["state", "opened_at"], unique=False)

    op.create_table(
        "outgoing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), server_default="", nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.String(), server_default="", nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("outgoing", schema=None) as batch_op:
        batch_op.create_index("outgoing_due", ["state", "channel", "event_id"], unique=False)
        batch_op.create_index("outgoing_event", ["event_id"], unique=False)
        batch_op.create_index("outgoing_order", ["order_no"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("store", sa.String(), server_default="", nullable=False),
        sa.Column("region", sa.String(), server_default="", nullable=False),
        sa.Column("pin_hash", sa.String(), nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_store"), ["store"], unique=False)

    op.create_table(
        "policy",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "region",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "sellable",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "shop_order",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("placed_at", sa.Integer(), nullable=False),
        sa.Column("promised_by", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pickup_store", sa.String(), server_default="", nullable=False),
        sa.Column("lat", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("lon", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("phone", sa.String(), server_default="", nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("pickup_code", sa.String(), server_default="", nullable=False),
        sa.Column("code_salt", sa.String(), server_default="", nullable=False),
        sa.Column("code_hash", sa.String(), server_default="", nullable=False),
        sa.Column("cancel_requested_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fingerprint", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("channel", "external_id"),
    )
    with op.batch_alter_table("shop_order", schema=None) as batch_op:
        batch_op.create_index("shop_order_state", ["state", "placed_at"], unique=False)

    op.create_table(
        "stock_ledger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("share", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pool", sa.Integer(), server_default="0", nullable=False),
        sa.Column("debt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold", sa.Integer(), server_default="0", nullable=False),
        sa.Column("incarnation", sa.String(), server_default="", nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("stock_ledger", schema=None) as batch_op:
        batch_op.create_index("stock_ledger_place", ["store", "sku", "id"], unique=False)

    op.create_table(
        "stream_row",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "key"),
    )
    with op.batch_alter_table("stream_row", schema=None) as batch_op:
        batch_op.create_index("stream_row_seq", ["stream", "seq"], unique=True)

    op.create_table(
        "transfer",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", "sku"),
    )
    op.create_table(
        "fulfilment_order",
        sa.Column("fo", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("store", sa.String(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("made_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_no"],
            ["shop_order.no"],
        ),
        sa.PrimaryKeyConstraint("fo"),
    )
    with op.batch_alter_table("fulfilment_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fulfilment_order_order_no"), ["order_no"], unique=False)
        batch_op.create_index(batch_op.f("ix_fulfilment_order_state"), ["state"], unique=False)

    op.create_table(
        "gtin",
        sa.Column("gtin", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["item.sku"],
        ),
        sa.PrimaryKeyConstraint("gtin"),
    )
    with op.batch_alter_table("gtin", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gtin_sku"), ["sku"], unique=False)

    op.create_table(
        "sellable_part",
        sa.Column("sellable", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sellable"],
            ["sellable.code"],
        ),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["item.sku"],
        ),
        sa.PrimaryKeyConstraint("sellable", "sku"),
    )
    op.create_table(
        "shop_order_line",
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sellable", sa.String(), nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.Column("price_fen", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["order_no"],
            ["shop_order.no"],
        ),
        sa.PrimaryKeyConstraint("order_no", "line"),
    )
    op.create_table(
        "store",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="store", nullable=False),
        sa.Column("lat", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("lon", sa.Float(), server_default="0.0", nullable=False),
        sa.Column("timezone", sa.String(), server_default="UTC", nullable=False),
        sa.Column("opening_hours", sa.String(), server_default="{}", nullable=False),
        sa.Column("capacity_per_day", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rank", sa.Integer(), server_default="100", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("pause_reason", sa.String(), server_default="", nullable=False),
        sa.Column("can_pickup", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("can_ship", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("can_same_day", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("token_hash", sa.String(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["region"],
            ["region.code"],
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    with op.batch_alter_table("store", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_store_region"), ["region"], unique=False)

    op.create_table(
        "web_session",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("opened_at", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_table(
        "assignment",
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("fo", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("offered_at", sa.Integer(), nullable=False),
        sa.Column("accept_by", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="offered", nullable=False),
        sa.Column("ownership", sa.String(), server_default="none", nullable=False),
        sa.Column("accepted_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("confirmed_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner_until", sa.Integer(), server_default="0", nullable=False),
        sa.Column("released_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdraw_requested_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_reason", sa.String(), server_default="", nullable=False),
        sa.Column("distance_m", sa.Integer(), server_default="0", nullable=False),
        sa.Column("person", sa.String(), server_default="", nullable=False),
        sa.Column("location", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["fo"],
            ["fulfilment_order.fo"],
        ),
        sa.PrimaryKeyConstraint("fence"),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index("assignment_open", ["ended_at", "ownership", "accept_by"], unique=False)
        batch_op.create_index(
            "assignment_put_back", ["store"], unique=False, sqlite_where=sa.text("state = 'put_back'")
        )
        batch_op.create_index("assignment_store", ["store", "ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_assignment_fo"), ["fo"], unique=False)

    op.create_table(
        "excluded",
        sa.Column("fo", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fo"],
            ["fulfilment_order.fo"],
        ),
        sa.PrimaryKeyConstraint("fo", "store"),
    )
    op.create_table(
        "fulfilment_line",
        sa.Column("fo", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("order_line", sa.Integer(), nullable=False),
        sa.Column("sellable", sa.String(), server_default="", nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.Column("released", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["fo"],
            ["fulfilment_order.fo"],
        ),
        sa.PrimaryKeyConstraint("fo", "line"),
    )
    op.create_table(
        "replica",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("incarnation", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="live", nullable=False),
        sa.Column("host", sa.String(), server_default="", nullable=False),
        sa.Column("opened_at", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Integer(), server_default="0", nullable=False),
        sa.Column("chain", sa.String(), server_default="", nullable=False),
        sa.Column("backed_up", sa.Integer(), server_default="0", nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parent", sa.String(), server_default="", nullable=False),
        sa.Column("fork", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["store.code"],
        ),
        sa.PrimaryKeyConstraint("store", "incarnation"),
    )
    op.create_table(
        "shelf",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["item.sku"],
        ),
        sa.ForeignKeyConstraint(
            ["store"],
            ["store.code"],
        ),
        sa.PrimaryKeyConstraint("store", "sku"),
    )
    op.create_table(
        "stock",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("share", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pool", sa.Integer(), server_default="0", nullable=False),
        sa.Column("debt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suppressed", sa.Boolean(), server_default="0", nullable=False),
        sa.CheckConstraint("on_hand + debt = reserved + share + pool", name="rights_add_up"),
        sa.CheckConstraint("reserved >= 0 AND share >= 0 AND pool >= 0", name="rights_not_negative"),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["item.sku"],
        ),
        sa.ForeignKeyConstraint(
            ["store"],
            ["store.code"],
        ),
        sa.PrimaryKeyConstraint("store", "sku"),
    )
    with op.batch_alter_table("stock", schema=None) as batch_op:
        batch_op.create_index("stock_sku", ["sku", "store"], unique=False)

    op.create_table(
        "store_session",
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("incarnation", sa.String(), server_default="", nullable=False),
        sa.Column("host", sa.String(), server_default="", nullable=False),
        sa.Column("software", sa.String(), server_default="", nullable=False),
        sa.Column("connected_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("heard_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unsent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("oldest_unsent_at", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["store"],
            ["store.code"],
        ),
        sa.PrimaryKeyConstraint("store"),
    )
    op.create_table(
        "assignment_line",
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("picked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("short", sa.Integer(), server_default="0", nullable=False),
        sa.Column("released", sa.Integer(), server_default="0", nullable=False),
        sa.Column("put_back", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["fence"],
            ["assignment.fence"],
        ),
        sa.PrimaryKeyConstraint("fence", "line"),
    )
    for statement in APPEND_ONLY:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("There is nothing before the first revision; restore a backup instead.")
