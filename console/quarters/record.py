"""A quarter as the store has it, now or as known at an instant: facts to settle from, and what stands behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from console import views
from console.authority.earlier import months_before, with_earlier_rates
from console.authority.reconciling import reconcile_quarter, settled_facts
from console.quarters import rosters
from console.quarters.survey import Survey, earliest, surveyed, with_months
from monitor.finding import Finding
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, months_of
from monitor.points import RosterPoint
from monitor.rates import ZERO, Seconds, add, rate_of
from monitor.report import PointSeconds
from monitor.scope import EVERYTHING
from monitor.store.exclusions import exclusions_for
from monitor.store.reclassifications import reclassified
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.doubts import Measured
from settlement.reconcile_document import reconciliation_document
from settlement.rules import OnlineRate, PhaseFacts


@dataclass(frozen=True, slots=True)
class Record:
    """What a quarter is settled from. `measured` is our own measurement by window, `evidence` goes into frozen inputs.

    `decided` are the phases that our own measurement does not pay: its doubts do not stop their close.
    """

    facts: Mapping[str, PhaseFacts]
    measured: tuple[Measured, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    decided: frozenset[str] = frozenset()


Moved = Callable[[int, int], None]
"""Is told how many of how many points are done."""
TOLD_EACH = 50


def nobody(_done: int, _total: int) -> None:
    """Take no notice of progress."""


def period_of(quarter: Quarter) -> Period:
    """Return the quarter as a period."""
    return Period(quarter.label, quarter.start, quarter.end - timedelta(days=1))


def read(
    connection: Connection,
    terms: Terms,
    quarter: Quarter,
    today: date,
    known_at: Instant | None = None,
    moved: Moved = nobody,
) -> Record:
    """Read a quarter's facts under a contract's terms, and the exclusions that they rest on.

    `today` decides whether the authority's figure is still waited for; `moved` is told how many points were read of how many.
    """
    period = period_of(quarter)
    question = views.Question(period, terms.zone, terms.policy, known_at=known_at)
    facts, measured = measured_facts(connection, terms, quarter, known_at, moved)
    months = surveyed(connection, EVERYTHING, terms, period, known_at=known_at)
    facts = with_months(facts, months, terms, period)
    measured += _monthly(months, period)
    beside = reconcile_quarter(connection, terms, quarter, facts, measured, today, known_at, worth=False)
    settled, decided = settled_facts(facts, beside, quarter)
    if months is not None:
        back = months_before(earliest(terms, period.first), period.first)

        def own(earlier: Quarter) -> dict[str, OnlineRate | None]:
            asked = views.Question(period_of(earlier), terms.zone, terms.policy, known_at=known_at)
            its = _measured(connection, terms, asked)
            return views.online_rates({item.phase: rate_of(item.seconds, terms.policy) for item in its})

        settled = with_earlier_rates(connection, terms, settled, back, own, today, known_at)
    evidence: dict[str, Any] = {"exclusions": _exclusions(connection, terms, question)}
    if decided_on := _reclassified(connection, terms, question):
        evidence["reclassified"] = decided_on
    if beside.files or terms.authority.pays != "own":
        authority = reconciliation_document(beside, points=False)
        del authority["findings"]  # they speak of the day on which somebody asked
        evidence["authority"] = authority
    doubts = views.settling_doubts(connection, EVERYTHING, terms, period, {}) if known_at is None else []
    return Record(settled, tuple(measured), evidence, (*doubts, *beside.findings), decided)


def measured_facts(
    connection: Connection, terms: Terms, quarter: Quarter, known_at: Instant | None = None, moved: Moved = nobody
) -> tuple[dict[str, PhaseFacts], list[Measured]]:
    """Read what our own measurement of the whole quarter says by phase: what the fee is charged on, and every point's seconds."""
    period = period_of(quarter)
    question = views.Question(period, terms.zone, terms.policy, known_at=known_at)
    measured = _measured(connection, terms, question, moved)
    return _facts(connection, terms, period, measured, known_at), measured


def _measured(connection: Connection, terms: Terms, question: views.Question, moved: Moved = nobody) -> list[Measured]:
    by_phase: dict[str, list[PointSeconds]] = defaultdict(list)
    for account in _accounts(connection, terms, question, moved):
        by_phase[account.phase].append(account)
    return [
        Measured(phase, question.period.label, "quarter", _all(points.values()), points)
        for phase, its in sorted(by_phase.items())
        for points in [_by_point(its)]
    ]


def _monthly(months: Survey | None, period: Period) -> list[Measured]:
    """Our own measurement of the quarter's months, where the settlement looks at them."""
    return [
        Measured(phase, month.label, "month", _all(points.values()), points)
        for month in months_of(period)
        for phase, found in sorted(months.seconds.items() if months else ())
        if (points := found.get(month.label))
    ]


def _accounts(connection: Connection, terms: Terms, question: views.Question, moved: Moved) -> Iterator[PointSeconds]:
    """Yield the account of each stretch of facts of the contract's points, by code and time."""
    ours: dict[str, list[RosterPoint]] = defaultdict(list)
    for point in views.contract_roster(connection, EVERYTHING, terms, question):
        ours[point.code].append(point)
    excluded: dict[str, list[Span]] = defaultdict(list)
    for row in exclusions_for(connection, EVERYTHING, question.window_us, question.known_at):
        excluded[row.point].append((row.start // MICROSECONDS, row.end // MICROSECONDS))
    done = 0
    for code, timeline in views.timelines(connection, EVERYTHING, question):
        if code not in ours:
            continue
        for stretch in ours[code]:
            yield views.account(stretch, timeline, excluded.get(code, ()), question)
        done += 1
        if done % TOLD_EACH == 0:
            moved(done, len(ours))
    moved(len(ours), len(ours))  # points without a single result have no timeline


def _by_point(accounts: Sequence[PointSeconds]) -> dict[str, Seconds]:
    points: dict[str, Seconds] = {}
    for account in accounts:
        points[account.point] = add(points.get(account.point, ZERO), account.seconds)
    return points


def _all(parts: Iterable[Seconds]) -> Seconds:
    whole = ZERO
    for part in parts:
        whole = add(whole, part)
    return whole


def _facts(
    connection: Connection, terms: Terms, period: Period, measured: Sequence[Measured], known_at: Instant | None
) -> dict[str, PhaseFacts]:
    """Build the facts of the phases that have points; a day further, because the next prepayment counts that day's."""
    after = period.last + timedelta(days=1)
    ahead = views.Question(
        Period(f"{period.first}..{after}", period.first, after), terms.zone, terms.policy, known_at=known_at
    )
    points = views.contract_roster(connection, EVERYTHING, terms, ahead)
    rates = {item.phase: rate_of(item.seconds, terms.policy) for item in measured}
    seconds = {item.phase: item.seconds for item in measured}
    facts = rosters.roster_by_phase(points, terms, views.online_rates(rates))
    return {
        phase: replace(found, own_rate=found.rate, seconds=seconds.get(phase)) for phase, found in sorted(facts.items())
    }


def _codes(connection: Connection, terms: Terms, question: views.Question) -> frozenset[str]:
    return frozenset(point.code for point in views.contract_roster(connection, EVERYTHING, terms, question))


def _exclusions(connection: Connection, terms: Terms, question: views.Question) -> list[list[Any]]:
    found = exclusions_for(connection, EVERYTHING, question.window_us, question.known_at)
    points = _codes(connection, terms, question) if found else frozenset()
    return [[row.point, row.start, row.end, row.cause] for row in found if row.point in points]


def _reclassified(connection: Connection, terms: Terms, question: views.Question) -> list[list[Any]]:
    found = reclassified(connection, EVERYTHING, question.window_us, question.known_at)
    points = _codes(connection, terms, question) if found else frozenset()
    return [[row.point, row.start, row.end, row.state.value, row.cause] for row in found if row.point in points]
