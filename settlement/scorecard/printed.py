"""Numbers and dates as reports print them: exact values that remember how precisely they were written.

A printed 93 % says that the true share lies within half a percentage point; whether it can be true at all is asked with
`Printed.could_be`. No I/O, no clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf, PlainSerializer

from monitor.finding import InputError
from monitor.period import parse_period
from settlement.figures import complaint
from settlement.money import round_half_up

_NUMBER = re.compile(r"(-?)(\d{1,18}|\d{1,3}(?:,\d{3}){1,5})(?:\.(\d{1,12}))?\s?(%?)", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as somebody printed it: "93%" is 93/100, printed to whole percentage points."""

    text: str
    value: Fraction
    places: int
    percent: bool

    @property
    def step(self) -> Fraction:
        """The unit of its last printed digit."""
        return Fraction(1, 10**self.places * (100 if self.percent else 1))

    def could_be(self, exact: Fraction) -> bool:
        """Tell whether `exact` is printed like this, rounded half up at the last printed digit."""
        return round_half_up(exact / self.step) * self.step == self.value

    def write(self, exact: Fraction) -> str:
        """Write another value as precisely as this one is printed, and one digit more where that changes it."""
        for more in (0, 1, 2):
            step = self.step / 10**more
            if exact == round_half_up(exact / step) * step or more == 2:
                break
        return percent(exact, self.places + more) if self.percent else plain(exact, self.places + more)


def printed(value: object) -> Printed:
    """Read "93%", "-42.66 %", "1,708,600" or a YAML number. ValueError on anything else, binary floats included."""
    if isinstance(value, Printed):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"不是数 not a number: {value!r}")
    text = (format(value, "f") if isinstance(value, Decimal) else str(value)).strip().replace("−", "-")
    match = _NUMBER.fullmatch(text)
    if not match:
        raise ValueError(f"不是数 not a number: {text[:40]!r}")
    sign, whole, rest, mark = match[1], match[2].replace(",", ""), match[3] or "", match[4]
    size = Fraction(f"{sign}{whole}.{rest or '0'}") / (100 if mark else 1)
    return Printed(text, size, len(rest), bool(mark))


def plain(exact: Fraction, places: int = 6) -> str:
    """Write a number without trailing zeros, thousands grouped; after "≈" where it needs more than `places` decimals."""
    rounded = round_half_up(exact * 10**places)
    whole, rest = divmod(abs(rounded), 10**places)
    digits = f"{rest:0{places}d}".rstrip("0") if places else ""
    text = f"{'−' if rounded < 0 else ''}{whole:,}{'.' if digits else ''}{digits}"
    return text if Fraction(rounded, 10**places) == exact else f"≈{text}"


def percent(share: Fraction, places: int = 4) -> str:
    """Write a share as a percentage, as `plain` writes numbers."""
    return f"{plain(share * 100, places)} %"


@dataclass(frozen=True, slots=True)
class When:
    """A day, month, quarter, year or range of days, as it is written."""

    text: str
    first: date
    last: date


def when(value: object) -> When:
    """Read 2020-10-01, 2020-10, 2020Q3, 2020 or 2020-10-01..2020-10-31. ValueError on anything else."""
    if isinstance(value, When):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return When(str(value), value, value)
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if _YEAR.fullmatch(text) and 1970 <= int(text) <= 9998:
        first = date(int(text), 1, 1)
        return When(text, first, date(int(text) + 1, 1, 1) - timedelta(days=1))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return When(text, date.fromisoformat(text), date.fromisoformat(text))
        period = parse_period(text)
    except (ValueError, InputError):
        raise ValueError(f"不是日期或期间 not a date or period: {str(value)[:40]!r}") from None
    return When(text, period.first, period.last)


def _number(value: object) -> Printed:
    try:
        return printed(value)
    except ValueError as error:
        raise complaint("number", str(error), "写成 93%、1708600 或 168.91 write it like one of these") from None


def _when(value: object) -> When:
    try:
        return when(value)
    except ValueError as error:
        raise complaint("when", str(error), "写成 2020-10-01、2020-10 或 2020Q3 write it like one of these") from None


def points(value: object) -> Fraction:
    """Read points of a score, at most six decimals. A validation error on anything else."""
    if isinstance(value, Fraction):
        return value
    number = _number(value)
    if number.percent or number.value < 0 or number.places > 6:
        raise complaint(
            "points", f"不是分值 not a score: {number.text}", "写不小于零的数 write a number not below zero"
        )
    return number.value


def _text(value: Printed | When) -> str:
    return value.text


def exact_text(value: Fraction) -> str:
    """Write a score as JSON carries it: plain digits, "93.07"; a fraction where it does not end."""
    scale = 0
    while scale < 12 and (value * 10**scale).denominator != 1:
        scale += 1
    text = plain(value, scale).replace(",", "").replace("−", "-")
    return str(value) if text.startswith("≈") else text


Number = Annotated[InstanceOf[Printed], BeforeValidator(_number), PlainSerializer(_text, return_type=str)]
Time = Annotated[InstanceOf[When], BeforeValidator(_when), PlainSerializer(_text, return_type=str)]
Points = Annotated[Fraction, BeforeValidator(points), PlainSerializer(exact_text, return_type=str, when_used="json")]
