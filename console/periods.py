"""Periods as people write and read them: 2026年第四季度, 2026年11月, 2026年, beside the short forms of the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from console.web.words import N_
from monitor.period import Period, parse_period, quarter_of

_DIGITS = {"一": "1", "二": "2", "三": "3", "四": "4"}
_QUARTER = re.compile(r"(\d{4})年?第?([1-4一二三四])季度?")
_MONTH = re.compile(r"(\d{4})(?:年|[-/.])(\d{1,2})月?")
_YEAR = re.compile(r"(\d{4})年?")
_BARE_YEAR = re.compile(r"[0-9]{4}")
_SHORT = re.compile(r"(\d{4})Q([1-4])", re.IGNORECASE)
_SPAN = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?:\.\.|至|到|~|—)(\d{4}-\d{1,2}-\d{1,2})")
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")


def period_of(text: str) -> Period:
    """Read a period as `parse_period` does, or a calendar year: 2026. InputError for anything else."""
    written = text.strip()
    if _BARE_YEAR.fullmatch(written):
        written = f"{written}-01-01..{written}-12-31"
    return parse_period(written)


def read_period(text: str) -> Period:
    """Read a period as somebody typed it. InputError for what is none."""
    bare = "".join(text.split())
    if match := _SHORT.fullmatch(bare):
        return parse_period(f"{match[1]}Q{match[2]}")
    if match := _QUARTER.fullmatch(bare):
        return parse_period(f"{match[1]}Q{_DIGITS.get(match[2], match[2])}")
    if match := _YEAR.fullmatch(bare):
        return period_of(match[1])
    if match := _MONTH.fullmatch(bare):
        return parse_period(f"{match[1]}-{int(match[2]):02}")
    if match := _SPAN.fullmatch(bare):
        return parse_period(f"{_padded(match[1])}..{_padded(match[2])}")
    if _DAY.fullmatch(bare):
        return parse_period(f"{_padded(bare)}..{_padded(bare)}")
    return parse_period(text.strip())


def _padded(day: str) -> str:
    year, month, of_month = day.split("-")
    return f"{year}-{int(month):02}-{int(of_month):02}"


def said(label: str, say: Callable[[str], str]) -> str:
    """Write a quarter's or a month's label as people say it; others as they are."""
    if match := _SHORT.fullmatch(label):
        return say(N_("{year} 年第 {n} 季度")).format(year=match[1], n=match[2])
    if match := re.fullmatch(r"(\d{4})-(\d\d)", label):
        return say(N_("{year} 年 {n} 月")).format(year=match[1], n=int(match[2]))
    return label


def quarters_before(today: date, n: int) -> list[Period]:
    """Return the running quarter and those before it, newest first; n in all."""
    found = [quarter_of(today)]
    while len(found) < n:
        found.append(quarter_of(found[-1].first - timedelta(days=1)))
    return found
