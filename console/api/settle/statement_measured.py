"""What a statement's measured rates are made of, for programs: every point's seconds, and one point's outages."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from console.api.settle.answers import Share, share
from console.api.settle.statement_bodies import RevisionQuery
from console.api.settle.statements import ONE, TAG, required
from console.settling.measured import PointMeasured, measured_of, point_account
from console.settling.page import visible_codes
from console.web.access import MONEY_READERS
from console.web.faults import MissingError
from console.web.paging import PageQuery, instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.model import MICROSECONDS

routes = Routes()


class MeasuredQuery(PageQuery):
    """Which measured points of which revision."""

    revision: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    phase: Annotated[str, Field(max_length=64)] = ""


class MeasuredAnswer(BaseModel):
    """A point's quarter: seconds known and unknown, and its rate with the counts of the contract's policy."""

    phase: str
    code: str
    online_s: int
    offline_s: int
    unknown_s: int
    excluded_s: int
    rate: Share | None


class MeasuredList(BaseModel):
    """A page of measured points."""

    items: list[MeasuredAnswer]
    next: str | None


class OutageAnswer(BaseModel):
    """A confirmed outage; `offline_s` is what of it was offline in the point's service. `upstream` was down meanwhile."""

    start: str
    end: str | None
    offline_s: int
    upstream: str | None


class PointQuarterAnswer(BaseModel):
    """One point's quarter with its outages."""

    measured: list[MeasuredAnswer]
    outages: list[OutageAnswer]


def _answer(row: PointMeasured) -> MeasuredAnswer:
    its = row.seconds
    return MeasuredAnswer(
        phase=row.phase, code=row.code, online_s=its.online, offline_s=its.offline, unknown_s=its.unknown,
        excluded_s=its.excluded, rate=share(row.good, row.counted),
    )  # fmt: skip


@routes.endpoint(
    "GET", f"{ONE}/measured", allow=MONEY_READERS, summary="逐点实测 measured points", tag=TAG, query=MeasuredQuery,
    answer=MeasuredList,
)  # fmt: skip
async def measured(visit: Visit, query: MeasuredQuery) -> MeasuredList:
    """List the points whose seconds make the measured rates, by phase and code, as known when the statement was made."""
    found = await required(visit, query.revision)
    seen = await visit.read(visible_codes, visit.scope, found.head.contract)
    its = await measured_of(visit, found.head)
    rows = [row for row in its.points if query.phase in ("", row.phase) and (seen is None or row.code in seen)]
    part, following = page(rows, query, lambda row: f"{row.phase}/{row.code}")
    return MeasuredList(items=[_answer(row) for row in part], next=following)


@routes.endpoint(
    "GET", ONE + "/measured/{code}", allow=MONEY_READERS, summary="一个点位的本季实测 one measured point", tag=TAG,
    query=RevisionQuery, answer=PointQuarterAnswer,
)  # fmt: skip
async def one(visit: Visit, query: RevisionQuery) -> PointQuarterAnswer:
    """Return one point's quarter and its outages, as known when the statement was made."""
    found = await required(visit, query.revision)
    code = visit.path("code")
    seen = await visit.read(visible_codes, visit.scope, found.head.contract)
    its = await visit.read(point_account, found.head, found.terms, code, {})
    if not its or (seen is not None and code not in seen):
        raise MissingError
    outages = [
        OutageAnswer(
            start=instant(row.start * MICROSECONDS) or "",
            end=None if row.still_down else instant(row.end * MICROSECONDS),
            offline_s=row.offline_s,
            upstream=row.upstream,
        )
        for row in its[0].outages
    ]
    return PointQuarterAnswer(measured=[_answer(row.measured) for row in its], outages=outages)
