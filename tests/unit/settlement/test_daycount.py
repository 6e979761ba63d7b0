from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from monitor.finding import InputError
from settlement.daycount import DayCount, Quarter, add_months, months_billed, parse_quarter, units_billed
from settlement.money import round_half_up
from settlement.rules import billed_days

OCTOBER = (date(2020, 10, 1).toordinal(), date(2020, 11, 1).toordinal())
FEBRUARY = (date(2021, 2, 1).toordinal(), date(2021, 3, 1).toordinal())


def billed(*spans: tuple[int, int], month: tuple[int, int] = OCTOBER) -> list[tuple[int, int]]:
    """Days of the month, first and last inclusive."""
    return [(month[0] + first - 1, month[0] + last) for first, last in spans]


@pytest.mark.parametrize(
    ("rule", "fee_fen"),
    [("actual", 32_413), ("actual/30", 33_493), ("half-month", 31_400), ("full-month", 62_800), ("next-month", 0)],
)
def test_in_service_from_16_october(rule: str, fee_fen: int) -> None:
    share = months_billed([(billed((16, 31)), 1)], [OCTOBER], DayCount(rule))
    assert round_half_up(62_800 * share) == fee_fen


@pytest.mark.parametrize("rule", list(DayCount))
def test_a_whole_month_is_one_and_none_is_nothing(rule: DayCount) -> None:
    for month in (OCTOBER, FEBRUARY):
        whole = [(month[0] - 40, month[1] + 40)]
        assert months_billed([(whole, 3)], [month], rule) == 3
        assert months_billed([([], 3), ([(0, 1)], 2)], [month], rule) == 0


@pytest.mark.parametrize(
    ("spans", "actual", "thirty", "half", "full", "following"),
    [
        ([(1, 30)], 30, 30, 2, 1, 1),
        ([(2, 31)], 30, 30, 2, 1, 0),
        ([(1, 15)], 15, 15, 1, 1, 1),
        ([(15, 15)], 1, 1, 1, 1, 0),
        ([(16, 16)], 1, 1, 1, 1, 0),
        ([(15, 16)], 2, 2, 2, 1, 0),
        ([(31, 31)], 1, 1, 1, 1, 0),
        ([(1, 3), (10, 12), (30, 31)], 8, 8, 2, 1, 1),
        ([(2, 3), (10, 12)], 5, 5, 1, 1, 0),
    ],
)
def test_parts_of_october(
    spans: list[tuple[int, int]], actual: int, thirty: int, half: int, full: int, following: int
) -> None:
    got = [units_billed(billed(*spans), OCTOBER, rule) for rule in DayCount]
    assert got == [actual, thirty, half, full, following]


def test_a_short_february_is_whole_without_30_days() -> None:
    assert units_billed(billed((1, 28), month=FEBRUARY), FEBRUARY, DayCount.THIRTY) == 30
    assert units_billed(billed((2, 28), month=FEBRUARY), FEBRUARY, DayCount.THIRTY) == 27


@pytest.mark.parametrize("rule", [DayCount.ACTUAL, DayCount.HALF_MONTH, DayCount.NEXT_MONTH])
def test_a_term_of_48_months_from_16_october_is_48_months(rule: DayCount) -> None:
    start = date(2020, 10, 16)
    term = [(start.toordinal(), add_months(start, 48).toordinal())]
    quarter, total = Quarter(2020, 4), Fraction(0)
    for _ in range(17):
        total += months_billed([(term, 1)], quarter.months, rule)
        quarter = quarter.following()
    assert total == 48


def test_pauses_interrupt_billing() -> None:
    day = date.toordinal
    spans = billed_days(
        date(2020, 7, 1), date(2020, 10, 1), [(date(2020, 7, 10), date(2020, 7, 12)), (date(2020, 9, 1), None)]
    )
    assert spans == (
        (day(date(2020, 7, 1)), day(date(2020, 7, 10))),
        (day(date(2020, 7, 12)), day(date(2020, 9, 1))),
    )
    assert billed_days(None, date(2020, 10, 1)) == ()
    assert billed_days(date(2020, 10, 1), date(2020, 10, 1)) == ()
    assert billed_days(date(2020, 10, 1), None)[0][1] == day(date.max)


def test_quarters() -> None:
    quarter = parse_quarter(" 2020q3 ")
    assert (quarter.label, quarter.start, quarter.end) == ("2020Q3", date(2020, 7, 1), date(2020, 10, 1))
    assert Quarter(2020, 4).following() == Quarter(2021, 1)
    assert [b - a for a, b in Quarter(2020, 1).months] == [31, 29, 31]
    for text in ("2020Q5", "2020Q0", "2020-07", "", "20Q3", "٢٠٢٠Q3", "0001Q1", "2020Q3x"):
        with pytest.raises(InputError, match="not a quarter"):
            parse_quarter(text)


def test_the_31st_meets_a_short_month() -> None:
    assert add_months(date(2020, 1, 31), 1) == date(2020, 2, 29)
    assert add_months(date(2020, 10, 16), 48) == date(2024, 10, 16)
    assert add_months(date(2020, 12, 1), 1) == date(2021, 1, 1)
