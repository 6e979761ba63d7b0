"""Badges: a phase's rate as a small picture, for a portal or a report."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.board.board import Board
from console.board.rated import rate_in
from console.board.summary import VERDICT_TONE, VERDICT_ZH, verdict_of
from console.charts.badge import badge_svg
from console.web.access import WATCHERS
from console.web.routes import Routes
from console.web.templating import percent
from console.web.visit import Visit, answer

routes = Routes()
FRESH = {"Cache-Control": "private, max-age=60"}


class BadgeQuery(BaseModel):
    """Which phase of which contract, in which period: the running month or quarter, or a past one."""

    model_config = ConfigDict(extra="forbid")

    contract: Annotated[str, Field(min_length=1, max_length=64, examples=["city"])]
    phase: Annotated[str, Field(min_length=1, max_length=64, examples=["phase-1"])]
    period: Annotated[
        str, Field(max_length=30, description="month | quarter | 2020-07 | 2020Q3", examples=["quarter"])
    ] = "quarter"


@routes.endpoint(
    "GET",
    "/badges/phase-rate.svg",
    allow=WATCHERS,
    summary="期次在线率徽章 a phase's rate as a badge",
    tag="看护 watch",
    query=BadgeQuery,
    media="image/svg+xml",
)
async def phase_rate(visit: Visit, query: BadgeQuery) -> web.Response:
    """A phase's rate as SVG. For whoever sees a supplier's or some areas' points alone it is theirs, and says so."""
    contract = visit.contract(query.contract)
    board = visit.site.part(Board)
    found = await rate_in(board, visit.site.workers, visit.scope, contract, query.phase, query.period)
    verdict = verdict_of(found.tally, found.threshold)
    part = visit.scope.supplier or "、".join(sorted(visit.scope.areas or ()))  # of whose points alone the rate is
    label = " ".join(filter(None, (found.title or found.phase, part, found.period)))
    value = percent(found.tally.rate)
    limit = "" if found.threshold is None else f" · {visit.say('考核线')} {percent(found.threshold, 0)}"
    title = f"{label} {visit.say('在线率')} {value}{limit} · {visit.say(VERDICT_ZH[verdict])}"
    body = badge_svg(label, value, VERDICT_TONE[verdict], title)
    return answer(visit.request, body, "image/svg+xml", FRESH)
