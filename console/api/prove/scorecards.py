"""Scorecards for programs: rubrics with their flaws, and cards filled for a contract and a period."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from console.api.settle.answers import rate
from console.evaluator import score_cards
from console.evaluator.score_cards import Asked, Filled, Form, Month
from console.evaluator.score_jobs import KEPT_S, fill_of
from console.periods import period_of
from console.web.access import EVIDENCE_READERS, Role
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding, refuse
from monitor.model import MICROSECONDS, Instant

routes = Routes()
TAG = "考核评分 scorecards"
READERS = EVIDENCE_READERS - {Role.SUPPLIER}
PATIENCE_S = 45.0


class FlawAnswer(BaseModel):
    """Something that does not fit, or is not known."""

    level: str
    place: str
    message: str
    remedy: str


class RubricAnswer(BaseModel):
    """A rubric that ships; `measured` names what the product fills by itself."""

    name: str
    title: str
    as_printed: bool
    indicators: int
    measured: list[str]
    errors: int
    warnings: int


class RubricList(BaseModel):
    """The rubrics, by name."""

    items: list[RubricAnswer]
    next: str | None


class RubricDetail(BaseModel):
    """A rubric as data, and what the linter says of it."""

    rubric: RubricAnswer
    document: dict[str, Any]
    flaws: list[FlawAnswer]


class FillQuery(Strict):
    """For which contract and period."""

    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(min_length=1, max_length=30)]


class FillBody(FillQuery):
    """The same with a file of inputs (YAML) for what the product does not measure."""

    inputs: Annotated[str, Field(max_length=900_000)] = ""


class MeasuredAnswer(BaseModel):
    """What was measured: a share of two numbers (`den` None for a count), where from, and the records behind it."""

    measure: str
    num: int
    den: int | None
    source: str
    evidence: list[str]


class MonthAnswer(BaseModel):
    """A phase's month against the contract's target; `rate` None where nothing was counted.

    `until` is the last day that was measured of a month that still runs, "" for one that is over.
    """

    month: str
    phase: str
    title: str
    until: str
    good: int
    counted: int
    unknown: int
    excluded: int
    rate: str | None
    target: str | None
    below: bool


class CardAnswer(BaseModel):
    """A filled card: scores as decimal texts, what was measured, what is missing, what is doubtful, and the months."""

    card: dict[str, Any]
    measured: list[MeasuredAnswer]
    missing: list[FlawAnswer]
    notices: list[FlawAnswer]
    months: list[MonthAnswer]


def _rubric(form: Form) -> RubricAnswer:
    levels = [finding.level for finding in form.remarks]
    return RubricAnswer(
        name=form.rubric.rubric,
        title=form.rubric.title,
        as_printed=form.rubric.as_printed,
        indicators=len(list(form.rubric.indicators)),
        measured=[row.auto for row in form.rubric.indicators if row.auto is not None],
        errors=levels.count("error"),
        warnings=levels.count("warning"),
    )


def _flaw(finding: Finding) -> FlawAnswer:
    return FlawAnswer(level=finding.level, place=finding.column, message=finding.message, remedy=finding.remedy)


@routes.endpoint(
    "GET", "/scorecards", allow=READERS, summary="评分表 rubrics", tag=TAG, query=PageQuery, answer=RubricList
)
async def listing(visit: Visit, query: PageQuery) -> RubricList:
    """List the rubrics that ship."""
    found, following = page(await visit.aside(score_cards.forms), query, lambda form: form.rubric.rubric)
    return RubricList(items=[_rubric(form) for form in found], next=following)


async def _form(visit: Visit) -> Form:
    try:
        return await visit.aside(score_cards.form, visit.path("name"))
    except KeyError:
        raise MissingError from None


@routes.endpoint(
    "GET", "/scorecards/{name}", allow=READERS, summary="一张评分表 a rubric", tag=TAG, answer=RubricDetail
)
async def one(visit: Visit) -> RubricDetail:
    """Return a rubric with what the linter says of it."""
    form = await _form(visit)
    flaws = [_flaw(finding) for finding in form.remarks]
    return RubricDetail(rubric=_rubric(form), document=form.rubric.document(), flaws=flaws)


@routes.endpoint(
    "GET",
    "/scorecards/{name}/card",
    allow=READERS,
    summary="自动取数的评分 a card filled from the record",
    tag=TAG,
    query=FillQuery,
    answer=CardAnswer,
)
async def card(visit: Visit, query: FillQuery) -> CardAnswer:
    """Fill a card with what the product measures alone."""
    return _card(await _filled(visit, await _asked(visit, query, "")))


@routes.endpoint(
    "POST",
    "/scorecards/{name}/card",
    allow=READERS,
    summary="用数据文件评分 a card filled with inputs too",
    tag=TAG,
    body=FillBody,
    answer=CardAnswer,
)
async def fill(visit: Visit, body: FillBody) -> CardAnswer:
    """Fill a card with what the product measures and a file of inputs; nothing is kept."""
    return _card(await _filled(visit, await _asked(visit, body, body.inputs)))


@routes.endpoint(
    "GET",
    "/scorecards/{name}/sheet",
    allow=READERS,
    summary="考核评分表 the sheet as XLSX",
    tag=TAG,
    query=FillQuery,
    media="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
async def sheet(visit: Visit, query: FillQuery) -> web.Response:
    """Return the card filled from the record as a workbook."""
    asked = await _asked(visit, query, "")
    body = await visit.compute(score_cards.workbook, visit.site.settings.url, asked)
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return web.Response(body=body, content_type=media)


async def _asked(visit: Visit, query: FillQuery, inputs: str) -> Asked:
    form = await _form(visit)
    visit.contract(query.contract)
    label = period_of(query.period).label
    if not visit.person.sees_period(label):
        raise MissingError
    at = Instant(visit.at // (KEPT_S * MICROSECONDS) * KEPT_S * MICROSECONDS)
    return Asked(form.rubric.rubric, query.contract, query.period, inputs, at)


async def _filled(visit: Visit, asked: Asked) -> Filled:
    found = await fill_of(visit, asked, PATIENCE_S)
    if found is None:
        raise refuse("还在取数 still measuring", "稍后再试 ask again")
    return found


def _card(found: Filled) -> CardAnswer:
    return CardAnswer(
        card=found.card,
        measured=[
            MeasuredAnswer(measure=name, num=its.num, den=its.den, source=its.source, evidence=list(its.evidence))
            for name, its in sorted(found.measured.items())
        ],
        missing=[_flaw(finding) for finding in found.missing],
        notices=[_flaw(finding) for finding in found.notices],
        months=[_month(one) for one in found.months],
    )


def _month(one: Month) -> MonthAnswer:
    return MonthAnswer(**{**one._asdict(), "rate": rate(one.rate), "target": rate(one.target)})
