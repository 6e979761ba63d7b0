"""The invoice register: an invoice against a due, and the credit invoices (红字发票) that take it back in part or whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy import Connection, insert, select

from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from settlement.clauses import DatedTaxRate
from settlement.contract import Terms
from settlement.invoicing import InvoiceLine, credited, invoice_lines, printed_tax
from settlement.money import grouped
from settlement.store import contracts, dues
from settlement.store.audit import AuditSink
from settlement.store.money_tables import dues as dues_table
from settlement.store.money_tables import invoice_lines as lines_table
from settlement.store.money_tables import invoices
from settlement.store.tables import documents, line_components, statements

_table = invoices.c
MAX_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Invoice:
    """A registered invoice; a credit invoice has negative amounts and `reverses` names what it takes back."""

    number: str
    contract: str
    due: str
    gross: int
    net: int
    tax: int
    issued_on: date
    reverses: str
    document_sha: str
    recorded_at: Instant
    actor: str
    lines: tuple[InvoiceLine, ...]


def listed(connection: Connection, contract: str | None = None) -> list[Invoice]:
    """Return the invoices of a contract, or of all, by day and number."""
    query = select(invoices).order_by(_table.issued_on, _table.number)
    if contract is not None:
        query = query.where(_table.contract == contract)
    held: dict[str, list[InvoiceLine]] = {}
    for row in connection.execute(select(lines_table).order_by(lines_table.c.number, lines_table.c.n)):
        line = InvoiceLine(row.component, row.gross, row.net, row.tax, Fraction(row.tax_rate))
        held.setdefault(row.number, []).append(line)
    return [
        Invoice(
            row.number,
            row.contract,
            row.due,
            row.gross,
            row.net,
            row.tax,
            date.fromisoformat(row.issued_on),
            row.reverses or "",
            row.document_sha or "",
            Instant(row.recorded_at),
            row.actor,
            tuple(held.get(row.number, ())),
        )
        for row in connection.execute(query)
    ]


def find(connection: Connection, number: str) -> Invoice | None:
    """Return one invoice."""
    return next((invoice for invoice in listed(connection) if invoice.number == number), None)


def invoiced_on(connection: Connection, contract: str) -> dict[str, date]:
    """Return by due the day of its first invoice, from which a due date may count."""
    days: dict[str, date] = {}
    for invoice in listed(connection, contract):
        if invoice.due and not invoice.reverses:
            days.setdefault(invoice.due, invoice.issued_on)
    return days


def add(
    connection: Connection,
    audit: AuditSink,
    *,
    number: str,
    contract: str,
    due: str,
    gross_fen: int | None,
    tax_fen: int | None,
    issued_on: date,
    document_sha: str = "",
    at: Instant,
    actor: str,
) -> tuple[Invoice, bool]:
    """Register an invoice, its lines by fee component, with its audit row; tell whether it was added.

    Without an amount it is what is left of the due to be invoiced. The components are those of the due's statement line, the
    tax rates those of the contract on the day of the invoice; `tax_fen` is the tax as printed. The same invoice again adds
    nothing. InputError: no contract version, no such due, a refund, more than the due, another invoice under that number.
    """
    number = _checked_number(number)
    owed = next((known for known in dues.of_contract(connection, contract) if known.id == due), None) if due else None
    if due and owed is None:
        known = ", ".join(one.id for one in dues.of_contract(connection, contract)) or "无 none"
        raise refuse(f"{contract} 没有这笔应付 there is no such due: {due}", f"可用 known: {known}", column="due")
    findings: list[Finding] = _no_document(connection, document_sha)
    if owed is not None and owed.refund:
        message = f"{due} 是应退款 is a refund"
        findings.append(Finding("", 0, "due", message, "开红字发票 use camsla invoice credit"))
    standing = find(connection, number)
    left = 0
    if owed is not None and standing is None:
        left = owed.fen - sum(one.gross for one in listed(connection, contract) if one.due == due)
    gross = gross_fen if gross_fen is not None else left if standing is None else standing.gross
    if gross <= 0:
        remedy = "写明金额 give --amount" if owed is None else "应付已开足发票 the due is invoiced in full"
        findings.append(Finding("", 0, "amount", f"金额须大于零 not above zero: {grouped(gross)}", remedy))
    elif owed is not None and standing is None and gross > left:
        message = f"{due} 可开票余额 {grouped(left)}，发票 {grouped(gross)} more than is left to be invoiced"
        findings.append(Finding("", 0, "amount", message, "核对金额 check the amount"))
    terms = _terms(connection, contract, due)
    if terms is None:
        message = f"没有合同版本 no version of contract {contract} is stored"
        findings.append(Finding("", 0, "contract", message, "camsla contract add FILE"))
    if findings or terms is None:
        raise InputError(findings)
    rates: Sequence[DatedTaxRate] = terms.payment.tax_rates
    lines = invoice_lines(gross, _components(connection, contract, due), issued_on, rates, terms.tax_rate)
    if tax_fen is not None:
        lines = printed_tax(lines, tax_fen)
    return _store(connection, audit, number, contract, due, issued_on, "", document_sha, lines, at=at, actor=actor)


def credit(
    connection: Connection,
    audit: AuditSink,
    *,
    number: str,
    of: str,
    gross_fen: int | None,
    issued_on: date,
    due: str = "",
    document_sha: str = "",
    at: Instant,
    actor: str,
) -> tuple[Invoice, bool]:
    """Register a credit invoice that takes back an invoice, wholly without an amount; tell whether it was added.

    InputError: no such invoice, one that is a credit itself, a day before it, or more than is left of it.
    """
    number = _checked_number(number)
    original = find(connection, of)
    if original is None:
        raise refuse(f"没有这张发票 no such invoice: {of}", "camsla invoice list", column="of")
    findings: list[Finding] = _no_document(connection, document_sha)
    if original.reverses:
        message = f"{of} 本身是红字发票 is a credit invoice itself"
        findings.append(Finding("", 0, "of", message, f"对原发票 use {original.reverses}"))
    if issued_on < original.issued_on:
        message = f"红字发票早于原发票 earlier than the invoice of {original.issued_on}: {issued_on}"
        findings.append(Finding("", 0, "date", message, "核对日期 check the day"))
    if findings:
        raise InputError(findings)
    earlier = [
        line
        for one in listed(connection, original.contract)
        if one.reverses == of and one.number != number
        for line in one.lines
    ]
    left = original.gross + sum(line.gross for line in earlier)
    lines = credited(original.lines, earlier, left if gross_fen is None else gross_fen)
    return _store(
        connection, audit, number, original.contract, due, issued_on, of, document_sha, lines, at=at, actor=actor
    )


def _checked_number(number: str) -> str:
    text = number.strip()
    if not text or len(text) > MAX_NUMBER or not text.isprintable():
        message = (
            f"发票号码须为 1 到 {MAX_NUMBER} 个可见字符 an invoice number has 1 to {MAX_NUMBER} printable characters"
        )
        raise refuse(message, "照票面填写 as printed", column="number")
    return text


def _no_document(connection: Connection, sha: str) -> list[Finding]:
    if not sha or connection.scalar(select(documents.c.sha256).where(documents.c.sha256 == sha)) is not None:
        return []
    return [Finding("", 0, "document", f"没有这份文件 no such document: {sha}", "先存入 camsla documents add FILE")]


def _terms(connection: Connection, contract: str, due: str) -> Terms | None:
    """Return the terms that a due's statement was made under, else the newest approved ones, else the newest."""
    query = select(statements.c.contract_version).join(dues_table, dues_table.c.statement_id == statements.c.id)
    number = connection.scalar(query.where(dues_table.c.contract == contract, dues_table.c.due == due))
    known = contracts.versions(connection, contract)
    chosen = [version for version in known if version.version == number]
    approved = [version for version in known if version.approved_at is not None]
    for group in (chosen, approved, known):
        if group:
            return group[-1].terms
    return None


def _components(connection: Connection, contract: str, due: str) -> list[tuple[str, int]]:
    """Return the fee components of a due's statement line as (name, gross), in the line's sign; none if it has none."""
    query = (
        select(line_components.c.component, line_components.c.gross)
        .join(
            dues_table,
            (dues_table.c.statement_id == line_components.c.statement_id) & (dues_table.c.line == line_components.c.n),
        )
        .where(dues_table.c.contract == contract, dues_table.c.due == due)
        .order_by(line_components.c.component)
    )
    found = [(row.component, int(row.gross)) for row in connection.execute(query)]
    return found if all(gross >= 0 for _, gross in found) and any(gross for _, gross in found) else []


def _store(
    connection: Connection,
    audit: AuditSink,
    number: str,
    contract: str,
    due: str,
    issued_on: date,
    reverses: str,
    document_sha: str,
    lines: tuple[InvoiceLine, ...],
    *,
    at: Instant,
    actor: str,
) -> tuple[Invoice, bool]:
    gross, net, tax = sum(x.gross for x in lines), sum(x.net for x in lines), sum(x.tax for x in lines)
    made = Invoice(number, contract, due, gross, net, tax, issued_on, reverses, document_sha, at, actor, lines)
    standing = find(connection, number)
    if standing is not None:
        same = (standing.contract, standing.due, standing.lines, standing.issued_on, standing.reverses)
        if same == (contract, due, lines, issued_on, reverses):
            return standing, False
        raise refuse(
            f"发票号码已登记 the number stands with other figures: {number}（{grouped(standing.gross)}）",
            "核对号码 check the number",
            column="number",
        )
    connection.execute(
        insert(invoices).values(
            number=number,
            contract=contract,
            due=due,
            gross=gross,
            net=net,
            tax=tax,
            issued_on=issued_on.isoformat(),
            reverses=reverses or None,
            document_sha=document_sha or None,
            recorded_at=at,
            actor=actor,
        )
    )
    connection.execute(
        insert(lines_table),
        [
            {
                "number": number,
                "n": n,
                "component": line.component,
                "gross": line.gross,
                "net": line.net,
                "tax": line.tax,
                "tax_rate": str(line.rate),
            }
            for n, line in enumerate(lines)
        ],
    )
    audit(
        connection,
        at=at,
        actor=actor,
        action="invoice.credit" if reverses else "invoice.add",
        object=f"{contract} {number}",
        before=None,
        after={"gross": gross, "net": net, "tax": tax, "due": due, "reverses": reverses or None},
    )
    return made, True
