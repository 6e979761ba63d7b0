"""What past quarters would have come to under another contract: the difference per quarter, phase and kind of line.

A past quarter is anything that can be settled again under given terms: remembered counts and rates, or a statement's
frozen inputs. Nothing here is stored; adjustments and what was really prepaid stay out, so that only the wording differs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from monitor.finding import Finding, InputError
from settlement.contract import Reading, Terms
from settlement.daycount import parse_quarter
from settlement.inputs import Inputs
from settlement.money import yuan
from settlement.readings import READINGS, Ambiguity
from settlement.rules import OnlineRate, PhaseFacts, count_facts
from settlement.statement import Statement, ambiguity, settle


class Past(NamedTuple):
    """One phase's quarter as somebody noted it: how many points were billed, and at what online rate."""

    quarter: str
    phase: str
    count: int
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
    """A quarter of which only each phase's count and rate are known."""

    quarter: str
    facts: Mapping[str, PhaseFacts]

    def settled(self, terms: Terms) -> tuple[Statement, list[Finding]]:
        """Settle the phases that the terms still have; the others are findings."""
        facts = {phase: facts for phase, facts in self.facts.items() if terms.phase(phase) is not None}
        gone = [_gone(self.quarter, phase) for phase in self.facts if phase not in facts]
        if not facts:
            raise InputError([Finding("", 0, f.column, f.message, f.remedy) for f in gone])
        statement, findings = settle(terms, self.quarter, facts)
        return statement, gone + findings


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


def remembered(history: Iterable[Past]) -> list[Remembered]:
    """Group a history by quarter, in the calendar's order. InputError names phases that occur twice in a quarter."""
    quarters: dict[str, dict[str, PhaseFacts]] = defaultdict(dict)
    findings: list[Finding] = []
    for past in history:
        label = parse_quarter(past.quarter).label
        if past.phase in quarters[label]:
            message = f"期次在同一季度重复 a phase twice in one quarter: {past.phase}, {label}"
            findings.append(Finding("", 0, past.phase, message, "只留一行 keep one row"))
        quarters[label][past.phase] = count_facts(past.count, past.rate)
    if findings:
        raise InputError(findings)
    return [Remembered(label, facts) for label, facts in sorted(quarters.items())]


class Change(NamedTuple):
    """One phase's lines of one kind in one quarter under both contracts, gross fen; None where there is no such line."""

    quarter: str
    phase: str
    kind: str
    before_fen: int | None
    after_fen: int | None

    @property
    def difference_fen(self) -> int:
        """After less before; no line counts as nothing."""
        return (self.after_fen or 0) - (self.before_fen or 0)


class QuarterChange(NamedTuple):
    """What a quarter pays in all under both contracts, and by how much its statement's total differs."""

    quarter: str
    payable_before_fen: int
    payable_after_fen: int
    total_difference_fen: int

    @property
    def difference_fen(self) -> int:
        """What more (or less) is payable."""
        return self.payable_after_fen - self.payable_before_fen


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Both contracts over the same quarters. A quarter that one of them cannot settle is left out and is a finding."""

    quarters: tuple[QuarterChange, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def difference_fen(self) -> int:
        """What is payable more (or less) over all the quarters."""
        return sum(quarter.difference_fen for quarter in self.quarters)


def what_if(before: Sequence[tuple[PastQuarter, Terms]], after: Terms) -> WhatIf:
    """Settle each quarter under the terms it was settled under, and under `after`.

    A phase that only one of them can settle would show as a gain or loss that is none: its quarter is left out.
    """
    quarters: list[QuarterChange] = []
    changes: list[Change] = []
    findings: list[Finding] = []
    for past, terms in before:
        try:
            (old, doubts), (new, more) = past.settled(terms), past.settled(after)
        except InputError as error:
            findings += [_left_out(past.quarter, str(finding.message)) for finding in error.findings]
            continue
        settled = [{result.phase for result in statement.results} for statement in (old, new)]
        findings += dict.fromkeys(doubts + more)
        if settled[0] != settled[1]:
            apart = ", ".join(sorted(settled[0] ^ settled[1]))
            findings.append(_left_out(past.quarter, f"只有一份合同能结算的期次 settled by one contract only: {apart}"))
            continue
        rows = _changes(past.quarter, old, new)
        paid = [row for row in rows if row.kind == "payable"]
        quarters.append(
            QuarterChange(
                past.quarter,
                sum(row.before_fen or 0 for row in paid),
                sum(row.after_fen or 0 for row in paid),
                new.total_fen - old.total_fen,
            )
        )
        changes += rows
    return WhatIf(tuple(quarters), tuple(changes), tuple(findings))


def _left_out(quarter: str, reason: str) -> Finding:
    message = f"{quarter} 未比较 not compared: {reason}"
    return Finding(
        "", 0, quarter, message, "两份合同须都能结算该季度 both contracts must be able to settle it", "warning"
    )


def _changes(quarter: str, old: Statement, new: Statement) -> list[Change]:
    sums: dict[tuple[str, str], list[int | None]] = {}
    for n, statement in enumerate((old, new)):
        for line in statement.lines:
            both = sums.setdefault((line.phase, line.kind.value), [None, None])
            both[n] = (both[n] or 0) + line.amount.line.gross_fen
    return [Change(quarter, phase, kind, both[0], both[1]) for (phase, kind), both in sums.items()]


class ReadingTotal(NamedTuple):
    """What one reading pays over a history in all."""

    reading: Reading
    payable_fen: int


@dataclass(frozen=True, slots=True)
class ReadingsOver:
    """The ambiguity report of several quarters, and of their sum."""

    quarters: tuple[Ambiguity, ...]
    totals: tuple[ReadingTotal, ...]
    spread_fen: int


def readings_over(terms: Terms, history: Iterable[Remembered]) -> ReadingsOver:
    """Compute each quarter under every reading. InputError as from `settle`."""
    reports = tuple(ambiguity(terms, past.quarter, past.facts) for past in history)
    totals = {
        reading: sum(row.payable_fen for report in reports for row in report.outcomes if row.reading is reading)
        for reading in READINGS
    }
    left_out = {remark.reading for report in reports for remark in report.remarks if remark.kind == "no-prepayment"}
    compared = [total for reading, total in totals.items() if reading not in left_out]
    return ReadingsOver(
        reports,
        tuple(ReadingTotal(reading, total) for reading, total in totals.items()),
        max(compared) - min(compared) if compared else 0,
    )


def what_if_json(result: WhatIf) -> dict[str, Any]:
    """Return the comparison as JSON data; amounts are strings of yuan with two decimals."""
    return {
        "quarters": [
            {
                "quarter": quarter.quarter,
                "payable_before": yuan(quarter.payable_before_fen),
                "payable_after": yuan(quarter.payable_after_fen),
                "difference": yuan(quarter.difference_fen),
                "total_difference": yuan(quarter.total_difference_fen),
                "lines": [
                    {
                        "phase": row.phase,
                        "kind": row.kind,
                        "before": None if row.before_fen is None else yuan(row.before_fen),
                        "after": None if row.after_fen is None else yuan(row.after_fen),
                        "difference": yuan(row.difference_fen),
                    }
                    for row in result.changes
                    if row.quarter == quarter.quarter
                ],
            }
            for quarter in result.quarters
        ],
        "difference": yuan(result.difference_fen),
        "findings": [finding.message for finding in result.findings],
    }
