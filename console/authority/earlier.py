"""The rates of months before a quarter, as the contract's clause chooses them: escalations and breaches count what paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from console.authority.reconciling import ledger_points, note_of
from monitor.model import Instant
from monitor.period import Period, parse_period
from settlement.authority import periods_in
from settlement.chosen import beside_own
from settlement.comparing import OwnPhase
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.reconcile import PhaseReconciliation, reconcile
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts
from settlement.store.authority import standing_figures

OwnRates = Callable[[Quarter], Mapping[str, OnlineRate | None]]


def with_earlier_rates(
    connection: Connection,
    terms: Terms,
    facts: Mapping[str, PhaseFacts],
    months: Sequence[Period],
    own: OwnRates,
    today: date,
    known_at: Instant | None = None,
) -> dict[str, PhaseFacts]:
    """Return the facts with each earlier month's rate as its quarter was, or would be, paid by.

    `months` are those that the contract looks back to; `own` gives our measurement of a whole quarter. A month of which no
    rate pays (the figure is waited for, or did not come and ours does not stand in) has none.
    """
    if terms.authority.pays == "own" or not months:
        return dict(facts)
    by_quarter: dict[Quarter, list[Period]] = defaultdict(list)
    for month in months:
        by_quarter[Quarter(month.first.year, (month.first.month + 2) // 3)].append(month)
    known = {phase: {month.month: month for month in its.earlier} for phase, its in facts.items()}
    for quarter, its_months in by_quarter.items():
        if (
            terms.authority.pays == "authority"
        ):  # ours only stands in, month by month: no need to read the quarter again
            mine = {phase: _any(its, its_months) for phase, its in known.items()}
        else:
            mine = dict(own(quarter))
        for row in _reconciled(connection, terms, quarter, mine, today, known_at):
            if row.phase in known:
                _fill(terms, row, known[row.phase], its_months)
    return {
        phase: replace(its, earlier=tuple(month for _, month in sorted(known[phase].items())))
        for phase, its in facts.items()
    }


def _any(known: Mapping[str, MonthFacts], months: Sequence[Period]) -> OnlineRate | None:
    found = (known[month.label].rate for month in months if month.label in known)
    return next((rate for rate in found if rate is not None), None)


def _reconciled(
    connection: Connection,
    terms: Terms,
    quarter: Quarter,
    own: Mapping[str, OnlineRate | None],
    today: date,
    known_at: Instant | None,
) -> Sequence[PhaseReconciliation]:
    stood = standing_figures(connection, terms.contract, periods_in(quarter), known_at)
    ledger = ledger_points(connection, terms, quarter, known_at) if stood.figures else []
    mine = {phase: OwnPhase(rate, {}) for phase, rate in own.items()}
    files = [note_of(file) for file in stood.files]
    return reconcile(terms, quarter, stood.figures, ledger, mine, _unpriced, today, files).phases


def _unpriced(_phase: str, _rate: object) -> None:
    """Nothing is paid of an earlier quarter here."""


def _fill(terms: Terms, row: PhaseReconciliation, known: dict[str, MonthFacts], months: Sequence[Period]) -> None:
    phase = terms.phase(row.phase)
    for month in months:
        if phase is None or phase.in_service_from > month.last or phase.in_service_until <= month.first:
            continue
        found = known.get(month.label)
        rate = beside_own(row.chosen, row.theirs, row.reference, month.label, found.rate if found else None)
        if found is not None:
            known[month.label] = replace(found, rate=rate)
        elif rate is not None:
            known[month.label] = MonthFacts(month.label, rate)


def months_before(first: date, quarter: date) -> list[Period]:
    """The months from a first day up to a quarter's."""
    labels = []
    year, month = first.year, first.month
    while (year, month) < (quarter.year, quarter.month):
        labels.append(f"{year}-{month:02}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return [parse_period(label) for label in labels]
