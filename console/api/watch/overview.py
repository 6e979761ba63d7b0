"""The overview for programs: what the city's points are now, and how its rates stand."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from console.board.board import Board
from console.board.card import PointCard, Tally
from console.board.city import City, Counts
from console.board.summary import Summary, alarms
from console.web.access import WATCHERS
from console.web.paging import instant
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.rates import Verdict, six

routes = Routes()


class RateOut(BaseModel):
    """Seconds and what they make; rates with six places, null where nothing is counted."""

    good: int
    counted: int
    unknown: int
    excluded: int
    rate: str | None = Field(examples=["0.934100"])
    best: str | None
    worst: str | None


class CountsOut(BaseModel):
    """How many points are what; `expected` = online + offline + excluded + unknown."""

    expected: int
    online: int
    offline: int
    excluded: int
    unknown: int
    not_in_service: int
    unconfirmed: int


class PhaseOut(BaseModel):
    """A phase: its points now, its rates so far, the rate that its contract asks for."""

    contract: str
    phase: str
    title: str
    threshold: str | None
    verdict: Verdict
    counts: CountsOut
    day: RateOut
    month: RateOut
    quarter: RateOut


class AreaOut(BaseModel):
    """An area: its points now and its rates so far."""

    area: str
    counts: CountsOut
    day: RateOut
    month: RateOut
    quarter: RateOut


class DownOut(BaseModel):
    """A point and since when it is offline, or online again."""

    code: str
    name: str
    area: str
    reason: str
    since: str | None


class GapOut(BaseModel):
    """A span in which this system was blind; `end` null while it still is."""

    vantage: str
    start: str | None
    end: str | None
    cause: str


class OverviewOut(BaseModel):
    """The city as the person sees it. `alarms` say what is wrong with the numbers; empty if nothing is."""

    model_config = ConfigDict(json_schema_extra={"description": "instants are ISO 8601 UTC"})

    states_at: str | None
    rates_until: str | None
    newest_result: str | None
    blind_since: str | None
    periods: dict[str, str]
    alarms: list[str]
    counts: CountsOut
    day: RateOut
    month: RateOut
    quarter: RateOut
    phases: list[PhaseOut]
    areas: list[AreaOut]
    longest: list[DownOut]
    fell: list[DownOut]
    recovered: list[DownOut]
    gaps: list[GapOut]


@routes.endpoint(
    "GET", "/overview", allow=WATCHERS, summary="值班总览 the city now", tag="看护 watch", answer=OverviewOut
)
async def overview(visit: Visit) -> OverviewOut:
    """The same numbers as the first page."""
    board = visit.site.part(Board)
    city = board.city(visit.scope)
    told = alarms(city, visit.at, visit.site.settings.zone, visit.say)
    return overview_of(city, board.summary(visit.scope), told)


def overview_of(city: City, summary: Summary, told: list[str]) -> OverviewOut:
    """Return a city's overview as the API gives it."""
    day, month, quarter = summary.rates
    return OverviewOut(
        states_at=instant(city.at),
        rates_until=instant(city.accounts_at),
        newest_result=instant(city.newest),
        blind_since=instant(city.blind_since),
        periods={"day": city.day, "month": city.month, "quarter": city.quarter},
        alarms=told,
        counts=_counts(summary.counts),
        day=rate_out(day),
        month=rate_out(month),
        quarter=rate_out(quarter),
        phases=[
            PhaseOut(
                contract=row.contract,
                phase=row.phase,
                title=row.title,
                threshold=six(row.threshold),
                verdict=row.verdict,
                counts=_counts(row.counts),
                day=rate_out(row.day),
                month=rate_out(row.month),
                quarter=rate_out(row.quarter),
            )
            for row in summary.phases
        ],
        areas=[
            AreaOut(
                area=row.area,
                counts=_counts(row.counts),
                day=rate_out(row.day),
                month=rate_out(row.month),
                quarter=rate_out(row.quarter),
            )
            for row in summary.areas
        ],
        longest=[_down(card) for card in summary.longest],
        fell=[_down(card) for card in summary.fell],
        recovered=[_down(card) for card in summary.rose],
        gaps=[GapOut(vantage=g.vantage, start=instant(g.start), end=instant(g.end), cause=g.cause) for g in city.gaps],
    )


def rate_out(tally: Tally) -> RateOut:
    """Return seconds as the API gives them."""
    value = tally.rate
    best, worst = (None, None) if value is None else (six(tally.best), six(tally.worst))
    return RateOut(
        good=tally.good,
        counted=tally.counted,
        unknown=tally.unknown,
        excluded=tally.excluded,
        rate=six(value),
        best=best,
        worst=worst,
    )


def _counts(counts: Counts) -> CountsOut:
    given = counts._asdict()
    return CountsOut(not_in_service=given.pop("out"), **given)


def _down(card: PointCard) -> DownOut:
    return DownOut(code=card.code, name=card.name, area=card.area, reason=card.reason, since=instant(card.since))
