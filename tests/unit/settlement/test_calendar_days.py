"""Working days: the notice's exceptions, years that nobody knows, tables that are incomplete."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest

from monitor.finding import InputError
from settlement.calendar import Calendar, DayNote, checked_table
from settlement.store.workdays import built_in

NEXT_YEAR = 2027


def table(year: int, without: tuple[tuple[int, int], ...] = ()) -> list[DayNote]:
    days = [(1, 1), (2, 5), (2, 6), (2, 7), (2, 8), (5, 1), (10, 1), (10, 2), (10, 3)]
    return [DayNote(date(year, *day), False, "国办发明电", n) for n, day in enumerate(days, 2) if day not in without]


def test_the_built_in_calendar_says_what_the_library_says_of_every_day_it_knows():
    calendar = built_in()
    assert (min(calendar.years), max(calendar.years)) == (2004, 2026)
    day, last = date(2004, 1, 1), date(2026, 12, 31)
    while day <= last:
        assert calendar.working(day) is chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


def test_national_day_is_skipped_and_the_worked_sunday_counts():
    calendar = built_in()
    # 2020: 1-8 October free; Sunday 27 September and Saturday 10 October worked.
    assert calendar.after(date(2020, 9, 25), 1) == date(2020, 9, 27)
    assert calendar.after(date(2020, 9, 30), 1) == date(2020, 10, 9)
    assert calendar.after(date(2020, 9, 30), 2) == date(2020, 10, 10)
    assert calendar.after(date(2020, 10, 1), 0) == date(2020, 10, 9)
    assert calendar.after(date(2020, 10, 9), 0) == date(2020, 10, 9)
    assert calendar.between(date(2020, 9, 30), date(2020, 10, 10)) == 2
    assert calendar.between(date(2020, 10, 10), date(2020, 9, 30)) == 0


def test_a_year_that_nobody_knows_is_an_error_with_a_remedy():
    with pytest.raises(InputError, match=r"2027 年的工作日.*2004–2026") as error:
        built_in().after(date(2026, 12, 30), 5)
    assert "camsla workdays import" in error.value.findings[0].remedy


@pytest.mark.parametrize("missing", [(1, 1), (5, 1), (10, 1), (10, 2), (10, 3)])
def test_a_year_without_a_statutory_holiday_is_refused(missing):
    with pytest.raises(InputError, match=f"2027-{missing[0]:02d}-{missing[1]:02d}"):
        checked_table("t.csv", table(NEXT_YEAR, (missing,)), frozenset())


def test_a_year_without_the_spring_festival_or_with_a_day_twice_is_refused_at_once():
    rows = table(NEXT_YEAR, ((2, 6), (2, 7)))
    with pytest.raises(InputError) as error:
        checked_table("t.csv", [*rows, rows[0]._replace(line=99)], frozenset())
    messages = [str(finding) for finding in error.value.findings]
    assert any("春节" in text for text in messages)
    assert any("t.csv:99" in text and "line 2 already" in text for text in messages)


def test_a_known_year_may_be_corrected_by_single_days():
    note = DayNote(date(2026, 3, 3), False, "本市通知", 2)
    assert checked_table("t.csv", [note], frozenset({2026})) == (note,)
    calendar = Calendar(frozenset({2026}), {note.day: note.working})
    assert calendar.after(date(2026, 3, 2), 1) == date(2026, 3, 4)
