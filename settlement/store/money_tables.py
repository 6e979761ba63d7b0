"""Settlement's tables of money: journal, dues, payments, invoices, budgets, working days.

Conventions as in tables.py. Rows are only ever added.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from settlement.store.tables import Bytewise, Id, metadata

journal = Table(  # an entry; its postings add up to zero
    "journal",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contract", Bytewise, nullable=False),
    Column("day", Text, nullable=False),
    Column("statement_id", ForeignKey("statements.id")),
    Column("reverses", ForeignKey("journal.id")),
    Column("key", Bytewise, nullable=False),
    Column("details", Bytewise, nullable=False),
    Column("why", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    UniqueConstraint("key"),
)

postings = Table(
    "postings",
    metadata,
    Column("journal_id", ForeignKey("journal.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("account", Bytewise, nullable=False),
    Column("fen", BigInteger, nullable=False),
    Column("period", Bytewise, nullable=False),
    Index("ix_postings_account", "account"),
)

dues = Table(  # what a line, an instalment or a claim makes somebody owe; negative: a refund
    "dues",
    metadata,
    Column("contract", Bytewise, primary_key=True),
    Column("due", Bytewise, primary_key=True),
    Column("statement_id", ForeignKey("statements.id")),
    Column("line", Integer),
    Column("phase", Bytewise, nullable=False),
    Column("kind", Bytewise, nullable=False),
    Column("fen", BigInteger, nullable=False),
    Column("period", Bytewise, nullable=False),
    Column("service_from", Text, nullable=False),
    Column("service_until", Text, nullable=False),
    Column("entered_on", Text, nullable=False),
    Column("base", Text),
    Column("days", Integer, nullable=False),
    Column("day_kind", Text, nullable=False),
    Column("payer", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Index("ix_dues_statement", "statement_id"),
)

payments = Table(  # money that moved against a due, or half of a set-off; a reversal is a further row
    "payments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contract", Bytewise, nullable=False),
    Column("kind", Bytewise, nullable=False),
    Column("due", Bytewise, nullable=False),
    Column("statement_id", ForeignKey("statements.id")),
    Column("line", Integer),
    Column("fen", BigInteger, nullable=False),
    Column("payer", Bytewise, nullable=False),
    Column("paid_first", Text, nullable=False),
    Column("paid_last", Text, nullable=False),
    Column("voucher", Bytewise, nullable=False),
    Column("document_sha", Text),
    Column("project", Bytewise, nullable=False),
    Column("budget_year", Integer, nullable=False),
    Column("service_from", Text, nullable=False),
    Column("service_until", Text, nullable=False),
    Column("reverses", ForeignKey("payments.id")),
    Column("key", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    UniqueConstraint("key"),
    Index("ix_payments_due", "contract", "due"),
)

invoices = Table(  # 发票登记; a 红字发票 reverses one in part or whole
    "invoices",
    metadata,
    Column("number", Bytewise, primary_key=True),
    Column("contract", Bytewise, nullable=False),
    Column("due", Bytewise, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("issued_on", Text, nullable=False),
    Column("reverses", ForeignKey("invoices.number")),
    Column("document_sha", Text),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

invoice_lines = Table(  # per fee component, at the rate of the invoice's day
    "invoice_lines",
    metadata,
    Column("number", ForeignKey("invoices.number"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("component", Bytewise, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("tax_rate", Text, nullable=False),
)

budgets = Table(  # a budget project's year; a changed figure is a further revision
    "budgets",
    metadata,
    Column("project", Bytewise, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("name", Bytewise, nullable=False),
    Column("unit", Bytewise, nullable=False),
    Column("initial_fen", BigInteger, nullable=False),
    Column("adjusted_fen", BigInteger, nullable=False),
    Column("in_place_fen", BigInteger, nullable=False),
    Column("functional", Bytewise, nullable=False),
    Column("economic", Bytewise, nullable=False),
    Column("contracts", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

workdays = Table(  # days that the built-in calendar does not know, or knows otherwise
    "workdays",
    metadata,
    Column("day", Text, primary_key=True),
    Column("working", Integer, nullable=False),
    Column("source", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)
