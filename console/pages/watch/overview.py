"""The first page: what the city's points are now, how its rates stand, and what needs somebody."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from console.board.board import Board
from console.board.card import REASON_ZH
from console.board.city import City
from console.board.summary import (
    RECENT_H,
    VANTAGE_ZH,
    VERDICT_TONE,
    VERDICT_ZH,
    AreaRow,
    PhaseRow,
    Summary,
    alarms,
    spans_of,
)
from console.charts.bars import Bar, Part, rate_bars, strip
from console.periods import said
from console.settling.board import STATES, Row
from console.settling.board import board as statements
from console.web.access import EVERYONE, FINANCE, WATCHERS, Role
from console.web.menu import entries_for
from console.web.routes import Routes
from console.web.templating import percent
from console.web.visit import Visit

routes = Routes()
WAITING = 8
"""So many statements that wait for somebody are listed."""


@routes.page("/", allow=EVERYONE, section="overview")
async def overview(visit: Visit) -> web.Response:
    """Operations' first page; who has nothing to do with points is led to the first page of their own."""
    if not visit.may(WATCHERS):
        return visit.see(entries_for(visit.person)[0].entries[0].address)
    board = visit.site.part(Board)
    city, summary, zone = board.city(visit.scope), board.summary(visit.scope), visit.site.settings.zone
    waiting: list[Row] = []
    if visit.may(FINANCE | {Role.SUPPLIER}) and not visit.request.query.get("wall"):
        rows = await visit.read(statements, visit.person, visit.today, visit.at)
        waiting = [row for row in rows if row.waits][:WAITING]
    lag = city.lag_s(visit.at)
    return visit.render(
        "watch/overview.html",
        city=city,
        summary=summary,
        strip=_strip(summary, visit),
        alarms=alarms(city, visit.at, zone, visit.say),
        gaps=spans_of(city, zone)[:5],
        lag=None if lag is None else round(lag),
        areas=_area_bars(city, summary.areas, visit),
        phase_bars=rate_bars([_phase_bar(row) for row in summary.phases], visit.say("各期次本季在线率")),
        points=points_of,
        lowest=lowest,
        period_word=lambda label: said(label, visit.say),
        hours=RECENT_H,
        kinds=VANTAGE_ZH,
        reasons=REASON_ZH,
        verdicts=VERDICT_ZH,
        tones=VERDICT_TONE,
        waiting=waiting,
        states=STATES,
    )


def points_of(**filters: Any) -> str:
    """Return the address of the points that a number counts."""
    return "/points?" + urlencode({name: value for name, value in filters.items() if value})


def lowest(rate: str) -> str:
    """Return the address of the points under a rate (day, month, quarter), the lowest first, with that rate beside them."""
    return points_of(sort=rate, columns=f"code,name,state,{rate},reason,phase,area,supplier")


def _strip(summary: Summary, visit: Visit) -> Any:
    n = summary.counts
    parts = [
        Part(n.online, "fill-online", visit.say("在线")),
        Part(n.offline, "fill-offline", visit.say("离线")),
        Part(n.excluded, "fill-excluded", visit.say("已报备")),
        Part(n.unknown, "fill-unknown", visit.say("监测缺失")),
    ]
    return strip(parts, visit.say("各状态的点位数"))


def _area_bars(city: City, rows: tuple[AreaRow, ...], visit: Visit) -> Any:
    thresholds = {phase.threshold for phase in city.phases}
    limit = thresholds.pop() if len(thresholds) == 1 else None
    bars = [
        Bar(
            r.area,
            r.quarter.rate,
            r.quarter.worst,
            r.quarter.best,
            limit,
            percent(r.quarter.rate),
            points_of(area=r.area),
        )
        for r in rows
    ]
    return rate_bars(bars, visit.say("各辖区本季在线率"))


def _phase_bar(row: PhaseRow) -> Bar:
    q = row.quarter
    link = points_of(contract=row.contract, phase=row.phase)
    return Bar(row.title or row.phase, q.rate, q.worst, q.best, row.threshold, percent(q.rate), link)
