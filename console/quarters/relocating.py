"""Relocations from the store: the events of that kind at a contract's points, as lines of the next statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from console import views
from monitor.period import Period, day_of
from monitor.points import RosterPoint
from monitor.scope import EVERYTHING
from monitor.store import events
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.lines import Adjustment
from settlement.relocation import KIND, Move, Tariff, relocation_lines
from settlement.store import contracts
from settlement.store.statements import Stored


def moves_of(connection: Connection, terms: Terms, first: date, last: date) -> list[Move]:
    """Return the moves of a contract's points from a day up to and with another, each with the point's phase then."""
    question = views.Question(Period(f"{first}..{last}", first, last), terms.zone, terms.policy)
    stretches: dict[str, list[RosterPoint]] = defaultdict(list)
    for point in views.contract_roster(connection, EVERYTHING, terms, question):
        stretches[point.code].append(point)
    start, end = question.window_us
    moves = []
    for event in events.touching(connection, EVERYTHING, question.window_us, {KIND}):
        held = stretches.get(event.point)
        if held and start <= event.at < end:
            its = next((p for p in held if p.start <= event.at and (p.end is None or event.at < p.end)), held[0])
            day = day_of(event.at, terms.zone)
            moves.append(Move(day, event.point, its.phase))
    return moves


def relocations_due(
    connection: Connection, terms: Terms, quarter: Quarter, earlier: Sequence[Stored]
) -> list[Adjustment]:
    """Return what a quarter's statement should charge for moves of its own and the year before; `earlier` are issued.

    Each move is priced by the version that was in force in its quarter, so that a late one is charged as it would have been
    in time, and nothing that was free then costs now.
    """
    first = Quarter(quarter.year - 1, 1)
    tariffs: dict[str, Tariff] = {}
    asked = first
    while asked.start <= quarter.start:
        version = contracts.in_force(connection, terms.contract, asked.start)
        if version is not None and version.terms.relocation is not None:
            tariffs[asked.label] = Tariff(version.terms.relocation, version.terms.tax_rate)
        asked = asked.following()
    if not tariffs:
        return []
    moves = moves_of(connection, terms, first.start, quarter.end - timedelta(days=1))
    before = [line for stored in earlier for line in stored.document["adjustments"]]
    return relocation_lines(tariffs, moves, before)
