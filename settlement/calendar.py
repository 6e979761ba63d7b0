"""Working days: counting over a table of days that somebody knows. Pure; where the table comes from is the shell's part.

China's working days differ from weekdays by each year's notice of the State Council: holidays take weekdays off, and
some Saturdays and Sundays are worked in exchange. A year without such a table is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from monitor.finding import Finding, InputError, refuse

SATURDAY = 5
MAX_DAYS = 3_660
FIXED_HOLIDAYS = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
"""Statutory holidays with a fixed date: a year's table without one of them is incomplete."""


class DayNote(NamedTuple):
    """One row of an imported table: is it worked, who says so, and where the row stands."""

    day: date
    working: bool
    source: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked. `years` are the years that are known; `exceptions` differ from Monday to Friday."""

    years: frozenset[int]
    exceptions: Mapping[date, bool] = field(default_factory=dict)

    def working(self, day: date) -> bool:
        """Tell whether the day is worked. InputError for a year that nobody knows."""
        if day.year not in self.years:
            known = f"{min(self.years)}–{max(self.years)}" if self.years else "无 none"
            raise refuse(
                f"不知道 {day.year} 年的工作日（已知 {known}） the working days of {day.year} are not known",
                "导入该年的节假日表 import that year's table: camsla workdays import FILE",
                column="workdays",
            )
        return self.exceptions.get(day, day.weekday() < SATURDAY)

    def next_working(self, day: date) -> date:
        """Return the day itself if it is worked, else the next one that is."""
        for n in range(MAX_DAYS):
            if self.working(day + timedelta(days=n)):
                return day + timedelta(days=n)
        raise refuse(
            f"{day} 之后没有工作日 no working day after that", "核对节假日表 check the table", column="workdays"
        )

    def after(self, base: date, count: int) -> date:
        """Return the count-th working day after `base`, which is not counted itself; with 0 the next worked day."""
        if count == 0:
            return self.next_working(base)
        day = base
        for _ in range(count):
            day = self.next_working(day + timedelta(days=1))
        return day

    def between(self, first: date, last: date) -> int:
        """Count the working days after `first` up to and with `last`; 0 if `last` is not later."""
        if (last - first).days > MAX_DAYS:
            raise refuse(
                f"跨度超过 {MAX_DAYS:,} 天 a span of more than that: {first}–{last}", "核对日期 check the dates"
            )
        return sum(self.working(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def checked_table(file: str, rows: Iterable[DayNote], known: frozenset[int]) -> tuple[DayNote, ...]:
    """Return a table that may be imported: no day twice, and every year beyond `known` complete as far as can be told.

    A year that the built-in calendar does not know must list the holidays of fixed date and at least three days off in a
    row around the Spring Festival (21 January to 28 February). InputError with everything that is wrong.
    """
    findings: list[Finding] = []
    seen: dict[date, DayNote] = {}
    for row in rows:
        if row.day in seen:
            message = f"日期重复 the day stands in line {seen[row.day].line} already: {row.day}"
            findings.append(Finding(file, row.line, "day", message, "每天只列一次 list each day once"))
        seen[row.day] = row
    if not seen:
        findings.append(Finding(file, 0, "", "没有数据行 no rows", "列出 day,working,source list day,working,source"))
    for year in sorted({day.year for day in seen} - known):
        findings += _incomplete(file, year, {day for day, row in seen.items() if not row.working})
    if findings:
        raise InputError(findings)
    return tuple(seen[day] for day in sorted(seen))


def _incomplete(file: str, year: int, free: set[date]) -> list[Finding]:
    remedy = "按国务院办公厅通知列全 list the whole year as the State Council's notice does"
    findings = [
        Finding(file, 0, "day", f"{year} 年的表缺少法定节假日 the table lacks a statutory holiday: {day}", remedy)
        for day in (date(year, *fixed) for fixed in FIXED_HOLIDAYS)
        if day not in free
    ]
    spring = [date(year, 1, 21) + timedelta(days=n) for n in range(37)]
    if not any(all(day + timedelta(days=n) in free for n in range(3)) for day in spring):
        message = f"{year} 年的表缺少春节假期 the table lacks the Spring Festival"
        findings.append(Finding(file, 0, "day", message, remedy))
    return findings
