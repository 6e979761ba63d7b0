"""Invoice lines with dated tax rates, credit invoices; budget rates of the reports."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from monitor.finding import InputError
from settlement.budget import BudgetYear, budget_findings, execution, overdrawn
from settlement.clauses import DatedTaxRate
from settlement.invoicing import credited, invoice_lines, printed_tax, tax_rate_on
from settlement.payments import Movement

SIX = Fraction(6, 100)
PARTS = [("line", 122), ("integration", 359), ("platform", 147)]
RATES = [
    DatedTaxRate.model_validate({"component": "line", "from": "2020-01-01", "rate": "0.09"}),
    DatedTaxRate.model_validate({"component": "line", "from": "2022-01-01", "rate": "0.08"}),
    DatedTaxRate.model_validate({"from": "2021-01-01", "rate": "0.05"}),
]


def test_the_latest_rate_that_names_the_component_comes_first():
    assert tax_rate_on("line", date(2021, 12, 31), RATES, SIX) == Fraction(9, 100)
    assert tax_rate_on("line", date(2022, 1, 1), RATES, SIX) == Fraction(8, 100)
    assert tax_rate_on("platform", date(2020, 12, 31), RATES, SIX) == SIX
    assert tax_rate_on("platform", date(2021, 1, 1), RATES, SIX) == Fraction(5, 100)


def test_lines_per_component_each_with_its_own_tax():
    lines = invoice_lines(157_540_080, PARTS, date(2020, 10, 15), RATES, SIX)
    assert [(x.component, x.gross) for x in lines] == [
        ("line", 30_604_920),
        ("integration", 90_058_740),
        ("platform", 36_876_420),
    ]
    assert [(x.net, x.tax) for x in lines] == [
        (28_077_908, 2_527_012),
        (84_961_075, 5_097_665),
        (34_789_075, 2_087_345),
    ]
    [whole] = invoice_lines(62_800, (), date(2020, 1, 1), (), SIX)
    assert whole == ("", 62_800, 59_245, 3_555, SIX)


def test_the_tax_as_printed_may_differ_by_a_fen_per_line():
    lines = invoice_lines(157_540_080, PARTS, date(2020, 10, 15), (), SIX)
    ours = sum(x.tax for x in lines)
    taken = printed_tax(lines, ours + 3)
    assert sum(x.tax for x in taken) == ours + 3
    assert all(x.gross == x.net + x.tax for x in taken)
    assert taken[1].tax == lines[1].tax + 3  # the largest line absorbs it
    with pytest.raises(InputError, match="票面税额"):
        printed_tax(lines, ours + 4)


def test_credits_take_back_part_and_then_the_rest_to_the_last_fen_of_tax():
    original = invoice_lines(100_003, PARTS, date(2020, 10, 15), RATES, SIX)
    first = credited(original, (), 33_333)
    assert sum(x.gross for x in first) == -33_333
    second = credited(original, first, 66_670)
    for column in ("gross", "net", "tax"):
        assert sum(getattr(x, column) for x in (*original, *first, *second)) == 0
    with pytest.raises(InputError, match=r"红字金额 0.01"):
        credited(original, (*first, *second), 1)
    with pytest.raises(InputError, match=r"可冲余额 666.70"):
        credited(original, first, 66_671)
    with pytest.raises(InputError):
        credited(original, (), 0)


def moved(fen: int, project: str = "P", year: int = 2020, kind: str = "payment") -> Movement:
    return Movement("d", "c", kind, fen, date(2020, 5, 1), date(2020, 5, 1), "v", "", project, year)


def test_report_a_s_budget_execution():
    budget = BudgetYear("P", 2020, 4_000_000_000, 4_000_000_000, 4_000_000_000)
    state = execution(budget, [moved(3_656_180_000), moved(9, "other"), moved(9, year=2021), moved(9, kind="set-off")])
    assert state.executed_fen == 3_656_180_000
    assert state.rate == Fraction(36_561_800, 40_000_000)
    assert f"{float(state.rate):.1%}" == "91.4%"
    assert state.in_place_rate == 1
    assert overdrawn(state) is None


def test_report_e_s_budget_execution_and_its_printed_sum():
    budget = BudgetYear("P", 2020, 170_860_000, 170_860_000, 170_860_000)
    parts = [158_460_000, 4_720_000, 3_600_000, 1_420_000, 720_000]  # 158.46 + 4.72 + 3.60 + 1.42 + 0.72 万
    state = execution(budget, [moved(part) for part in parts])
    assert state.executed_fen == 168_920_000  # the report prints 168.91 万
    assert state.rate is not None
    assert f"{float(Fraction(168_910_000, 170_860_000)):.2%}" == "98.86%"
    assert f"{float(state.rate):.2%}" == "98.86%"


def test_refunds_lower_what_was_executed_and_nothing_in_place_has_no_rate():
    budget = BudgetYear("P", 2020, 0, 0, 0)
    state = execution(budget, [moved(100), moved(-30)])
    assert (state.executed_fen, state.rate, state.in_place_rate, state.left_fen) == (70, None, None, -70)
    assert overdrawn(state) is not None


def test_impossible_and_odd_figures():
    found = budget_findings(BudgetYear("P", 1066, -1, -1, 5))
    assert [(f.column, f.level) for f in found] == [("year", "error"), ("initial", "error"), ("adjusted", "error")]
    [odd] = budget_findings(BudgetYear("P", 2020, 5, 5, 6))
    assert odd.level == "warning"
