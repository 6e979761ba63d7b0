"""The evidence log: numbers of leaves, sealed days, checkpoints, witnesses; older waiting records in their present form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from deploy.migrations.older_records import bring_up_to_date

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


TABLES = ("log_days", "log_checkpoints", "log_signatures", "log_batches", "log_blobs")


def upgrade() -> None:
    """Create the log's tables and rewrite what waits in the outbox."""
    op.create_table(
        "log_days",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("note", _text(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("size > first", name="log_day_span"),
        sa.PrimaryKeyConstraint("day"),
        sa.UniqueConstraint("size"),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("note", _text(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "log_signatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("line", _text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "name"),
    )
    op.create_table(
        "log_batches",
        sa.Column("vantage_id", _id(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantages.id"]),
        sa.PrimaryKeyConstraint("vantage_id"),
    )
    op.create_table(
        "log_blobs",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_index("ix_outbox_leaf", "outbox", ["leaf"], unique=True)
    bring_up_to_date(op.get_bind())


def downgrade() -> None:
    """Drop every table of the log; records keep their present form."""
    op.drop_index("ix_outbox_leaf", table_name="outbox")
    for name in reversed(TABLES):
        op.drop_table(name)
