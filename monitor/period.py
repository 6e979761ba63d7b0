"""Periods of account: months, quarters and ranges of days, cut at midnight of the contract's zone.

A period names whole days, first and last inclusive, as people write them; `span` gives the half-open seconds that
they cover in a zone. No I/O besides the time-zone rules, no clock.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.finding import refuse
from monitor.intervals import Span
from monitor.model import MICROSECONDS

ZONE = "Asia/Shanghai"
"""The zone in which contracts of this family cut their days."""

FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Years a period may name: instants count from 1970, and the day after the last must still be a date."""

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_QUARTER = re.compile(r"([0-9]{4})Q([1-4])")
_RANGE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")
_REMEDY = "写成 2020-07、2020Q3 或 2020-07-01..2020-07-31 write it like one of these"


class Period(NamedTuple):
    """Whole days from `first` to `last`, both inclusive; `label` is the period as people write it."""

    label: str
    first: date
    last: date

    def span(self, zone: str = ZONE) -> Span:
        """The seconds from midnight of the first day to midnight after the last, half-open, in `zone`."""
        return midnight(self.first, zone), midnight(self.last + timedelta(days=1), zone)


@lru_cache(maxsize=100_000)
def midnight(day: date, zone: str = ZONE) -> int:
    """The second since the epoch at which `day` begins in `zone`."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())


def day_of(at: int, zone: str = ZONE) -> date:
    """The day of an instant (microseconds UTC) in a zone."""
    return datetime.fromtimestamp(at // MICROSECONDS, ZoneInfo(zone)).date()


def parse_period(text: str) -> Period:
    """Read `2020-07`, `2020Q3` or `2020-07-01..2020-07-31` (inclusive); InputError for anything else."""
    if match := _MONTH.fullmatch(text):
        year, month = int(match[1]), int(match[2])
        if FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12:
            return _month(year, month)
        raise refuse(f"没有这个月份 no such month: {text}", _REMEDY, column="period")
    if match := _QUARTER.fullmatch(text):
        if FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            return _quarter(int(match[1]), int(match[2]))
        raise refuse(f"没有这个季度 no such quarter: {text}", _REMEDY, column="period")
    if match := _RANGE.fullmatch(text):
        try:
            first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        except ValueError:
            raise refuse(f"没有这个日期 no such date: {text}", _REMEDY, column="period") from None
        if not FIRST_YEAR <= first.year <= last.year <= LAST_YEAR or last < first:
            message = (
                f"期间止于起始之前或超出年份范围 the period ends before it begins, or is outside 1970–9998: {text}"
            )
            raise refuse(message, _REMEDY, column="period")
        return Period(text, first, last)
    raise refuse(f"看不懂的期间 not a period: {text[:60]!r}", _REMEDY, column="period")


def months_of(period: Period) -> list[Period]:
    """The calendar months that the period touches, in order, the first and last cut to the period's own days.

    Their days are exactly the period's days. A cut month is labelled `first..last`, a whole one `YYYY-MM`.
    """
    result: list[Period] = []
    year, month = period.first.year, period.first.month
    while (year, month) <= (period.last.year, period.last.month):
        whole = _month(year, month)
        first, last = max(whole.first, period.first), min(whole.last, period.last)
        cut = (first, last) != (whole.first, whole.last)
        result.append(Period(f"{first}..{last}", first, last) if cut else whole)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return result


def quarter_of(day: date) -> Period:
    """The calendar quarter in which the day lies."""
    return _quarter(day.year, (day.month + 2) // 3)


def next_quarter(quarter: Period) -> Period:
    """The calendar quarter after the one in which the period ends."""
    return quarter_of(quarter_of(quarter.last).last + timedelta(days=1))


def _month(year: int, month: int) -> Period:
    after = date(year, month + 1, 1) if month < 12 else date(year + 1, 1, 1)
    return Period(f"{year:04d}-{month:02d}", date(year, month, 1), after - timedelta(days=1))


def _quarter(year: int, number: int) -> Period:
    first, last = _month(year, 3 * number - 2), _month(year, 3 * number)
    return Period(f"{year:04d}Q{number}", first.first, last.last)
