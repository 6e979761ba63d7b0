"""A period from the log's records alone: the same timelines, accounts and facts as from the store, read from a replayed state.

What no probe shows (events, causes, the authority's figures, earlier statements) is not here: those are taken from the
frozen inputs, and named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from console import views
from console.quarters import rosters
from console.quarters.survey import survey_of, with_months
from monitor.evidence.replay import State
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period
from monitor.points import Pause, RosterPoint
from monitor.rates import Rate, Seconds, rate_of, sum_of
from monitor.report import PointSeconds
from monitor.timeline import Outage, Timeline, build
from settlement.contract import Terms
from settlement.rules import PhaseFacts

DATES = ("accepted_on", "billed_from", "billed_until", "retired_on")
TEXTS = ("area", "category", "contract", "phase", "supplier")


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A contract's period: every stretch's account, the outages that touch it, and, by phase, facts and rates."""

    stretches: Mapping[str, Sequence[RosterPoint]]
    """The contract's points in the period, cut to it; the accounts are in their order."""
    accounts: tuple[PointSeconds, ...]
    outages: tuple[tuple[str, Outage, bool], ...]
    """Point, outage, and whether it was still going on at the end of the record."""
    facts: dict[str, PhaseFacts] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)
    seconds: dict[str, Seconds] = field(default_factory=dict)


def stretches(state: State, point: str) -> list[RosterPoint]:
    """Return a point's facts as the log knows them, one row per span, uncut."""
    roster = state.roster(point)
    if roster is None:
        return []
    pauses = tuple(Pause(date.fromisoformat(a), _day(b)) for a, b in roster["pauses"])
    return [_stretch(point, start, end, facts, pauses) for start, end, facts in roster["facts"]]


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _stretch(point: str, start: int, end: int | None, facts: dict[str, Any], pauses: tuple[Pause, ...]) -> RosterPoint:
    values: dict[str, Any] = {name: _day(facts[name]) for name in DATES} | {name: facts[name] for name in TEXTS}
    return RosterPoint(
        0,
        point,
        Instant(start),
        None if end is None else Instant(end),
        extra={rosters.PRICE: facts["price"]} if facts["price"] else {},
        pauses=pauses,
        **values,
    )


def _cut(found: Sequence[RosterPoint], start: int, end: int) -> list[RosterPoint]:
    """Cut stretches to [start, end) microseconds; those outside are left out."""
    return [
        replace(
            point,
            start=Instant(max(point.start, start)),
            end=Instant(end if point.end is None else min(point.end, end)),
        )
        for point in found
        if point.start < end and (point.end is None or point.end > start)
    ]


def ours(found: Sequence[RosterPoint], terms: Terms) -> list[RosterPoint]:
    """Return the stretches that a contract settles: of its phases, under its name or under none."""
    phases = {phase.id for phase in terms.phases}
    return [point for point in found if point.phase in phases and point.contract in ("", terms.contract)]


def recomputed(
    state: State, terms: Terms, period: Period, only: Collection[str] | None = None, *, months: bool = False
) -> Recomputed:
    """Measure a contract's period from a state that knows its history; of all points, or of those in `only`.

    `months` adds the period's months, as far as the contract's rules look at them. InputError where a price of the ledger
    that counts is no amount.
    """
    question = views.Question(period, terms.zone, terms.policy)
    window = question.window_us
    after = date.fromordinal(period.last.toordinal() + 1)
    ahead = views.Question(Period("", period.first, after), terms.zone, terms.policy).window_us
    held = {
        code: found
        for code in state.points
        if (only is None or code in only) and (found := ours(stretches(state, code), terms))
    }
    within = {code: cut for code, found in held.items() if (cut := _cut(found, *window))}
    excluded = {code: state.exclusions(code) for code in within}
    accounts: list[PointSeconds] = []
    outages: list[tuple[str, Outage, bool]] = []

    def seen() -> Iterator[tuple[str, Timeline]]:
        for code, its in within.items():
            timeline = _timeline(state, code, terms)
            accounts.extend(views.account(point, timeline, excluded[code], question) for point in its)
            outages.extend(_touching(code, timeline, question.window))
            yield code, timeline

    survey = None
    if months:
        survey = survey_of(terms, period, seen(), within, excluded, down={}, reported=())
    else:
        for _ in seen():
            pass
    by_phase: dict[str, list[Seconds]] = defaultdict(list)
    for account in accounts:
        by_phase[account.phase].append(account.seconds)
    seconds = {phase: sum_of(its) for phase, its in sorted(by_phase.items())}
    rates = {phase: rate_of(its, terms.policy) for phase, its in seconds.items()}
    charged = [point for found in held.values() for point in _cut(found, *ahead)]
    facts = {
        phase: replace(its, own_rate=its.rate, seconds=seconds.get(phase))
        for phase, its in sorted(rosters.roster_by_phase(charged, terms, views.online_rates(rates)).items())
    }
    return Recomputed(
        within, tuple(accounts), tuple(outages), with_months(facts, survey, terms, period), rates, seconds
    )


def _timeline(state: State, code: str, terms: Terms) -> Timeline:
    runs, gaps, given = state.history(code)
    return build(runs, gaps, terms.policy, given)


def _touching(code: str, timeline: Timeline, window: Span) -> Iterator[tuple[str, Outage, bool]]:
    for outage in timeline.outages:
        if outage.start < window[1] and outage.end > window[0]:
            yield code, outage, timeline.open_chain and outage is timeline.outages[-1]


def seconds_of(day: str, zone: str) -> tuple[int, int]:
    """Return a day's microseconds in a zone."""
    first = date.fromisoformat(day)
    start, end = Period(day, first, first).span(zone)
    return start * MICROSECONDS, end * MICROSECONDS
