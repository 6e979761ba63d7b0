"""Settlement's tables: contracts, frozen rates, statements and their life, the authority's figures, money and budgets.

Money is BIGINT fen, instants BIGINT microseconds UTC, JSON canonical text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

Id = BigInteger().with_variant(Integer, "sqlite")
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")

contract_versions = Table(
    "contract_versions",
    metadata,
    Column("contract", Bytewise, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_from", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("terms", Bytewise, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("approved_at", BigInteger),
    Column("approved_by", Bytewise),
)

period_rates = Table(  # what a month close froze; a later close with other inputs is a further revision
    "period_rates",
    metadata,
    Column("contract", Bytewise, primary_key=True),
    Column("phase", Bytewise, primary_key=True),
    Column("period", Bytewise, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("good_s", BigInteger, nullable=False),
    Column("counted_s", BigInteger, nullable=False),
    Column("excluded_s", BigInteger, nullable=False),
    Column("unknown_s", BigInteger, nullable=False),
    Column("inputs_sha", Text, nullable=False),
    Column("software", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

documents = Table(  # scans and files that somebody handed in; nothing refers to them but by digest
    "documents",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("name", Bytewise, nullable=False),
    Column("media", Bytewise, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

mappings = Table(  # saved column mappings of the authority's files; a change is a further version
    "authority_mappings",
    metadata,
    Column("name", Bytewise, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

authority_files = Table(  # one row per file, contract and import: who brought it in, who checked it against the scan
    "authority_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("contract", Bytewise, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("name", Bytewise, nullable=False),
    Column("reference", Bytewise, nullable=False),
    Column("mapping", Bytewise, nullable=False),
    Column("typed", Integer, nullable=False),
    Column("replaces", Integer, nullable=False),
    Column("notes", Bytewise, nullable=False),
    Column("received_on", Text, nullable=False),
    Column("scan_sha", Text),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("checked_at", BigInteger),
    Column("checked_by", Bytewise),
    Column("withdrawn_at", BigInteger),
    Column("withdrawn_by", Bytewise),
    Column("withdrawn_why", Bytewise),
    UniqueConstraint("sha256", "contract", "revision"),
    CheckConstraint("checked_by IS NULL OR checked_by <> actor", name="authority_second_person"),
)

# num of den, exactly as the file says; which of them stand is decided by the files' checks and withdrawals
authority_figures = Table(
    "authority_figures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("file_id", ForeignKey("authority_files.id"), nullable=False),
    Column("contract", Bytewise, nullable=False),
    Column("phase", Bytewise, nullable=False),
    Column("point", Bytewise, nullable=False),
    Column("device", Bytewise, nullable=False),
    Column("name", Bytewise, nullable=False),
    Column("period", Bytewise, nullable=False),
    Column("num", BigInteger, nullable=False),
    Column("den", BigInteger, nullable=False),
    Column("unit", Bytewise, nullable=False),
    Column("points", BigInteger),
    Column("text", Bytewise, nullable=False),
    Column("line", Integer, nullable=False),
    Index("ix_authority_figures", "contract", "period"),
    Index("ix_authority_figures_file", "file_id"),
)

statements = Table(
    "statements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contract", Bytewise, nullable=False),
    Column("period", Bytewise, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("contract_version", Integer, nullable=False),
    Column("reading", Text, nullable=False),
    Column("inputs", Bytewise, nullable=False),
    Column("inputs_sha", Text, nullable=False),
    Column("body", Bytewise, nullable=False),
    Column("body_sha", Text, nullable=False),
    Column("software", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    UniqueConstraint("contract", "period", "revision"),
)

statement_steps = Table(  # the life of a statement; its state is that of the last step
    "statement_steps",
    metadata,
    Column("statement_id", ForeignKey("statements.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("step", Bytewise, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("reason", Bytewise, nullable=False),
    Column("document_sha", Text),
)

statement_lines = Table(
    "statement_lines",
    metadata,
    Column("statement_id", ForeignKey("statements.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("phase", Bytewise, nullable=False),
    Column("point", Bytewise, nullable=False),
    Column("window", Bytewise, nullable=False),
    Column("kind", Bytewise, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("why", Bytewise, nullable=False),
    Column("parent", Bytewise, nullable=False),
)

line_components = Table(
    "line_components",
    metadata,
    Column("statement_id", BigInteger, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("component", Bytewise, primary_key=True),
    Column("gross", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    ForeignKeyConstraint(["statement_id", "n"], ["statement_lines.statement_id", "statement_lines.n"]),
)

disputes = Table(  # what the supplier contests: a line, or points of a line
    "disputes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("statement_id", ForeignKey("statements.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("point", Bytewise, nullable=False),
    Column("contested_fen", BigInteger, nullable=False),
    Column("reason", Bytewise, nullable=False),
    Column("document_sha", Text),
    Column("at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Index("ix_disputes_statement", "statement_id"),
)

dispute_decisions = Table(  # 维持 / 部分采纳 / 采纳, by another person than claimed
    "dispute_decisions",
    metadata,
    Column("dispute_id", ForeignKey("disputes.id"), primary_key=True),
    Column("decision", Bytewise, nullable=False),
    Column("granted_fen", BigInteger, nullable=False),
    Column("effect", Text, nullable=False),
    Column("opinion", Bytewise, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

granted_lines = Table(  # the adjustment line that brings what a decision granted
    "granted_lines",
    metadata,
    Column("statement_id", BigInteger, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("dispute_id", ForeignKey("disputes.id"), nullable=False),
    ForeignKeyConstraint(["statement_id", "n"], ["statement_lines.statement_id", "statement_lines.n"]),
)
