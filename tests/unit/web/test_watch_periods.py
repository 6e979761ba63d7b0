"""Periods as people type and read them."""

from __future__ import annotations

from datetime import date

import pytest

from console.periods import quarters_before, read_period, said
from console.web.words import translations
from monitor.finding import InputError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2020Q3", "2020Q3"),
        ("2020q3", "2020Q3"),
        ("2020年第三季度", "2020Q3"),
        (" 2020 年 3 季度", "2020Q3"),
        ("2020年7月", "2020-07"),
        ("2020/7", "2020-07"),
        ("2020-07", "2020-07"),
        ("2020年", "2020-01-01..2020-12-31"),
        ("2020-7-1 至 2020-07-31", "2020-07-01..2020-07-31"),
        ("2020-07-01..2020-07-31", "2020-07-01..2020-07-31"),
        ("2020-07-15", "2020-07-15..2020-07-15"),
    ],
)
def test_what_people_type_is_the_period_that_they_mean(text: str, label: str) -> None:
    assert read_period(text).label == label


@pytest.mark.parametrize(
    "text", ["", "去年", "2020Q5", "2020-13", "2020-02-30", "2020-08-01至2020-07-01", "9999年", "2020年第五季度"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_period(text)


def test_quarters_and_months_are_said_in_the_readers_language() -> None:
    english = translations("en").gettext
    assert said("2020Q3", str) == "2020 年第 3 季度" and said("2020Q3", english) == "Q3 2020"
    assert said("2020-07", str) == "2020 年 7 月" and said("2020-07-01..2020-07-09", str) == "2020-07-01..2020-07-09"


def test_the_running_quarter_and_those_before_it() -> None:
    assert [one.label for one in quarters_before(date(2020, 2, 29), 3)] == ["2020Q1", "2019Q4", "2019Q3"]
