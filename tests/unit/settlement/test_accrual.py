"""The running quarter to date."""

from __future__ import annotations

from datetime import date

import pytest

from settlement.accrual import accrued
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.rules import count_facts, parse_rate

QUARTER = Quarter(2020, 3)
TERMS = Terms.model_validate(
    {
        "contract": "c",
        "tax_rate": "0.06",
        "target": "0.9",
        "prepay_share": "0.9",
        "phases": [{"id": "p", "unit_price": "628.00", "in_service_from": date(2020, 4, 1), "months": 12}],
    }
)


@pytest.mark.parametrize(
    ("until", "full", "payable"),
    [
        (date(2020, 8, 1), 62_800_000, 52_513_360),  # July whole
        (date(2020, 7, 2), 2_025_806, 1_693_979),  # one day of 31: 20,258.06…; × 83.62 %
        (date(2020, 10, 1), 188_400_000, 157_540_080),  # the whole quarter: as it will be settled
    ],
)
def test_a_quarter_to_date_is_settled_as_if_it_ended(until, full, payable):
    rows, findings = accrued(TERMS, QUARTER, {"p": count_facts(1_000, parse_rate("83.62%"))}, until)
    assert findings == []
    [row] = rows
    assert (row.full_fen, row.payable_fen, row.deduction_fen) == (full, payable, full - payable)
    assert (row.contract, row.phase, row.quarter, row.until) == ("c", "p", "2020Q3", until)


@pytest.mark.parametrize("until", [date(2020, 7, 1), date(2020, 6, 1), date(2020, 10, 2)])
def test_nothing_before_the_quarter_s_second_day_or_after_its_end(until):
    assert accrued(TERMS, QUARTER, {"p": count_facts(1, parse_rate("1"))}, until) == ([], [])


def test_what_cannot_be_assessed_is_said_and_not_guessed():
    rows, findings = accrued(TERMS, QUARTER, {"p": count_facts(1, None)}, date(2020, 8, 1))
    assert rows == []
    assert [finding.level for finding in findings] == ["warning"]
