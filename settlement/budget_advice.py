"""A proposal for next year's budget from this year's fault rates: report A's advice, with its arithmetic.

Instead of the full fee F, the year earns what was measured, F · o, less the excess surcharge k · F · max(0, f − allowed)
(family 14; allowed = 1 − target): the share earned is (Σ F·o − Σ k·F·max(0, f − allowed)) / Σ F, never below zero. Next
year's proposal is that share of next year's full fee, per phase, rounded once. It is advice: nothing settles on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from monitor.finding import Finding
from settlement.charges import Charge, charge
from settlement.contract import Phase, Terms
from settlement.daycount import Quarter
from settlement.money import round_half_up, yuan
from settlement.notation import equals, money, number
from settlement.readings import percent
from settlement.rules import DaySpans, OnlineRate, PhaseFacts

FORMAT = "camsla-budget-advice/1"
ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class QuarterEarned:
    """One phase's quarter: its full fee in exact fen, its rate, what was earned and what the excess takes off."""

    quarter: str
    fee: Fraction
    rate: OnlineRate
    earned: Fraction
    excess: Fraction
    why: str


@dataclass(frozen=True, slots=True)
class PhaseAdvice:
    """One phase: the year's quarters, next year's full fee and the proposal, in fen."""

    phase: Phase
    quarters: tuple[QuarterEarned, ...]
    points: int
    share: Fraction
    next_full: Fraction
    proposed_fen: int
    why: str

    @property
    def full(self) -> Fraction:
        """The year's full fee, of the quarters that have a rate."""
        return sum((quarter.fee for quarter in self.quarters), ZERO)

    @property
    def earned(self) -> Fraction:
        """What the year earned by its online rates."""
        return sum((quarter.earned for quarter in self.quarters), ZERO)

    @property
    def excess(self) -> Fraction:
        """What the excess fault rate takes off."""
        return sum((quarter.excess for quarter in self.quarters), ZERO)


@dataclass(frozen=True, slots=True)
class Advice:
    """The proposal for the year after `year`."""

    terms: Terms
    year: int
    k: Fraction
    phases: tuple[PhaseAdvice, ...]
    missing: tuple[tuple[str, str], ...] = ()
    """(phase, quarter) in service and without a count or a rate: the proposal goes by the others."""
    left_out: tuple[tuple[str, str], ...] = ()
    """(phase, why) of those that the proposal does not hold."""

    @property
    def quarters(self) -> tuple[str, ...]:
        """The quarters that the proposal goes by."""
        return tuple(sorted({quarter.quarter for phase in self.phases for quarter in phase.quarters}))

    @property
    def proposed_fen(self) -> int:
        """The proposal for all phases."""
        return sum(phase.proposed_fen for phase in self.phases)

    @property
    def next_full_fen(self) -> int:
        """Next year's full fee of the same phases, each rounded."""
        return sum(round_half_up(phase.next_full) for phase in self.phases)


Year = Mapping[Quarter, Mapping[str, PhaseFacts]]
"""A year's facts: by quarter and phase, with the rate of each."""


def advise(terms: Terms, year: int, facts: Year, k: Fraction = Fraction(1)) -> tuple[Advice, list[Finding]]:
    """Propose next year's budget from a year's facts. Quarters without a fee or a rate are left out, and told.

    A phase without any quarter to go by, or whose term ends with the year, is left out with a warning. Next year's points
    are those billed on the day after the latest quarter that is given.
    """
    findings: list[Finding] = []
    advices: list[PhaseAdvice] = []
    missing: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    allowed = 1 - terms.target
    for phase in terms.phases:
        quarters: list[QuarterEarned] = []
        latest: tuple[Quarter, PhaseFacts, Charge] | None = None
        for number_ in range(1, 5):
            quarter = Quarter(year, number_)
            known = facts.get(quarter, {}).get(phase.id)
            if phase.in_service_until <= quarter.start or quarter.end <= phase.in_service_from:
                continue
            if known is None or known.rate is None:
                findings.append(_left_out(phase, quarter.label))
                missing.append((phase.id, quarter.label))
                continue
            basis = charge(terms, phase, quarter, known)
            if basis.fee_fen:
                quarters.append(_earned(quarter.label, basis.fee_fen, known.rate, allowed, k))
                latest = quarter, known, basis
        if latest is None:
            left_out.append((phase.id, f"{year} 年没有可用的季度 no quarter to go by"))
            continue
        quarter, known, basis = latest
        next_full = _next_year(terms, phase, year + 1, _lasting(known, quarter))
        if not next_full or basis.following is None:
            message = f"{phase.id} 次年不再计费 nothing is billed in {year + 1}"
            findings.append(Finding("", 0, phase.id, message, "", "warning"))
            left_out.append((phase.id, "次年不再计费 nothing is billed next year"))
            continue
        advices.append(_advice(phase, tuple(quarters), basis.following.points, next_full))
    return Advice(terms, year, k, tuple(advices), tuple(missing), tuple(left_out)), findings


def _left_out(phase: Phase, quarter: str) -> Finding:
    message = f"{phase.id} {quarter} 没有点数或在线率，未计入 no count or no rate: left out of the proposal"
    return Finding("", 0, phase.id, message, "补数据 give its count and rate", "warning")


def _earned(quarter: str, fee: Fraction, rate: OnlineRate, allowed: Fraction, k: Fraction) -> QuarterEarned:
    fault = 1 - rate.value
    beyond = max(ZERO, fault - allowed)
    earned, excess = fee * rate.value, k * fee * beyond
    why = f"{money(fee)} × {percent(rate.value)} {equals(earned)}"
    if excess:
        why += f"；{number(k)} × {money(fee)} × ({percent(fault)} − {percent(allowed)}) {equals(excess)}"
    return QuarterEarned(quarter, fee, rate, earned, excess, why)


def _lasting(facts: PhaseFacts, quarter: Quarter) -> PhaseFacts:
    """Let what is billed on the day after a quarter be billed ever after: a roster from the ledger reaches no further."""
    day = quarter.end.toordinal()

    def on(spans: DaySpans) -> DaySpans:
        return tuple((a, date.max.toordinal()) if a <= day and b == day + 1 else (a, b) for a, b in spans)

    return replace(
        facts,
        groups=tuple((on(spans), n) for spans, n in facts.groups),
        roster=tuple(point._replace(billed=on(point.billed)) for point in facts.roster),
    )


def _next_year(terms: Terms, phase: Phase, year: int, facts: PhaseFacts) -> Fraction:
    return sum((charge(terms, phase, Quarter(year, n), facts).fee_fen for n in range(1, 5)), ZERO)


def _advice(phase: Phase, quarters: tuple[QuarterEarned, ...], points: int, next_full: Fraction) -> PhaseAdvice:
    full = sum((quarter.fee for quarter in quarters), ZERO)
    earned = sum((quarter.earned for quarter in quarters), ZERO)
    excess = sum((quarter.excess for quarter in quarters), ZERO)
    part = max(ZERO, earned - excess) / full
    proposed = round_half_up(next_full * part)
    basis = "、".join(quarter.quarter for quarter in quarters)
    why = (
        f"依据 going by {basis}：{money(next_full)} × ({money(earned)} − {money(excess)}) ÷ {money(full)} = "
        f"{money(next_full)} × {percent(part)} {equals(next_full * part)}"
    )
    return PhaseAdvice(phase, quarters, points, part, next_full, proposed, why)


def advice_document(advice: Advice) -> dict[str, Any]:
    """Return the proposal as JSON data; amounts are yuan with two decimals, rates are percentages as text."""
    terms, allowed = advice.terms, 1 - advice.terms.target
    return {
        "format": FORMAT,
        "contract": {
            "id": terms.contract,
            "title": terms.title,
            "purchaser": terms.purchaser,
            "supplier": terms.supplier,
        },
        "year": advice.year,
        "next_year": advice.year + 1,
        "quarters": list(advice.quarters),
        "missing": [{"phase": phase, "quarter": quarter} for phase, quarter in advice.missing],
        "left_out": [{"phase": phase, "reason": why} for phase, why in advice.left_out],
        "k": number(advice.k),
        "target": percent(terms.target),
        "allowed_fault_rate": percent(allowed),
        "phases": [_phase_document(phase) for phase in advice.phases],
        "totals": {
            "full_fee": _sum(phase.full for phase in advice.phases),
            "earned": _sum(phase.earned for phase in advice.phases),
            "excess": _sum(phase.excess for phase in advice.phases),
            "next_full_fee": yuan(advice.next_full_fen),
            "proposed": yuan(advice.proposed_fen),
            "less": yuan(advice.next_full_fen - advice.proposed_fen),
        },
    }


def _sum(amounts: Iterable[Fraction]) -> str:
    return yuan(sum(round_half_up(amount) for amount in amounts))


def _phase_document(phase: PhaseAdvice) -> dict[str, Any]:
    return {
        "phase": phase.phase.id,
        "title": phase.phase.title,
        "points": phase.points,
        "quarters": [
            {
                "quarter": quarter.quarter,
                "online_rate": percent(quarter.rate.value),
                "fault_rate": percent(1 - quarter.rate.value),
                "full_fee": yuan(round_half_up(quarter.fee)),
                "earned": yuan(round_half_up(quarter.earned)),
                "excess": yuan(round_half_up(quarter.excess)),
                "why": quarter.why,
            }
            for quarter in phase.quarters
        ],
        "full_fee": yuan(round_half_up(phase.full)),
        "earned": yuan(round_half_up(phase.earned)),
        "excess": yuan(round_half_up(phase.excess)),
        "earned_share": percent(phase.share),
        "next_full_fee": yuan(round_half_up(phase.next_full)),
        "proposed": yuan(phase.proposed_fen),
        "why": phase.why,
    }
