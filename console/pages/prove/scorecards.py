"""考核评分: rubrics, what the linter says of them, and cards filled from what the product measures and what is given."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.documents.uploads import find_aside, put_aside
from console.evaluator import score_cards
from console.evaluator.score_cards import MAX_INPUTS_BYTES, Asked, Filled, Form, lost
from console.evaluator.score_jobs import KEPT_S, fill_of
from console.money import payables
from console.money.payables import DueRow
from console.packs.ordering import choices
from console.pages.settle.payments.words import due_address
from console.periods import period_of
from console.web.access import EVIDENCE_READERS, FINANCE, MONEY_READERS, Role
from console.web.export import attachment, exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, quarter_of
from settlement.scorecard.rubric import Measure

routes = Routes()
SECTION = "scorecards"
READERS = EVIDENCE_READERS - {Role.SUPPLIER}
GIVERS = FINANCE | {Role.EVALUATOR}
"""Who may bring in a file of inputs: it is held for their own looking for a day, and is no record."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LEVELS = {"error": N_("错误"), "warning": N_("警告"), "note": N_("提示")}
TONES = {"error": "bad", "warning": "warn", "note": "mute"}
BUDGET: frozenset[Measure] = frozenset({"budget-execution", "funds-in-place", "saving-rate"})
STATUSES = {"missing": N_("待填"), "not-printed": N_("未印出"), "undefined": N_("未规定")}


def _count(row: Form, level: str) -> int:
    return sum(finding.level == level for finding in row.remarks)


COLUMNS: tuple[Column[Form], ...] = (
    Column("title", N_("标题"), lambda r: r.rubric.title, searched=True, link=lambda r: f"/scorecards/{r.rubric.rubric}"),
    Column("name", N_("名称"), lambda r: r.rubric.rubric, "code", link=lambda r: f"/scorecards/{r.rubric.rubric}",
           searched=True),
    Column("source", N_("来源"), lambda r: r.rubric.source, searched=True, shown=False),
    Column("indicators", N_("指标"), lambda r: len(list(r.rubric.indicators)), "number"),
    Column("measured", N_("自动取数"), lambda r: sum(i.auto is not None for i in r.rubric.indicators), "number"),
    Column("printed", N_("转载"), lambda r: N_("是") if r.rubric.as_printed else N_("否"), "badge"),
    Column("errors", N_("错误"), lambda r: _count(r, "error"), "number"),
    Column("warnings", N_("警告"), lambda r: _count(r, "warning"), "number"),
)  # fmt: skip


@routes.page("/scorecards", allow=READERS, section=SECTION)
async def listing(visit: Visit) -> web.Response:
    """The rubrics."""
    query = visit.query(TableQuery)
    rows = await visit.aside(score_cards.forms)
    if query.format:
        return await exported(visit, rows, COLUMNS, query, "rubrics")
    return visit.render("prove/scorecards.html", table=table_of(rows, COLUMNS, query))


class CardQuery(TableQuery):
    """For which contract and period the card is filled, and with whose inputs."""

    contract: Annotated[str, Field(max_length=100)] = ""
    period: Annotated[str, Field(max_length=30)] = ""
    inputs: Annotated[str, Field(max_length=64)] = ""


async def form_of(visit: Visit) -> Form:
    """Return the address's rubric. MissingError where there is none."""
    try:
        return await visit.aside(score_cards.form, visit.path("name"))
    except KeyError:
        raise MissingError from None


async def asked_of(visit: Visit, query: CardQuery) -> Asked:
    """Return what the address asks. MissingError for a foreign contract, InputError for what is no period."""
    visit.contract(query.contract)
    label = period_of(query.period).label
    if not visit.person.sees_period(label):
        raise MissingError
    text = ""
    if query.inputs:
        held = find_aside(visit.site.settings.data_dir, visit.person.name, query.inputs)
        if held is None:
            raise InputError(
                [Finding("", 0, "inputs", "数据文件已不在 the file of inputs is gone", "重新上传 upload it again")]
            )
        text = held.body.decode("utf-8-sig", "replace")
    at = Instant(visit.at // (KEPT_S * MICROSECONDS) * KEPT_S * MICROSECONDS)
    return Asked(visit.path("name"), query.contract, query.period.strip(), text, at)


@routes.page("/scorecards/{name}", allow=READERS, section=SECTION)
async def card(visit: Visit) -> web.Response:
    """A rubric: its indicators and flaws; with a contract and a period, filled."""
    return await _page(visit)


async def _page(visit: Visit, entered: Entered[Any] | None = None, status: int = 200) -> web.Response:
    form = await form_of(visit)
    query = visit.query(CardQuery)
    if entered is not None:
        query = CardQuery(contract=entered.values.get("contract", ""), period=entered.values.get("period", ""))
    found: Filled | None = None
    refused: tuple[Finding, ...] = ()
    dues: list[DueRow] = []
    filling = bool(query.contract and query.period)
    if filling:
        try:
            found = await fill_of(visit, await asked_of(visit, query))
        except InputError as error:
            refused, filling = error.findings, False
        if filling and visit.may(MONEY_READERS):
            dues = await visit.read(_dues, visit, query.contract, period_of(query.period))
    offered = await visit.read(choices, visit, query.contract, visit.today.year)
    asked = urlencode({"contract": query.contract, "period": query.period, "inputs": query.inputs})
    return visit.render(
        "prove/scorecard.html",
        status=status,
        entered=entered,
        form=form,
        rubric=form.rubric,
        query=query,
        filling=filling,
        found=found,
        refused=refused,
        asked=asked,
        contracts=offered.contracts,
        lost=lost,
        dues=dues,
        due_address=due_address,
        levels=LEVELS,
        tones=TONES,
        statuses=STATUSES,
        sources=_sources(query.contract, visit.may(MONEY_READERS)),
        may_give=visit.may(GIVERS),
        quarter=_last_quarter(visit.today),
        periods=[one.label for one in offered.periods],
        measures={row.auto: row.title for row in form.rubric.indicators if row.auto is not None},
        budgets=_budgets(found) if visit.may(MONEY_READERS) else {},
    )


def _dues(connection: Connection, visit: Visit, contract: str, period: Period) -> list[DueRow]:
    """What fell due within the period and was, or is, paid late."""
    if contract not in payables.contracts_seen(connection, visit.person):
        return []
    rows = payables.due_rows(connection, [contract], visit.today)[0]
    return [
        row
        for row in rows
        if row.late is not None
        and row.late.high > 0
        and row.state.lateness.due_on is not None
        and period.first <= row.state.lateness.due_on <= period.last
    ]


def _last_quarter(today: date) -> str:
    """Return the quarter that ended last: what one comes to score."""
    return quarter_of(quarter_of(today).first - timedelta(days=1)).label


def _budgets(found: Filled | None) -> dict[str, str]:
    """Return the pages of the budget projects that measures name, by project."""
    if found is None:
        return {}
    year = str(found.card["period"])[:4]
    names = {name for measure in BUDGET & found.measured.keys() for name in found.measured[measure].evidence}
    return {name: f"/budget/{year}/{quote(name, safe='')}" for name in names}


def _sources(contract: str, money: bool) -> dict[str, str]:
    """Where what was measured can be looked at."""
    quarter = {"contract": contract}
    watched = f"/points?{urlencode(quarter)}"
    found = dict.fromkeys(("online-rate", "integrity", "access-rate"), watched)
    if money:
        found |= dict.fromkeys(BUDGET, "/budget")
        found |= dict.fromkeys(("payment-timeliness", "payment-late-days"), f"/payments?{urlencode(quarter)}")
    return found


class InputsForm(BaseModel):
    """For what the file of inputs is."""

    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(min_length=1, max_length=30)]


@routes.form("/scorecards/{name}", allow=GIVERS, section=SECTION)
async def give(visit: Visit) -> web.Response:
    """Take a file of inputs, for the person's own looking."""
    await form_of(visit)
    entered = await visit.enter(InputsForm)
    file = entered.files.get("inputs")
    given = entered.model
    if file is None:
        entered = entered.wrong("inputs", visit.say("请选择文件"))
    elif len(file.body) > MAX_INPUTS_BYTES:
        entered = entered.wrong("inputs", visit.say("文件过大"))
    if file is None or given is None or entered.model is None:
        return await _page(visit, entered, 422)
    visit.contract(given.contract)
    try:
        key = await visit.aside(
            put_aside, visit.site.settings.data_dir, visit.person.name, file.name, file.body, visit.at
        )
    except InputError as error:
        return await _page(visit, entered.refused(error), 422)
    query = urlencode({"contract": given.contract, "period": given.period, "inputs": key})
    return visit.see(f"/scorecards/{visit.path('name')}?{query}")


@routes.download("/scorecards/{name}/inputs.yaml", allow=READERS)
async def blank(visit: Visit) -> web.Response:
    """A file of inputs to be filled in."""
    form = await form_of(visit)
    body = await visit.aside(score_cards.blank_inputs, form.rubric.rubric)
    return attachment(body, "application/yaml", f"{form.rubric.rubric}-inputs.yaml")


@routes.download("/scorecards/{name}/sheet.{kind:xlsx|pdf}", allow=READERS)
async def sheet(visit: Visit) -> web.Response:
    """The filled sheet."""
    form = await form_of(visit)
    query = visit.query(CardQuery)
    if not query.contract or not query.period:
        raise MissingError
    asked = await asked_of(visit, query)
    name = f"{form.rubric.rubric}-{query.contract}-{query.period}.{visit.path('kind')}"
    if visit.path("kind") == "xlsx":
        return attachment(await visit.compute(score_cards.workbook, visit.site.settings.url, asked), XLSX, name)
    found = await fill_of(visit, asked, 50.0)
    if found is None:
        raise refuse("还在取数 still measuring", "稍后再试 try later")
    body = await visit.compute(score_cards.paper, found.card, query.contract, visit.today)
    return attachment(body, "application/pdf", name)
