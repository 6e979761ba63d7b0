from __future__ import annotations

from datetime import date

import pytest

from monitor.finding import InputError
from monitor.period import Period, midnight, months_of, next_quarter, parse_period, quarter_of


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2020-07", date(2020, 7, 1), date(2020, 7, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2021-02", date(2021, 2, 1), date(2021, 2, 28)),
        ("2020-12", date(2020, 12, 1), date(2020, 12, 31)),
        ("2020Q1", date(2020, 1, 1), date(2020, 3, 31)),
        ("2020Q3", date(2020, 7, 1), date(2020, 9, 30)),
        ("2019Q4", date(2019, 10, 1), date(2019, 12, 31)),
        ("2020-07-01..2020-07-31", date(2020, 7, 1), date(2020, 7, 31)),
        ("2020-07-15..2020-07-15", date(2020, 7, 15), date(2020, 7, 15)),
    ],
)
def test_parse(text: str, first: date, last: date) -> None:
    assert parse_period(text) == Period(text, first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2020",
        "2020-13",
        "2020-00",
        "2020Q5",
        "2020Q0",
        "2020q3",
        "0000Q1",
        "9999-12",
        "2020-7",
        "2020-07-01",
        "2020-02-30..2020-03-01",
        "2020-07-31..2020-07-01",
        "2020-07-01...2020-07-31",
        "2020-07-01..",
        "２０２０Q3",
        " 2020Q3",
        "2020Q3\n",
    ],
)
def test_nonsense_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_period(text)
    (finding,) = caught.value.findings
    assert finding.column == "period"
    assert finding.remedy


def test_days_are_cut_in_the_contract_zone_not_in_utc() -> None:
    # 2020-07-01 00:00 in Shanghai is 2020-06-30 16:00 UTC.
    assert midnight(date(2020, 7, 1)) == 1593532800
    assert midnight(date(2020, 7, 1), "UTC") == 1593561600


def test_span_is_half_open_and_has_every_second() -> None:
    assert parse_period("2020-07").span() == (1593532800, 1596211200)
    start, end = parse_period("2020Q3").span()
    assert end - start == 92 * 86_400
    assert parse_period("2020-07-01..2020-07-31").span() == parse_period("2020-07").span()


def test_a_zone_with_summer_time_has_short_and_long_days() -> None:
    start, end = parse_period("2020-03-29..2020-03-29").span("Europe/Berlin")
    assert end - start == 23 * 3600
    start, end = parse_period("2020-10-25..2020-10-25").span("Europe/Berlin")
    assert end - start == 25 * 3600


def test_months_of_a_quarter_follow_one_another() -> None:
    months = months_of(parse_period("2019Q4"))
    assert [month.label for month in months] == ["2019-10", "2019-11", "2019-12"]
    spans = [month.span() for month in months]
    assert spans[0][1] == spans[1][0]
    assert spans[1][1] == spans[2][0]
    assert (spans[0][0], spans[2][1]) == parse_period("2019Q4").span()


def test_months_of_a_range_are_cut_to_it() -> None:
    assert months_of(parse_period("2019-12-30..2020-02-01")) == [
        Period("2019-12-30..2019-12-31", date(2019, 12, 30), date(2019, 12, 31)),
        Period("2020-01", date(2020, 1, 1), date(2020, 1, 31)),
        Period("2020-02-01..2020-02-01", date(2020, 2, 1), date(2020, 2, 1)),
    ]


def test_quarters() -> None:
    assert quarter_of(date(2020, 7, 1)).label == "2020Q3"
    assert quarter_of(date(2020, 9, 30)) == parse_period("2020Q3")
    assert quarter_of(date(2020, 12, 31)).label == "2020Q4"
    assert quarter_of(date(2020, 1, 1)).label == "2020Q1"
    assert next_quarter(parse_period("2020Q3")).label == "2020Q4"
    assert next_quarter(parse_period("2020Q4")) == parse_period("2021Q1")
