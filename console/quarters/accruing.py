"""The running quarter's deduction to date, from the store: under each contract's version in force, as its close reads it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Connection

from console import views
from console.quarters import rosters
from console.quarters.survey import surveyed, with_months
from monitor.finding import Finding
from monitor.period import Period, quarter_of
from monitor.scope import EVERYTHING
from settlement.accrual import Accrued, accrued
from settlement.daycount import parse_quarter
from settlement.rules import PhaseFacts
from settlement.store import contracts


def running_quarter(
    connection: Connection, names: Collection[str] | None, today: date
) -> tuple[list[Accrued], list[Finding]]:
    """Return the quarter to date, through yesterday, of the contracts named (None: all that are in force).

    Months, outages and events are read as the close reads them, the month that runs through yesterday as well.
    """
    quarter = quarter_of(today)
    yesterday = today - timedelta(days=1)
    if yesterday < quarter.first:
        return [], []
    so_far = Period(f"{quarter.first}..{yesterday}", quarter.first, yesterday)
    known = sorted({version.contract for version in contracts.versions(connection)})
    found: list[Accrued] = []
    findings: list[Finding] = []
    for name in known:
        version = contracts.in_force(connection, name, today)
        if version is None or (names is not None and name not in names):
            continue
        terms = version.terms
        rates = views.phase_rates(connection, EVERYTHING, terms, so_far)
        facts = rosters.store_facts(connection, EVERYTHING, terms, so_far, rates)
        months = surveyed(connection, EVERYTHING, terms, so_far)
        facts = {phase: _named(its) for phase, its in with_months(facts, months, terms, so_far).items()}
        served = {
            phase.id: facts[phase.id]
            for phase in terms.phases
            if phase.id in facts and phase.in_service_from <= yesterday and quarter.first < phase.in_service_until
        }
        rows, its = accrued(terms, parse_quarter(quarter.label), served, today)
        found += rows
        findings += its
    return found, findings


def _named(facts: PhaseFacts) -> PhaseFacts:
    """Call the month that runs by its own name, as settlement looks for it, not by the days that were read of it."""
    return replace(facts, months=tuple(replace(month, month=month.month[: len("2020-07")]) for month in facts.months))
