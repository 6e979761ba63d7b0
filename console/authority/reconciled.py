"""A quarter reconciled for the console: computed in a worker process, kept until something in the store changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, or_, select

from config.settings import Settings
from console import views
from console.app import database
from console.authority.receiving import terms_in_store
from console.authority.reconciling import reconcile_quarter
from console.authority.renamed import with_namesakes
from console.quarters import progress, record
from console.quarters.progress import UNSEEN, Progress, Slate
from console.store.tables import audit
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import quarter_of
from monitor.scope import EVERYTHING
from settlement.authority import periods_in
from settlement.chosen import deadline
from settlement.daycount import Quarter, parse_quarter
from settlement.reconcile import Reconciliation
from settlement.store import authority as store
from settlement.store import statements
from settlement.store.tables import authority_figures

Result = TypeVar("Result")
KEPT = 12
WAIT_S = 3.0
"""How long a page waits for a computation before it says that it is under way."""
RUNNING_S = 300
"""A quarter that still runs is read again after so long; a past one only once something in the store has changed."""
NEWEST_QUARTERS, MOST_QUARTERS = 4, 40
ELSEWHERE = ("account.", "session.", "token.", "login.")
"""Actions that change no figure."""


class Outcome(NamedTuple):
    """A reconciliation, or None with the findings that say why there is none; `at` is when it was computed."""

    found: Reconciliation | None
    findings: tuple[Finding, ...]
    at: Instant


@dataclass
class Kept:
    """What workers computed, the newest twelve results by key; the same one asked for twice at once is computed once."""

    done: OrderedDict[tuple[Any, ...], Any] = field(default_factory=OrderedDict)
    under_way: dict[tuple[Any, ...], asyncio.Future[Any]] = field(default_factory=dict)
    begun: dict[tuple[Any, ...], Instant] = field(default_factory=dict)

    slates: dict[tuple[Any, ...], Slate] = field(default_factory=dict)

    async def get(self, key: tuple[Any, ...], work: Callable[[], Awaitable[Result]], at: Instant) -> Result:
        """Return what is known under a key, or compute it from `at` on; it goes on although its asker may leave."""
        if key in self.done:
            self.done.move_to_end(key)
        elif key not in self.under_way:
            self.begun[key] = at
            self.under_way[key] = asyncio.ensure_future(work())
            self.under_way[key].add_done_callback(lambda future: self._keep(key, future))
        found: Result = self.done[key] if key in self.done else await asyncio.shield(self.under_way[key])
        return found

    async def seen(self, key: tuple[Any, ...], work: Callable[[Slate], Awaitable[Result]]) -> Result:
        """Run work that tells on a slate how far it is, so that `moved` knows it."""
        with progress.slate() as slate:
            self.slates[key] = slate
            try:
                return await work(slate)
            finally:
                del self.slates[key]

    def moved(self, key: tuple[Any, ...]) -> Progress:
        """Return how far a computation that is under way is."""
        return self.slates.get(key, UNSEEN).seen()

    def since(self, key: tuple[Any, ...]) -> Instant | None:
        """Return when a computation that is under way was begun; None if none is."""
        return self.begun.get(key)

    def _keep(self, key: tuple[Any, ...], future: asyncio.Future[Any]) -> None:
        del self.under_way[key], self.begun[key]
        if not future.cancelled() and future.exception() is None:
            self.done[key] = future.result()
            while len(self.done) > KEPT:
                self.done.popitem(last=False)


def stamp(connection: Connection) -> int:
    """Return a number that grows with everything that people change: imports, exclusions, corrections, checks."""
    action = audit.c.action
    elsewhere = or_(*(action.startswith(word) for word in ELSEWHERE))
    newest = select(audit.c.id).where(~elsewhere).order_by(audit.c.id.desc()).limit(1)
    return int(connection.scalar(newest) or 0)


def key_of(
    contract: str, quarter: Quarter, today: date, *, pending: bool, stamped: int, at: Instant
) -> tuple[Any, ...]:
    """Return what a computed reconciliation is known by."""
    running = at // (RUNNING_S * MICROSECONDS) if today <= quarter.end else 0
    return (contract, quarter.label, today, pending, stamped, running)


def compute(
    settings: Settings, contract: str, label: str, today: date, pending: bool, at: Instant, slate: Slate = UNSEEN
) -> Outcome:
    """Reconcile a quarter from the store, with what each point's figure is worth. Runs in a process of its own and tells
    `slate` how far it is.
    """
    quarter = parse_quarter(label)
    try:
        with database.reader(settings) as connection:
            terms = terms_in_store(connection, contract, quarter)
            facts, measured = record.measured_facts(connection, terms, quarter, moved=slate.stage("reading"))
            found = reconcile_quarter(
                connection, terms, quarter, facts, measured, today, pending=pending, progress=slate.stage("comparing")
            )
            if any(item.kind == "stranger" for item in found.items):
                question = views.Question(record.period_of(quarter), terms.zone, terms.policy)
                roster = views.contract_roster(connection, EVERYTHING, terms, question)
                found = with_namesakes(found, {point.code: point.name for point in roster})
    except InputError as error:
        return Outcome(None, error.findings, at)
    return Outcome(found, (), at)


def kept(visit: Visit) -> Kept:
    """Return what was computed at this site."""
    found: Kept = visit.site.more.setdefault(Kept, Kept())
    return found


class UnderWayError(Exception):
    """A computation is not done yet; `seconds` is how long it has run, `progress` how far it is."""

    def __init__(self, seconds: int, progress: Progress) -> None:
        super().__init__(str(seconds))
        self.seconds = seconds
        self.progress = progress


async def soon(
    visit: Visit, key: tuple[Any, ...], work: Callable[[], Awaitable[Result]], wait_s: float | None
) -> Result:
    """Return what is known under a key, computed if need be. UnderWayError if it takes longer than `wait_s`."""
    held = kept(visit)
    try:
        async with asyncio.timeout(wait_s):
            return await held.get(key, work, visit.at)
    except TimeoutError:
        since = held.since(key)
        if wait_s is None or since is None:
            raise
        raise UnderWayError(max(round(wait_s), (visit.at - since) // MICROSECONDS), held.moved(key)) from None


async def outcome(
    visit: Visit, contract: str, quarter: Quarter, *, pending: bool, wait_s: float | None = None
) -> Outcome:
    """Return the quarter reconciled, computed once for all who ask until something changes. UnderWayError as `soon`."""
    stamped = await visit.read(stamp)
    at, today, settings = visit.at, visit.today, visit.site.settings
    key = key_of(contract, quarter, today, pending=pending, stamped=stamped, at=at)

    async def work(slate: Slate) -> Outcome:
        return await visit.compute(compute, settings, contract, quarter.label, today, pending, at, slate)

    return await soon(visit, key, lambda: kept(visit).seen(key, work), wait_s)


class QuarterState(NamedTuple):
    """A quarter of a contract as the list of figures shows it: files that stand and that wait, and the last day to come."""

    contract: str
    quarter: str
    standing: int
    pending: int
    last_day: date | None
    pays: str


def quarters_of(connection: Connection, contracts: Iterable[str], today: date) -> list[QuarterState]:
    """Return the contracts' newest quarters in service and all that have figures or a statement, the newest first."""
    found: list[QuarterState] = []
    for name in contracts:
        clause = terms_in_store(connection, name).authority
        files = [file for file in store.list_files(connection, name) if file.status != "withdrawn"]
        periods = _periods(connection, name)
        labels = {parse_quarter(label) for label in statements.quarters(connection, name)}
        labels |= {_quarter(period) for file in files for period in periods.get(file.id, ())}
        labels |= set(_newest(connection, name, today))
        for quarter in sorted(labels, reverse=True)[:MOST_QUARTERS]:
            wanted = set(periods_in(quarter))
            of_it = [file for file in files if periods.get(file.id, set()) & wanted]
            waiting = sum(file.status == "pending" for file in of_it)
            last = deadline(clause, quarter)
            found.append(QuarterState(name, quarter.label, len(of_it) - waiting, waiting, last, clause.pays))
    return found


def _quarter(period: str) -> Quarter:
    return parse_quarter(period if "Q" in period else f"{period[:4]}Q{(int(period[5:7]) + 2) // 3}")


def _newest(connection: Connection, contract: str, today: date) -> Iterator[Quarter]:
    """Yield the newest quarters that a contract was in service in, up to the one that runs."""
    phases = terms_in_store(connection, contract).phases
    start = min(phase.in_service_from for phase in phases)
    day = min(today, max(phase.in_service_until for phase in phases) - timedelta(days=1))
    for _ in range(NEWEST_QUARTERS):
        if day < start:
            return
        quarter = parse_quarter(quarter_of(day).label)
        yield quarter
        day = quarter.start - timedelta(days=1)


def _periods(connection: Connection, contract: str) -> dict[int, set[str]]:
    """Return by file of a contract the periods that its figures are of."""
    table = authority_figures.c
    query = select(table.file_id, table.period).where(table.contract == contract).distinct()
    found: dict[int, set[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.file_id, set()).add(row.period)
    return found
