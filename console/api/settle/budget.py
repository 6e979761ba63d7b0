"""Budget projects and next year's advice for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.api.settle.answers import Warned, Yuan, money, rate, warned
from console.money import budgeting, payables
from console.money.budgeting import ProjectYear
from console.money.running import running_of
from console.money.typed import fen_of
from console.web.access import MONEY_READERS, Role
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError
from settlement.budget import FIRST_BUDGET_YEAR, LAST_BUDGET_YEAR

routes = Routes()
TAG = "预算 budget"
READERS = MONEY_READERS - {Role.SUPPLIER}


class AccruedAnswer(BaseModel):
    """A phase's running quarter to date, through the day before `until`; nothing of it is owed yet."""

    contract: str
    phase: str
    quarter: str
    until: date
    full_fee: Yuan | None
    deduction: Yuan | None
    payable: Yuan | None


class RunningAnswer(BaseModel):
    """The running quarter of every contract in force, and what could not be settled so far."""

    items: list[AccruedAnswer]
    findings: list[Warned]


@routes.endpoint(
    "GET", "/budget/running", allow=READERS, summary="本季至今 the running quarter", tag=TAG, answer=RunningAnswer
)
async def running(visit: Visit) -> RunningAnswer:
    """Return the running quarter's deduction to date; rules that judge a whole month or quarter may still take more, or less."""
    found = await running_of(visit)
    return RunningAnswer(
        items=[
            AccruedAnswer(
                contract=row.contract, phase=row.phase, quarter=row.quarter, until=row.until,
                full_fee=money(row.full_fen), deduction=money(row.deduction_fen), payable=money(row.payable_fen),
            )
            for row in found.rows
        ],
        findings=warned(found.findings),
    )  # fmt: skip


class BudgetQuery(PageQuery):
    """Which year."""

    year: int | None = None


class HeldAnswer(BaseModel):
    """A contract of a project's year."""

    contract: str
    executed: str | None
    paid: str | None
    total: str | None


class BudgetAnswer(BaseModel):
    """A project's year; rates are shares with six places, None where they would divide by zero."""

    project: str
    year: int
    revision: int
    name: str
    unit: str
    functional: str
    economic: str
    contracts: list[str]
    initial: str | None
    adjusted: str | None
    in_place: str | None
    executed: str | None
    left: str | None
    in_place_rate: str | None
    execution_rate: str | None
    held: list[HeldAnswer]
    warnings: list[Warned]


class BudgetList(BaseModel):
    """A page of projects' years, the newest first."""

    items: list[BudgetAnswer]
    next: str | None


def _answer(row: ProjectYear, seen: dict[str, str]) -> BudgetAnswer:
    known, state = row.budget, row.state
    return BudgetAnswer(
        project=known.project, year=known.year, revision=known.revision, name=known.name, unit=known.unit,
        functional=known.functional, economic=known.economic,
        contracts=[name for name in known.contracts if name in seen], initial=money(known.initial_fen),
        adjusted=money(known.adjusted_fen), in_place=money(known.in_place_fen), executed=money(state.executed_fen),
        left=money(state.left_fen), in_place_rate=rate(state.in_place_rate), execution_rate=rate(state.rate),
        held=[
            HeldAnswer(contract=its.contract, executed=money(its.executed_fen), paid=money(its.paid_fen), total=money(its.total_fen))
            for its in row.held
        ],
        warnings=warned(row.warnings),
    )  # fmt: skip


def _read(connection: Connection, visit: Visit) -> tuple[dict[str, str], list[ProjectYear]]:
    seen = payables.contracts_seen(connection, visit.person)
    return seen, budgeting.projects(connection, seen)


@routes.endpoint(
    "GET", "/budget", allow=READERS, summary="预算项目 budget projects", tag=TAG, query=BudgetQuery, answer=BudgetList
)
async def listing(visit: Visit, query: BudgetQuery) -> BudgetList:
    """List the projects' years with what was executed."""
    seen, rows = await visit.read(_read, visit)
    wanted = [row for row in rows if query.year in {None, row.budget.year}]
    found, following = page(wanted, query, lambda row: f"{row.budget.year}|{row.budget.project}")
    return BudgetList(items=[_answer(row, seen) for row in found], next=following)


class BudgetBody(Strict):
    """A project's year; what is not given stays as it was."""

    initial: Yuan | None = None
    adjusted: Yuan | None = None
    in_place: Yuan | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    unit: Annotated[str, Field(max_length=200)] | None = None
    functional: Annotated[str, Field(max_length=200)] | None = None
    economic: Annotated[str, Field(max_length=200)] | None = None
    contracts: Annotated[tuple[str, ...], Field(max_length=200)] | None = None


@routes.endpoint(
    "PUT", "/budget/{year}/{project}", allow=frozenset({Role.HANDLER}), summary="登记或调整年度预算 set or adjust a year",
    tag=TAG, body=BudgetBody, answer=BudgetAnswer,
)  # fmt: skip
async def put(visit: Visit, body: BudgetBody) -> BudgetAnswer:
    """Set or adjust a project's year: a further revision, unless nothing changes."""
    year, project = visit.path("year"), visit.path("project").strip()
    if not year.isdecimal() or not FIRST_BUDGET_YEAR <= int(year) <= LAST_BUDGET_YEAR or not project:
        raise MissingError
    seen, rows = await visit.read(_read, visit)
    if any(name not in seen for name in body.contracts or ()):
        raise MissingError
    if not any((row.budget.project, row.budget.year) == (project, int(year)) for row in rows):
        await visit.read(_not_foreign, project, int(year))

    def fen(name: str) -> int | None:
        text = getattr(body, name)
        return None if text is None else fen_of(text, name)

    entry = budgeting.BudgetEntry(
        project, int(year), fen("initial"), fen("adjusted"), fen("in_place"), body.name, body.unit, body.functional,
        body.economic, body.contracts,
    )  # fmt: skip
    await visit.write(budgeting.set_year, entry, at=visit.at, actor=visit.person.name)
    seen, rows = await visit.read(_read, visit)
    return _answer(next(r for r in rows if (r.budget.project, r.budget.year) == (project, int(year))), seen)


def _not_foreign(connection: Connection, project: str, year: int) -> None:
    if budgeting.exists(connection, project, year):
        raise MissingError


class AdviceQuery(Strict):
    """k of the excess surcharge."""

    k: Annotated[str, Field(max_length=20)] = "1"


class AdviceAnswer(BaseModel):
    """Next year's proposal: `advice` is a camsla-budget-advice/1 document, `findings` what was left out of it and why."""

    advice: dict[str, Any]
    findings: list[Warned]


@routes.endpoint(
    "GET", "/budget/advice/{contract}/{year}", allow=READERS, summary="下年预算建议 advice on next year's budget", tag=TAG,
    query=AdviceQuery, answer=AdviceAnswer,
)  # fmt: skip
async def advice(visit: Visit, query: AdviceQuery) -> AdviceAnswer:
    """Propose next year's budget from a year's measured fault rates."""
    contract, year = visit.path("contract"), visit.path("year")
    seen, _ = await visit.read(_read, visit)
    if contract not in seen or not year.isdecimal() or not FIRST_BUDGET_YEAR <= int(year) < LAST_BUDGET_YEAR:
        raise MissingError
    found = await budgeting.advised(visit, contract, int(year), budgeting.factor_of(query.k))
    if found.document is None:
        raise InputError(found.findings)
    return AdviceAnswer(advice=found.document, findings=warned(found.findings))
