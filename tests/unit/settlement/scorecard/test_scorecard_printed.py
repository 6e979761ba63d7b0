"""Numbers as reports print them: read exactly, written back, and what they could have been."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from settlement.scorecard.printed import exact_text, percent, plain, printed, when


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("93%", Fraction(93, 100), Fraction(1, 100)),
        ("-42.66 %", Fraction(-4266, 10_000), Fraction(1, 10_000)),
        ("−46.24%", Fraction(-4624, 10_000), Fraction(1, 10_000)),
        ("1,708,600", Fraction(1_708_600), Fraction(1)),
        ("168.91", Fraction(16_891, 100), Fraction(1, 100)),
        (Decimal("4.70"), Fraction(47, 10), Fraction(1, 100)),
        (12, Fraction(12), Fraction(1)),
    ],
)
def test_reading(text: object, value: Fraction, step: Fraction) -> None:
    found = printed(text)
    assert (found.value, found.step) == (value, step)


@pytest.mark.parametrize("text", [0.93, True, None, "93 percent", "1,70,600", "1e3", "--1", "", "１２", "5%%"])
def test_what_is_no_number(text: object) -> None:
    with pytest.raises(ValueError, match="不是数"):
        printed(text)


def test_what_a_printed_share_could_be() -> None:
    assert printed("66.67%").could_be(Fraction(2, 3))
    assert printed("67%").could_be(Fraction(2, 3))
    assert not printed("66.6%").could_be(Fraction(2, 3))
    assert printed("0.5%").could_be(Fraction(45, 10_000))  # half up
    assert not printed("0.4%").could_be(Fraction(45, 10_000))


def test_writing() -> None:
    assert plain(Fraction(1, 3)) == "≈0.333333"
    assert plain(Fraction(-1234567, 100)) == "−12,345.67"
    assert plain(Fraction(0)) == "0"
    assert percent(Fraction(6276, 50706)) == "≈12.3772 %"
    assert exact_text(Fraction(9307, 100)) == "93.07"
    assert exact_text(Fraction(-1, 2)) == "-0.5"
    assert exact_text(Fraction(1234)) == "1234"
    assert exact_text(Fraction(1, 3)) == "1/3"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (date(2020, 9, 17), date(2020, 9, 17), date(2020, 9, 17)),
        ("2020-09-17", date(2020, 9, 17), date(2020, 9, 17)),
        ("2020-10", date(2020, 10, 1), date(2020, 10, 31)),
        ("2020Q3", date(2020, 7, 1), date(2020, 9, 30)),
        (2020, date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-02-24..2020-02-29", date(2020, 2, 24), date(2020, 2, 29)),
    ],
)
def test_when(text: object, first: date, last: date) -> None:
    found = when(text)
    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize("text", ["2020-13", "2020-02-30", "Q3", "", True, 12.5, None])
def test_what_is_no_time(text: object) -> None:
    with pytest.raises(ValueError, match="不是日期"):
        when(text)
