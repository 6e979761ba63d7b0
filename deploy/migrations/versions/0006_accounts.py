"""Accounts, sessions, tokens of the API, evaluators' links, the first administrator's secret, repeated requests, saved views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("accounts", "links", "sessions", "tokens", "first_secret", "api_requests", "saved_views")


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _people()
    _ways_in()
    _kept()
    op.create_index("ix_sessions_account", "sessions", ["account"], unique=False)
    op.create_index("ix_sessions_expires", "sessions", ["expires_at"], unique=False)
    op.create_index("ix_tokens_account", "tokens", ["account"], unique=False)
    op.create_index("ix_api_requests_at", "api_requests", ["at"], unique=False)


def _people() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", _text(), nullable=False),
        sa.Column("key", _text(), nullable=False),
        sa.Column("display", _text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", _text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("contracts", _text(), nullable=True),
        sa.Column("areas", _text(), nullable=True),
        sa.Column("supplier", _text(), nullable=True),
        sa.Column("until_at", sa.BigInteger(), nullable=True),
        sa.Column("must_change", sa.Integer(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("password_at", sa.BigInteger(), nullable=True),
        sa.Column("signed_in_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("source IN ('local','oidc','ldap')", name="account_source"),
        sa.CheckConstraint("must_change IN (0,1)", name="account_must_change"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "links",
        sa.Column("id", _id(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("label", _text(), nullable=False),
        sa.Column("contract", _text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.UniqueConstraint("digest"),
        sa.CheckConstraint("expires_at > created_at", name="link_span"),
        sa.PrimaryKeyConstraint("id"),
    )


def _ways_in() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account", _text(), nullable=True),
        sa.Column("link", _id(), nullable=True),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", _text(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"]),
        sa.ForeignKeyConstraint(["link"], ["links.id"]),
        sa.CheckConstraint("(account IS NULL) <> (link IS NULL)", name="session_owner"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", _id(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("begins", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("contracts", _text(), nullable=True),
        sa.Column("areas", _text(), nullable=True),
        sa.Column("supplier", _text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("digest"),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"]),
        sa.CheckConstraint("expires_at > created_at", name="token_span"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "first_secret",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="first_secret_one"),
        sa.PrimaryKeyConstraint("id"),
    )


def _kept() -> None:
    op.create_table(
        "api_requests",
        sa.Column("person", _text(), nullable=False),
        sa.Column("key", _text(), nullable=False),
        sa.Column("path", _text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "key"),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", _id(), nullable=False),
        sa.Column("person", _text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("query", _text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("person", "table", "name"),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in reversed(TABLES):
        op.drop_table(name)
