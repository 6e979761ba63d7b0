from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from config.contracts import load_contract
from monitor.finding import InputError
from settlement.ambiguity import ambiguity_json
from settlement.contract import Terms
from settlement.document import statement_document
from settlement.readings import percent
from settlement.rules import (
    OnlineRate,
    billed_days,
    count_facts,
    measured_rate,
    parse_count,
    parse_rate,
    roster_facts,
)
from settlement.statement import ambiguity, settle, statement_json

TERMS = load_contract(Path("xinjian"))
THOUSAND = count_facts(1000, parse_rate("0.8362"))


def changed(**keys: object) -> Terms:
    return Terms.model_validate(TERMS.document() | keys)


def why(terms: Terms, rate: OnlineRate, reading: str, kind: str = "payable", quarter: str = "2020Q3") -> str:
    statement, _ = settle(terms, quarter, {"phase-2": count_facts(1000, rate)}, reading)
    return next(line.why for line in statement.lines if line.kind == kind)


def test_the_document_is_what_the_command_prints() -> None:
    statement, findings = settle(TERMS, "2020Q3", {"phase-2": THOUSAND}, "A")
    document = statement_json(statement)
    assert findings == []
    assert list(document) == [
        "contract",
        "quarter",
        "reading",
        "lines",
        "unit_price_after_deduction",
        "total",
        "not_settled",
    ]
    assert [line["kind"] for line in document["lines"]] == [
        "prepayment",
        "payable",
        "deduction",
        "true_up",
        "next_prepayment",
    ]
    assert list(document["lines"][0]) == ["phase", "kind", "amount", "net", "tax", "components", "why"]
    assert document["unit_price_after_deduction"] == {"phase-2": "525.13"}
    assert document["not_settled"] == ["phase-1"]
    assert document["total"] == "1575400.80"
    assert json.loads(json.dumps(document)) == document


def test_phases_stand_in_the_contract_s_order_and_each_by_itself() -> None:
    facts = {"phase-2": count_facts(1000, parse_rate("0.8771")), "phase-1": count_facts(1000, parse_rate("0.8136"))}
    statement, _ = settle(TERMS, "2020Q3", facts)
    assert [line.phase for line in statement.lines] == ["phase-1"] * 5 + ["phase-2"] * 5
    alone, _ = settle(TERMS, "2020Q3", {"phase-2": facts["phase-2"]})
    assert alone.lines == statement.lines[5:]
    assert statement.not_settled == ()


@pytest.mark.parametrize(
    ("reading", "rate", "text"),
    [
        ("A", "0.8362", "1,000 点 × 628.00 元/点/月 × 3 月 × 83.62 % = 1,575,400.80"),
        ("B", "0.95", "1,000 点 × 628.00 元/点/月 × 3 月 × 100 % [95 % ≥ 90 %] = 1,884,000.00"),
        ("B", "0.8362", "1,000 点 × 628.00 元/点/月 × 3 月 × 83.62 % [< 90 %] = 1,575,400.80"),
        ("C", "0.8362", "1,000 点 × 628.00 元/点/月 × 3 月 × (1 − max(0, 90 % − 83.62 %)) = 1,763,800.80"),
        ("D", "0.8362", "1,000 点 × 628.00 元/点/月 × 3 月 × min(1, 83.62 % ÷ 90 %) = 1,750,445.33"),
        ("E", "0.8362", "1,000 点 × 628.00 元/点/月 × 3 月 × min(83.62 %, 90 %) = 1,575,400.80"),
        ("G", "0.8362", "1,000 点 × 628.00 元/点/月 × 3 月 × 90 % × 83.62 % = 1,417,860.72"),
        (
            "H",
            "0.8362",
            "1,000 点 × 628.00 元/点/月 × 3 月 × max(0, 83.62 % − 1 × max(0, 90 % − 83.62 %)) = 1,455,201.60",
        ),
    ],
)
def test_why_is_the_arithmetic(reading: str, rate: str, text: str) -> None:
    assert why(TERMS, parse_rate(rate), reading) == text


def test_why_names_the_counts_of_a_measured_rate() -> None:
    exact = why(TERMS, OnlineRate(6_971_892_480, 7_948_800_000), "A")
    assert exact.endswith("× 87.71 % = 1,652,456.40（在线率 online rate 6,971,892,480 ÷ 7,948,800,000 = 87.71 %）")
    endless = why(TERMS, OnlineRate(2, 3), "A")
    assert endless.endswith("× (2 ÷ 3) = 1,256,000.00（在线率 online rate 2 ÷ 3 ≈ 66.666667 %）")
    assert why(TERMS, parse_rate("2/3"), "A").endswith("× (2 ÷ 3) = 1,256,000.00（在线率 online rate ≈ 66.666667 %）")


def test_why_tells_refund_shortfall_and_cash_apart() -> None:
    assert "多退 refund，抵扣下季预付" in why(TERMS, parse_rate("0.8"), "A", "true_up")
    assert why(TERMS, parse_rate("1"), "A", "true_up").endswith("= 188,400.00（少补 shortfall paid）")
    assert why(TERMS, parse_rate("0.9"), "A", "true_up").endswith("= 0.00（不退不补 even）")
    assert "多退 refund，末季现金结清" in why(TERMS, parse_rate("0.8"), "A", "true_up", "2024Q2")


def test_why_of_a_mixed_roster_counts_point_months() -> None:
    roster = [("P1", billed_days(date(2020, 7, 1), None)), ("P2", billed_days(date(2020, 7, 17), None))]
    statement, _ = settle(TERMS, "2020Q3", {"phase-2": roster_facts(roster, parse_rate("1"))})
    prepaid, payable = statement.lines[:2]
    assert prepaid.why.startswith("1 点 × 628.00 元/点/月 × 3 月 × 90 % = 1,695.60（2020-07-01")
    assert payable.why == "(5 15/31) 点月 point-months × 628.00 元/点/月 × 100 % = 3,443.87"
    assert statement.results[0].point_months == Fraction(170, 31)


def test_a_partial_first_and_last_quarter() -> None:
    document = TERMS.document()
    document["phases"][1] |= {"in_service_from": "2020-08-16", "months": 7, "contracted": None}
    terms = Terms.model_validate(document)
    facts = {"phase-2": count_facts(1, parse_rate("1"))}
    first, _ = settle(terms, "2020Q3", facts)
    got = {line.kind.value: line.amount.line.gross_fen for line in first.lines}
    # 16 of August's 31 days and September: 628 × 47/31 = 952.129…; nothing was billed on 1 July, so nothing was prepaid
    assert got["payable"] == got["true_up"] == 95_213
    assert got["prepayment"] == 0
    assert got["next_prepayment"] == 169_560
    last, _ = settle(terms, "2021Q1", facts)
    got = {line.kind.value: line.amount.line.gross_fen for line in last.lines}
    # January, February and 15 of March's 31 days: 628 × 77/31 = 1,559.870…, prepaid at 90 %
    assert got["payable"] == 155_987
    assert got["prepayment"] == 140_388
    assert "next_prepayment" not in got


def test_a_phase_without_an_assessable_rate_is_not_settled() -> None:
    facts = {"phase-2": count_facts(1000, measured_rate(0, 0)), "phase-1": count_facts(5, parse_rate("1"))}
    statement, findings = settle(TERMS, "2020Q3", facts)
    assert statement.not_settled == ("phase-2",)
    assert {line.phase for line in statement.lines} == {"phase-1"}
    (finding,) = findings
    assert (finding.level, finding.column) == ("warning", "phase-2")
    assert "not assessable" in finding.message


def test_a_phase_that_nobody_bills_is_not_settled() -> None:
    roster = [("P1", billed_days(date(2020, 7, 1), date(2021, 1, 1))), ("P2", ())]
    statement, findings = settle(TERMS, "2021Q1", {"phase-2": roster_facts(roster, parse_rate("1"))})
    assert statement.lines == ()
    assert statement.not_settled == ("phase-1", "phase-2")
    assert "no point is billed" in findings[0].message
    ended, findings = settle(TERMS, "2024Q1", {"phase-1": count_facts(5, None), "phase-2": THOUSAND})
    assert ended.not_settled == ("phase-1",)
    assert [finding.column for finding in findings] == ["phase-1"]


def test_the_document_says_why_a_phase_was_not_settled() -> None:
    def reason(quarter: str, phase: str) -> str:
        statement, findings = settle(TERMS, quarter, {phase: THOUSAND})
        (row,) = statement_document(statement, TERMS, findings=findings)["not_settled"]
        return str(row["reason"])

    assert reason("2019Q4", "phase-1") == "未到服务期 not in service until 2020-07-01"
    assert reason("2020Q3", "phase-1") == "没有数据 no facts"
    assert reason("2023Q3", "phase-2") == "服务期已满 its service ended before 2023-07-01"


def test_all_that_is_wrong_with_a_request_comes_at_once() -> None:
    with pytest.raises(InputError) as caught:
        settle(TERMS, "2030Q1", {"phase-3": THOUSAND, "phase-9": THOUSAND}, "F")
    text = str(caught.value)
    assert "未知的口径 unknown reading: F" in text
    assert "季度在合同期之外 quarter outside the contract: 2030Q1" in text
    assert "未知的期次 unknown phase: phase-3" in text
    assert "unknown phase: phase-9" in text


@pytest.mark.parametrize(
    ("quarter", "message"),
    [
        ("2019Q2", "quarter outside the contract"),
        ("2024Q3", "quarter outside the contract"),
        ("2020Q2", "a rate is given for a quarter outside the phase"),
        ("2020-07", "not a quarter"),
    ],
)
def test_a_quarter_that_cannot_be_settled(quarter: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        settle(TERMS, quarter, {"phase-2": THOUSAND})
    with pytest.raises(InputError, match=message):
        ambiguity(TERMS, quarter, {"phase-2": THOUSAND})


def test_nothing_to_settle_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to settle"):
        settle(TERMS, "2020Q3", {})


def test_a_measured_rate_before_the_phase_begins_does_not_matter() -> None:
    statement, findings = settle(TERMS, "2020Q2", {"phase-2": count_facts(1000, measured_rate(1, 2))})
    assert [line.kind.value for line in statement.lines] == ["next_prepayment"]
    assert statement.results[0].unit_price_after_deduction_fen is None
    assert statement_json(statement)["unit_price_after_deduction"] == {"phase-2": None}
    assert findings == []


@pytest.mark.parametrize(
    ("text", "good", "counted"),
    [
        ("0.8362", 8362, 10_000),
        ("83.62%", 8362, 10_000),
        ("83.62 %", 8362, 10_000),
        ("1", 1, 1),
        ("0", 0, 1),
        ("2/3", 2, 3),
    ],
)
def test_a_given_rate_stays_as_it_was_given(text: str, good: int, counted: int) -> None:
    assert parse_rate(text) == OnlineRate(good, counted, "given")


@pytest.mark.parametrize(
    "text", ["1.01", "101%", "-0.1", "-1%", "", "ninety", "nan", "1/0", "0.8.1", "1e-1", "0x1", "٠.٩"]
)
def test_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_rate(text)


def test_counts_are_read_strictly() -> None:
    assert parse_count(" 1000 ") == 1000
    with pytest.raises(InputError, match="empty roster"):
        parse_count("0")
    for text in ("-1", "1.5", "", "1,000", "十", "²", "9" * 30):
        with pytest.raises(InputError, match="not a number of points"):
            parse_count(text)


def test_rosters_are_checked() -> None:
    with pytest.raises(InputError, match="empty roster"):
        roster_facts([], None)
    with pytest.raises(InputError, match="empty roster"):
        count_facts(0, None)
    with pytest.raises(InputError) as caught:
        roster_facts([("b", ()), ("a", ()), ("b", ()), ("a", ()), ("c", ())], None)
    assert [finding.column for finding in caught.value.findings] == ["a", "b"]
    for good, counted in ((2, 1), (-1, 1), (0, 0)):
        with pytest.raises(ValueError, match="no rate"):
            OnlineRate(good, counted)


def test_a_roster_of_a_city_is_grouped_by_what_is_billed() -> None:
    roster = [(f"P{n:05}", billed_days(date(2020, 7, 1 + n % 3), None)) for n in range(11_045)]
    facts = roster_facts(roster, parse_rate("1"))
    assert facts.points == len(facts.codes) == 11_045
    assert [n for _, n in facts.groups] == [3_682, 3_682, 3_681]
    statement, _ = settle(TERMS, "2020Q3", {"phase-2": facts})
    # Everybody's August and September, and July whole, less a day and less two days.
    assert statement.results[0].point_months == 2 * 11_045 + 3_682 + Fraction(3_682 * 30 + 3_681 * 29, 31)


def test_the_report_says_what_each_reading_is_to_be_known_for() -> None:
    report = ambiguity_json(ambiguity(TERMS, "2020Q3", {"phase-2": THOUSAND}))
    assert [(remark["reading"], remark["kind"]) for remark in report["remarks"]] == [
        ("B", "cliff"),
        ("C", "supplier-gains"),
        ("D", "supplier-gains"),
        ("E", "no-shortfall-payment"),
        ("G", "no-shortfall-payment"),
    ]
    cliff, c_gains, d_gains, _, _ = [remark["text"] for remark in report["remarks"]]
    assert "90 % 付 1,884,000.00，89.99 % 付 1,695,411.60，差 188,588.40 元" in cliff
    assert "从 80.01 % 起" in c_gains
    assert "本季补付 68,200.80 元" in c_gains
    assert "从 81.01 % 起" in d_gains
    assert "本季补付 54,845.33 元" in d_gains
    assert report["spread"] == {"phase-2": "345940.08"}
    assert report["spread_total"] == "345940.08"
    assert report["prepayment"] == {"phase-2": "1695600.00"}
    assert report["not_settled"] == ["phase-1"]
    assert len(report["readings"]) == 7


def test_a_supplier_who_meets_the_target_gains_nothing_by_missing_it() -> None:
    report = ambiguity(TERMS, "2020Q3", {"phase-2": count_facts(1000, parse_rate("0.95"))})
    gains = [remark.text for remark in report.remarks if remark.kind == "supplier-gains"]
    assert len(gains) == 2
    assert not any("本季补付" in text for text in gains)


def test_the_spread_of_two_phases_is_that_of_their_sum() -> None:
    facts = {"phase-1": count_facts(1000, parse_rate("0.8136")), "phase-2": count_facts(1000, parse_rate("0.8771"))}
    report = ambiguity(TERMS, "2020Q3", facts)
    # C: 2,550,000 × 0.9136 + 1,884,000 × 0.9771; G: 0.9 × (2,074,680.00 + 1,652,456.40)
    assert report.spread_fen == 233_000_000 - 32_000 + 184_085_640 - 335_442_276
    assert report.not_settled == ()


def test_a_phase_without_a_rate_is_not_in_the_report() -> None:
    report = ambiguity(TERMS, "2020Q3", {"phase-1": count_facts(1, None), "phase-2": THOUSAND})
    assert report.not_settled == ("phase-1",)
    assert {row.phase for row in report.outcomes} == {"phase-2"}


def test_the_surcharge_is_the_contract_s() -> None:
    twice = changed(excess_surcharge="2")
    statement, _ = settle(twice, "2020Q3", {"phase-2": THOUSAND}, "H")
    # 0.8362 − 2 × 0.0638 = 0.7086 of 1,884,000.00
    assert statement.lines[1].amount.line.gross_fen == 133_500_240


@pytest.mark.parametrize(
    ("share", "text"),
    [("9/10", "90 %"), ("8362/10000", "83.62 %"), ("1/8", "12.50 %"), ("1/3", "≈ 33.333333 %"), ("1", "100 %")],
)
def test_percentages_are_exact_or_say_that_they_are_not(share: str, text: str) -> None:
    assert percent(Fraction(share)) == text
