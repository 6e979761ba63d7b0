"""Past quarters that can be settled again: remembered counts and rates, assumed ones, or a statement's frozen inputs.

Prepayments and corrections of the time stay out, so that two contracts differ by their wording only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple, Protocol

from monitor.finding import Finding, InputError
from settlement.contract import Terms
from settlement.daycount import FIRST_YEAR, LAST_YEAR, Quarter, parse_quarter
from settlement.families.registry import FAMILIES
from settlement.inputs import Inputs
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, count_facts
from settlement.statement import Statement, settle


class Past(NamedTuple):
    """One phase's quarter (2020Q3) or month (2020-07) as somebody noted it: the points billed, and their online rate."""

    period: str
    phase: str
    points: int
    rate: OnlineRate


class PastQuarter(Protocol):
    """A quarter that can be settled again."""

    @property
    def quarter(self) -> str:
        """Its label, like 2020Q3; unique among the quarters that are compared."""

    def settled(self, terms: Terms) -> tuple[Statement, list[Finding]]:
        """Return its statement under these terms, and why phases were left out. InputError as from `settle`."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A quarter of which only each phase's count and rate are known; `by_quarter` are phases without rates by month."""

    quarter: str
    facts: Mapping[str, PhaseFacts]
    by_quarter: frozenset[str] = frozenset()

    def settled(self, terms: Terms) -> tuple[Statement, list[Finding]]:
        """Settle the phases that the terms still have; the others are findings."""
        facts = {phase: facts for phase, facts in self.facts.items() if terms.phase(phase) is not None}
        doubts = [_gone(self.quarter, phase) for phase in self.facts if phase not in facts]
        if not facts:
            raise InputError([Finding("", 0, f.column, f.message, f.remedy) for f in doubts])
        if terms.grain == "month":
            doubts += [_alike(self.quarter, phase) for phase in facts if phase in self.by_quarter]
        statement, findings = settle(terms, self.quarter, facts)
        return statement, doubts + findings


def _alike(quarter: str, phase: str) -> Finding:
    message = f"{quarter}：合同按月结算，历史只有季度在线率，各月取同一在线率 each month is taken at the quarter's rate: {phase}"
    return Finding("", 0, phase, message, "按月写历史 write the history by month, like 2020-07", "warning")


def month_labels(quarter: Quarter) -> list[str]:
    """The quarter's months as they are written: 2020-07."""
    return [date.fromordinal(start).strftime("%Y-%m") for start, _ in quarter.months]


def given_facts(quarter: Quarter, count: int, rates: Sequence[OnlineRate]) -> PhaseFacts:
    """Facts of a phase with so many points: one rate for the quarter, or one for each of its months.

    The quarter's rate is then that of all its days together.
    """
    labels = month_labels(quarter)
    if len(rates) == 1:
        return count_facts(count, rates[0], [MonthFacts(label, rates[0]) for label in labels])
    days = [end - start for start, end in quarter.months]
    good = sum((rate.value * n for rate, n in zip(rates, days, strict=True)), Fraction(0))
    whole = Fraction(good) / sum(days)
    months = [MonthFacts(label, rate) for label, rate in zip(labels, rates, strict=True)]
    return count_facts(count, OnlineRate(whole.numerator, whole.denominator, "given"), months)


def without_points(terms: Terms) -> tuple[Terms, tuple[str, ...]]:
    """The terms that a count and a rate can settle, and the ids of the rules left out because they look at points."""
    families = {rule.id: FAMILIES[rule.kind] for rule in terms.rules}
    looking = tuple(name for name, family in families.items() if family.stage == "point" or family.outages)
    kept = tuple(rule for rule in terms.rules if rule.id not in looking)
    return (terms.model_copy(update={"rules": kept}) if looking else terms), looking


def remembered(history: Iterable[Past]) -> list[Remembered]:
    """Group a history by quarter, in the calendar's order.

    InputError names phases that occur twice in a period, in a quarter and its months, or in one or two months of three,
    and months of one quarter that differ in their points.
    """
    noted: dict[tuple[Quarter, str], dict[str, Past]] = defaultdict(dict)
    findings: list[Finding] = []
    for past in history:
        known = noted[_quarter_of(past.period), past.phase]
        if past.period in known:
            message = f"期次在同一时期重复 a phase twice in one period: {past.phase}, {past.period}"
            findings.append(Finding("", 0, past.phase, message, "只留一行 keep one row"))
        known[past.period] = past
    quarters: dict[Quarter, dict[str, PhaseFacts]] = defaultdict(dict)
    by_quarter: dict[Quarter, set[str]] = defaultdict(set)
    for (quarter, phase), rows in sorted(noted.items()):
        whole, months = rows.get(quarter.label), [rows[name] for name in month_labels(quarter) if name in rows]
        if whole is not None and not months:
            quarters[quarter][phase] = given_facts(quarter, whole.points, [whole.rate])
            by_quarter[quarter].add(phase)
        elif whole is None and len(months) == len(quarter.months) and len({row.points for row in months}) == 1:
            quarters[quarter][phase] = given_facts(quarter, months[0].points, [row.rate for row in months])
        else:
            message = (
                f"{quarter.label} {phase}：须一行季度或三个月各一行、点数相同 one row for the quarter, or one a month"
            )
            findings.append(Finding("", 0, phase, message, f"{', '.join(sorted(rows))}"))
    if findings:
        raise InputError(findings)
    return [
        Remembered(quarter.label, facts, frozenset(by_quarter[quarter])) for quarter, facts in sorted(quarters.items())
    ]


def _quarter_of(period: str) -> Quarter:
    if "Q" in period:
        return parse_quarter(period)
    year, month = period.split("-")
    return Quarter(int(year), (int(month) + 2) // 3)


def parse_past(text: str) -> str:
    """Read a quarter or a month, "2020Q3" or "2020-07", and write it in one way. InputError on anything else."""
    match = re.fullmatch(r"(\d{4})-(\d{2})", text.strip(), re.ASCII)
    if match and FIRST_YEAR <= int(match[1]) <= LAST_YEAR and 1 <= int(match[2]) <= 12:
        return match[0]
    return parse_quarter(text).label


@dataclass(frozen=True, slots=True)
class Assumed:
    """A quarter that nobody has lived through: its facts are assumed, and `quarter` says which they are."""

    quarter: str
    when: str
    facts: Mapping[str, PhaseFacts]

    def settled(self, terms: Terms) -> tuple[Statement, list[Finding]]:
        """Settle the assumed facts."""
        return Remembered(self.when, self.facts).settled(terms)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A quarter whose statement froze its inputs. Prepayments and corrections of the time are left out on both sides."""

    inputs: Inputs

    @property
    def quarter(self) -> str:
        """The statement's quarter."""
        return self.inputs.quarter

    def settled(self, terms: Terms) -> tuple[Statement, list[Finding]]:
        """Settle the frozen facts; under the statement's own terms by the reading that it was settled by."""
        facts = {phase: facts for phase, facts in self.inputs.facts.items() if terms.phase(phase) is not None}
        gone = [_gone(self.quarter, phase) for phase in self.inputs.facts if phase not in facts]
        reading = self.inputs.reading if terms is self.inputs.terms else None
        statement, findings = settle(terms, self.quarter, facts, reading)
        return statement, gone + findings


def _gone(quarter: str, phase: str) -> Finding:
    message = f"{quarter}：合同没有这个期次，未计入 the contract has no such phase: {phase}"
    return Finding("", 0, phase, message, "给期次同样的编号 give the phase the same id", "warning")
