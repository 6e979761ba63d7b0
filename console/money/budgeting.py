"""Budget projects for the console: a year's execution with its warnings, a year set or adjusted, next year's advice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from config.settings import Settings
from console import views
from console.app import database
from console.authority import reconciled
from console.authority.receiving import terms_in_store
from console.money.payables import paid_so_far
from console.money.paying import saying_fields
from console.quarters import rosters
from console.web.visit import Visit
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.period import parse_period
from monitor.scope import EVERYTHING
from monitor.store.writer import Writer
from settlement.budget import BudgetYear, Execution, amended, budget_findings, execution, overdrawn
from settlement.budget_advice import advice_document, advise
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.figures import fraction_of
from settlement.money import grouped
from settlement.payments import Movement
from settlement.readings import percent
from settlement.reports.budget_advice import write_budget_advice_pdf
from settlement.rules import PhaseFacts
from settlement.store import budgets, contracts, dues, movements
from settlement.store.payment_checks import contract_total, newest_terms, supplement_warning

LEAST_WATCHED = Fraction(1, 2)
"""A quarter of which less was watched says nothing of the year, whatever the contract's minimum coverage."""

MOST_FACTOR = 100


class Held(NamedTuple):
    """A contract of a project's year: what this year's budget paid of it, and in all of its total, in fen."""

    contract: str
    title: str
    executed_fen: int
    paid_fen: int
    total_fen: int | None


@dataclass(frozen=True, slots=True)
class ProjectYear:
    """A project's year with what was executed, its contracts, and what to warn of."""

    state: Execution
    held: tuple[Held, ...]
    warnings: tuple[Finding, ...]

    @property
    def budget(self) -> BudgetYear:
        """The figures as last recorded."""
        return self.state.budget


def projects(connection: Connection, seen: Iterable[str], year: int | None = None) -> list[ProjectYear]:
    """Return the projects' years, the newest first; those of which a person sees no contract are left out.

    `seen` are the contracts that the person sees. A project without contracts is everybody's.
    """
    names = set(seen)
    moved = movements.movements(connection)
    found: list[ProjectYear] = []
    for known in budgets.listed(connection):
        if year is not None and known.year != year:
            continue
        if known.contracts and not names & set(known.contracts):
            continue
        state = execution(known, moved)
        warnings = [f for f in budget_findings(known) if f.level == "warning"]
        over = overdrawn(state)
        warnings += [over] if over else []
        here = {m.contract for m in moved if m.project == known.project and m.budget_year == known.year}
        held = [_held(connection, name, known, moved) for name in sorted({*known.contracts, *here} & names)]
        for its in held:
            warnings += _breaches(connection, its)
        found.append(ProjectYear(state, tuple(held), tuple(warnings)))
    return sorted(found, key=lambda its: (-its.budget.year, its.budget.project))


def _held(connection: Connection, name: str, budget: BudgetYear, moved: Iterable[Movement]) -> Held:
    its = [movement for movement in moved if movement.contract == name]
    this_year = [
        movement.fen
        for movement in its
        if movement.project == budget.project and movement.budget_year == budget.year and movement.kind != "set-off"
    ]
    terms = newest_terms(connection, name)
    paid = paid_so_far(dues.of_contract(connection, name), its)
    title = "" if terms is None else terms.title
    return Held(name, title or name, sum(this_year), paid, None if terms is None else contract_total(terms))


def _breaches(connection: Connection, held: Held) -> list[Finding]:
    found = []
    if held.total_fen is not None and held.paid_fen > held.total_fen:
        text = f"累计已付 {grouped(held.paid_fen)} 超过合同总金额 {grouped(held.total_fen)} paid beyond the contract's total"
        found.append(Finding("", 0, held.contract, text, "核对支付，或登记补充合同 check the payments", "warning"))
    more = supplement_warning(connection, held.contract)
    return [*found, *([more] if more else [])]


@dataclass(frozen=True, slots=True)
class BudgetEntry:
    """A project's year as somebody sets or adjusts it, in fen. What is None stays as it was."""

    project: str
    year: int
    initial_fen: int | None = None
    adjusted_fen: int | None = None
    in_place_fen: int | None = None
    name: str | None = None
    unit: str | None = None
    functional: str | None = None
    economic: str | None = None
    contracts: tuple[str, ...] | None = None


def set_year(writer: Writer, entry: BudgetEntry, *, at: Instant, actor: str) -> BudgetYear:
    """Record a project's year as a further revision; the same figures again add none. InputError for impossible ones."""
    with saying_fields(), writer.transaction() as connection:
        strange = [n for n in entry.contracts or () if n not in {v.contract for v in contracts.versions(connection)}]
        if strange:
            text = f"没有这些合同 no such contracts: {', '.join(strange)}"
            raise InputError([Finding("", 0, "contracts", text, "从列表中选 choose from the list")])
        changes = {name: getattr(entry, name) for name in BudgetEntry.__slots__ if name not in {"project", "year"}}
        if entry.contracts is not None:
            changes["contracts"] = tuple(sorted(entry.contracts))
        was = budgets.newest(connection, entry.project, entry.year)
        wanted = amended(was, entry.project, entry.year, changes)
        return budgets.save(connection, writer.audit, wanted, at=at, actor=actor)


class Advised(NamedTuple):
    """Next year's advice as a document; None with the findings that say why there is none."""

    document: dict[str, Any] | None
    findings: tuple[Finding, ...]


def advice(settings: Settings, contract: str, year: int, factor: Fraction) -> Advised:
    """Propose next year's budget from a year's measured fault rates. Runs in a process of its own."""
    try:
        with database.reader(settings) as connection:
            terms = terms_in_store(connection, contract, Quarter(year, 4))
            facts, doubts = _measured(connection, terms, year)
    except InputError as error:
        return Advised(None, error.findings)
    found, findings = advise(terms, year, facts, factor)
    return Advised(advice_document(found) if found.phases else None, (*doubts, *findings))


def _measured(
    connection: Connection, terms: Terms, year: int
) -> tuple[dict[Quarter, dict[str, PhaseFacts]], list[Finding]]:
    """Read the year's quarters; a rate of which too little was watched is none, and told."""
    facts: dict[Quarter, dict[str, PhaseFacts]] = {}
    findings: list[Finding] = []
    least = max(terms.policy.minimum_coverage, LEAST_WATCHED)
    for n in range(1, 5):
        quarter = Quarter(year, n)
        period = parse_period(quarter.label)
        measured = views.phase_rates(connection, EVERYTHING, terms, period)
        for phase, rate in tuple(measured.items()):
            known = rate.counted - (rate.unknown if terms.policy.unknown != "excluded" else 0)
            if known and known < least * (known + rate.unknown):
                share = percent(Fraction(known, known + rate.unknown))
                text = f"{quarter.label} 监测完整率 {share}，不作依据 too little of it was watched to go by"
                findings.append(Finding("", 0, phase, text, "导入监测记录 import observations", "warning"))
                del measured[phase]
        facts[quarter] = rosters.store_facts(connection, EVERYTHING, terms, period, measured)
    return facts, findings


def advice_pdf(document: dict[str, Any]) -> bytes:
    """Return the advice as a page. Runs in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="camsla-advice-") as folder:
        path = Path(folder) / "advice.pdf"
        write_budget_advice_pdf(document, path)
        return path.read_bytes()


def factor_of(text: str) -> Fraction:
    """Read k of the excess surcharge. InputError for anything but a number from zero to a hundred."""
    try:
        factor = fraction_of(text[:20])
    except ValueError:
        factor = Fraction(-1)
    if not 0 <= factor <= MOST_FACTOR:
        raise refuse(f"不是倍数 not a factor: {text[:20]}", f"0–{MOST_FACTOR}", column="k")
    return factor


async def advised(visit: Visit, contract: str, year: int, factor: Fraction, wait_s: float | None = None) -> Advised:
    """Return the advice, computed once for all who ask until something changes. UnderWayError as `reconciled.soon`."""
    stamped = await visit.read(reconciled.stamp)
    settings = visit.site.settings
    key = ("advice", contract, year, factor, stamped, visit.today)
    return await reconciled.soon(visit, key, lambda: visit.compute(advice, settings, contract, year, factor), wait_s)


def exists(connection: Connection, project: str, year: int) -> bool:
    """Tell whether a project's year was ever recorded."""
    return budgets.newest(connection, project, year) is not None
