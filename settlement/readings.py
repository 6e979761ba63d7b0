"""The readings of "settled by the actual online rate", and what hangs on the choice between them.

Each reading is one pure function of the full fee F, the online rate o and the contract's marks; f = 1 − o is the fault
rate. The formulas are those of the reference contract's plausible readings (no reading is called F: that is the fee).
None of them is judged here: `compare` says what each would pay, how far they lie apart, and where one has a property
that the parties should know of before they sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from settlement.charges import Charge, charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.money import grouped, round_half_up, yuan
from settlement.rules import OnlineRate, PhaseFacts

STEP = Fraction(1, 10_000)
"""0.01 percentage point, the finest step in which the parties print a rate."""


class Marks(NamedTuple):
    """The contract's figures that readings use."""

    target: Fraction
    prepay_share: Fraction
    excess_surcharge: Fraction


def marks_of(terms: Terms) -> Marks:
    """Take a contract's marks."""
    return Marks(terms.target, terms.prepay_share, terms.excess_surcharge)


def pro_rata(fee: Fraction, o: Fraction, _: Marks) -> Fraction:
    """Reading A: F · o."""
    return fee * o


def threshold(fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """Reading B: F from the target upward, F · o below."""
    return fee if o >= marks.target else fee * o


def shortfall(fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """Reading C: F · (1 − max(0, target − o))."""
    return fee * (1 - max(Fraction(0), marks.target - o))


def scaled(fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """Reading D: F · min(1, o / target)."""
    return fee * min(Fraction(1), o / marks.target)


def capped(fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """Reading E: F · min(o, prepaid share)."""
    return fee * min(o, marks.prepay_share)


def of_the_prepaid(fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """Reading G: prepaid share · F · o."""
    return marks.prepay_share * fee * o


def surcharged(fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """Reading H: F · max(0, o − k · max(0, f − (1 − target)))."""
    excess = max(Fraction(0), marks.target - o)  # f − (1 − target) is the same
    return fee * max(Fraction(0), o - marks.excess_surcharge * excess)


class Reader(NamedTuple):
    """A reading with its name in both languages and its formula as it is printed."""

    name: str
    formula: str
    payable: Callable[[Fraction, Fraction, Marks], Fraction]


READINGS: Mapping[Reading, Reader] = {
    Reading.A: Reader("按在线率计付（字面） pro-rata, literal", "F·o", pro_rata),
    Reading.B: Reader("达标全付，否则按在线率 full from the target on", "o ≥ t: F; o < t: F·o", threshold),
    Reading.C: Reader("只扣低于考核线部分 only the shortfall is deducted", "F·(1 − max(0, t − o))", shortfall),
    Reading.D: Reader("按考核线折算 scaled to the target", "F·min(1, o/t)", scaled),
    Reading.E: Reader("以预付为上限 capped at the prepayment", "F·min(o, p)", capped),
    Reading.G: Reader("预付部分按在线率 pro-rata of the prepaid share", "p·F·o", of_the_prepaid),
    Reading.H: Reader(
        "按在线率并加扣超标部分 pro-rata with excess surcharge", "F·max(0, o − k·max(0, t − o))", surcharged
    ),
}


OF_THE_PREPAYMENT = frozenset({Reading.E, Reading.G})
"""Readings that take the prepaid share for a measure of what is payable: without a prepayment they mean nothing."""


def payable_fen(reading: Reading, fee: Fraction, o: Fraction, marks: Marks) -> int:
    """What the supplier is paid for the quarter in the end, in fen, rounded once. `fee` is in fen."""
    return round_half_up(paid(reading, fee, o, marks))


def paid(reading: Reading, fee: Fraction, o: Fraction, marks: Marks) -> Fraction:
    """What a reading pays, exactly. Under `none` that is the full fee: rules alone decide what comes off."""
    return fee if reading is Reading.NONE else READINGS[reading].payable(fee, o, marks)


def percent(share: Fraction) -> str:
    """Write a share as an exact percentage where it ends within ten decimals, else rounded to six after "≈"."""
    exact = share * 100
    for places in (0, 2, 4, 6, 8, 10):
        if (exact * 10**places).denominator == 1:
            text = f"{int(exact)}" if places == 0 else _decimal(exact, places)
            return f"{text} %"
    return f"≈ {_decimal(exact, 6)} %"


def _decimal(value: Fraction, places: int) -> str:
    whole, rest = divmod(round_half_up(value * 10**places), 10**places)
    return f"{whole}.{rest:0{places}d}"


def rate_text(rate: OnlineRate) -> str:
    """Write a rate so that it can be recomputed: "83.62 %", or its counts where the percentage does not end."""
    text = percent(rate.value)
    return f"({rate.good:,} ÷ {rate.counted:,})" if text.startswith("≈") else text


def factor_text(reading: Reading, rate: OnlineRate, marks: Marks) -> str:
    """Write what the full fee is multiplied by, with this quarter's figures in it."""
    o, t, p = rate_text(rate), percent(marks.target), percent(marks.prepay_share)
    match reading:
        case Reading.NONE:
            return "100 %"
        case Reading.A:
            return o
        case Reading.B:
            return f"100 % [{o} ≥ {t}]" if rate.value >= marks.target else f"{o} [< {t}]"
        case Reading.C:
            return f"(1 − max(0, {t} − {o}))"
        case Reading.D:
            return f"min(1, {o} ÷ {t})"
        case Reading.E:
            return f"min({o}, {p})"
        case Reading.G:
            return f"{p} × {o}"
        case Reading.H:
            return f"max(0, {o} − {marks.excess_surcharge} × max(0, {t} − {o}))"


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

    Phases without facts, without a rate or without a fee in the quarter are listed as not settled. The caller has
    checked that every name in `facts` is a phase of the contract; `statement.ambiguity` does.
    """
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
        if known is None or basis is None or known.rate is None or basis.fee_fen == 0:
            missing.append(phase.id)
            continue
        prepayment = basis.prepayment_fen(marks.prepay_share)
        payable = {reading: payable_fen(reading, basis.fee_fen, known.rate.value, marks) for reading in READINGS}
        for reading, amount in payable.items():
            outcomes.append(Outcome(reading, phase.id, amount, amount - prepayment))
            if reading in sums:
                sums[reading] += amount
        prepaid.append((phase.id, prepayment))
        compared = [payable[reading] for reading in meant]
        spreads.append((phase.id, max(compared) - min(compared)))
        remarks += _remarks(phase, basis, marks, payable, prepayment, known.rate)
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


def _remarks(
    phase: Phase, basis: Charge, marks: Marks, payable: Mapping[Reading, int], prepayment: int, rate: OnlineRate
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


def _gain(reading: Reading, phase: str, fee: Fraction, marks: Marks, true_up: int, rate: OnlineRate) -> Remark:
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
    if rate.value < marks.target and true_up > 0:
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
