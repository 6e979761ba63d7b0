"""The statement itself: the strip of steps, its figures, each phase, and what the person may do."""

from __future__ import annotations

from typing import Annotated, Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from console.charts.waterfall_page import draw
from console.pages.settle.statement.frame import tabs
from console.settling.board import to_draft_now
from console.settling.page import KINDS, Shown, address, shown
from console.settling.reasons import BARS
from console.settling.remembered import Remembered
from console.web.access import MONEY_READERS
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from settlement.daycount import parse_quarter
from settlement.reports.waterfall import Step

routes = Routes()
_RENDERED: Remembered[Markup] = Remembered(200, 20_000_000)


class WhichQuery(BaseModel):
    """Which revision is meant; the newest unless one is named."""

    model_config = ConfigDict(extra="ignore")

    revision: Annotated[int, Field(ge=0, le=100_000)] | None = None


async def statement_of(visit: Visit) -> Shown:
    """Return the statement that the address names. MissingError if there is none, or not for this person."""
    found = await find_statement(visit)
    if found is None:
        raise MissingError
    return found


async def find_statement(visit: Visit) -> Shown | None:
    """Return the statement that the address names; None if nobody has drafted it. MissingError for a foreign contract."""
    contract, quarter = visit.contract(visit.path("contract")), visit.path("quarter")
    revision = visit.query(WhichQuery).revision
    return await visit.read(shown, contract, quarter, revision, visit.person, visit.at)


def answered(visit: Visit, found: Shown, status: int = 200, **more: Any) -> web.Response:
    """Return the statement's page."""
    return visit.render(
        "settle/statement.html",
        status=status,
        s=found,
        tabs=tabs(found, "statement", visit.say),
        kinds=KINDS,
        picture=waterfall(visit, found),
        phases=_phases(visit, found),
        address=address,
        **more,
    )


def _phases(visit: Visit, found: Shown) -> Markup:
    """Return what the document alone says of its phases; the same for everybody who reads that language."""
    zone = visit.site.settings.zone
    key = f"{found.head.body_sha} {found.head.inputs_sha} {visit.language} {zone} {found.base}{found.tail}"

    def make() -> tuple[Markup, int]:
        context = {"visit": visit, "s": found, "kinds": KINDS}
        text = aiohttp_jinja2.render_string("settle/statement_phases.html", visit.request, context)
        return Markup(text), len(text)  # noqa: S704  rendered by a template that escapes

    return _RENDERED.get_or(key, make)


def waterfall(visit: Visit, found: Shown) -> Markup:
    """Draw the picture from full fee to net due, each bar a link to its reason."""

    def name(step: Step) -> str:
        return step.zh if visit.language == "zh" else step.en

    def link(step: Step) -> str:
        return f"{found.base}/why/{BARS[step.en]}{found.tail}"

    title = visit.say("应计服务费到本次应付净额")
    return Markup(draw(found.view.bars, name, link, title))  # noqa: S704  our own picture, its texts are escaped


@routes.page("/settlement/{contract}/{quarter}", allow=MONEY_READERS, section="settlement")
async def statement(visit: Visit) -> Any:
    """A quarter's statement; where there is none yet, how it is drafted."""
    found = await find_statement(visit)
    if found is not None:
        return answered(visit, found)
    contract, quarter = visit.path("contract"), visit.path("quarter")
    possible = await visit.read(to_draft_now, contract, visit.today)
    if possible is None or not _is_quarter(quarter):
        raise MissingError
    return visit.render(
        "settle/statement_none.html", contract=contract, quarter=quarter, possible=possible, address=address
    )


def _is_quarter(text: str) -> bool:
    return len(text) == 6 and text[:4].isdigit() and text[4] == "Q" and text[5] in "1234" and bool(parse_quarter(text))
