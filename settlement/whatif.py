"""What past quarters would have come to under another contract: the difference per quarter, phase and kind of line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from monitor.finding import Finding, InputError
from settlement.ambiguity import Ambiguity
from settlement.contract import Reading, Terms
from settlement.money import yuan
from settlement.past import PastQuarter, Remembered
from settlement.readings import READINGS
from settlement.statement import Statement, ambiguity


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
        if not settled[0]:
            findings.append(_left_out(past.quarter, "两份合同都无从结算 neither contract can settle any of it"))
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
