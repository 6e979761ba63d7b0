"""The readings of "settled by the actual online rate", each with its formula and how it is written with figures in it.

Each reading is one pure function of the full fee F, the online rate o and the contract's marks; f = 1 − o is the fault
rate. The formulas are those of the reference contract's plausible readings (no reading is called F: that is the fee).
None of them is judged here; ambiguity.py says what each would pay and how far they lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from settlement.contract import Reading, Terms
from settlement.money import round_half_up
from settlement.rules import OnlineRate

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


def reading_word(reading: str) -> str:
    """Return a reading as it is shown: its letter, or that rules pay in its place."""
    return "按规则 by rules" if reading == Reading.NONE.value else reading
