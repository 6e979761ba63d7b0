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

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")
_Bytewise = Text().with_variant(Text(collation="C"), "postgresql")

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", _Bytewise, nullable=False),
    Column("origin", _Bytewise, nullable=False),
    Column("action", _Bytewise, nullable=False),
    Column("object", _Bytewise, nullable=False),
    Column("before", _Bytewise, nullable=False),
    Column("after", _Bytewise, nullable=False),
    Index("ix_audit_at", "at"),
)

accounts = Table(  # `key` is the name as persons are compared: two spellings of one name are one account
    "accounts",
    metadata,
    Column("name", _Bytewise, primary_key=True),
    Column("key", _Bytewise, nullable=False, unique=True),
    Column("display", _Bytewise, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", _Bytewise, nullable=False),
    Column("password", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("contracts", _Bytewise),
    Column("areas", _Bytewise),
    Column("supplier", _Bytewise),
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
    Column("id", _Id, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("label", _Bytewise, nullable=False),
    Column("contract", _Bytewise, nullable=False),
    Column("period", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", _Bytewise, nullable=False),
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
    Column("account", _Bytewise, ForeignKey("accounts.name")),
    Column("link", _Id, ForeignKey("links.id")),
    Column("means", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("browser", _Bytewise, nullable=False),
    CheckConstraint("(account IS NULL) <> (link IS NULL)", name="session_owner"),
    Index("ix_sessions_account", "account"),
    Index("ix_sessions_expires", "expires_at"),
)

tokens = Table(  # of the API; what a token may is cut to what its owner may at the time of use
    "tokens",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("account", _Bytewise, ForeignKey("accounts.name"), nullable=False),
    Column("name", _Bytewise, nullable=False),
    Column("begins", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("contracts", _Bytewise),
    Column("areas", _Bytewise),
    Column("supplier", _Bytewise),
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
    Column("person", _Bytewise, primary_key=True),
    Column("key", _Bytewise, primary_key=True),
    Column("path", _Bytewise, nullable=False),
    Column("digest", Text, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("at", BigInteger, nullable=False),
    Index("ix_api_requests_at", "at"),
)

saved_views = Table(  # a table's filters under a name
    "saved_views",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("person", _Bytewise, nullable=False),
    Column("table", Text, nullable=False),
    Column("name", _Bytewise, nullable=False),
    Column("query", _Bytewise, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("person", "table", "name"),
)
