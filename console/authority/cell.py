"""Figures as cells hold them: "98.5%", 0.985, 98.5, 735小时30分, 1,000; each read exactly or said to be none.

A number cell is read with the fifteen digits that Excel itself shows: 0.1 + 0.2 in a formula is 0.3 to whoever typed it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal

from monitor.roster.table import Value

RateStyle = Literal["percent", "share", "each"]
"""How a bare number stands for a rate: 98.5, or 0.985, or each as it is: above 1 the one, else the other."""

EMPTY = frozenset(
    {"", "-", "--", "—", "——", "–", "/", "\\", "无", "暂无", "n/a", "na", "#n/a", "null", "未统计", "未提供", "*"}
)
MAX_INT = 2**63 - 1

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?")
_COUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.0+)?(?:台|个|路|点|次|套)?")
_CLOCK = re.compile(r"(\d{1,6}):([0-5]\d)(?::([0-5]\d))?")
_SPOKEN = re.compile(
    r"(?:(\d{1,6})(?:天|日))?(?:(\d{1,6}(?:\.\d{1,6})?)(?:小时|时|h))?(?:(\d{1,6})(?:分钟|分|min))?(?:(\d{1,6})(?:秒|s))?"
)


class NoFigureError(ValueError):
    """A cell that holds no figure of the kind that its heading names; the text says why."""


def text_of(value: Value) -> str:
    """Return a cell's own text, as people see it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, float)):
        return format(_decimal(value), "f")
    if isinstance(value, (datetime, time, timedelta)):
        return str(value)
    return " ".join(unicodedata.normalize("NFKC", str(value)).split())[:200]


def _decimal(value: int | float) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(format(value, ".15g"))


def is_empty(value: Value) -> bool:
    """Tell whether a cell says that there is no figure."""
    return value is None or (isinstance(value, str) and text_of(value).casefold() in EMPTY)


def bare_number(value: Value) -> Decimal | None:
    """Return the number that a cell holds without a percent sign, None if it holds something else."""
    if isinstance(value, bool) or is_empty(value):
        return None
    if isinstance(value, (int, float)):
        return _decimal(value)
    text = text_of(value) if isinstance(value, str) else ""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def rate_of(value: Value, style: RateStyle) -> tuple[int, int]:
    """Read a rate as two whole numbers, in the digits that are written: "98.50%" is 9850 of 10000. NoFigureError else."""
    text = text_of(value).replace(" ", "")
    if isinstance(value, str) and "/" in text:
        return _quotient(text)
    number, _, rest = text.partition("%")
    if rest or not _NUMBER.fullmatch(number):
        raise NoFigureError(f"不是在线率 not a rate: {text[:40]!r}")
    percent = "%" in text or style == "percent" or (style == "each" and Decimal(number) > 1)
    whole, _, places = number.partition(".")
    num, den = int(whole + places), 10 ** (len(places) + (2 if percent else 0))
    if num > den:
        raise NoFigureError(f"在线率大于 100 % a rate above 100 %: {text[:40]!r}")
    if den > MAX_INT:
        raise NoFigureError(f"位数过多 too many digits: {text[:40]!r}")
    return num, den


def _quotient(text: str) -> tuple[int, int]:
    first, _, second = text.partition("/")
    if not (_COUNT.fullmatch(first) and _COUNT.fullmatch(second)):
        raise NoFigureError(f"不是在线率 not a rate: {text[:40]!r}")
    num, den = count_of(first), count_of(second)
    if den == 0:
        raise NoFigureError(f"分母为零，无可计 a denominator of zero: {text[:40]!r}")
    if num > den:
        raise NoFigureError(f"分子大于分母 more online than there are: {text[:40]!r}")
    return num, den


def count_of(value: Value) -> int:
    """Read a whole number: 1000, "1,000", "1000台". NoFigureError for anything else."""
    text = text_of(value).replace(" ", "")
    found = _COUNT.fullmatch(text)
    if isinstance(value, bool) or found is None:
        raise NoFigureError(f"不是整数 not a whole number: {text[:40]!r}")
    return int(found[1].replace(",", ""))


def seconds_of(value: Value, unit_s: int) -> Fraction:
    """Read a duration in seconds: an Excel duration, 735:30, 735小时30分, or a number of the unit. NoFigureError else."""
    if isinstance(value, timedelta):
        return Fraction(value // timedelta(microseconds=1), 1_000_000)
    if isinstance(value, time):
        return Fraction(value.hour * 3_600 + value.minute * 60 + value.second)
    text = text_of(value).replace(" ", "").replace(",", "")
    if _NUMBER.fullmatch(text):
        return Fraction(text) * unit_s
    if clock := _CLOCK.fullmatch(text):
        return Fraction(int(clock[1]) * 3_600 + int(clock[2]) * 60 + int(clock[3] or 0))
    spoken = _SPOKEN.fullmatch(text)
    if spoken is None or not any(spoken.groups()):
        raise NoFigureError(f"不是时长 not a duration: {text[:40]!r}")
    days, hours, minutes, seconds = spoken.groups()
    try:
        return (
            Fraction(days or 0) * 86_400
            + Fraction(hours or 0) * 3_600
            + Fraction(minutes or 0) * 60
            + Fraction(seconds or 0)
        )
    except (ValueError, InvalidOperation):
        raise NoFigureError(f"不是时长 not a duration: {text[:40]!r}") from None
