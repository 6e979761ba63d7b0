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
from console.board.summary import Summary
from console.web.faults import MissingError
from monitor.finding import refuse
from monitor.period import parse_period
from monitor.scope import Scope
from monitor.store.database import open_database, reading
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
    connection: Connection, configured: tuple[Terms, ...], contract: str, phase: str, period: str, scope: Scope
) -> PhaseRate:
    """Measure a past period: reads its runs, seconds of work for a city's quarter. MissingError without the phase."""
    asked = parse_period(period)
    terms = next((t for t in terms_in_force(connection, configured, asked.last) if t.contract == contract), None)
    its = None if terms is None else terms.phase(phase)
    if terms is None or its is None:
        raise MissingError
    rate = views.phase_rates(connection, scope, terms, asked).get(phase)
    tally = Tally()
    if rate is not None:
        known = rate.counted + (rate.unknown if terms.policy.unknown == "excluded" else 0)
        least = 0 if rate.worst is None else int(rate.worst * known)
        tally = Tally(rate.good, rate.counted, rate.unknown, rate.excluded, least, known)
    return PhaseRate(contract, phase, its.title, asked.label, terms.target, tally)


def measured_in(url: str, configured: tuple[Terms, ...], contract: str, phase: str, period: str, scope: Scope) -> bytes:
    """Measure in a process of its own, and return the figures as JSON; `null` where there is no such phase."""
    engine = open_database(url)
    try:
        with reading(engine) as connection:
            found = measured(connection, configured, contract, phase, period, scope)
    except MissingError:
        return b"null"
    finally:
        engine.dispose()
    limit = None if found.threshold is None else str(found.threshold)
    return json.dumps({"title": found.title, "period": found.period, "threshold": limit, "tally": found.tally}).encode()


async def rate_in(board: Board, workers: Any, scope: Scope, contract: str, phase: str, period: str) -> PhaseRate:
    """Return a phase's rate in a period. InputError for what is no period, MissingError for what is no phase."""
    city = board.city(scope)
    found = running(city, board.summary(scope), contract, phase, period)
    if found is not None:
        return found
    asked = parse_period(period)
    if city.day and str(asked.last) >= city.day:
        raise refuse(f"期间尚未结束 the period has not ended: {period}", "用 use month | quarter", column="period")
    body = await board.measured(workers, measured_in, (contract, phase, asked.label), scope, PAST_KEPT_S)
    told = json.loads(body)
    if told is None:
        raise MissingError
    limit = None if told["threshold"] is None else Fraction(told["threshold"])
    return PhaseRate(contract, phase, told["title"], told["period"], limit, Tally(*told["tally"]))
