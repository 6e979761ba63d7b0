"""Statements for programs: where every quarter stands, one statement with its lines, points, rules, papers and trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console.api.settle.statement_answers import (
    item_answer,
    point_answer,
    quarter_answer,
    rule_answer,
    statement_answer,
)
from console.api.settle.statement_bodies import (
    DifferenceQuery,
    ItemsQuery,
    KnownQuery,
    PointsQuery,
    QuartersQuery,
    RevisionQuery,
)
from console.api.settle.statement_shapes import (
    DifferenceAnswer,
    ItemList,
    KnownAnswer,
    PointList,
    QuarterList,
    RuleList,
    StatementAnswer,
    TrailAnswer,
    TrailList,
)
from console.money.books import beancount_export
from console.settling.board import board
from console.settling.jobs import known_on
from console.settling.making import made_paper
from console.settling.page import Shown, shown, visible_codes
from console.settling.papers import MEDIA
from console.settling.trail import revision_difference, trail
from console.settling.view import items_of
from console.web.access import MONEY_READERS
from console.web.export import attachment
from console.web.faults import MissingError
from console.web.paging import instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from settlement.store import statements

routes = Routes()
TAG = "季度考核结算 statements"
ONE = "/statements/{contract}/{quarter}"


@routes.endpoint(
    "GET",
    "/statements",
    allow=MONEY_READERS,
    summary="各季度 quarters",
    tag=TAG,
    query=QuartersQuery,
    answer=QuarterList,
)
async def quarters(visit: Visit, query: QuartersQuery) -> QuarterList:
    """List the quarters of the contracts that the person sees, newest first."""
    rows = [
        row
        for row in await visit.read(board, visit.person, visit.today, visit.at)
        if query.contract in ("", row.contract) and query.state in ("", row.state) and (row.waits or not query.waiting)
    ]
    found, following = page(rows, query, lambda row: f"{row.contract}/{row.quarter}")
    return QuarterList(items=[quarter_answer(row) for row in found], next=following)


async def required(visit: Visit, revision: int | None = None) -> Shown:
    """Return the statement that the address names. MissingError if there is none, or not for this person."""
    contract, quarter = visit.contract(visit.path("contract")), visit.path("quarter")
    found = await visit.read(shown, contract, quarter, revision, visit.person, visit.at)
    if found is None:
        raise MissingError
    return found


@routes.endpoint(
    "GET",
    ONE,
    allow=MONEY_READERS,
    summary="结算单 a statement",
    tag=TAG,
    query=RevisionQuery,
    answer=StatementAnswer,
)
async def statement(visit: Visit, query: RevisionQuery) -> StatementAnswer:
    """Return a statement with its lines, steps, disputes, and what whoever asks may do."""
    return statement_answer(await required(visit, query.revision))


@routes.endpoint(
    "GET", f"{ONE}/points", allow=MONEY_READERS, summary="点位明细 points", tag=TAG, query=PointsQuery, answer=PointList
)
async def points(visit: Visit, query: PointsQuery) -> PointList:
    """List the points' lines, by phase and code."""
    found = await required(visit, query.revision)
    seen = await visit.read(visible_codes, visit.scope, found.head.contract)
    rows = [
        line for line in found.view.points if query.phase in ("", line.phase) and (seen is None or line.code in seen)
    ]
    part, following = page(rows, query, lambda line: f"{line.phase}/{line.code}")
    return PointList(items=[point_answer(line) for line in part], next=following)


@routes.endpoint(
    "GET", f"{ONE}/rules", allow=MONEY_READERS, summary="规则结果 rules", tag=TAG, query=RevisionQuery, answer=RuleList
)
async def rules(visit: Visit, query: RevisionQuery) -> RuleList:
    """List what each rule came to, with its arithmetic."""
    found = await required(visit, query.revision)
    return RuleList(items=[rule_answer(rule) for rule in found.view.rules])


@routes.endpoint(
    "GET",
    ONE + "/rules/{n:\\d{1,6}}",
    allow=MONEY_READERS,
    summary="规则涉及的故障与事件 what a rule punished",
    tag=TAG,
    query=ItemsQuery,
    answer=ItemList,
)
async def items(visit: Visit, query: ItemsQuery) -> ItemList:
    """List what a rule punished in a window."""
    found = await required(visit, query.revision)
    number = int(visit.path("n"))
    if number >= len(found.view.rules):
        raise MissingError
    seen = await visit.read(visible_codes, visit.scope, found.head.contract)
    rows = [
        (n, item)
        for n, item in enumerate(items_of(found.view, result=number))
        if seen is None or not item.point or item.point in seen
    ]
    part, following = page(rows, query, lambda row: str(row[0]))
    return ItemList(items=[item_answer(item) for _, item in part], next=following)


@routes.endpoint(
    "GET",
    ONE + "/papers/{kind:xlsx|pdf|svg|beancount}",
    allow=MONEY_READERS,
    summary="文件 a paper",
    tag=TAG,
    query=RevisionQuery,
    media="application/octet-stream",
)
async def paper(visit: Visit, query: RevisionQuery) -> Any:
    """Return a workbook, a PDF, the picture, or the contract's journal for Beancount."""
    found = await required(visit, query.revision)
    head, kind = found.head, visit.path("kind")
    name = f"{head.contract}-{head.quarter}-r{head.revision}.{kind}"
    if kind == "beancount":
        text = await visit.read(beancount_export, head.contract)
        return attachment(text.encode(), "text/plain", name)
    return attachment(await made_paper(visit, head, kind), MEDIA[kind], name)


@routes.endpoint(
    "GET",
    ONE + "/{what:document|inputs}",
    allow=MONEY_READERS,
    summary="原文 the stored bytes",
    tag=TAG,
    query=RevisionQuery,
    media="application/json",
)
async def raw(visit: Visit, query: RevisionQuery) -> Any:
    """Return the statement's document or its frozen inputs, to the byte."""
    head, what = (await required(visit, query.revision)).head, visit.path("what")
    stored = await visit.read(statements.require, head.contract, head.quarter, head.revision)
    body = stored.body if what == "document" else stored.inputs
    return attachment(body.encode(), "application/json", f"{head.contract}-{head.quarter}-{what}.json")


@routes.endpoint(
    "GET",
    f"{ONE}/differences",
    allow=MONEY_READERS,
    summary="两版之差 between revisions",
    tag=TAG,
    query=DifferenceQuery,
    answer=DifferenceAnswer,
)
async def differences(visit: Visit, query: DifferenceQuery) -> DifferenceAnswer:
    """Compare two revisions' inputs and documents."""
    head = (await required(visit)).head
    found = await visit.read(revision_difference, head.contract, head.quarter, query.one, query.other)
    return DifferenceAnswer(**found._asdict())


@routes.endpoint(
    "GET",
    f"{ONE}/as-known",
    allow=MONEY_READERS,
    summary="当时所知 as known on a day",
    tag=TAG,
    query=KnownQuery,
    answer=KnownAnswer,
)
async def as_known(visit: Visit, query: KnownQuery) -> KnownAnswer:
    """Recompute a quarter from what was recorded by a day."""
    found = await required(visit)
    end = Instant(midnight(query.on + timedelta(days=1), found.terms.zone) * MICROSECONDS - 1)
    url = visit.site.settings.url
    known = (await visit.compute(known_on, url, found.head.contract, found.head.quarter, end)).required()
    return KnownAnswer(
        on=query.on,
        issued=None if known.issued is None else known.issued.name,
        document=dict(known.document),
        adjusted=[dict(line) for line in known.adjusted],
        limits=list(known.limits),
    )


@routes.endpoint("GET", f"{ONE}/trail", allow=MONEY_READERS, summary="留痕 audit trail", tag=TAG, answer=TrailList)
async def audit_trail(visit: Visit) -> TrailList:
    """List what was done to a quarter's statement, newest first."""
    head = (await required(visit)).head
    rows = await visit.read(trail, head.contract, head.quarter)
    return TrailList(
        items=[
            TrailAnswer(
                at=instant(row.at), actor=row.actor, origin=row.origin, action=row.action, object=row.object,
                after="，".join(f"{key} {value}" for key, value in row.after),
            )
            for row in rows
        ]
    )  # fmt: skip
