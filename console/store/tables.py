"""The console's tables: who changed what (rows are only ever added), accounts and ways in, and what persons keep here.

Instants are BIGINT microseconds UTC. Of passwords, sessions, tokens and links only hashes are stored. Roles are names with
commas between; contracts and areas JSON lists, NULL for no restriction.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from monitor.store.tables import Bytewise, Id

metadata = MetaData()


audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("origin", Bytewise, nullable=False),
    Column("action", Bytewise, nullable=False),
    Column("object", Bytewise, nullable=False),
    Column("before", Bytewise, nullable=False),
    Column("after", Bytewise, nullable=False),
    Index("ix_audit_at", "at"),
)

accounts = Table(  # `key` is the name as persons are compared: two spellings of one name are one account
    "accounts",
    metadata,
    Column("name", Bytewise, primary_key=True),
    Column("key", Bytewise, nullable=False, unique=True),
    Column("display", Bytewise, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", Bytewise, nullable=False),
    Column("password", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("contracts", Bytewise),
    Column("areas", Bytewise),
    Column("supplier", Bytewise),
    Column("until_at", BigInteger),
    Column("must_change", Integer, nullable=False),
    Column("disabled_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("password_at", BigInteger),
    Column("signed_in_at", BigInteger),
    CheckConstraint("source IN ('local','oidc','ldap')", name="account_source"),
    CheckConstraint("must_change IN (0,1)", name="account_must_change"),
)

links = Table(  # an evaluator's way in without an account, until its end
    "links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("label", Bytewise, nullable=False),
    Column("contract", Bytewise, nullable=False),
    Column("period", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Bytewise, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("opened_at", BigInteger),
    Column("opened", Integer, nullable=False),
    CheckConstraint("expires_at > created_at", name="link_span"),
)

sessions = Table(  # the cookie holds what `digest` is the SHA-256 of; a session is an account's or a link's
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("account", Bytewise, ForeignKey("accounts.name")),
    Column("link", Id, ForeignKey("links.id")),
    Column("means", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("browser", Bytewise, nullable=False),
    CheckConstraint("(account IS NULL) <> (link IS NULL)", name="session_owner"),
    Index("ix_sessions_account", "account"),
    Index("ix_sessions_expires", "expires_at"),
)

tokens = Table(  # of the API; what a token may is cut to what its owner may at the time of use
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("account", Bytewise, ForeignKey("accounts.name"), nullable=False),
    Column("name", Bytewise, nullable=False),
    Column("begins", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("contracts", Bytewise),
    Column("areas", Bytewise),
    Column("supplier", Bytewise),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
    CheckConstraint("expires_at > created_at", name="token_span"),
    Index("ix_tokens_account", "account"),
)

first_secret = Table(  # one row at most: what the first administrator is made with
    "first_secret",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="first_secret_one"),
)

api_requests = Table(  # what was answered to an Idempotency-Key; without a status it is under way
    "api_requests",
    metadata,
    Column("person", Bytewise, primary_key=True),
    Column("key", Bytewise, primary_key=True),
    Column("path", Bytewise, nullable=False),
    Column("digest", Text, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("at", BigInteger, nullable=False),
    Index("ix_api_requests_at", "at"),
)

saved_views = Table(  # a table's filters under a name
    "saved_views",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Bytewise, nullable=False),
    Column("table", Text, nullable=False),
    Column("name", Bytewise, nullable=False),
    Column("query", Bytewise, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("person", "table", "name"),
)
