"""How rules write figures into their arithmetic: exact where the figure ends, "≈" before what had to be rounded."""

from __future__ import annotations

from fractions import Fraction

from settlement.money import grouped, round_half_up

HOUR_S = 3_600
PLACES = 10
"""Decimals up to which a figure is written as a decimal."""


def money(fen: Fraction | int) -> str:
    """Write exact fen as yuan: "1,884,000.00", "≈ 30.39" where there are parts of a fen."""
    exact = Fraction(fen)
    return f"{'' if exact.denominator == 1 else '≈ '}{grouped(round_half_up(exact))}"


def number(value: Fraction | int) -> str:
    """Write a count: "12", "9.3", "80/31" where the decimal does not end."""
    exact = Fraction(value)
    for places in range(PLACES + 1):
        if (exact * 10**places).denominator == 1:
            whole, rest = divmod(abs(int(exact * 10**places)), 10**places)
            return f"{'−' if exact < 0 else ''}{whole:,}" + (f".{rest:0{places}d}" if places else "")
    return f"{'−' if exact < 0 else ''}{abs(exact)}"


def share(value: Fraction) -> str:
    """Write a share as a percentage: "83.62 %", "≈ 33.333333 %" where it does not end."""
    percentage = value * 100
    text = number(percentage)
    if "/" not in text:
        return f"{text} %"
    whole, rest = divmod(round_half_up(abs(percentage) * 10**6), 10**6)
    return f"≈ {'−' if percentage < 0 else ''}{whole:,}.{rest:06d} %"


def duration(seconds: int) -> str:
    """Write seconds as hours, or as seconds where they are no round part of an hour: "9.3 h", "36 h", "604,801 s"."""
    hours = number(Fraction(seconds, HOUR_S))
    return f"{seconds:,} s" if "/" in hours or len(hours) > 8 else f"{hours} h"
