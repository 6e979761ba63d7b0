"""Months and quarters as titles, headings and cells write them, and the document number of a title."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import NamedTuple

from monitor.roster.table import Value

_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_YEAR = r"(?P<year>(?:19|20|21)\d{2})"
_PERIODS = (
    re.compile(rf"(?:{_YEAR}年?度?)?第?(?P<quarter>[1-4一二三四])季度?"),
    re.compile(rf"(?:{_YEAR}[-年/]?)?q(?P<quarter>[1-4])"),
    re.compile(
        rf"{_YEAR}[-/.年](?P<month>0?[1-9]|1[0-2])(?:月份?)?(?:[-~至到](?:{_YEAR.replace('year', 'y2')}年)?(?P<last>\d{{1,2}})月份?)?"
    ),
    re.compile(rf"{_YEAR}(?P<month>0[1-9]|1[0-2])"),
    re.compile(rf"{_YEAR}[-/.](?P<month>0?[1-9]|1[0-2])[-/.]0?1"),
    re.compile(r"(?P<month>0?[1-9]|1[0-2])(?:月份?)(?:[-~至到](?P<last>\d{1,2})月份?)?"),
    re.compile(r"(?P<month>[1-9]|1[0-2])[-~至到](?P<last>\d{1,2})月份?"),
    re.compile(r"(?P<month>十[一二]?|[一二三四五六七八九])月份?"),
)
_REFERENCE = re.compile(r"[\u4e00-\u9fff]{1,16}[〔\[(【]\d{4}[〕\])】]\s*第?\d{1,6}号")


class When(NamedTuple):
    """A month or a quarter, the year of which the text may leave open."""

    year: int | None
    month: int | None
    quarter: int | None

    def label(self, year: int | None) -> str | None:
        """Return "2020-07" or "2020Q3"; None if no year is known."""
        known = self.year if self.year is not None else year
        if known is None:
            return None
        return f"{known:04d}-{self.month:02d}" if self.month is not None else f"{known:04d}Q{self.quarter}"


def number_of(text: str) -> int:
    """Read 1 to 99 written in digits or in Chinese: 十二 is 12."""
    if text.isdigit():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
    return _DIGITS[text]


def when_of(value: Value, *, alone: bool = True) -> When | None:
    """Read a cell as a month or quarter: 2020年7月, 7月, 2020-07, 三季度, 2020Q3, a date, 202007; None for anything else.

    Unless `alone`, the text may go on after it.
    """
    if isinstance(value, (datetime, date)):  # Excel keeps 2020年7月 as the month's first day
        return When(value.year, value.month, None) if value.day == 1 else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        if value != int(value):
            return None
        return When(None, int(value), None) if 1 <= value <= 12 else when_of(str(int(value)))
    text = plain_period(str(value))
    for pattern in _PERIODS:
        found = pattern.fullmatch(text) if alone else pattern.match(text)
        if found is not None and (when := _when(found)) is not None:
            return when
    return None


def plain_period(text: str) -> str:
    """Return a text as periods are looked for in it."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold().replace("—", "-").replace("–", "-")


def _when(found: re.Match[str]) -> When | None:
    parts = found.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    if parts.get("quarter"):
        return When(year, None, number_of(parts["quarter"]))
    month = number_of(parts["month"])
    if not parts.get("last"):
        return When(year, month, None)
    # 7月-9月 is a quarter if it is a calendar quarter, and nothing that can be settled by otherwise.
    last = int(parts["last"])
    return When(year, None, last // 3) if last - month == 2 and last % 3 == 0 else None


def when_within(text: str) -> When | None:
    """Find a period with its year anywhere in a title: 新建区2020年第三季度视频监控在线率统计表."""
    plain = plain_period(text)
    for at in re.finditer(r"(?:19|20|21)\d{2}", plain):
        when = when_of(plain[at.start() :], alone=False)
        if when is not None and when.year is not None:
            return when
    return None


def year_within(text: str) -> int | None:
    """Find a year in a title that names no month: 2020年度视频监控在线率."""
    found = re.search(r"((?:19|20|21)\d{2})年", plain_period(text))
    return int(found[1]) if found else None


def reference_within(text: str) -> str:
    """Find a document number (文号) in a title: 新公视〔2020〕18号; empty if there is none."""
    found = _REFERENCE.search(unicodedata.normalize("NFC", text))
    return found[0] if found else ""
