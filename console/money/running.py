"""The running quarter's deduction to date for pages and programs: computed in a worker process, once for all who ask."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from config.settings import Settings
from console.app import database
from console.authority import reconciled
from console.money.payables import contracts_seen
from console.quarters.accruing import running_quarter
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from settlement.accrual import Accrued
from settlement.store import contracts


class Running(NamedTuple):
    """Phases to date; `findings` say what could not be settled so far."""

    rows: tuple[Accrued, ...]
    findings: tuple[Finding, ...]


def compute(settings: Settings, today: date) -> dict[str, Running]:
    """Read the running quarter of every contract, through yesterday. Runs in a process of its own."""
    found: dict[str, Running] = {}
    with database.reader(settings) as connection:
        for name in sorted({version.contract for version in contracts.versions(connection)}):
            try:
                rows, findings = running_quarter(connection, {name}, today)
                found[name] = Running(tuple(rows), tuple(findings))
            except InputError as error:
                found[name] = Running((), error.findings)
    return found


async def running_of(visit: Visit, wait_s: float | None = None) -> Running:
    """Return what has accrued on the contracts that the person sees. UnderWayError if it takes longer than `wait_s`."""
    stamped = await visit.read(reconciled.stamp)
    titles = await visit.read(contracts_seen, visit.person)
    settings, today = visit.site.settings, visit.today
    key = ("running", stamped, today)
    found = await reconciled.soon(visit, key, lambda: visit.compute(compute, settings, today), wait_s)
    its = [found[name] for name in sorted(found.keys() & titles.keys())]
    return Running(tuple(row for part in its for row in part.rows), tuple(f for part in its for f in part.findings))
