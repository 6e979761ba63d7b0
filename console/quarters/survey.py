"""A contract's months as rules look at them: each phase's seconds, its points' outages and its events, read in one pass.

Outages carry their incident's name (`<point>@<start in UTC>`), their seconds outside approved exclusions, the upstream
device that was down meanwhile, when they were reported and whether somebody excused them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from console import views
from console.quarters.rule_events import monthly_events
from monitor.attribution import upstream_of
from monitor.intervals import Span, clip, intersect, normalise, subtract, total
from monitor.model import MICROSECONDS, Event, Instant
from monitor.period import Period, midnight, months_of
from monitor.points import RosterPoint
from monitor.rates import ZERO, Seconds, add, measure, rate_of, service_of
from monitor.scope import Scope
from monitor.store import events as stored_events
from monitor.store.exclusions import exclusions_for
from monitor.store.happenings import upstreams_down
from monitor.timeline import Outage, Policy, Timeline
from settlement.contract import Terms
from settlement.daycount import add_months
from settlement.facts import EventFact, OutageFact
from settlement.looking import EXCUSE, REPORT, looks_at_points, months_back
from settlement.rules import MonthFacts, PhaseFacts, PointMonth, measured_rate
from settlement.ruleset import event_kinds

MAX_EARLIER = 60
"""So many months before a quarter are looked at, at most."""


@dataclass(frozen=True, slots=True)
class Survey:
    """By phase and month ("2020-07"): every point's seconds, and the facts that rules look at."""

    seconds: Mapping[str, Mapping[str, Mapping[str, Seconds]]]
    months: Mapping[str, Mapping[str, MonthFacts]]


@dataclass(slots=True)
class _Phase:
    """One phase's months while they are being read."""

    seconds: dict[str, dict[str, Seconds]] = field(default_factory=lambda: defaultdict(dict))
    outages: dict[str, dict[str, list[OutageFact]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )


def survey(
    connection: Connection,
    scope: Scope,
    terms: Terms,
    period: Period,
    *,
    known_at: Instant | None = None,
    more: Sequence[Event] = (),
) -> Survey:
    """Read a contract's months in a period of whole months. `more` are events beside those of the store."""
    question = views.Question(period, terms.zone, terms.policy, known_at=known_at)
    window = question.window_us
    whole = (min(window[0], _begun(terms)), window[1])  # an outage counts from its start, before the first month too
    remarked, kinds = {REPORT, EXCUSE}, set(event_kinds(terms.rules))
    reported = [
        *stored_events.touching(connection, scope, whole, remarked, known_at),
        *stored_events.touching(connection, scope, window, kinds - remarked, known_at),
        *more,
    ]
    down = upstreams_down(connection, *whole)
    excluded: dict[str, list[Span]] = defaultdict(list)
    for exclusion in exclusions_for(connection, scope, whole, known_at):
        excluded[exclusion.point].append((exclusion.start // MICROSECONDS, exclusion.end // MICROSECONDS))
    ours: dict[str, list[RosterPoint]] = defaultdict(list)
    for point in views.contract_roster(connection, scope, terms, question):
        ours[point.code].append(point)
    timelines = views.timelines(connection, scope, question)
    return survey_of(terms, period, timelines, ours, excluded, down=down, reported=reported)


def survey_of(
    terms: Terms,
    period: Period,
    timelines: Iterable[tuple[str, Timeline]],
    ours: Mapping[str, Sequence[RosterPoint]],
    excluded: Mapping[str, Sequence[Span]],
    *,
    down: Mapping[str, Sequence[Span]],
    reported: Sequence[Event],
) -> Survey:
    """Survey what timelines say, by point's code: of the contract's points (`ours`), outside approved exclusions (seconds)."""
    months = months_of(period)
    remarks = _remarks(reported)
    phases: dict[str, _Phase] = defaultdict(_Phase)
    for code, timeline in timelines:
        spans = normalise(excluded.get(code, ()))
        for point in ours.get(code, ()):
            for month in months:
                _watched(phases[point.phase], point, timeline, spans, terms, month)
                _outages(phases[point.phase], point, timeline, spans, terms, month, down, remarks.get(code, ()))
    events = monthly_events(terms, period, reported, ours)
    return Survey(
        {phase: found.seconds for phase, found in phases.items()},
        {
            phase: _month_facts(phases[phase], events.get(phase, {}), terms.policy, months)
            for phase in {*phases, *events}
        },
    )


def _begun(terms: Terms) -> Instant:
    """The first midnight at which a phase of the contract is in service."""
    return Instant(midnight(min(phase.in_service_from for phase in terms.phases), terms.zone) * MICROSECONDS)


def _remarks(reported: Iterable[Event]) -> dict[str, list[Event]]:
    """Reports and excuses by point."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in reported:
        if event.kind in {REPORT, EXCUSE}:
            found[event.point].append(event)
    return found


def _cut(point: RosterPoint, terms: Terms, month: Period) -> Span:
    """The seconds of a month in which a stretch of facts holds and the point is in service."""
    start, end = month.span(terms.zone)
    service = service_of(point.accepted_on, point.retired_on, terms.zone)
    first = max(start, point.start // MICROSECONDS, start if service.start is None else service.start)
    last = min(
        end, end if point.end is None else point.end // MICROSECONDS, end if service.end is None else service.end
    )
    return first, max(first, last)


def _watched(
    found: _Phase, point: RosterPoint, timeline: Timeline, excluded: Sequence[Span], terms: Terms, month: Period
) -> None:
    service = service_of(point.accepted_on, point.retired_on, terms.zone)
    seconds = measure(timeline, _cut(point, terms, month), service, excluded, terms.policy)
    if seconds != ZERO:
        known = found.seconds[month.label]
        known[point.code] = add(known.get(point.code, ZERO), seconds)


def _outages(
    found: _Phase,
    point: RosterPoint,
    timeline: Timeline,
    excluded: Sequence[Span],
    terms: Terms,
    month: Period,
    down: Mapping[str, Sequence[Span]],
    remarks: Sequence[Event],
) -> None:
    start, end = _cut(point, terms, month)
    if start == end:
        return
    out = [] if terms.policy.exclusions == "counted" else list(excluded)
    served = service_of(point.accepted_on, point.retired_on, terms.zone).start
    for outage in timeline.outages:
        if outage.end <= start or outage.start >= end:
            continue
        offline = subtract(clip(outage.offline, start, end), out)
        first = outage.start if served is None else max(outage.start, served)
        before = subtract(clip(outage.offline, first, start), out)
        if not offline and not before:
            continue
        upstream = upstream_of((outage.start, outage.end), point.upstream, down) or ""
        fact = _fact(point.code, outage, (before, offline), upstream, excluded, remarks)
        found.outages[month.label][point.code].append(fact)


def _fact(
    code: str,
    outage: Outage,
    counted: tuple[list[Span], list[Span]],
    upstream: str,
    excluded: Sequence[Span],
    remarks: Sequence[Event],
) -> OutageFact:
    """Build an outage's part in a month; `counted` are its seconds before the month and in it."""
    before, offline = counted
    name = incident(code, outage.start)
    about = [event for event in remarks if event.incident == name or (not event.incident and _covers(event, outage))]
    reports = sorted(event.at // MICROSECONDS for event in about if event.kind == REPORT)
    reported_at = max(reports[0], outage.start) if reports else None
    whole = intersect([(outage.start, outage.end)], list(excluded)) == [(outage.start, outage.end)]

    def after(spans: list[Span]) -> int | None:
        return None if reported_at is None else total(clip(spans, reported_at, max(reported_at, outage.end)))

    return OutageFact(
        name,
        outage.start,
        outage.end,
        total(offline),
        upstream,
        reported_at,
        whole or any(event.kind == EXCUSE for event in about),
        after(offline),
        total(before),
        after(before),
    )


def incident(code: str, start: int) -> str:
    """Name an outage by its point and its beginning: P1@2020-07-01T00:00:00Z."""
    return f"{code}@{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _covers(event: Event, outage: Outage) -> bool:
    """Whether a report came during an outage, or an excuse holds from its beginning to its end."""
    at = event.at // MICROSECONDS
    if event.kind == REPORT:
        return outage.start <= at < outage.end
    return at <= outage.start and (event.until is None or event.until // MICROSECONDS >= outage.end)


def _month_facts(
    found: _Phase, events: Mapping[str, Sequence[EventFact]], policy: Policy, months: Sequence[Period]
) -> dict[str, MonthFacts]:
    facts: dict[str, MonthFacts] = {}
    for month in months:
        label = month.label
        by_point = found.seconds.get(label, {})
        whole = ZERO
        for seconds in by_point.values():
            whole = add(whole, seconds)
        rate = rate_of(whole, policy)
        points = []
        for code, outages in sorted(found.outages.get(label, {}).items()):
            own = rate_of(by_point[code], policy)
            points.append(PointMonth(code, own.good, own.counted, tuple(sorted(outages, key=lambda o: o.start))))
        own_events = tuple(sorted(events.get(label, ()), key=lambda event: (event.at, event.id)))
        facts[label] = MonthFacts(label, measured_rate(rate.good, rate.counted), whole, tuple(points), own_events)
    return facts


def surveyed(
    connection: Connection,
    scope: Scope,
    terms: Terms,
    quarter: Period,
    *,
    known_at: Instant | None = None,
    more: Sequence[Event] = (),
) -> Survey | None:
    """Read the months that a quarter's settlement looks at; None where no grain, rule or clause looks at any."""
    if terms.grain == "quarter" and not (terms.rules or terms.escalations or terms.breaches):
        return None
    first = earliest(terms, quarter.first)
    whole = Period(f"{first}..{quarter.last}", first, quarter.last)
    return survey(connection, scope, terms, whole, known_at=known_at, more=more)


def with_months(
    facts: Mapping[str, PhaseFacts], found: Survey | None, terms: Terms, quarter: Period
) -> dict[str, PhaseFacts]:
    """Add to a quarter's facts the months of a survey: its own, and those before it."""
    if found is None:
        return dict(facts)
    own = [month.label for month in months_of(quarter)]
    detailed = looks_at_points(terms)
    result: dict[str, PhaseFacts] = {}
    for phase, fact in facts.items():
        known = found.months.get(phase, {})
        before = sorted(label for label in known if label < own[0] and _any(known[label]))
        result[phase] = replace(
            fact,
            months=tuple(_kept(known[label], detailed) for label in own if label in known),
            earlier=tuple(_kept(known[label], detailed) for label in before),
        )
    return result


def _kept(month: MonthFacts, detailed: bool) -> MonthFacts:
    """Leave single points out where no rule looks at them."""
    return month if detailed else replace(month, points=None)


def _any(month: MonthFacts) -> bool:
    return month.rate is not None or bool(month.events)


def earliest(terms: Terms, first: date) -> date:
    """The first month that the contract's rules and clauses look back to from a quarter, within its term."""
    begun = min(phase.in_service_from for phase in terms.phases).replace(day=1)
    back = add_months(first, -min(months_back(terms), MAX_EARLIER))
    return min(first, max(back, begun))
