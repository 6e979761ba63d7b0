"""Figures as contracts write them: yuan, shares, rates and dates, each read exactly or refused with a remedy.

Amounts are read as yuan with at most two decimals and kept as integer fen; shares and rates are read as 0.9, "90%" or
"9/10" and kept as exact fractions. As JSON, fen become yuan again and fractions their exact text.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

from settlement.daycount import FIRST_YEAR, LAST_YEAR
from settlement.money import fen, yuan

_SHARE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)(%?)|(\d{1,18})/(\d{1,18})", re.ASCII)


def complaint(kind: str, message: str, remedy: str) -> PydanticCustomError:
    """Build a validation error whose message and remedy reach the reader as they are."""
    return PydanticCustomError(kind, "{message}", {"message": message, "remedy": remedy})


def fraction_of(value: object) -> Fraction:
    """Read 0.9, "0.9", "90%" or "9/10" exactly. ValueError on binary floats, negatives and anything else."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"不是比率 not a share: {value!r}")
    text = (format(value, "f") if isinstance(value, Decimal) else str(value)).strip().replace(" %", "%")
    match = _SHARE.fullmatch(text)
    if text.startswith("-"):
        raise ValueError(f"比率为负 a negative share: {text[:40]}")
    if not match or (match[4] and int(match[4]) == 0):
        raise ValueError(f"不是比率 not a share: {text[:40]!r}")
    if match[3]:
        return Fraction(int(match[3]), int(match[4]))
    return Fraction(match[1]) / (100 if match[2] else 1)


def _fen(value: object) -> int:
    try:
        amount = fen(value)  # type: ignore[arg-type]  # fen() refuses what is no amount
    except ValueError as error:
        raise complaint("money", str(error), '写成元，至多两位小数 write yuan, like "628.00"') from None
    if amount < 0:
        raise complaint("money", f"金额为负 a negative amount: {value}", "须不小于零 must not be below zero")
    return amount


def _price(value: object) -> int:
    amount = _fen(value)
    if amount == 0:
        raise complaint("money", "单价为零 a price of zero", "写合同单价 write the contract's price")
    return amount


def _share(value: object) -> Fraction:
    try:
        share = fraction_of(value)
    except ValueError as error:
        raise complaint("share", str(error), '须在 0 与 1 之间 between 0 and 1, like 0.90 or "90%"') from None
    if share > 1:
        raise complaint("share", f"比率大于 1 a share above 1: {value}", '写成 0.90 或 "90%" write 0.90 or "90%"')
    return share


def _target(value: object) -> Fraction:
    share = _share(value)
    if share == 0:
        raise complaint("share", "考核线为零 a target of zero", "须大于零 must be above zero")
    return share


def _tax(value: object) -> Fraction:
    try:
        rate = fraction_of(value)
    except ValueError as error:
        raise complaint("tax", str(error), "写成 0.06 write it like 0.06") from None
    if rate >= 1:
        raise complaint("tax", f"税率超出范围 tax rate out of range: {value}", "写成 0.06 而不是 6 write 0.06, not 6")
    return rate


def _factor(value: object) -> Fraction:
    try:
        return fraction_of(value)
    except ValueError as error:
        raise complaint("factor", str(error), "写不小于零的数 write a number not below zero") from None


def _day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise complaint("date", f"不可能的日期 impossible date: {value}", "核对日历 check the calendar") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise complaint("date", f"不是日期 not a date: {str(value)[:40]!r}", "写成 2020-07-01 write it like 2020-07-01")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise complaint("date", f"不可能的日期 impossible date: {value}", f"{FIRST_YEAR}–{LAST_YEAR}")
    return value


def _exact(value: Fraction) -> str:
    return str(value)


_as_yuan = PlainSerializer(yuan, return_type=str, when_used="json")
_as_fraction = PlainSerializer(_exact, return_type=str, when_used="json")
Fen = Annotated[int, BeforeValidator(_fen), _as_yuan]
Price = Annotated[int, BeforeValidator(_price), _as_yuan]
Share = Annotated[Fraction, BeforeValidator(_share), _as_fraction]
Target = Annotated[Fraction, BeforeValidator(_target), _as_fraction]
TaxRate = Annotated[Fraction, BeforeValidator(_tax), _as_fraction]
Factor = Annotated[Fraction, BeforeValidator(_factor), _as_fraction]
Day = Annotated[date, BeforeValidator(_day)]
