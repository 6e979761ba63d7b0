"""The authority's figures (公安核定在线率): what its files say, kept exactly, and how its months become a quarter.

A figure is a share as two whole numbers with the text that it was read from. Where the file gives counts they are the
file's own counts, so that its denominator can be shown beside ours; where it gives a percentage alone, "98.5%" is 985 of
1000 and its unit is "share".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple

from settlement.daycount import Quarter, add_months
from settlement.readings import percent

Unit = Literal["share", "devices", "inspections", "seconds"]
MonthsRule = Literal["simple-mean", "by-points", "by-point-days"]

UNIT_ZH: Mapping[str, str] = {"share": "比率", "devices": "台", "inspections": "次", "seconds": "秒"}


class Figure(NamedTuple):
    """One figure of the authority's: num of den, of a phase or of a point, in a month or quarter.

    `phase` is the contract's phase where the file's word for it is known, else that word; empty if the file names none.
    `point` and `device` are the codes as printed (点位编号, 设备编码), both empty for a phase's figure. `points` is how
    many points a phase's figure covers, None if the file does not say. `file` is the digest of the file's bytes.
    """

    phase: str
    point: str
    device: str
    name: str
    period: str
    num: int
    den: int
    unit: Unit
    points: int | None
    text: str
    line: int
    file: str = ""

    @property
    def value(self) -> Fraction:
        """The exact rate."""
        return Fraction(self.num, self.den)

    @property
    def of_point(self) -> bool:
        """Tell whether it is a point's figure rather than a phase's."""
        return bool(self.point or self.device)

    @property
    def code(self) -> str:
        """What the file calls the point."""
        return self.point or self.device


class Presence(NamedTuple):
    """How much of a phase a month holds by our own ledger: points in service, and their days."""

    points: int
    point_days: int


NOBODY = Presence(0, 0)


class Monthly(NamedTuple):
    """A month's rate with what it may be weighed by: `points` as the authority prints it, None where it does not."""

    period: str
    value: Fraction
    points: int | None


@dataclass(frozen=True, slots=True)
class Quarterly:
    """A quarter's rate as the authority gives it, or as it follows from its months; `how` is the arithmetic.

    `counted` is its own denominator where it gives one: Σ den in `unit`; None where it prints only rates.
    """

    value: Fraction
    how: str
    unit: Unit = "share"
    counted: int | None = None
    points: int | None = None


@lru_cache(maxsize=1_000)
def months_in(quarter: Quarter) -> tuple[str, ...]:
    """The labels of the quarter's months: 2020-07, 2020-08, 2020-09."""
    return tuple(f"{add_months(quarter.start, n):%Y-%m}" for n in range(3))


def periods_in(quarter: Quarter) -> frozenset[str]:
    """The labels under which a figure concerns the quarter: its own and its months'."""
    return frozenset({quarter.label, *months_in(quarter)})


def quarter_of_months(
    quarter: Quarter, months: Sequence[Monthly], rule: MonthsRule, presence: Mapping[str, Presence]
) -> Quarterly | None:
    """Make a quarter of its months by the declared rule; None if a month in which the phase was there is missing.

    simple-mean: every month alike. by-points: by the points that the authority counts in the month, by ours where it
    does not say. by-point-days: by the days of our points, or its points times the month's days where our ledger is empty.
    """
    made = weighed(quarter, months, rule, presence)
    if made is None:
        return None
    value, weights = made
    known = {month.period: month for month in months}
    whole = sum(weights.values())
    parts = {label: percent(known[label].value) for label in weights}
    if len(set(weights.values())) == 1:
        how = f"({' + '.join(parts.values())}) ÷ {len(parts)}" if len(parts) > 1 else "".join(parts.values())
    else:
        terms = " + ".join(f"{part} × {weights[label]:,}" for label, part in parts.items())
        how = f"({terms}) ÷ {whole:,}"
    how += "" if len(parts) == 1 else f" = {percent(value)}"
    points = max((n for label in weights if (n := known[label].points) is not None), default=None)
    return Quarterly(value, f"{_RULE_ZH[rule]}：{how}", points=points)


def weighed(
    quarter: Quarter, months: Sequence[Monthly], rule: MonthsRule, presence: Mapping[str, Presence]
) -> tuple[Fraction, dict[str, int]] | None:
    """Return the quarter's rate of `quarter_of_months` with each month's weight, without its words."""
    known = {month.period: month for month in months}
    needed = [label for label in months_in(quarter) if not presence or presence.get(label, NOBODY).points]
    if not needed or any(label not in known for label in needed):
        return None
    weights = {label: _weight(quarter, known[label], rule, presence.get(label, NOBODY)) for label in needed}
    if not sum(weights.values()):
        weights = dict.fromkeys(needed, 1)
    value = sum_of((known[label].value, weight) for label, weight in weights.items()) / sum(weights.values())
    return value, weights


_RULE_ZH: Mapping[MonthsRule, str] = {
    "simple-mean": "月度简单平均 simple mean of months",
    "by-points": "按点位数加权 by points",
    "by-point-days": "按点位天数加权 by point-days",
}


def _weight(quarter: Quarter, month: Monthly, rule: MonthsRule, ours: Presence) -> int:
    match rule:
        case "simple-mean":
            return 1
        case "by-points":
            return month.points if month.points is not None else ours.points
        case "by-point-days":
            return ours.point_days or (month.points or 1) * _days(quarter, month.period)


def _days(quarter: Quarter, label: str) -> int:
    start, end = quarter.months[months_in(quarter).index(label)]
    return end - start


def pooled(figures: Iterable[Figure], weights: Mapping[str, int] | None = None) -> Quarterly | None:
    """Make one rate of many points' figures of one period: Σ num ÷ Σ den of counts in one unit, else the points' mean.

    `weights` are points' days by the code that the file prints, for a mean that weighs them; None weighs all alike.
    """
    known = list(figures)
    if not known:
        return None
    units = {figure.unit for figure in known}
    if len(units) == 1 and "share" not in units:
        good, counted = sum(figure.num for figure in known), sum(figure.den for figure in known)
        unit = known[0].unit
        how = f"{len(known):,} 点 points：{good:,} ÷ {counted:,} {UNIT_ZH[unit]} = {percent(Fraction(good, counted))}"
        return Quarterly(Fraction(good, counted), how, unit, counted, len(known))
    shares = [(figure.value, 1 if weights is None else weights.get(figure.code, 0)) for figure in known]
    whole = sum(weight for _, weight in shares)
    if not whole:
        return None
    # Over one common denominator: 11,045 additions of fractions with growing denominators take seconds.
    value = sum_of((share, weight) for share, weight in shares) / whole
    word = "点位平均 mean of points" if weights is None else "按点位天数平均 mean of points by days"
    return Quarterly(value, f"{len(known):,} 点，{word}：{percent(value)}", points=len(known))


def sum_of(weighted: Iterable[tuple[Fraction, int]]) -> Fraction:
    """Add up value × weight exactly, grouping by denominator first."""
    by_denominator: dict[int, int] = {}
    for value, weight in weighted:
        by_denominator[value.denominator] = by_denominator.get(value.denominator, 0) + value.numerator * weight
    return sum((Fraction(num, den) for den, num in sorted(by_denominator.items())), Fraction(0))


class Arrived(NamedTuple):
    """One file's figures as it arrived; `replaces` says that they replace all of their periods, level and phases."""

    figures: Sequence[Figure]
    replaces: bool


def standing(files: Iterable[Arrived]) -> tuple[list[Figure], int]:
    """Return the figures that stand after files came in this order, and how many stand that the last one left alone.

    A later file's figure takes the place of an earlier one of the same point (or phase) and period; a file that
    `replaces` takes the place of everything at its level in its periods, for the phases that it names. Repeats inside
    one file stay side by side: whether they contradict each other is for the reconciliation to say. What the last file
    left alone is counted where it is of its level and periods, since that may be stale.
    """
    kept: dict[tuple[str, ...], list[Figure]] = {}
    left = 0
    for file in files:
        fresh: dict[tuple[str, ...], list[Figure]] = {}
        for figure in file.figures:
            fresh.setdefault(_key(figure), []).append(figure)
        touched = {(figure.of_point, figure.phase, figure.period) for figure in file.figures}
        beside = [key for key, old in kept.items() if key not in fresh and _level(old[0]) in touched]
        if file.replaces:
            for key in beside:
                del kept[key]
            beside = []
        left = len(beside)
        kept |= fresh
    return [figure for several in kept.values() for figure in several], left


def _key(figure: Figure) -> tuple[str, ...]:
    if figure.of_point:
        return ("point", plain_code(figure.code), figure.period)
    return ("phase", figure.phase, figure.period)


def _level(figure: Figure) -> tuple[bool, str, str]:
    return figure.of_point, figure.phase, figure.period


def plain_code(text: str) -> str:
    """A code as it is compared: blanks, full-width forms and case do not matter."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()
