"""One point's page: what it is and was, what it cost, who served it; and every outage with the probes under it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field

from console.board.board import Board
from console.board.card import PointCard
from console.pages.watch import point_view
from console.pages.watch.point_view import phases_of
from console.periods import read_period
from console.points.means import address, means_of, sees_drafts, sees_money
from console.points.page import MOST_BARS, PointPage, outage_of, page_of
from console.points.results import outage_log, source_of
from console.points.words import CLAIM_ZH, KIND_TONE, KIND_ZH, STATUS_ZH
from console.web.access import WATCHERS
from console.web.export import exported
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.table import TableQuery, table_of
from console.web.visit import Visit
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period

routes = Routes()
SECTION = "points"
SHOWN_PROBES = 60


class PointQuery(TableQuery):
    """The page's address: a period or a day that is shown, and its table of outages."""

    period: Annotated[str, Field(max_length=30)] = ""
    day: date | None = None


def shown_period(query: PointQuery) -> tuple[Period | None, str]:
    """Return the period that an address asks for, None for the last days, and what is wrong with it."""
    if query.day is not None:
        return Period(f"{query.day}..{query.day}", query.day, query.day), ""
    if not query.period:
        return None, ""
    try:
        found = read_period(query.period)
    except InputError as error:
        return None, str(error.findings[0].message)
    if (found.last - found.first).days >= MOST_BARS:
        return found._replace(first=found.last - timedelta(days=MOST_BARS - 1)), ""
    return found, ""


@routes.page("/points/{code}", allow=WATCHERS, section=SECTION)
async def point(visit: Visit) -> web.StreamResponse:
    """Show a point."""
    query = visit.query(PointQuery)
    period, wrong = shown_period(query)
    page = await _page(visit, period)
    view = point_view.PointView(page, visit.say)
    card = _card(visit, page.code)
    columns = point_view.outage_columns(page.code)
    if query.format:
        return await exported(visit, page.outages, columns, query, f"outages-{page.code}")
    return visit.render(
        "watch/point.html",
        view=view,
        page=page,
        card=card,
        card_words=() if card is None else point_view.card_words(card),
        kinds=KIND_ZH,
        kind_tones=KIND_TONE,
        claim_words=CLAIM_ZH,
        status_words=STATUS_ZH,
        table=table_of(page.outages, columns, query),
        base=address(page.code),
        wrong=wrong,
        query=query,
        money=sees_money(visit),
        word=phases_of(visit),
        differing=point_view.differing,
        billing=point_view.billing,
    )


async def _page(visit: Visit, period: Period | None) -> PointPage:
    found = await visit.read(
        page_of,
        means_of(visit),
        visit.path("code"),
        visit.at,
        period,
        money=sees_money(visit),
        drafts=sees_drafts(visit),
    )
    if found is None:
        raise MissingError
    return found


def _card(visit: Visit, code: str) -> PointCard | None:
    """The point's card of the board, where there is a board and it has read the city."""
    board = visit.site.more.get(Board)
    return None if board is None else board.city(visit.scope).by_code.get(code)


@routes.page("/points/{code}/outages/{start:[0-9]{1,11}}", allow=WATCHERS, section=SECTION)
async def outage(visit: Visit) -> web.StreamResponse:
    """Show an outage: when, why, what lay above it, what it costs, and what holds it."""
    code, second = visit.path("code"), int(visit.path("start"))
    found = await visit.read(outage_of, means_of(visit), code, second, visit.at, money=sees_money(visit))
    if found is None:
        raise MissingError
    return visit.render(
        "watch/outage.html",
        found=found,
        down=found.down,
        view=point_view.OutageView(found, visit.say),
        base=address(code),
        money=sees_money(visit),
        claim_words=CLAIM_ZH,
        status_words=STATUS_ZH,
    )


@routes.page("/points/{code}/outages/{start:[0-9]{1,11}}/probes", allow=WATCHERS, section=SECTION)
async def outage_probes(visit: Visit) -> web.StreamResponse:
    """Show what probes said in an outage, one by one: the part that a worker looks up among the whole city's results."""
    code, second = visit.path("code"), int(visit.path("start"))
    found = await visit.read(outage_of, means_of(visit), code, second, visit.at, money=False)
    if found is None:
        raise MissingError
    down = found.down
    span = Instant(down.start * MICROSECONDS), Instant(down.end * MICROSECONDS)
    log = await visit.compute(outage_log, source_of(visit.site.settings), code, *span, SHOWN_PROBES)
    return visit.render(
        "watch/outage_probes.html",
        log=log,
        down=down,
        base=address(code),
        view=point_view.OutageView(found, visit.say),
        code=code,
        most=SHOWN_PROBES,
    )
