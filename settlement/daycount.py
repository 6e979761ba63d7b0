"""Quarters and day counts: how much of a month a point is charged for.

A span of days is a pair of `date.toordinal()` numbers [first day, first day no longer in), so that the monitor's
interval algebra serves days as it serves seconds. Days are those of the contract's zone.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from monitor import intervals
from monitor.finding import refuse

DaySpan = tuple[int, int]

FIRST_YEAR, LAST_YEAR = 1900, 2200


class DayCount(StrEnum):
    """What a month is worth that is billed in part. A month that is billed from its first to its last day is 1."""

    ACTUAL = "actual"
    """Billed days over the days of that month (actual/actual)."""
    THIRTY = "actual/30"
    """Billed days over 30, at most a month."""
    HALF_MONTH = "half-month"
    """The halves (1st to 15th, 16th to the end) in which at least one day is billed."""
    FULL_MONTH = "full-month"
    """A whole month as soon as one day is billed."""
    NEXT_MONTH = "next-month"
    """A whole month if its first day is billed: what begins or ends later counts from the next month."""


class Quarter(NamedTuple):
    """A calendar quarter: 2020Q3 is Quarter(2020, 3)."""

    year: int
    number: int

    @property
    def label(self) -> str:
        """As it is written: 2020Q3."""
        return f"{self.year}Q{self.number}"

    @property
    def start(self) -> date:
        """The first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> date:
        """The next quarter's first day."""
        return self.following().start

    @property
    def months(self) -> tuple[DaySpan, ...]:
        """The three months."""
        return tuple(
            (add_months(self.start, n).toordinal(), add_months(self.start, n + 1).toordinal()) for n in range(3)
        )

    def following(self) -> Quarter:
        """Return the next quarter."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)


def parse_quarter(text: str) -> Quarter:
    """Read "2020Q3". InputError on anything else."""
    match = re.fullmatch(r"(\d{4})Q([1-4])", text.strip().upper(), re.ASCII)
    if not match or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        raise refuse(
            f"不是季度 not a quarter: {text[:40]!r}", "写成 2020Q3 的样子 write it like 2020Q3", column="quarter"
        )
    return Quarter(int(match[1]), int(match[2]))


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day where it is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def units_in(month: DaySpan, rule: DayCount) -> int:
    """Into how many units the rule divides a month; `units_billed` counts the same units."""
    match rule:
        case DayCount.ACTUAL:
            return month[1] - month[0]
        case DayCount.THIRTY:
            return 30
        case DayCount.HALF_MONTH:
            return 2
        case DayCount.FULL_MONTH | DayCount.NEXT_MONTH:
            return 1


def units_billed(spans: Sequence[DaySpan], month: DaySpan, rule: DayCount) -> int:
    """Count the units of a month that a point with these billed days (normalised spans) is charged for."""
    start, end = month
    inside = intervals.clip(spans, start, end)
    billed = intervals.total(inside)
    if billed in {0, end - start}:
        return units_in(month, rule) if billed else 0
    match rule:
        case DayCount.ACTUAL | DayCount.THIRTY:
            return billed  # of a month billed in part, so never above 30
        case DayCount.HALF_MONTH:
            return (inside[0][0] < start + 15) + (inside[-1][1] > start + 15)
        case DayCount.FULL_MONTH:
            return 1
        case DayCount.NEXT_MONTH:
            return int(inside[0][0] == start)


def months_billed(
    groups: Iterable[tuple[Sequence[DaySpan], int]], months: Iterable[DaySpan], rule: DayCount
) -> Fraction:
    """Add up the point-months of groups of points (billed days, number of points) over some months, exactly."""
    known = list(groups)
    return sum(
        (
            Fraction(sum(n * units_billed(spans, month, rule) for spans, n in known), units_in(month, rule))
            for month in months
        ),
        Fraction(0),
    )
