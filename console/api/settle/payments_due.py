"""Dues and each contract's money for programs."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import Connection

from console.api.settle.answers import Warned, money, warned
from console.money import payables
from console.money.payables import DueRow
from console.web.access import MONEY_READERS
from console.web.paging import PageQuery, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding

routes = Routes()
TAG = "支付 payments"


class DuesQuery(PageQuery):
    """Which dues, as they stood at the end of a day."""

    contract: str = ""
    status: Literal["", "open", "overdue", "waiting", "settled"] = ""
    on: date | None = None


class DueAnswer(BaseModel):
    """An amount owed; negative where the supplier owes a refund. Ranges are [least, most]: days of payment may be ranges."""

    contract: str
    due: str
    phase: str
    kind: str
    period: str
    payer: str
    amount: str
    open: str
    contested: str
    status: str
    due_on: date | None
    days_late: tuple[int, int] | None
    days_after_quarter: tuple[int, int]
    interest: tuple[str, str]
    interest_why: str
    interest_charged: str


class DueList(BaseModel):
    """A page of dues by due date; `findings` name those whose due date cannot be told."""

    items: list[DueAnswer]
    next: str | None
    findings: list[Warned]


@routes.endpoint(
    "GET", "/payments/dues", allow=MONEY_READERS, summary="应付应退 dues", tag=TAG, query=DuesQuery, answer=DueList
)
async def dues(visit: Visit, query: DuesQuery) -> DueList:
    """List what is owed either way, how late it is and what that costs."""
    on = min(query.on or visit.today, visit.today)

    def read(connection: Connection) -> tuple[list[DueRow], list[Finding]]:
        seen = payables.contracts_seen(connection, visit.person)
        return payables.due_rows(connection, [name for name in seen if query.contract in {"", name}], on)

    rows, findings = await visit.read(read)
    wanted = [row for row in rows if query.status in {"", row.status}]
    found, following = page(wanted, query, lambda row: f"{row.due.contract}|{row.due.id}")
    return DueList(items=[_due(row) for row in found], next=following, findings=warned(findings))


def _due(row: DueRow) -> DueAnswer:
    due, state = row.due, row.state
    return DueAnswer(
        contract=due.contract, due=due.id, phase=due.phase, kind=due.kind, period=due.period, payer=due.payer,
        amount=money(due.fen) or "", open=money(state.open_fen) or "", contested=money(state.contested_fen) or "",
        status=row.status, due_on=state.lateness.due_on, days_late=row.late,
        days_after_quarter=state.lateness.after_quarter,
        interest=(money(state.interest.low_fen) or "", money(state.interest.high_fen) or ""),
        interest_why=state.interest.why, interest_charged=money(state.charged_fen) or "",
    )  # fmt: skip


class ContractAnswer(BaseModel):
    """A contract's money today; `total` and `left` are None where the contract prints no total."""

    contract: str
    title: str
    total: str | None
    paid: str | None
    left: str | None
    open: str | None
    overdue: str | None
    refund: str | None
    interest: str | None
    requestable: list[str]
    warnings: list[Warned]


class ContractList(BaseModel):
    """The contracts that the person sees."""

    items: list[ContractAnswer]


@routes.endpoint(
    "GET", "/payments/contracts", allow=MONEY_READERS, summary="累计支付与合同总金额 paid of each contract's total", tag=TAG,
    answer=ContractList,
)  # fmt: skip
async def totals(visit: Visit) -> ContractList:
    """Return what was paid of each contract's total, what is open, late and to be requested."""

    def read(connection: Connection) -> list[payables.ContractMoney]:
        seen = payables.contracts_seen(connection, visit.person)
        return payables.contract_money(connection, seen, payables.due_rows(connection, seen, visit.today)[0])

    return ContractList(
        items=[
            ContractAnswer(
                contract=its.contract,
                title=its.title,
                total=money(its.total_fen),
                paid=money(its.paid_fen),
                left=money(its.left_fen),
                open=money(its.open_fen),
                overdue=money(its.overdue_fen),
                refund=money(its.refund_fen),
                interest=money(its.interest_fen),
                requestable=[request.quarter for request in its.requests],
                warnings=warned(its.warnings),
            )
            for its in await visit.read(read)
        ]
    )
