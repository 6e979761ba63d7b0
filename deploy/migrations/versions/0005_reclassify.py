"""Reclassification of unknown time beside exclusions, and what evaluators had recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column of a reclassification's state, the way to a point's claims, and the table of evaluations."""
    # Both databases take a check with a new column in their own SQL; Alembic would copy SQLite's whole table for it.
    op.execute(
        "ALTER TABLE exclusions ADD COLUMN to_state TEXT"
        " CONSTRAINT exclusion_to_state CHECK (to_state IN ('online','offline'))"
    )
    op.create_index("ix_exclusions_scope", "exclusions", ["scope_id", "start_at"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("id", _text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", _text(), nullable=False),
        sa.CheckConstraint("what IN ('challenge','reveal','sample')", name="evaluation_what"),
        sa.PrimaryKeyConstraint("what", "id", "version"),
    )


def downgrade() -> None:
    """Drop them again; reclassifications would read as exclusions without the column, and go with it."""
    op.drop_table("evaluations")
    op.execute("DELETE FROM exclusions WHERE to_state IS NOT NULL AND revokes IS NOT NULL")
    op.execute("DELETE FROM exclusions WHERE to_state IS NOT NULL")
    op.drop_index("ix_exclusions_scope", table_name="exclusions")
    # Both databases drop the check with its column; a copy of the table, as Alembic makes it, would keep the check.
    op.execute("ALTER TABLE exclusions DROP COLUMN to_state")
