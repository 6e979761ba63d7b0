"""A phase's rate in any period: of the running month and quarter from the board, of others measured once and kept a while."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from console import views
from console.board.board import Board
from console.board.card import Tally
from console.board.city import City
from console.board.counting import terms_in_force
from console.board.frozen import frozen
from console.board.summary import Summary
from console.web.faults import MissingError
from monitor.finding import refuse
from monitor.period import parse_period
from monitor.rates import Rate
from monitor.scope import Scope
from monitor.store.database import snapshot
from settlement.contract import Terms

PAST_KEPT_S = 600.0
"""A past period's rate is measured again after so long: corrections may have changed it."""


@dataclass(frozen=True, slots=True)
class PhaseRate:
    """A phase's seconds in a period, and what the contract asks for."""

    contract: str
    phase: str
    title: str
    period: str
    threshold: Fraction | None
    tally: Tally


def running(city: City, summary: Summary, contract: str, phase: str, period: str) -> PhaseRate | None:
    """Return the rate of the running `month` or `quarter`, under these words or their names; None for another period."""
    row = next((row for row in summary.phases if (row.contract, row.phase) == (contract, phase)), None)
    if row is None:
        raise MissingError
    for word, name, tally in (("month", city.month, row.month), ("quarter", city.quarter, row.quarter)):
        if period in (word, name):
            return PhaseRate(contract, phase, row.title, name, row.threshold, tally)
    return None


def measured(
    connection: Connection, configured: tuple[Terms, ...], contract: str, period: str, scope: Scope
) -> list[PhaseRate]:
    """Return every phase's rate in a past period: as the months' closes froze it while nothing has changed it, else measured.

    Measuring reads the period's runs, seconds of work for a city's quarter.
    """
    asked = parse_period(period)
    terms = next((t for t in terms_in_force(connection, configured, asked.last) if t.contract == contract), None)
    if terms is None:
        return []
    tallies = frozen(connection, terms, asked, scope)
    if not tallies:
        rates = views.phase_rates(connection, scope, terms, asked)
        tallies = {phase: _tally(rate, terms) for phase, rate in rates.items()}
    return [
        PhaseRate(contract, its.id, its.title, asked.label, terms.target, tallies.get(its.id, Tally()))
        for its in terms.phases
    ]


def _tally(rate: Rate, terms: Terms) -> Tally:
    known = rate.counted + (rate.unknown if terms.policy.unknown == "excluded" else 0)
    least = 0 if rate.worst is None else int(rate.worst * known)
    return Tally(rate.good, rate.counted, rate.unknown, rate.excluded, least, known)


def measured_in(url: str, configured: tuple[Terms, ...], contract: str, period: str, scope: Scope) -> bytes:
    """Return a contract's phases in a period as JSON, by their names; for a process of its own."""
    with snapshot(url) as connection:
        found = measured(connection, configured, contract, period, scope)
    said = {
        row.phase: {
            "title": row.title,
            "period": row.period,
            "threshold": None if row.threshold is None else str(row.threshold),
            "tally": row.tally,
        }
        for row in found
    }
    return json.dumps(said).encode()


async def rate_in(board: Board, workers: Any, scope: Scope, contract: str, phase: str, period: str) -> PhaseRate:
    """Return a phase's rate in a period. InputError for what is no period, MissingError for what is no phase."""
    city = board.city(scope)
    found = running(city, board.summary(scope), contract, phase, period)
    if found is not None:
        return found
    asked = parse_period(period)
    if city.day and str(asked.last) >= city.day:
        raise refuse(f"期间尚未结束 the period has not ended: {period}", "用 use month | quarter", column="period")
    body = await board.measured(workers, measured_in, (contract, asked.label), scope, PAST_KEPT_S)
    told = json.loads(body).get(phase)
    if told is None:
        raise MissingError
    limit = None if told["threshold"] is None else Fraction(told["threshold"])
    return PhaseRate(contract, phase, told["title"], told["period"], limit, Tally(*told["tally"]))
