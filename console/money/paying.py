"""Money registered: payments and refunds, their reversal, payment requests, invoices and credit invoices.

Each change is one transaction with the paper behind it and its audit row; the store decides what is possible. Complaints
name the fields of the console's forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from console.documents.handed_in import keep
from console.quarters import statement_life
from console.quarters.statement_life import Action, Outcome
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.life import Step
from settlement.payments import paid_range
from settlement.store import documents, invoices, movements, payments
from settlement.store.invoices import Invoice
from settlement.store.payment_checks import Order

FIELDS: Mapping[str, str] = {
    "paid-on": "paid_first",
    "budget-year": "budget_year",
    "document": "receipt",
    "of": "reverses",
    "date": "issued_on",
    "in-place": "in_place",
}
"""What the store calls a field, and what forms and endpoints call it."""
_FIGURES = re.compile(r"[\d,.]+")
PAPERS = frozenset({"application/pdf", "image/jpeg", "image/png"})


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt or scan as it was uploaded."""

    name: str
    body: bytes


def checked_paper(name: str, body: bytes) -> Paper:
    """Return a paper. InputError unless it is a PDF, JPEG or PNG by its bytes, of at most 10 MB."""
    if len(body) > documents.MAX_BYTES:
        raise refuse(f"文件超过 {documents.MAX_BYTES:,} 字节 too large", "压缩扫描件 compress it", column="receipt")
    if documents.media_of(body, name) not in PAPERS:
        raise refuse("须为 PDF、JPEG 或 PNG a PDF, JPEG or PNG", "另存为其一 save it as one", column="receipt")
    return Paper(name, body)


@contextmanager
def saying_fields() -> Iterator[None]:
    """Let complaints name the forms' fields, and remedies what a person at a screen can do."""
    try:
        yield
    except InputError as error:
        raise InputError(_for_screens(finding) for finding in error.findings) from None


def _for_screens(finding: Finding) -> Finding:
    column = finding.column.removeprefix("--")
    remedy = finding.remedy
    if "camsla " in remedy:
        remedy = "核对后重填 check and enter again"
    return replace(finding, column=FIELDS.get(column, column), remedy=remedy)


@dataclass(frozen=True, slots=True)
class PaymentEntry:
    """A payment or refund as an office registers it. `due` is a due's id, a quarter to be paid in order, or empty.

    `service` is the service period of a contract that has no dues here; `paid_last` differs where only a range is known.
    """

    contract: str
    due: str
    fen: int
    paid_first: date
    paid_last: date
    voucher: str
    payer: str = ""
    project: str = ""
    budget_year: int | None = None
    service: tuple[date, date] | None = None
    receipt_sha: str = ""
    """The digest of a receipt that was kept before, instead of one handed in now."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What was stored: the payments' numbers, whether any is new, and what to look at."""

    numbers: tuple[int, ...]
    added: bool
    warnings: tuple[Finding, ...]


def register(
    writer: Writer, entry: PaymentEntry, paper: Paper | None, today: date, *, at: Instant, actor: str
) -> Registered:
    """Register a payment or, for a due of the supplier's, a refund. InputError with everything that is wrong."""
    with saying_fields(), writer.transaction() as connection:
        first, last = paid_range(f"{entry.paid_first}..{entry.paid_last}", today)
        sha = _kept(writer, connection, paper, at=at, actor=actor) or entry.receipt_sha
        parts = [(entry.due, entry.fen)]
        if entry.due and "/" not in entry.due:
            parts = movements.spread(connection, entry.contract, entry.due, entry.fen, entry.voucher)
        done = [
            payments.record(
                connection,
                writer.audit,
                Order(
                    entry.contract, name, part, first, last, entry.voucher, entry.payer, entry.project,
                    entry.budget_year, sha, entry.service,
                ),
                at=at,
                actor=actor,
            )
            for name, part in parts
        ]  # fmt: skip
    # Of several parts each is warned of what it brings about: only the last figures are true once all are registered.
    warnings = {_FIGURES.sub("", its.message): its for one in done for its in one.warnings}
    return Registered(tuple(one.id for one in done), any(one.added for one in done), tuple(warnings.values()))


def _kept(writer: Writer, connection: Connection, paper: Paper | None, *, at: Instant, actor: str) -> str:
    if paper is None:
        return ""
    return keep(writer, connection, paper.body, paper.name, at=at, actor=actor)[0]


def reverse(writer: Writer, number: int, day: date, reason: str, *, at: Instant, actor: str) -> int:
    """Take a payment or refund back and return the reversal's number. InputError without a reason."""
    why = reason.strip()
    if not why:
        raise refuse("须写理由 a reason is needed", "写明为何冲回 say why", column="reason")
    with saying_fields(), writer.transaction() as connection:
        return payments.reverse(connection, writer.audit, number, day, why, at=at, actor=actor).id


def request(writer: Writer, contract: str, quarter: str, today: date, *, at: Instant, actor: str) -> Outcome:
    """Request the payment of an issued statement; its dues can be paid from then on."""
    with saying_fields():
        return statement_life.take(writer, Action(contract, quarter, actor, at, today), Step.REQUEST.value)


@dataclass(frozen=True, slots=True)
class InvoiceEntry:
    """An invoice as it is printed. Without an amount it is what is left of the due; `reverses` makes it a credit invoice."""

    number: str
    contract: str
    issued_on: date
    due: str = ""
    gross_fen: int | None = None
    tax_fen: int | None = None
    reverses: str = ""
    scan_sha: str = ""
    """The digest of a scan that was kept before, instead of one handed in now."""


def add_invoice(
    writer: Writer, entry: InvoiceEntry, paper: Paper | None, *, at: Instant, actor: str
) -> tuple[Invoice, bool]:
    """Register an invoice or a credit invoice; tell whether it is new. InputError with everything that is wrong."""
    with saying_fields(), writer.transaction() as connection:
        sha = _kept(writer, connection, paper, at=at, actor=actor) or entry.scan_sha
        if not entry.reverses:
            return invoices.add(
                connection, writer.audit, number=entry.number, contract=entry.contract, due=entry.due,
                gross_fen=entry.gross_fen, tax_fen=entry.tax_fen, issued_on=entry.issued_on, document_sha=sha,
                at=at, actor=actor,
            )  # fmt: skip
        original = invoices.find(connection, entry.reverses)
        if original is not None and original.contract != entry.contract:
            raise refuse(f"{entry.reverses} 属另一合同 of another contract", "核对 check", column="of")
        return invoices.credit(
            connection, writer.audit, number=entry.number, of=entry.reverses, gross_fen=entry.gross_fen,
            issued_on=entry.issued_on, due=entry.due, document_sha=sha, at=at, actor=actor,
        )  # fmt: skip


def keep_paper(writer: Writer, paper: Paper, *, at: Instant, actor: str) -> str:
    """Keep a paper by itself and return its digest, for a payment or invoice that names it."""
    with writer.transaction() as connection:
        return _kept(writer, connection, paper, at=at, actor=actor)
