"""What speaks against a payment: the amount, the contract's total, the statement's state, the budget, the paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, select

from monitor.finding import Finding
from settlement.budget import execution, overdrawn
from settlement.contract import Terms
from settlement.dues import REST, Due
from settlement.life import State, life_of
from settlement.payments import outstanding, payable_findings, supplement_finding, total_finding
from settlement.store import budgets, contracts, dues, statements
from settlement.store.movements import movements
from settlement.store.tables import documents

BEYOND_TOTAL = frozenset({"interest"})
"""Kinds of dues that are not part of the contract's price, so that its total does not bound them."""


@dataclass(frozen=True, slots=True)
class Order:
    """A payment or refund to be recorded: what the office knows of it. `fen` is positive either way.

    `due` is empty for a contract whose statements are not kept here; `service` is its service period then.
    """

    contract: str
    due: str
    fen: int
    first: date
    last: date
    voucher: str
    payer: str = ""
    project: str = ""
    budget_year: int | None = None
    document_sha: str = ""
    service: tuple[date, date] | None = None


def contract_total(terms: Terms) -> int | None:
    """Return 合同总金额 in fen: the contract's, else what its phases print, if all of them do."""
    if terms.total_fen is not None:
        return terms.total_fen
    printed = [phase.contracted.total_fen for phase in terms.phases if phase.contracted is not None]
    return sum(printed) if printed and len(printed) == len(terms.phases) else None


def newest_terms(connection: Connection, contract: str) -> Terms | None:
    """Return the terms of a contract's newest approved version; None if there is none."""
    approved = [version for version in contracts.versions(connection, contract) if version.approved_at is not None]
    return approved[-1].terms if approved else None


def objections(connection: Connection, order: Order, due: Due | None) -> list[Finding]:
    """Say everything that speaks against a payment or refund: errors that stop it, warnings that do not."""
    findings: list[Finding] = []
    if due is None and order.fen <= 0:
        findings.append(Finding("", 0, "amount", "金额须大于零 the amount is not above zero", "写成元 write yuan"))
    if due is not None:
        left = outstanding(due, movements(connection, order.contract))
        findings += payable_findings(due, left, order.fen)
        findings += _not_requested(connection, due)
        findings += _wrong_payer(due, order)
    if not order.voucher:
        remedy = "写支付凭证号或退款凭证号 name the voucher"
        findings.append(Finding("", 0, "voucher", "缺凭证号 no voucher", remedy))
    if order.budget_year is None and order.first.year != order.last.year:
        message = f"付款日跨年度 the range of days crosses a year: {order.first}..{order.last}"
        findings.append(Finding("", 0, "budget-year", message, "写明预算年度 say which budget year"))
    if due is None or not due.refund:
        over = beyond_total(connection, order.contract, order.fen, due.kind if due else "")
        findings += [over] if over else []
    findings += _budget_findings(connection, order, due)
    if (
        order.document_sha
        and connection.scalar(select(documents.c.sha256).where(documents.c.sha256 == order.document_sha)) is None
    ):
        message = f"没有这份文件 no such document: {order.document_sha}"
        findings.append(Finding("", 0, "document", message, "先存入 camsla documents add FILE"))
    return findings


def _wrong_payer(due: Due, order: Order) -> list[Finding]:
    """Return a finding unless the payer is the one that an instalment names. Whoever pays the rest may go unnamed."""
    if order.payer == due.payer or due.payer in {"", REST}:
        return []
    payer = f"{order.payer}'s" if order.payer else "（未写 unnamed）"
    message = f"{due.id} 由 {due.payer} 支付 is {due.payer}'s to pay, not {payer}"
    return [Finding("", 0, "payer", message, f"核对付款单位 check the payer: --payer {due.payer}")]


def _not_requested(connection: Connection, due: Due) -> list[Finding]:
    """Return a finding where a statement's payment was not requested yet; refunds need no request."""
    number = dues.statement_of(connection, due)
    if number is None or due.refund:
        return []
    state = state_of(connection, number)
    if state in {State.REQUESTED, State.PAID}:
        return []
    quarter = due.statement.partition("/")[0]
    message = f"{due.contract} {quarter} 尚未申请支付 the payment of this statement was not requested yet ({state})"
    remedy = f"camsla statement request-payment {due.contract} {quarter}"
    return [Finding("", 0, "due", message, remedy)]


def state_of(connection: Connection, statement_id: int) -> State | None:
    """Return where a statement stands, None for one without steps."""
    taken = statements.steps(connection, statement_id)
    stored = statements.by_id(connection, statement_id)
    version = contracts.one(connection, stored.contract, stored.version)
    if not taken or version is None:
        return None
    return life_of(taken, version.terms.approval).state


def beyond_total(connection: Connection, contract: str, more_fen: int, kind: str) -> Finding | None:
    """Return a finding if a further payment would take what was paid beyond 合同总金额 of the newest approved version."""
    if kind in BEYOND_TOTAL:
        return None
    terms = newest_terms(connection, contract)
    if terms is None:
        return None
    priced = {due.id for due in dues.of_contract(connection, contract) if due.kind not in BEYOND_TOTAL}
    paid = sum(m.fen for m in movements(connection, contract) if not m.due or m.due in priced)
    return total_finding(contract_total(terms), paid, more_fen)


def supplement_warning(connection: Connection, contract: str) -> Finding | None:
    """Return a warning if the newest approved version's total exceeds the first one's by more than a tenth."""
    approved = [version for version in contracts.versions(connection, contract) if version.approved_at is not None]
    if len(approved) < 2:
        return None
    return supplement_finding(contract_total(approved[0].terms), contract_total(approved[-1].terms))


def _budget_findings(connection: Connection, order: Order, due: Due | None) -> list[Finding]:
    if not order.project:
        return []
    year = order.budget_year or order.last.year
    budget = budgets.newest(connection, order.project, year)
    if budget is None:
        message = f"没有这个预算项目和年度 no such budget project and year: {order.project} {year}"
        remedy = f"camsla budget set {order.project} {year} …"
        return [Finding("", 0, "project", message, remedy)]
    if budget.contracts and order.contract not in budget.contracts:
        message = f"预算项目 {order.project} {year} 不含合同 {order.contract} does not hold this contract"
        return [Finding("", 0, "project", message, "核对预算项目 check the project: camsla budget show")]
    signed = -order.fen if due is not None and due.refund else order.fen
    state = execution(budget, movements(connection))
    over = overdrawn(replace(state, executed_fen=state.executed_fen + signed))
    return [over] if over and signed > 0 else []
