"""A phase's points as settlement charges them: billed days, service class and, where the contract says so, the ledger's price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from console.views import Question, contract_roster, online_rates
from monitor.finding import Finding, InputError
from monitor.model import Instant
from monitor.period import Period, day_of
from monitor.points import RosterPoint
from monitor.rates import Rate
from monitor.scope import Scope
from settlement.contract import Terms
from settlement.money import fen
from settlement.rules import OnlineRate, PhaseFacts, PointFact, billed_days, roster_facts

PRICE = "unit_price"
"""The ledger's column 单价."""


def store_facts(
    connection: Connection, scope: Scope, terms: Terms, period: Period, rates: Mapping[str, Rate]
) -> dict[str, PhaseFacts]:
    """Return each phase's billed points in a quarter, from the store, with the rates given."""
    return roster_by_phase(charged_points(connection, scope, terms, period), terms, online_rates(rates))


def charged_points(
    connection: Connection, scope: Scope, terms: Terms, period: Period, known_at: Instant | None = None
) -> list[RosterPoint]:
    """Return the contract's points in a quarter and on the day after it, whose billed points the next prepayment counts."""
    after = date.fromordinal(period.last.toordinal() + 1)
    ahead = Period(f"{period.first}..{after}", period.first, after)
    return contract_roster(connection, scope, terms, Question(ahead, terms.zone, terms.policy, known_at=known_at))


def roster_by_phase(
    points: Sequence[RosterPoint], terms: Terms, rates: Mapping[str, OnlineRate | None]
) -> dict[str, PhaseFacts]:
    """Group a roster into the facts of the contract's phases; phases without points are left out.

    InputError names every point whose price in the ledger is no amount, where that price counts.
    """
    facts: dict[str, dict[str, PointFact]] = defaultdict(dict)
    findings: list[Finding] = []
    for point in points:
        known = facts[point.phase].get(point.code, PointFact(point.code, ()))
        held = _days_held(point, terms.zone)
        spans = [(max(a, held[0]), min(b, held[1])) for a, b in _billed(point)]
        facts[point.phase][point.code] = PointFact(
            point.code,
            (*known.billed, *((a, b) for a, b in spans if a < b)),
            point.category or known.category,
            _priced(point, known, held[0], findings) if terms.prices_from == "ledger" else (),
        )
    if findings:
        raise InputError(findings)
    return {phase: roster_facts(codes.values(), rates.get(phase)) for phase, codes in facts.items()}


def _billed(point: RosterPoint) -> tuple[tuple[int, int], ...]:
    until = min((day for day in (point.billed_until, point.retired_on) if day is not None), default=None)
    start = point.billed_from if point.billed_from is not None else point.accepted_on
    return billed_days(start, until, [(pause.first, pause.until) for pause in point.pauses])


def _priced(point: RosterPoint, known: PointFact, first: int, findings: list[Finding]) -> tuple[tuple[int, int], ...]:
    text = point.extra.get(PRICE, "").strip()
    if not text:
        return known.prices
    try:
        price = fen(text.replace(",", ""))
    except ValueError as error:
        remedy = "改正台账的单价 correct the ledger's 单价"
        findings.append(Finding("", 0, point.code, str(error), remedy))
        return known.prices
    if known.prices and known.prices[-1][1] == price:
        return known.prices
    return (*known.prices, (first, price))


def _days_held(point: RosterPoint, zone: str) -> tuple[int, int]:
    """Return the days [first, end) on which a stretch of facts holds, as ordinals."""
    return _day_of(point.start, zone), (date.max.toordinal() if point.end is None else _day_of(point.end, zone))


def _day_of(at: Instant, zone: str) -> int:
    return day_of(at, zone).toordinal()
