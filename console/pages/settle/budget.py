"""预算执行: projects by year with what was executed, their contracts, breaches, and next year's advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.authority import reconciled
from console.money import budgeting, payables
from console.money.budgeting import ProjectYear
from console.money.running import running_of
from console.money.typed import fen_of
from console.quarters.progress import STAGES
from console.settling.phases import PhaseWords, phase_words
from console.web.access import MONEY_READERS, Role
from console.web.export import attachment, exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from settlement.money import fen, yuan

routes = Routes()
READERS = MONEY_READERS - {Role.SUPPLIER}
HANDLERS = frozenset({Role.HANDLER})
WARNED, CALM = N_("需处理"), N_("正常")


class BudgetQuery(TableQuery):
    """Which year."""

    year: int | None = None


def _address(row: ProjectYear) -> str:
    return f"/budget/{row.budget.year}/{quote(row.budget.project)}"


COLUMNS: tuple[Column[ProjectYear], ...] = (
    Column("project", N_("项目编码"), lambda r: r.budget.project, "code", link=_address, searched=True),
    Column("name", N_("项目名称"), lambda r: r.budget.name, searched=True),
    Column("year", N_("预算年度"), lambda r: str(r.budget.year), "date"),
    Column("initial", N_("年初预算数"), lambda r: r.budget.initial_fen, "money"),
    Column("adjusted", N_("调整后预算数"), lambda r: r.budget.adjusted_fen, "money"),
    Column("in_place", N_("到位数"), lambda r: r.budget.in_place_fen, "money"),
    Column("in_place_rate", N_("资金到位率"), lambda r: r.state.in_place_rate, "percent"),
    Column("executed", N_("执行数"), lambda r: r.state.executed_fen, "money",
           link=lambda r: f"/payments/made?project={quote(r.budget.project)}&budget_year={r.budget.year}"),
    Column("rate", N_("预算执行率"), lambda r: r.state.rate, "percent"),
    Column("left", N_("余额"), lambda r: r.state.left_fen, "money"),
    Column("warned", N_("提示"), lambda r: WARNED if r.warnings else CALM, "badge",
           tone=lambda r: "warn" if r.warnings else "good"),
    Column("contracts", N_("所含合同"), lambda r: "、".join(r.budget.contracts), searched=True),
    Column("unit", N_("预算单位"), lambda r: r.budget.unit, searched=True, shown=False),
    Column("functional", N_("功能分类"), lambda r: r.budget.functional, shown=False),
    Column("economic", N_("部门支出经济分类"), lambda r: r.budget.economic, shown=False),
    Column("revision", N_("第几版"), lambda r: r.budget.revision, "number", shown=False),
)  # fmt: skip


@routes.page("/budget", allow=READERS, section="budget")
async def listing(visit: Visit) -> web.Response:
    """The projects of a year, or of all."""
    query = visit.query(BudgetQuery)
    titles, rows = await visit.read(_projects, visit)
    accrued = {} if query.format else await _accrued(visit, (), 0.2)
    wanted = [row for row in rows if query.year in {None, row.budget.year}]
    if query.format:
        return await exported(visit, wanted, COLUMNS, query, "budget")
    return visit.render(
        "settle/budget.html", table=table_of(wanted, COLUMNS, query), rows=wanted, query=query,
        years=sorted({row.budget.year for row in rows}, reverse=True), may_write=visit.may(HANDLERS),
        last_year=visit.today.year - 1, warnings=[(row, w) for row in wanted for w in row.warnings],
        **{**accrued, "titles": titles},
    )  # fmt: skip


def _projects(connection: Connection, visit: Visit) -> tuple[dict[str, str], list[ProjectYear]]:
    titles = payables.contracts_seen(connection, visit.person)
    return titles, budgeting.projects(connection, titles)


def _found(connection: Connection, visit: Visit) -> tuple[dict[str, str], ProjectYear]:
    titles, rows = _projects(connection, visit)
    year, project = visit.path("year"), visit.path("project")
    found = next((row for row in rows if row.budget.project == project and str(row.budget.year) == year), None)
    if found is None:
        raise MissingError
    return titles, found


class BudgetForm(BaseModel):
    """A project's year as the form has it; money in yuan. An amount left empty stays as it was."""

    project: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/?#]+$")]
    year: Annotated[int, Field(ge=1990, le=2200)]
    initial: Annotated[str, Field(max_length=30)] = ""
    adjusted: Annotated[str, Field(max_length=30)] = ""
    in_place: Annotated[str, Field(max_length=30)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    unit: Annotated[str, Field(max_length=200)] = ""
    functional: Annotated[str, Field(max_length=200)] = ""
    economic: Annotated[str, Field(max_length=200)] = ""
    contracts: list[str] = []


@routes.page("/budget/new", allow=HANDLERS, section="budget")
async def form(visit: Visit) -> web.Response:
    """An empty form."""
    return await _form(visit, None)


async def _ticked(visit: Visit) -> list[str]:
    """Return the contracts that a refused form had ticked: a field of several values is in no `entered`."""
    return [str(name) for name in (await visit.request.post()).getall("contracts", [])]


async def _form(visit: Visit, entered: Entered[BudgetForm] | None, status: int = 200) -> web.Response:
    titles, _ = await visit.read(_projects, visit)
    chosen = [] if entered is None else await _ticked(visit)
    return visit.render(
        "settle/budget_new.html", status=status, entered=entered, titles=titles, chosen=chosen, year=visit.today.year
    )


@routes.form("/budget/new", allow=HANDLERS, section="budget")
async def add(visit: Visit) -> web.Response:
    """Record a project's year."""
    entered = await visit.enter(BudgetForm)
    if entered.model is None:
        return await _form(visit, entered, 422)
    titles, rows = await visit.read(_projects, visit)
    project, year = entered.model.project.strip(), entered.model.year
    if not any((row.budget.project, row.budget.year) == (project, year) for row in rows):
        if await visit.read(budgeting.exists, project, year):  # a year of contracts that this person does not see
            raise MissingError
    try:
        made = await visit.write(
            budgeting.set_year, entry_of(entered.model, titles), at=visit.at, actor=visit.person.name
        )
    except InputError as error:
        return await _form(visit, entered.refused(error), 422)
    return visit.see(f"/budget/{made.year}/{quote(made.project)}", visit.say("已登记预算"))


def entry_of(model: BudgetForm, titles: dict[str, str]) -> budgeting.BudgetEntry:
    """Return the form as what is recorded; contracts that the person does not see are refused like none at all."""

    def amount(name: str) -> int | None:
        text = getattr(model, name)
        return fen_of(text, name) if text else None

    strange = [name for name in model.contracts if name not in titles]
    if strange:
        raise MissingError
    return budgeting.BudgetEntry(
        model.project.strip(), model.year, amount("initial"), amount("adjusted"), amount("in_place"), model.name, model.unit,
        model.functional, model.economic, tuple(model.contracts),
    )  # fmt: skip


@routes.page("/budget/advice/{contract}/{year}", allow=READERS, section="budget")
async def advice(visit: Visit) -> web.Response:
    """Next year's proposal with its arithmetic."""
    contract, year, factor = await _asked(visit)
    try:
        found = await budgeting.advised(visit, contract, year, factor, reconciled.WAIT_S)
    except reconciled.UnderWayError as error:
        return visit.render("settle/authority_wait.html", seconds=error.seconds, progress=error.progress, stages=STAGES)
    words = await visit.read(phase_words, [contract])
    titles, _ = await visit.read(_projects, visit)
    return visit.render(
        "settle/budget_advice.html", contract=contract, title=titles.get(contract) or contract, words=words,
        year=year, advice=found.document, findings=found.findings,
        factor=visit.request.query.get("k", "1"), fen=fen,
    )  # fmt: skip


@routes.download("/budget/advice/{contract}/{year}/advice.{kind}", allow=READERS)
async def advice_file(visit: Visit) -> web.Response:
    """The proposal as a page (pdf) or as data (json)."""
    contract, year, factor = await _asked(visit)
    found = await budgeting.advised(visit, contract, year, factor)
    if found.document is None:
        raise InputError(found.findings)
    name = f"budget-{contract}-{year + 1}"
    if visit.path("kind") == "pdf":
        return attachment(await visit.compute(budgeting.advice_pdf, found.document), "application/pdf", f"{name}.pdf")
    if visit.path("kind") == "json":
        return web.json_response(found.document, headers={"Content-Disposition": f'attachment; filename="{year}.json"'})
    raise MissingError


async def _asked(visit: Visit) -> tuple[str, int, Fraction]:
    contract, year = visit.path("contract"), visit.path("year")
    titles, _ = await visit.read(_projects, visit)
    if contract not in titles or not year.isdecimal() or not 1990 <= int(year) <= 2199:
        raise MissingError
    return contract, int(year), budgeting.factor_of(visit.request.query.get("k", "1"))


class RunningQuery(BaseModel):
    """Of which contracts; none named: of all that the person sees."""

    contract: list[str] = []


@routes.page("/budget/running", allow=READERS, section="budget")
async def running(visit: Visit) -> web.Response:
    """The running quarter's deduction to date; a part of the budget's pages asks for it, too."""
    wanted = visit.query(RunningQuery).contract
    return visit.render("settle/budget_running.html", **await _accrued(visit, wanted, reconciled.WAIT_S))


async def _accrued(visit: Visit, only: Sequence[str], wait_s: float) -> dict[str, Any]:
    """Return what the part on the running quarter shows; that it is under way where it takes longer."""
    titles = await visit.read(payables.contracts_seen, visit.person)
    words = await visit.read(phase_words, titles)
    shown: dict[str, Any] = {"titles": titles, "words": words, "only": only, "progress": None, "running": None}
    try:
        found = await running_of(visit, wait_s)
    except reconciled.UnderWayError as error:
        return {**shown, "progress": error.progress}
    rows = tuple(row for row in found.rows if not only or row.contract in only)
    said = tuple(
        replace(its, column=_said(words, titles, its.column), message=_said(words, titles, its.message))
        for its in found.findings
    )
    return {**shown, "running": found._replace(rows=rows, findings=said)}


def _said(words: PhaseWords, titles: Mapping[str, str], text: str) -> str:
    for contract in titles:
        text = words.said(contract, text)
    return text


@routes.page("/budget/{year}/{project}", allow=READERS, section="budget")
async def one(visit: Visit) -> web.Response:
    """One project's year: figures, contracts, warnings, and the form that adjusts it."""
    return await _shown(visit, None)


async def _shown(visit: Visit, entered: Entered[BudgetForm] | None, status: int = 200) -> web.Response:
    titles, row = await visit.read(_found, visit)
    accrued: dict[str, Any] = {}
    if row.budget.year == visit.today.year and row.held:
        accrued = await _accrued(visit, [its.contract for its in row.held], 0.2)
    return visit.render(
        "settle/budget_year.html", status=status, row=row, budget=row.budget, entered=entered,
        may_write=visit.may(HANDLERS), yuan=yuan, accrued=bool(accrued),
        chosen=row.budget.contracts if entered is None else await _ticked(visit), **{**accrued, "titles": titles}, today=visit.today,
    )  # fmt: skip


@routes.form("/budget/{year}/{project}", allow=HANDLERS, section="budget")
async def adjust(visit: Visit) -> web.Response:
    """Adjust a project's year: a further revision."""
    titles, row = await visit.read(_found, visit)
    entered = await visit.enter(BudgetForm)
    if entered.model is None:
        return await _shown(visit, entered, 422)
    model = entered.model.model_copy(update={"project": row.budget.project, "year": row.budget.year})
    # Contracts that this person does not see stay in the project.
    unseen = tuple(name for name in row.budget.contracts if name not in titles)
    try:
        entry = entry_of(model, titles)
        entry = replace(entry, contracts=(*(entry.contracts or ()), *unseen))
        await visit.write(budgeting.set_year, entry, at=visit.at, actor=visit.person.name)
    except InputError as error:
        return await _shown(visit, entered.refused(error), 422)
    return visit.see(_address(row), visit.say("已调整，旧版保留"))
