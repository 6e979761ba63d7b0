"""Everything the linter has to say about a contract that can be read: `lint` asks each of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from settlement.contract import Phase, Terms
from settlement.daycount import Quarter
from settlement.families.registry import FAMILIES
from settlement.lint import curve, outage
from settlement.lint.conflict import conflicts
from settlement.lint.remark import Place, Remark, in_order
from settlement.lint.undecided import undecided

USUAL_POINTS = 1_000
"""Amounts are told for the contracted points, or for so many."""


def lint(terms: Terms, points: Mapping[str, int] | None = None) -> list[Remark]:
    """Return what the parties should know of a contract before they sign it, gravest first.

    `points` says for how many points of a phase amounts are told; default: what is contracted, else 1,000.
    """
    remarks = [*conflicts(terms), *undecided(terms)]
    for n, phase in enumerate(terms.phases):
        size = (points or {}).get(phase.id) or (phase.contracted.points if phase.contracted else USUAL_POINTS)
        remarks += _phase(terms, phase, size, ("phases", n))
    return in_order(dict.fromkeys(remarks))


def whole_quarter(phase: Phase) -> Quarter | None:
    """Return the first quarter in which a phase is in service throughout; None if it is over before there is one."""
    day = phase.in_service_from
    quarter = Quarter(day.year, (day.month + 2) // 3)
    if quarter.start < day:
        quarter = quarter.following()
    return quarter if quarter.end <= phase.in_service_until else None


def _phase(terms: Terms, phase: Phase, points: int, place: Place) -> Iterator[Remark]:
    quarter = whole_quarter(phase)
    if quarter is None:
        text = f"期次 {phase.id} 不含一个整季度，未试算 the phase holds no whole quarter: its amounts were not tried"
        yield Remark("info", "not-tried", (*place, "months"), text)
        return
    drawn = curve.curve_of(terms, phase, quarter, points)
    yield from curve.judged(drawn, place)
    for n, rule in enumerate(terms.rules):
        if rule.phases and phase.id not in rule.phases:
            continue
        stage, at = FAMILIES[rule.kind].stage, ("rules", n)
        if stage == "rate" and curve.idle(drawn, rule):
            text = f"{rule.id} 在任何在线率下都不改变应付 changes what is payable at no rate at all ({phase.id})"
            yield Remark(
                "warning", "never-fires", at, text, "检查界限、比例与口径 check its limits, its share and the reading"
            )
        if stage == "rate" and not FAMILIES[rule.kind].main:
            yield from curve.falling_alone(drawn, rule, at)
        if stage in {"point", "event"}:
            worst = outage.longest(terms, phase, rule)
            yield from outage.judged(worst, at)
        if stage == "point":
            yield from outage.gains_by_leaving(worst, drawn, at)
