"""Past quarters settled again, and two contracts compared over them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from config.contracts import load_contract
from config.history import load_history
from monitor.finding import InputError
from settlement.contract import Terms
from settlement.inputs import Inputs
from settlement.past import Frozen, Past, parse_past, remembered
from settlement.rules import count_facts, parse_rate
from settlement.whatif import readings_over, what_if, what_if_json

TERMS = load_contract(Path("xinjian"))


def changed(**keys: object) -> Terms:
    return Terms.model_validate(TERMS.document() | keys)


def past(period: str, rate: str, phase: str = "phase-2", points: int = 1000) -> Past:
    return Past(period, phase, points, parse_rate(rate))


def test_months_make_their_quarter_by_days() -> None:
    (quarter,) = remembered([past("2020-09", "65%"), past("2020-07", "95%"), past("2020-08", "92%")])
    facts = quarter.facts["phase-2"]
    assert [month.month for month in facts.months] == ["2020-07", "2020-08", "2020-09"]
    assert facts.rate is not None
    assert facts.rate.value == (31 * Fraction(95, 100) + 31 * Fraction(92, 100) + 30 * Fraction(65, 100)) / 92


@pytest.mark.parametrize(
    "history",
    [
        [past("2020Q3", "90%"), past("2020Q3", "91%")],
        [past("2020Q3", "90%"), past("2020-07", "91%")],
        [past("2020-07", "90%"), past("2020-08", "91%")],
        [past("2020-07", "90%"), past("2020-08", "91%"), past("2020-09", "91%", points=999)],
    ],
)
def test_a_history_that_says_two_things_is_refused(history: list[Past]) -> None:
    with pytest.raises(InputError):
        remembered(history)


@pytest.mark.parametrize("text", ["2020Q5", "2020-13", "2020-00", "2020", "1899-12"])
def test_periods_are_quarters_or_months(text: str) -> None:
    with pytest.raises(InputError):
        parse_past(text)


def test_a_month_grain_contract_over_quarters_says_what_it_assumes() -> None:
    (quarter,) = remembered([past("2020Q3", "89%")])
    result = what_if([(quarter, changed(reading="B"))], changed(reading="B", grain="month"))
    assert result.difference_fen == 0
    assert any("each month is taken at the quarter's rate" in finding.message for finding in result.findings)


def test_a_phase_that_only_one_contract_settles_keeps_its_quarter_out() -> None:
    (quarter,) = remembered([past("2020Q3", "90%"), past("2020Q3", "90%", "phase-1")])
    one = changed(phases=TERMS.document()["phases"][1:])
    result = what_if([(quarter, TERMS)], one)
    assert not result.quarters
    assert any("phase-1" in finding.message for finding in result.findings)


def test_a_quarter_that_neither_contract_settles_is_no_difference_of_nothing() -> None:
    (quarter,) = remembered([past("2020Q3", "90%")])
    points = changed(rules=[{"kind": "point-elimination", "id": "剔点", "hours": 168, "over": ">"}])
    result = what_if([(quarter, points)], points)
    assert not result.quarters
    assert any("neither contract can settle" in finding.message for finding in result.findings)


def test_a_quarter_outside_one_contract_is_left_out_and_said() -> None:
    both = remembered([past("2020Q3", "90%"), past("2019Q4", "90%", "phase-1")])
    later = TERMS.document()["phases"]
    later[0]["in_service_from"] = "2020-01-01"
    result = what_if([(quarter, TERMS) for quarter in both], changed(phases=later))
    assert [quarter.quarter for quarter in result.quarters] == ["2020Q3"]
    assert any(finding.column == "2019Q4" for finding in result.findings)


def test_frozen_inputs_are_settled_under_both_contracts_without_what_was_prepaid() -> None:
    frozen = Inputs(TERMS, 1, "2020Q3", {"phase-2": count_facts(1000, parse_rate("83.62%"))})
    result = what_if([(Frozen(frozen), frozen.terms)], changed(reading="H", prepay_share="0.8"))
    rows = {row.kind: (row.before_fen, row.after_fen) for row in result.changes}
    assert rows["payable"] == (157_540_080, 145_520_160)
    assert rows["prepayment"] == (169_560_000, 150_720_000)
    assert rows["true_up"] == (-12_019_920, -5_199_840)
    assert what_if_json(result)["difference"] == "-120199.20"


def test_the_spread_over_quarters_is_that_of_their_sums() -> None:
    over = readings_over(TERMS, remembered([past("2020Q3", "83.62%"), past("2020Q4", "95%")]))
    # C pays 1,763,800.80 and the full 1,884,000.00; G 1,417,860.72 and 1,610,820.00.
    assert over.spread_fen == 176_380_080 + 188_400_000 - 141_786_072 - 161_082_000


def test_yaml_and_json_histories_name_line_and_key(tmp_path: Path) -> None:
    good = tmp_path / "h.json"
    good.write_text('{"history": [{"phase": "phase-2", "quarter": "2020Q3", "count": 1000, "rate": 0.8362}]}')
    assert load_history(good) == (past("2020Q3", "0.8362"),)
    bad = tmp_path / "h.yaml"
    bad.write_text(
        "history:\n  - {phase: p, quarter: 2020Q9, count: 1, rate: 90%}\n  - {phase: p, quarter: 2020Q1, count: 0, rate: 2}\n"
    )
    with pytest.raises(InputError) as caught:
        load_history(bad)
    assert [(finding.line, finding.column) for finding in caught.value.findings] == [
        (2, "history[0].quarter"),
        (3, "history[1].count"),
        (3, "history[1].rate"),
    ]
