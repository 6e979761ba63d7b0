"""All that a point's page and its endpoints show, read together on one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection

from config.settings import Settings
from console import views
from console.claims.correcting import GapRow
from console.points.changes import PointChange, changes
from console.points.kept import Kept
from console.points.money import Loss, PointLines, losses, outage_cost, pauses_of
from console.points.outages import claims_of, downs, gaps_of
from console.points.watched import Down, Month, Watched, watched
from monitor.finding import refuse
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant
from monitor.period import FIRST_YEAR, LAST_YEAR, Period, day_of, midnight
from monitor.points import Pause, RosterPoint
from monitor.rates import Rate, Seconds, rate_of
from monitor.report import DEFAULT_TARGET
from monitor.scope import Scope
from monitor.store import one_point
from monitor.store.claims import Claim
from monitor.store.one_point import Device
from monitor.store.seen import Sighting, newest
from settlement.store import contracts

YEAR_DAYS = 366
WEEK_DAYS = 7
MOST_BARS = 92
"""So many days are drawn as bars at most."""


class Means(NamedTuple):
    """Of what a point is read: what a person may see, what is kept in memory, the settings."""

    scope: Scope
    kept: Kept
    lines: PointLines
    settings: Settings


class Reads(NamedTuple):
    """How a point's results are read: the contract in force (its name, 0 for no version), its target; else the settings."""

    contract: str
    version: int
    target: Fraction


@dataclass(frozen=True, slots=True)
class PointPage:
    """A point's page. `year` are the last 366 days; `shown` the period asked for, which may lie before them."""

    code: str
    facts: tuple[RosterPoint, ...]
    reads: Reads
    now_s: int
    year: Watched
    shown: Watched
    period: Period
    newest: Sighting | None
    months: tuple[Month, ...]
    outages: tuple[Down, ...]
    devices: tuple[Device, ...]
    pauses: tuple[Pause, ...]
    changes: tuple[PointChange, ...]
    claims: tuple[Claim, ...]
    gaps: tuple[GapRow, ...]
    losses: tuple[Loss, ...]

    @property
    def fact(self) -> RosterPoint:
        """What holds now: the last stretch that has begun, else the first."""
        begun = [fact for fact in self.facts if fact.start <= self.now_s * MICROSECONDS]
        return begun[-1] if begun else self.facts[0]

    def rate(self, seconds: Seconds) -> Rate:
        """Return the rate of an account, as the point is read."""
        return rate_of(seconds, self.year.question.policy)

    def last_days(self, days: int) -> Seconds:
        """Return the account of the last days, today with them."""
        last = self.year.question.period.last
        first = last - timedelta(days=days - 1)
        return self.year.whole(Period("", first, last), self.now_s)


def question_for(
    connection: Connection, facts: Sequence[RosterPoint], settings: Settings, at: Instant, period: Period | None
) -> tuple[views.Question, Reads]:
    """Return how a point is read over a period (None: the last 366 days): by its contract's version in force today."""
    today = day_of(at, settings.zone)
    held = [fact.contract for fact in facts if fact.start <= at]
    name = held[-1] if held else ""
    version = contracts.in_force(connection, name, today) if name else None
    zone = settings.zone if version is None else version.terms.zone
    policy = settings.policy if version is None else version.terms.policy
    reads = Reads(name, 0, DEFAULT_TARGET) if version is None else Reads(name, version.version, version.terms.target)
    last = day_of(at, zone)
    year = period or Period(
        f"{last - timedelta(days=YEAR_DAYS - 1)}..{last}", last - timedelta(days=YEAR_DAYS - 1), last
    )
    return views.Question(year, zone, policy), reads


def read_point(
    connection: Connection, means: Means, code: str, at: Instant, period: Period | None
) -> tuple[Watched, Reads] | None:
    """Return a point over a period (None: the last 366 days) and how it is read; None if the scope sees nothing of it."""
    facts = one_point.stretches(connection, means.scope, code)
    if not facts:
        return None
    question, reads = question_for(connection, facts, means.settings, at, period)
    found = watched(connection, means.scope, code, question, at, means.kept)
    return None if found is None else (found, reads)


def page_of(
    connection: Connection,
    means: Means,
    code: str,
    at: Instant,
    period: Period | None,
    *,
    money: bool,
    drafts: bool,
) -> PointPage | None:
    """Read the page. `period` None shows the last seven days; `money` tells whether amounts are shown, `drafts` those of drafts.

    None if the scope sees nothing of the point.
    """
    found = read_point(connection, means, code, at, None)
    if found is None:
        return None
    year, reads = found
    last = year.question.period.last
    shown_period = period or Period(
        f"{last - timedelta(days=WEEK_DAYS - 1)}..{last}", last - timedelta(days=WEEK_DAYS - 1), last
    )
    shown = year
    if not _within(shown_period, year.question.period):
        other = read_point(connection, means, code, at, shown_period)
        shown = year if other is None else other[0]
    now_s = at // MICROSECONDS
    months = tuple(year.months(year.question.period, now_s))
    number = year.facts[0].id
    sees = means.scope
    return PointPage(
        code,
        year.facts,
        reads,
        now_s,
        year,
        shown,
        shown_period,
        newest(connection, code) if any(a <= at < b for a, b in year.seen_spans()) else None,
        months,
        tuple(downs(connection, year, year.question.window, now_s)),
        tuple(_seen(one_point.devices(connection, number), year.facts)),
        pauses_of(connection, year)[0].pauses,
        tuple(changes(connection, sees, _ever(at, year.zone), year.zone, code)),
        tuple(claims_of(connection, year)),
        tuple(gaps_of(connection, year, shown_period.span(year.zone))),
        tuple(losses(connection, year, months, means.lines, drafts=drafts, only=sees.contracts)) if money else (),
    )


def _within(inner: Period, outer: Period) -> bool:
    return outer.first <= inner.first and inner.last <= outer.last


def _ever(at: Instant, zone: str) -> Period:
    last = day_of(at, zone) + timedelta(days=366)
    return Period("", date(FIRST_YEAR, 1, 2), min(last, date(LAST_YEAR, 12, 30)))


def _seen(found: Sequence[Device], facts: Sequence[RosterPoint]) -> list[Device]:
    """Leave out devices that served the point while it was nobody's whom the reader sees."""
    return [
        device
        for device in found
        if any(
            (fact.end is None or device.start < fact.end) and (device.end is None or device.end > fact.start)
            for fact in facts
        )
    ]


class OutagePage(NamedTuple):
    """An outage's page: the outage, what it costs by the month, what of it was excluded or reclassified, gaps beside it."""

    point: Watched
    reads: Reads
    fact: RosterPoint
    down: Down
    costs: tuple[tuple[Loss, Seconds], ...]
    claims: tuple[Claim, ...]
    gaps: tuple[GapRow, ...]


def outage_of(
    connection: Connection, means: Means, code: str, second: int, at: Instant, *, money: bool
) -> OutagePage | None:
    """Return the confirmed outage that holds a second; None if there is none, or the scope sees nothing of the point."""
    zone = means.settings.zone
    try:
        day = day_of(second * MICROSECONDS, zone)
        around = Period("", day - timedelta(days=2), day + timedelta(days=2))
    except (OverflowError, ValueError):
        return None
    if not FIRST_YEAR < day.year < LAST_YEAR:
        return None
    found = read_point(connection, means, code, at, None)
    if found is None:
        return None
    point, reads = found
    if not point.question.period.first <= day <= point.question.period.last:
        other = read_point(connection, means, code, at, around)
        point, reads = other or found
    rows = downs(connection, point, (second, second + 1), at // MICROSECONDS)
    down = next((row for row in rows if row.start <= second < row.end), None)
    if down is None:
        return None
    span: Span = (down.start, down.end)
    held = [fact for fact in point.facts if fact.start <= down.start * MICROSECONDS]
    claims = [
        claim
        for claim in claims_of(connection, point)
        if claim.start < span[1] * MICROSECONDS and claim.end > span[0] * MICROSECONDS
    ]
    costs = outage_cost(connection, point, down, at // MICROSECONDS) if money else []
    return OutagePage(
        point,
        reads,
        held[-1] if held else point.facts[0],
        down,
        tuple(costs),
        tuple(claims),
        tuple(gaps_of(connection, point, span)),
    )


def outages_in(
    connection: Connection, means: Means, code: str, at: Instant, period: Period | None
) -> tuple[Watched, list[Down]] | None:
    """Return the confirmed outages that touch a period (None: the last 366 days), newest first; None for a foreign point."""
    if period is not None and (period.last - period.first).days >= YEAR_DAYS:
        raise refuse(f"期间超过 {YEAR_DAYS} 天 longer than that", "分几次看 ask for it in parts", column="period")
    found = read_point(connection, means, code, at, period)
    if found is None:
        return None
    point, _ = found
    return point, downs(connection, point, point.question.window, at // MICROSECONDS)


def bars(point: Watched, period: Period, now_s: int) -> list[tuple[date, Span, list[tuple[int, int, str]], Seconds]]:
    """Return a period's days, newest first: its seconds [start, end), what was when, and its account. At most 92 days."""
    found = []
    day = max(period.first, period.last - timedelta(days=MOST_BARS - 1))
    while day <= period.last:
        start, end = midnight(day, point.zone), midnight(day + timedelta(days=1), point.zone)
        if start <= now_s:
            found.append((day, (start, end), point.states(start, end, now_s), point.day(day, now_s)))
        day += timedelta(days=1)
    return found[::-1]
