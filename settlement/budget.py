"""Budget projects: what was budgeted, put in place and executed in a year. Pure.

A project (预算项目) holds many contracts, and a contract's payments may come from several projects and years. The rates are
those of the Ministry of Finance's project evaluation: 资金到位率 = in place / budget, 预算执行率 = executed / in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from monitor.finding import Finding
from settlement.money import grouped
from settlement.payments import Movement

FIRST_BUDGET_YEAR, LAST_BUDGET_YEAR = 1990, 2200


@dataclass(frozen=True, slots=True)
class BudgetYear:
    """A project's year as last recorded, in fen; the classifications are kept as the treasury writes them."""

    project: str
    year: int
    initial_fen: int
    adjusted_fen: int
    in_place_fen: int
    name: str = ""
    unit: str = ""
    functional: str = ""
    economic: str = ""
    contracts: tuple[str, ...] = ()
    revision: int = 0


def amended(was: BudgetYear | None, project: str, year: int, changes: Mapping[str, Any]) -> BudgetYear:
    """Return a project's year with some of its figures changed; what is None stays as it was.

    The first time, what is not given is the initial figure (the adjusted one) or nothing.
    """
    first = changes.get("initial_fen") or 0
    known = was or BudgetYear(project, year, first, first, 0)
    return replace(known, revision=0, **{name: value for name, value in changes.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Execution:
    """A project's year with what was paid from it. Rates are exact, None where they would divide by zero."""

    budget: BudgetYear
    executed_fen: int

    @property
    def in_place_rate(self) -> Fraction | None:
        """资金到位率: in place / adjusted budget."""
        return Fraction(self.budget.in_place_fen, self.budget.adjusted_fen) if self.budget.adjusted_fen else None

    @property
    def rate(self) -> Fraction | None:
        """预算执行率: executed / in place."""
        return Fraction(self.executed_fen, self.budget.in_place_fen) if self.budget.in_place_fen else None

    @property
    def left_fen(self) -> int:
        """What is in place and not yet executed."""
        return self.budget.in_place_fen - self.executed_fen


def executed(movements: Iterable[Movement], project: str, year: int) -> int:
    """Add up what moved on a project's year: payments less the refunds that concern it. Set-offs move nothing."""
    return sum(m.fen for m in movements if m.project == project and m.budget_year == year and m.kind != "set-off")


def execution(budget: BudgetYear, movements: Iterable[Movement]) -> Execution:
    """Put a project's year beside what was paid from it."""
    return Execution(budget, executed(movements, budget.project, budget.year))


def budget_findings(budget: BudgetYear) -> list[Finding]:
    """Return what is wrong with a project's figures: errors for impossible ones, warnings for odd ones."""
    findings = []
    if not FIRST_BUDGET_YEAR <= budget.year <= LAST_BUDGET_YEAR:
        remedy = f"{FIRST_BUDGET_YEAR}–{LAST_BUDGET_YEAR}"
        findings.append(Finding("", 0, "year", f"预算年度超出范围 budget year out of range: {budget.year}", remedy))
    for name, amount in (
        ("initial", budget.initial_fen),
        ("adjusted", budget.adjusted_fen),
        ("in-place", budget.in_place_fen),
    ):
        if amount < 0:
            message = f"金额为负 a negative amount: {grouped(amount)}"
            findings.append(Finding("", 0, name, message, "须不小于零 must not be below zero"))
    if budget.in_place_fen > budget.adjusted_fen >= 0:
        message = (
            f"到位数 {grouped(budget.in_place_fen)} 大于调整后预算 {grouped(budget.adjusted_fen)} "
            "more is in place than was budgeted"
        )
        findings.append(Finding("", 0, "in-place", message, "核对调整后预算数 check the adjusted budget", "warning"))
    return findings


def overdrawn(state: Execution) -> Finding | None:
    """Return a warning if more was executed than is in place."""
    if state.left_fen >= 0:
        return None
    budget = state.budget
    return Finding(
        "",
        0,
        f"{budget.project} {budget.year}",
        f"执行数 {grouped(state.executed_fen)} 超过到位数 {grouped(budget.in_place_fen)} executed beyond what is in place",
        "调整预算或更正支付的预算项目 adjust the budget, or correct the payments' project",
        "warning",
    )
