"""What a phase is paid for a quarter: its windows under the contract's reading and rules, exactly, before any rounding.

Order: exclusions (already in the facts) → per-point rules → pool → rate rule → events → repeats → de-duplicate by
incident → cap to [0, fee]; the statement rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from monitor.finding import Finding
from settlement.charges import MONTHS, ZERO, Charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.families.family import Item
from settlement.readings import factor_text, marks_of, paid
from settlement.rules import OnlineRate, PhaseFacts

READING_RULE = "reading"
"""The id under which the reading's deduction stands among the rules' results."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule took in one window, after repeats, de-duplication and caps: exact fen, or points off the score.

    `formula` is its arithmetic before those; `items` are all that it looked at and punished, suppressed ones included.
    """

    rule: str
    kind: str
    title: str
    window: str
    unit: Literal["fen", "points"]
    amount: Fraction
    formula: str
    items: tuple[Item, ...] = ()
    for_faults: bool = True
    """Whether it is a deduction for faults (故障扣款) and not another one (其他考核扣款)."""


class PointShare(NamedTuple):
    """One point of a roster in a window: its exact full fee and payable, its outages, and the rules that took from it."""

    code: str
    full: Fraction
    payable: Fraction
    outages: int = 0
    offline_s: int = 0
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One window of a phase: exact fee and payable in fen, and all that lies between them.

    The fen of `results` add up to fee − payable. `rate` is the one that the reading or main rule judged: the pool's.
    """

    window: str
    months: tuple[int, ...]
    fee: Fraction
    payable: Fraction
    rate: OnlineRate | None
    results: tuple[RuleResult, ...] = ()
    by_component: tuple[tuple[str, Fraction], ...] = ()
    by_point: tuple[PointShare, ...] = ()
    notices: tuple[Finding, ...] = ()


def evaluate(
    terms: Terms, phase: Phase, quarter: Quarter, facts: PhaseFacts, basis: Charge, reading: Reading
) -> tuple[tuple[Evaluation, ...], list[Finding]]:
    """Evaluate each window of a phase's quarter that has a fee: three months or the quarter, as the contract says.

    Returns no evaluation at all, and findings of level "warning" that say why, where a window cannot be assessed.
    """
    done: list[Evaluation] = []
    for window, months, rate in _windows(terms, quarter, facts):
        fee = basis.fee(months)
        if not fee:
            continue
        if rate is None:
            return (), [not_assessable(phase, window)]
        done.append(_by_reading(terms, window, months, basis, rate, reading))
    return tuple(done), []


def not_assessable(phase: Phase, window: str) -> Finding:
    """Say that nothing was counted."""
    return Finding(
        "",
        0,
        phase.id,
        f"{window} 无可计在线率，未结算 not assessable: nothing was counted, so the phase is not settled",
        "导入监测记录或给出在线率 import observations or give a rate",
        "warning",
    )


def _windows(
    terms: Terms, quarter: Quarter, facts: PhaseFacts
) -> Sequence[tuple[str, tuple[int, ...], OnlineRate | None]]:
    if terms.grain == "quarter":
        return [(quarter.label, MONTHS, facts.rate)]
    rates: Mapping[str, OnlineRate | None] = {month.month: month.rate for month in facts.months}
    labels = [f"{quarter.year}-{3 * quarter.number - 2 + n:02d}" for n in MONTHS]
    return [(label, (n,), rates.get(label)) for n, label in enumerate(labels)]


def _by_reading(
    terms: Terms, window: str, months: tuple[int, ...], basis: Charge, rate: OnlineRate, reading: Reading
) -> Evaluation:
    marks, fee = marks_of(terms), basis.fee(months)
    payable = paid(reading, fee, rate.value, marks)
    share = payable / fee
    result = RuleResult(
        READING_RULE,
        READING_RULE,
        f"口径 reading {reading.value}",
        window,
        "fen",
        fee - payable,
        factor_text(reading, rate, marks),
    )
    return Evaluation(
        window,
        months,
        fee,
        payable,
        rate,
        (result,),
        tuple((name, part * share) for name, part in basis.component_fees(months).items()),
        tuple(
            PointShare(code, full, full * share)
            for lot in basis.lots
            for full in [sum((lot.fee(n) for n in months), ZERO)]
            if full
            for code in lot.codes
        ),
    )
