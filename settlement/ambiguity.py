"""The ambiguity report: a quarter under every reading of the contract, and what hangs on the choice between them.

None of the readings is judged: the report says what each would pay beside the contract's rules, how far they lie apart,
and where one has a property that the parties should know of before they sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from settlement.charges import Charge, charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.evaluate import evaluate
from settlement.families.registry import FAMILIES
from settlement.grounds import Grounds
from settlement.money import grouped, round_half_up, yuan
from settlement.readings import OF_THE_PREPAYMENT, READINGS, STEP, Marks, marks_of, percent
from settlement.rules import OnlineRate, PhaseFacts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reading pays for one phase's quarter, in fen."""

    reading: Reading
    phase: str
    payable_fen: int
    true_up_fen: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A property of a reading that the parties should know of.

    kind: cliff, supplier-gains or no-shortfall-payment; no-prepayment where a reading needs one and there is none.
    """

    reading: Reading
    phase: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A quarter under every reading. Spreads are the highest payable less the lowest, in fen."""

    contract: str
    quarter: str
    outcomes: tuple[Outcome, ...]
    prepayments_fen: tuple[tuple[str, int], ...]
    spreads_fen: tuple[tuple[str, int], ...]
    spread_fen: int
    """Of the phases' sum: one reading for all of them."""
    remarks: tuple[Remark, ...]
    not_settled: tuple[str, ...]


def compare(terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts]) -> Ambiguity:
    """Compute the quarter under every reading, phase by phase in the contract's order.

    The contract's rules hold beside each of them, but for a main rule, in whose stead they stand. Phases without facts,
    without a rate or without a fee in the quarter are listed as not settled. The caller has checked that every name in
    `facts` is a phase of the contract; `statement.ambiguity` does.
    """
    beside = terms.model_copy(update={"rules": tuple(r for r in terms.rules if not FAMILIES[r.kind].main)})
    marks = marks_of(terms)
    outcomes: list[Outcome] = []
    prepaid: list[tuple[str, int]] = []
    spreads: list[tuple[str, int]] = []
    remarks: list[Remark] = []
    missing: list[str] = []
    meant = [reading for reading in READINGS if marks.prepay_share or reading not in OF_THE_PREPAYMENT]
    sums = dict.fromkeys(meant, 0)
    for phase in terms.phases:
        known = facts.get(phase.id)
        basis = charge(terms, phase, quarter, known) if known else None
        if known is None or basis is None or basis.fee_fen == 0:
            missing.append(phase.id)
            continue
        prepayment = basis.prepayment_fen(marks.prepay_share)
        payable = {reading: _payable_fen(beside, phase, quarter, known, basis, reading) for reading in READINGS}
        if not payable[Reading.A] and not evaluate(beside, phase, quarter, known, basis, Reading.A)[0]:
            missing.append(phase.id)
            continue
        rate = Grounds(beside, phase, quarter, known, basis).quarter_rate()
        for reading, amount in payable.items():
            outcomes.append(Outcome(reading, phase.id, amount, amount - prepayment))
            if reading in sums:
                sums[reading] += amount
        prepaid.append((phase.id, prepayment))
        compared = [payable[reading] for reading in meant]
        spreads.append((phase.id, max(compared) - min(compared)))
        remarks += _remarks(phase, basis, marks, payable, prepayment, rate)
    return Ambiguity(
        terms.contract,
        quarter.label,
        tuple(outcomes),
        tuple(prepaid),
        tuple(spreads),
        max(sums.values()) - min(sums.values()),
        tuple(remarks),
        tuple(missing),
    )


def _payable_fen(
    terms: Terms, phase: Phase, quarter: Quarter, facts: PhaseFacts, basis: Charge, reading: Reading
) -> int:
    """What is payable under a reading: each window rounded; 0 where it cannot be assessed."""
    return sum(round_half_up(one.payable) for one in evaluate(terms, phase, quarter, facts, basis, reading)[0])


def _remarks(
    phase: Phase, basis: Charge, marks: Marks, payable: Mapping[Reading, int], prepayment: int, rate: OnlineRate | None
) -> list[Remark]:
    remarks: list[Remark] = []
    fee, target, prepaid = basis.fee_fen, marks.target, marks.prepay_share * basis.fee_fen
    just_below = max(Fraction(0), target - STEP)
    for reading, reader in READINGS.items():
        above, below = (round_half_up(reader.payable(fee, o, marks)) for o in (target, just_below))
        # A step of 0.01 percentage point is worth fee × 0.01 % times the slope; no slope here exceeds 1 / target + 1 + k.
        if above - below > fee * STEP * (2 + 1 / target + marks.excess_surcharge) + 1:
            remarks.append(
                Remark(
                    reading,
                    phase.id,
                    "cliff",
                    f"临界跳变：在线率 {percent(target)} 付 {grouped(above)}，{percent(just_below)} 付 {grouped(below)}，"
                    f"差 {grouped(above - below)} 元 cliff: 0.01 percentage point below the target costs "
                    f"{grouped(above - below)} yuan",
                )
            )
        if marks.prepay_share == 0:
            if reading in OF_THE_PREPAYMENT:
                remarks.append(_nothing_prepaid(reading, phase.id))
            continue
        if reader.payable(fee, just_below, marks) > prepaid:
            remarks.append(_gain(reading, phase.id, fee, marks, payable[reading] - prepayment, rate))
        if reader.payable(fee, Fraction(1), marks) <= prepaid:
            remarks.append(
                Remark(
                    reading,
                    phase.id,
                    "no-shortfall-payment",
                    f"不可能少补：在线率 100 % 时应付 {grouped(round_half_up(reader.payable(fee, Fraction(1), marks)))} "
                    f"也不超过按比例预付的 {grouped(round_half_up(prepaid))} 元 a shortfall payment is impossible: even "
                    "100 % online pays no more than the prepaid share",
                )
            )
    return remarks


def _nothing_prepaid(reading: Reading, phase: str) -> Remark:
    """Say that a reading of the prepaid share means nothing where nothing is prepaid."""
    text = (
        "合同无预付，此口径无从谈起：应付恒为零，不计入差异 this reading is one of the prepaid share, and the contract has "
        "no prepayment: it would always pay nothing, and is left out of the spread"
    )
    return Remark(reading, phase, "no-prepayment", text)


def _gain(reading: Reading, phase: str, fee: Fraction, marks: Marks, true_up: int, rate: OnlineRate | None) -> Remark:
    """Say from which rate on a supplier below the target is paid on top of the prepayment."""
    low, high = 0, int(marks.target / STEP)  # payable grows with the rate, so the boundary can be halved towards
    while low < high:
        middle = (low + high) // 2
        if READINGS[reading].payable(fee, middle * STEP, marks) > marks.prepay_share * fee:
            high = middle
        else:
            low = middle + 1
    text = (
        f"未达标仍获补付：在线率从 {percent(low * STEP)} 起、不到 {percent(marks.target)} 时应付高于预付 "
        f"a supplier who misses the target still receives more than the prepayment from {percent(low * STEP)} on"
    )
    if rate is not None and rate.value < marks.target and true_up > 0:
        text += f"；本季补付 {grouped(true_up)} 元 in this quarter {grouped(true_up)} yuan"
    return Remark(reading, phase, "supplier-gains", text)


def ambiguity_json(report: Ambiguity) -> dict[str, Any]:
    """Return the report as JSON data; amounts are strings of yuan with two decimals."""
    return {
        "contract": report.contract,
        "quarter": report.quarter,
        "readings": [
            {
                "reading": item.reading.value,
                "name": READINGS[item.reading].name,
                "formula": READINGS[item.reading].formula,
                "phase": item.phase,
                "payable": yuan(item.payable_fen),
                "true_up": yuan(item.true_up_fen),
            }
            for item in report.outcomes
        ],
        "prepayment": {phase: yuan(amount) for phase, amount in report.prepayments_fen},
        "spread": {phase: yuan(amount) for phase, amount in report.spreads_fen},
        "spread_total": yuan(report.spread_fen),
        "remarks": [
            {"reading": remark.reading.value, "phase": remark.phase, "kind": remark.kind, "text": remark.text}
            for remark in report.remarks
        ],
        "not_settled": list(report.not_settled),
    }
