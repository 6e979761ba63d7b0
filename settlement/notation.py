"""How figures are written in an arithmetic so that a clerk can check it by hand: exactly, or marked with "≈"."""

from __future__ import annotations

from fractions import Fraction

from settlement.money import grouped, round_half_up

HOUR_S = 3_600
_PLACES = 10


def number(value: Fraction | int) -> str:
    """Write 11.38 as "11.38", 62 1/3 as "(62 1/3)": exact, never rounded."""
    exact = value if isinstance(value, Fraction) else Fraction(value)
    if (text := _decimal(exact, _PLACES)) is not None:
        return text
    whole, rest = divmod(exact, 1)
    return f"({int(whole):,} {rest})" if whole else str(rest)


def share(value: Fraction) -> str:
    """Write a share as its exact percentage; as a fraction where the percentage does not end: "83.62 %", "1/45"."""
    text = _decimal(value * 100, _PLACES)
    return str(value) if text is None else f"{text} %"


def money(amount_fen: Fraction | int) -> str:
    """Write fen as yuan, with "≈" where it is not a whole number of fen: "23,236.00", "≈ 30.39"."""
    if amount_fen.denominator == 1:
        return grouped(amount_fen.numerator)
    return f"≈ {grouped(round_half_up(Fraction(amount_fen)))}"


def equals(amount_fen: Fraction | int) -> str:
    """Write the end of an arithmetic: "= 75.36", or "≈ 30.39" where it is not a whole number of fen."""
    text = money(amount_fen)
    return text if text.startswith("≈") else f"= {text}"


def duration(seconds: int) -> str:
    """Write seconds as "9 h 18 min 3 s", "4 h 10 min" or "720 h": exact, and in one style whatever they are."""
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes // 60:,} h"
    if minutes % 60 or rest:
        text += f" {minutes % 60} min"
    return f"{text} {rest} s" if rest else text


def _decimal(exact: Fraction, places: int) -> str | None:
    """Write a number that ends within so many decimals, thousands grouped; None if it does not."""
    size, rest = abs(exact.numerator), exact.denominator
    sign = "−" if exact.numerator < 0 else ""
    if rest == 1:
        return f"{sign}{size:,}"
    twos = (rest & -rest).bit_length() - 1
    rest >>= twos
    fives = 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    used = max(twos, fives)
    if rest != 1 or used > places:
        return None
    whole, digits = divmod(size * 10**used // exact.denominator, 10**used)
    return f"{sign}{whole:,}.{digits:0{used}d}"
