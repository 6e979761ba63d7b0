"""The console's tables: who changed what. Rows are only ever added."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

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
