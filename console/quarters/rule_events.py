"""Reported events as rules count them: each with its phase, in every month that it touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from monitor.model import MICROSECONDS, Event
from monitor.period import Period, months_of
from monitor.points import RosterPoint
from settlement.contract import Terms
from settlement.facts import EventFact
from settlement.looking import EXCUSE, REPORT
from settlement.ruleset import event_kinds

Roster = Mapping[str, Sequence[RosterPoint]]
"""A contract's points by code, each with its stretches of facts."""


def monthly_events(
    terms: Terms, period: Period, reported: Sequence[Event], roster: Roster | None = None
) -> dict[str, dict[str, list[EventFact]]]:
    """Return events by phase and month ("2020-07"). Those of points that the roster does not have are left out.

    Without a roster an event belongs to the phase that it names, or to the contract's only one. What has no end touches
    its own month, and every later one too where a rule lets it run on. Reports and excuses belong to outages and are none
    of them.
    """
    running = event_kinds(rule for rule in terms.rules if getattr(rule, "open", "") == "runs")
    found: dict[str, dict[str, list[EventFact]]] = defaultdict(lambda: defaultdict(list))
    months = [(month.label, *month.span(terms.zone)) for month in months_of(period)]
    for event in reported:
        phase = None if event.kind in {REPORT, EXCUSE} else _phase_of(event, roster, terms)
        if phase is None:
            continue
        fact = _fact(event, phase)
        for label, start, end in months:
            lasts = fact.kind in running if fact.until is None else fact.until > start
            if fact.at < end and (fact.at >= start or lasts):
                found[phase][label].append(fact)
    return found


def _fact(event: Event, phase: str) -> EventFact:
    """Name the event by what makes it the same: source, kind, point and instant."""
    moment = datetime.fromtimestamp(event.at // MICROSECONDS, UTC)
    fraction = f"{event.at % MICROSECONDS:06d}"
    return EventFact(
        f"{event.source}/{event.kind}/{event.point or phase}/{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z",
        event.kind,
        event.point,
        event.at // MICROSECONDS,
        None if event.until is None else event.until // MICROSECONDS,
        event.source,
        event.incident,
        event.counts,
    )


def _phase_of(event: Event, roster: Roster | None, terms: Terms) -> str | None:
    """The phase that an event concerns: its point's at the time, the one it names, or a contract's only one."""
    if event.point and roster is not None:
        stretches = roster.get(event.point, ())
        held = [point for point in stretches if point.start <= event.at and (point.end is None or event.at < point.end)]
        return next((point.phase for point in (*held, *stretches)), None)
    if event.phase:
        return event.phase if terms.phase(event.phase) else None
    return terms.phases[0].id if len(terms.phases) == 1 else None
