"""The running quarter to date: what its fee would be if it ended now, and what of it is deducted. Pure.

Nothing of it is owed before the quarter is settled: it tells finance what is coming. Rates and billed days are those up
to the day; rules that judge a whole month or quarter may still take more, or less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from monitor import intervals
from monitor.finding import Finding
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.lines import Kind
from settlement.rules import DaySpans, PhaseFacts
from settlement.statement import settle


class Accrued(NamedTuple):
    """A phase's quarter to date, in fen, tax included."""

    contract: str
    phase: str
    quarter: str
    until: date
    full_fen: int
    payable_fen: int
    deduction_fen: int


def accrued(
    terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts], until: date
) -> tuple[list[Accrued], list[Finding]]:
    """Settle a quarter as if the phases ended before the day `until`; its rates are those measured up to then.

    Returns the phases that can be settled so, with the findings of the settlement. Nothing before the quarter's second
    day. InputError as from `settle`.
    """
    if not quarter.start < until <= quarter.end or not facts:
        return [], []
    cut = {name: _cut(phase, until) for name, phase in facts.items()}
    statement, findings = settle(terms, quarter, cut)
    found = []
    for result in statement.results:
        sums = dict.fromkeys((Kind.PAYABLE, Kind.DEDUCTION), 0)
        for line in statement.lines:
            if line.phase == result.phase and line.kind in sums:
                sums[line.kind] += line.amount.line.gross_fen
        if sums[Kind.PAYABLE] or sums[Kind.DEDUCTION]:
            full = result.full_fee.line.gross_fen
            row = (terms.contract, result.phase, quarter.label, until, full, sums[Kind.PAYABLE], sums[Kind.DEDUCTION])
            found.append(Accrued(*row))
    return found, findings


def _cut(facts: PhaseFacts, until: date) -> PhaseFacts:
    last = until.toordinal()

    def ended(spans: DaySpans) -> DaySpans:
        return tuple(intervals.clip(spans, 0, last))

    groups: dict[DaySpans, int] = {}
    for spans, count in facts.groups:
        groups[ended(spans)] = groups.get(ended(spans), 0) + count
    return replace(
        facts,
        groups=tuple(sorted(groups.items())),
        roster=tuple(point._replace(billed=ended(point.billed)) for point in facts.roster),
    )
