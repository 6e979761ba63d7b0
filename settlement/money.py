"""Money: integer fen, exact fractions, the only rounding, the largest remainder, and a line's columns.

Amounts are tax-inclusive unless they are named net. No binary float enters here. Rules: half a fen rounds away from
zero, once per statement line; whatever is spread below a line is cut from the rounded line, never rounded again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

FEN = 100
_YUAN = re.compile(r"-?\d{1,15}(\.\d{1,2})?")
"""Fifteen digits of yuan stay within the 64-bit fen that the store keeps."""


def yuan(amount_fen: int) -> str:
    """Write fen as yuan with two decimals, without grouping: 157540080 → "1575400.80"."""
    whole, rest = divmod(abs(amount_fen), FEN)
    return f"{'-' if amount_fen < 0 else ''}{whole}.{rest:02d}"


def grouped(amount_fen: int) -> str:
    """Write fen as yuan for reading: -12019920 → "−120,199.20" (with a true minus sign)."""
    whole, rest = divmod(abs(amount_fen), FEN)
    return f"{'−' if amount_fen < 0 else ''}{whole:,}.{rest:02d}"


def fen(amount_yuan: str | int | Decimal) -> int:
    """Read yuan exactly: "628.00", 628 or Decimal("628") → 62800. ValueError on a third decimal or anything else."""
    if isinstance(amount_yuan, bool) or not isinstance(amount_yuan, str | int | Decimal):
        raise ValueError(f"不是金额 not an amount of yuan: {amount_yuan!r}")
    text = format(amount_yuan, "f") if isinstance(amount_yuan, Decimal) else str(amount_yuan).strip()
    if re.fullmatch(r"-?\d+\.\d{3,}", text):
        raise ValueError(f"金额多于两位小数 an amount with more than two decimals: {text[:40]}")
    if not _YUAN.fullmatch(text) or not text.isascii():
        raise ValueError(f"不是金额 not an amount of yuan: {text[:40]!r}")
    return int(Decimal(text) * FEN)


def round_half_up(exact: Fraction) -> int:
    """Round to the nearest integer, a half away from zero, alike for negatives."""
    size = math.floor(abs(exact) + Fraction(1, 2))
    return -size if exact < 0 else size


def split(total_fen: int, weights: Sequence[tuple[str, Fraction | int]]) -> dict[str, int]:
    """Spread an amount by weight so that the parts add up to it: largest remainder, ties to the smaller id.

    A negative amount is the negative of its size's spread. Keeps the order of `weights`. ValueError on a doubled id,
    a negative weight, or weights that are all zero while the amount is not.
    """
    if len({name for name, _ in weights}) != len(weights):
        raise ValueError("an id occurs twice among the weights")
    if total_fen < 0:
        return {name: -part for name, part in split(-total_fen, weights).items()}
    scale = math.lcm(*(weight.denominator for _, weight in weights))
    whole = {name: int(weight * scale) for name, weight in weights}
    if any(weight < 0 for weight in whole.values()):
        raise ValueError("a weight is negative")
    everything = sum(whole.values())
    if everything == 0:
        if total_fen:
            raise ValueError("an amount cannot be spread over weights of zero")
        return dict.fromkeys(whole, 0)
    parts: dict[str, int] = {}
    remainders: list[tuple[int, str]] = []
    for name, weight in whole.items():
        parts[name], remainder = divmod(total_fen * weight, everything)
        remainders.append((-remainder, name))
    missing = total_fen - sum(parts.values())  # fewer than there are parts, so one fen each is enough
    for _, name in sorted(remainders)[:missing]:
        parts[name] += 1
    return parts


def net_tax(gross_fen: int, rate: Fraction) -> tuple[int, int]:
    """Take the tax out of a tax-inclusive amount: net = round(gross / (1 + rate)), tax = gross − net."""
    net = round_half_up(gross_fen / (1 + rate))
    return net, gross_fen - net


class Columns(NamedTuple):
    """One row of a statement in fen: gross = net + tax, always."""

    gross_fen: int
    net_fen: int
    tax_fen: int

    def plus(self, other: Columns) -> Columns:
        return Columns(self.gross_fen + other.gross_fen, self.net_fen + other.net_fen, self.tax_fen + other.tax_fen)

    def minus(self, other: Columns) -> Columns:
        return self.plus(other.negative())

    def negative(self) -> Columns:
        return Columns(-self.gross_fen, -self.net_fen, -self.tax_fen)


@dataclass(frozen=True, slots=True)
class Amount:
    """A line's columns and those of its components, which add up to the line in every column."""

    line: Columns
    components: tuple[tuple[str, Columns], ...] = ()

    def minus(self, other: Amount) -> Amount:
        """Subtract column by column. A component that one of them lacks is nothing there."""
        return self.plus(other.negative())

    def plus(self, other: Amount) -> Amount:
        """Add column by column. A component that one of them lacks is nothing there.

        Where one of them is not broken down at all, the sum is not either, unless that one is nothing.
        """
        if bool(self.components) != bool(other.components):
            whole = self if other.components else other
            if whole.line != NOTHING.line:
                return Amount(self.line.plus(other.line))
        parts = dict(self.components)
        for name, its in other.components:
            parts[name] = parts[name].plus(its) if name in parts else its
        return Amount(self.line.plus(other.line), tuple(parts.items()))

    def negative(self) -> Amount:
        """The same with the opposite sign in every column."""
        return Amount(self.line.negative(), tuple((name, part.negative()) for name, part in self.components))


NOTHING = Amount(Columns(0, 0, 0))


def taxed(gross_fen: int, rate: Fraction, components: Sequence[tuple[str, int | Fraction]]) -> Amount:
    """Build a line's columns from its rounded gross: the tax once for the line, then both spread over the components.

    Components share the gross by their weights, usually prices, and the net by the gross so obtained; their tax is what
    remains. With weights that are all zero nothing is spread.
    """
    net, tax = net_tax(gross_fen, rate)
    if not any(weight for _, weight in components):
        return Amount(Columns(gross_fen, net, tax))
    gross_parts = split(gross_fen, components)
    # The sizes are the weights: of a negative line the parts are negative too.
    net_parts = split(net, [(name, abs(part)) for name, part in gross_parts.items()])
    return Amount(
        Columns(gross_fen, net, tax),
        tuple((name, Columns(part, net_parts[name], part - net_parts[name])) for name, part in gross_parts.items()),
    )
