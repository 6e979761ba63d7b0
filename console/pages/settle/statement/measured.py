"""逐点实测: the points whose seconds make a statement's measured rates, which of them brought a rate down, and by how much."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from console.authority import reconciled
from console.pages.settle.statement.frame import tabs
from console.pages.settle.statement.shown import statement_of
from console.quarters.progress import STAGES
from console.settling.measured import PointMeasured, measured_of
from console.settling.page import Shown, address, visible_codes
from console.web.access import MONEY_READERS
from console.web.export import exported
from console.web.routes import Routes
from console.web.table import MOST_PAGE_ROWS, Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_

routes = Routes()


class MeasuredQuery(TableQuery):
    """Which points are shown; those that lost the most first."""

    size: Annotated[int, Field(ge=1, le=MOST_PAGE_ROWS)] = 25
    sort: str = "-lost"
    phase: Annotated[str, Field(max_length=64)] = ""


def columns_of(found: Shown) -> list[Column[PointMeasured]]:
    """Return the columns of measured points."""

    def why(row: PointMeasured) -> str:
        return address(found.head.contract, found.head.quarter, "points", row.code) + found.tail

    return [
        Column("code", N_("点位编号"), lambda row: row.code, "code", link=why, searched=True),
        Column("phase", N_("期次"), lambda row: found.word(row.phase)),
        Column("rate", N_("在线率"), lambda row: row.rate, "percent"),
        Column("lost", N_("未在线"), lambda row: row.counted - row.good, "duration", link=why),
        Column("share", N_("占本期未在线"), lambda row: row.share, "percent"),
        Column("counted", N_("应计"), lambda row: row.counted, "duration"),
        Column("unknown", N_("监测缺失"), lambda row: row.seconds.unknown, "duration"),
        Column("excluded", N_("剔除"), lambda row: row.seconds.excluded, "duration"),
        Column("good_s", N_("在线秒"), lambda row: row.good, "number", shown=False),
        Column("counted_s", N_("应计秒"), lambda row: row.counted, "number", shown=False),
    ]


@routes.page("/settlement/{contract}/{quarter}/measured", allow=MONEY_READERS, section="settlement")
async def measured(visit: Visit) -> Any:
    """The points under the measured rates."""
    found = await statement_of(visit)
    query = visit.query(MeasuredQuery)
    try:
        its = await measured_of(visit, found.head, None if query.format else reconciled.WAIT_S)
    except reconciled.UnderWayError as error:
        return visit.render("settle/authority_wait.html", seconds=error.seconds, progress=error.progress, stages=STAGES)
    seen = await visit.read(visible_codes, visit.scope, found.head.contract)
    rows = [row for row in its.points if query.phase in ("", row.phase) and (seen is None or row.code in seen)]
    columns = columns_of(found)
    if query.format:
        return await exported(visit, rows, columns, query, f"{found.head.contract}-{found.head.quarter}-measured")
    frozen = {phase.phase: (phase.data.get("seconds") or {}) for phase in found.view.phases}
    return visit.render(
        "settle/statement_measured.html",
        s=found,
        tabs=tabs(found, "measured", visit.say),
        table=table_of(rows, columns, query),
        query=query,
        limited=seen is not None,
        apart=[
            found.word(phase)
            for phase, seconds in its.sums.items()
            if frozen.get(phase) not in ({}, None, seconds._asdict())
        ],
    )
