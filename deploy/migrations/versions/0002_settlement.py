"""Settlement in full: documents, the authority's figures, statements and their life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table."""
    _contracts_and_figures()
    _statements()
    _disputes()


TABLES = (
    "authority_files",
    "authority_figures",
    "authority_mappings",
    "documents",
    "statements",
    "statement_lines",
    "statement_steps",
    "line_components",
    "disputes",
    "dispute_decisions",
    "granted_lines",
)


def downgrade() -> None:
    """Drop every table."""
    for name in reversed(TABLES):
        op.drop_table(name)
    for table, column in (
        ("contract_versions", "approved_by"),
        ("contract_versions", "approved_at"),
        ("events", "details"),
        ("runs", "recorded_at"),
    ):
        op.drop_column(table, column)


def _contracts_and_figures() -> None:
    op.create_table(
        "authority_files",
        sa.Column("id", _id(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("reference", _text(), nullable=False),
        sa.Column("mapping", _text(), nullable=False),
        sa.Column("typed", sa.Integer(), nullable=False),
        sa.Column("replaces", sa.Integer(), nullable=False),
        sa.Column("notes", _text(), nullable=False),
        sa.Column("received_on", sa.Text(), nullable=False),
        sa.Column("scan_sha", sa.Text()),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger()),
        sa.Column("checked_by", _text()),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.Column("withdrawn_by", _text()),
        sa.Column("withdrawn_why", _text()),
        sa.CheckConstraint("checked_by IS NULL OR checked_by <> actor", name="authority_second_person"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256", "contract", "revision"),
    )
    op.create_table(
        "authority_figures",
        sa.Column("id", _id(), nullable=False),
        sa.Column("file_id", _id(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("phase", _text(), nullable=False),
        sa.Column("point", _text(), nullable=False),
        sa.Column("device", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("period", _text(), nullable=False),
        sa.Column("num", sa.BigInteger(), nullable=False),
        sa.Column("den", sa.BigInteger(), nullable=False),
        sa.Column("unit", _text(), nullable=False),
        sa.Column("points", sa.BigInteger()),
        sa.Column("text", _text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["authority_files.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_authority_figures", "authority_figures", ["contract", "period"], unique=False)
    op.create_index("ix_authority_figures_file", "authority_figures", ["file_id"], unique=False)
    op.create_table(
        "authority_mappings",
        sa.Column("name", _text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    op.create_table(
        "documents",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("media", _text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.add_column("contract_versions", sa.Column("approved_at", sa.BigInteger()))
    op.add_column("contract_versions", sa.Column("approved_by", _text()))
    op.add_column("events", sa.Column("details", _text()))
    op.add_column("runs", sa.Column("recorded_at", sa.BigInteger()))


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("id", _id(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("period", _text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("inputs", _text(), nullable=False),
        sa.Column("inputs_sha", sa.Text(), nullable=False),
        sa.Column("body", _text(), nullable=False),
        sa.Column("body_sha", sa.Text(), nullable=False),
        sa.Column("software", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract", "period", "revision"),
    )
    op.create_table(
        "statement_lines",
        sa.Column("statement_id", _id(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("phase", _text(), nullable=False),
        sa.Column("point", _text(), nullable=False),
        sa.Column("window", _text(), nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("why", _text(), nullable=False),
        sa.Column("parent", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("statement_id", "n"),
    )
    op.create_table(
        "statement_steps",
        sa.Column("statement_id", _id(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", _text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("document_sha", sa.Text()),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("statement_id", "n"),
    )
    op.create_table(
        "line_components",
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component", _text(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id", "n"],
            ["statement_lines.statement_id", "statement_lines.n"],
        ),
        sa.PrimaryKeyConstraint("statement_id", "n", "component"),
    )


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", _id(), nullable=False),
        sa.Column("statement_id", _id(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("point", _text(), nullable=False),
        sa.Column("contested_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("document_sha", sa.Text()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_disputes_statement", "disputes", ["statement_id"], unique=False)
    op.create_table(
        "dispute_decisions",
        sa.Column("dispute_id", _id(), nullable=False),
        sa.Column("decision", _text(), nullable=False),
        sa.Column("granted_fen", sa.BigInteger(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("opinion", _text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["disputes.id"],
        ),
        sa.PrimaryKeyConstraint("dispute_id"),
    )
    op.create_table(
        "granted_lines",
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dispute_id", _id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id", "n"],
            ["statement_lines.statement_id", "statement_lines.n"],
        ),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["disputes.id"],
        ),
        sa.PrimaryKeyConstraint("statement_id", "n"),
    )
