"""Money: journal, dues, payments, invoices, budgets, working days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


TABLES = (
    "journal",
    "postings",
    "dues",
    "payments",
    "invoices",
    "invoice_lines",
    "budgets",
    "workdays",
)


def upgrade() -> None:
    """Create every table."""
    _journal()
    _dues_and_payments()
    _invoices()
    _budgets_and_days()


def downgrade() -> None:
    """Drop every table."""
    for name in reversed(TABLES):
        op.drop_table(name)


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", _id(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("statement_id", _id()),
        sa.Column("reverses", _id()),
        sa.Column("key", _text(), nullable=False),
        sa.Column("details", _text(), nullable=False),
        sa.Column("why", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reverses"],
            ["journal.id"],
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "postings",
        sa.Column("journal_id", _id(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", _text(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("period", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["journal_id"],
            ["journal.id"],
        ),
        sa.PrimaryKeyConstraint("journal_id", "n"),
    )
    op.create_index("ix_postings_account", "postings", ["account"], unique=False)


def _dues_and_payments() -> None:
    op.create_table(
        "dues",
        sa.Column("contract", _text(), nullable=False),
        sa.Column("due", _text(), nullable=False),
        sa.Column("statement_id", _id()),
        sa.Column("line", sa.Integer()),
        sa.Column("phase", _text(), nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("period", _text(), nullable=False),
        sa.Column("service_from", sa.Text(), nullable=False),
        sa.Column("service_until", sa.Text(), nullable=False),
        sa.Column("entered_on", sa.Text(), nullable=False),
        sa.Column("base", sa.Text()),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("day_kind", sa.Text(), nullable=False),
        sa.Column("payer", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("contract", "due"),
    )
    op.create_index("ix_dues_statement", "dues", ["statement_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", _id(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("due", _text(), nullable=False),
        sa.Column("statement_id", _id()),
        sa.Column("line", sa.Integer()),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("payer", _text(), nullable=False),
        sa.Column("paid_first", sa.Text(), nullable=False),
        sa.Column("paid_last", sa.Text(), nullable=False),
        sa.Column("voucher", _text(), nullable=False),
        sa.Column("document_sha", sa.Text()),
        sa.Column("project", _text(), nullable=False),
        sa.Column("budget_year", sa.Integer(), nullable=False),
        sa.Column("service_from", sa.Text(), nullable=False),
        sa.Column("service_until", sa.Text(), nullable=False),
        sa.Column("reverses", _id()),
        sa.Column("key", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reverses"],
            ["payments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_payments_due", "payments", ["contract", "due"], unique=False)


def _invoices() -> None:
    op.create_table(
        "invoices",
        sa.Column("number", _text(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("due", _text(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Text(), nullable=False),
        sa.Column("reverses", _text()),
        sa.Column("document_sha", sa.Text()),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reverses"],
            ["invoices.number"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "invoice_lines",
        sa.Column("number", _text(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component", _text(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["invoices.number"],
        ),
        sa.PrimaryKeyConstraint("number", "n"),
    )


def _budgets_and_days() -> None:
    op.create_table(
        "budgets",
        sa.Column("project", _text(), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("unit", _text(), nullable=False),
        sa.Column("initial_fen", sa.BigInteger(), nullable=False),
        sa.Column("adjusted_fen", sa.BigInteger(), nullable=False),
        sa.Column("in_place_fen", sa.BigInteger(), nullable=False),
        sa.Column("functional", _text(), nullable=False),
        sa.Column("economic", _text(), nullable=False),
        sa.Column("contracts", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("project", "year", "revision"),
    )
    op.create_table(
        "workdays",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("working", sa.Integer(), nullable=False),
        sa.Column("source", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
