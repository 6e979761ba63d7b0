"""Settlement's tables: contract versions and the frozen rates of closed months.

Money is BIGINT fen, instants BIGINT microseconds UTC, JSON canonical text.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

metadata = MetaData()

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
