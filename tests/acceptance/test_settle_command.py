"""`camsla settle` from given counts and rates: every figure here was typed by hand from the rules' worked table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.camsla_command import Camsla

GIVEN = ("settle", "--contract", "xinjian", "--quarter", "2020Q3", "--count", "phase-2=1000")


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    return Camsla(tmp_path)


def test_the_reference_quarter_under_reading_a(camsla: Camsla) -> None:
    answer = camsla.json(*GIVEN, "--rate", "phase-2=0.8362", "--reading", "A")
    lines = {line["kind"]: line for line in answer["lines"]}
    assert list(lines) == ["prepayment", "payable", "deduction", "true_up", "next_prepayment"]
    assert lines["payable"]["amount"] == "1575400.80"
    assert lines["payable"]["components"] == {
        "line": "306049.20",
        "integration": "900587.40",
        "platform": "368764.20",
    }
    assert lines["true_up"]["amount"] == "-120199.20"
    assert lines["prepayment"]["amount"] == "1695600.00"
    assert lines["next_prepayment"]["amount"] == "1695600.00"
    assert lines["deduction"]["amount"] == "308599.20"
    assert answer["total"] == "1575400.80"
    assert answer["unit_price_after_deduction"] == {"phase-2": "525.13"}
    assert answer["not_settled"] == ["phase-1"]
    assert (answer["contract"], answer["quarter"], answer["reading"]) == ("xinjian", "2020Q3", "A")
    assert "83.62" in lines["payable"]["why"]


@pytest.mark.parametrize(
    ("reading", "payable", "true_up"),
    [
        ("A", "1575400.80", "-120199.20"),
        ("B", "1575400.80", "-120199.20"),
        ("C", "1763800.80", "68200.80"),
        ("D", "1750445.33", "54845.33"),
        ("E", "1575400.80", "-120199.20"),
        ("G", "1417860.72", "-277739.28"),
        ("H", "1455201.60", "-240398.40"),
    ],
)
def test_every_reading(camsla: Camsla, reading: str, payable: str, true_up: str) -> None:
    answer = camsla.json(*GIVEN, "--rate", "phase-2=83.62%", "--reading", reading)
    lines = {line["kind"]: line["amount"] for line in answer["lines"]}
    assert (lines["payable"], lines["true_up"]) == (payable, true_up)


def test_the_ambiguity_report_shows_the_spread(camsla: Camsla) -> None:
    answer = camsla.json(*GIVEN, "--rate", "phase-2=0.8362", "--readings", "all")
    assert [row["reading"] for row in answer["readings"]] == list("ABCDEGH")
    assert answer["spread"] == {"phase-2": "345940.08"}  # 1,763,800.80 − 1,417,860.72
    text = camsla.ok(*GIVEN, "--rate", "phase-2=0.8362", "--readings", "all")
    assert "345,940.08" in text
    assert "188,588.40" in text  # the cliff of reading B: 1,884,000.00 against 1,695,411.60


def test_the_reports_own_quarters(camsla: Camsla) -> None:
    words = (
        "settle",
        "--contract",
        "xinjian",
        "--quarter",
        "2020Q3",
        "--count",
        "phase-1=1000",
        "--count",
        "phase-2=1000",
    )
    answer = camsla.json(*words, "--rate", "phase-1=0.8136", "--rate", "phase-2=0.8771")
    lines = {(line["phase"], line["kind"]): line["amount"] for line in answer["lines"]}
    assert lines["phase-1", "payable"] == "2074680.00"
    assert lines["phase-1", "true_up"] == "-220320.00"
    assert lines["phase-2", "payable"] == "1652456.40"
    assert lines["phase-2", "true_up"] == "-43143.60"
    assert answer["unit_price_after_deduction"] == {"phase-1": "691.56", "phase-2": "550.82"}


def test_a_roster_file_with_given_rates(camsla: Camsla) -> None:
    rows = "".join(f"p{n},phase-2,2020-07-01,2020-07-01\n" for n in range(1000))
    (camsla.folder / "points.csv").write_text("code,phase,accepted_on,billed_from\n" + rows)
    words = ("settle", "--contract", "xinjian", "--quarter", "2020Q3", "--points", "points.csv")
    answer = camsla.json(*words, "--rate", "phase-2=0.8362")
    assert {line["kind"]: line["amount"] for line in answer["lines"]}["payable"] == "1575400.80"


def test_the_last_quarter_settles_in_cash(camsla: Camsla) -> None:
    words = ("settle", "--contract", "xinjian", "--quarter", "2024Q2", "--count", "phase-2=1000")
    answer = camsla.json(*words, "--rate", "phase-2=0.8362")
    assert "next_prepayment" not in {line["kind"] for line in answer["lines"]}
    assert answer["total"] == "-120199.20"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--count", "phase-2=1000", "--rate", "phase-2=1.2"), "大于 1"),
        (("--count", "phase-2=1000", "--rate", "phase-2=-0.1"), "rate"),
        (("--count", "phase-2=0", "--rate", "phase-2=0.9"), "名册为空"),
        (("--count", "phase-9=10", "--rate", "phase-9=0.9"), "未知的期次"),
        (("--count", "phase-2", "--rate", "phase-2=0.9"), "写法有误"),
        (("--count", "phase-2=5", "--count", "phase-2=6", "--rate", "phase-2=0.9"), "期次重复"),
    ],
)
def test_bad_words_are_refused(camsla: Camsla, words: tuple[str, ...], message: str) -> None:
    assert message in camsla.refused("settle", "--contract", "xinjian", "--quarter", "2020Q3", *words)


def test_a_quarter_outside_the_contract_is_refused(camsla: Camsla) -> None:
    words = ("settle", "--contract", "xinjian", "--count", "phase-2=10", "--rate", "phase-2=0.9", "--quarter")
    assert "合同期之外" in camsla.refused(*words, "2031Q1")
    assert "不是季度" in camsla.refused(*words, "2020Q5")


def test_all_that_is_wrong_is_said_at_once(camsla: Camsla) -> None:
    words = ("settle", "--contract", "xinjian", "--quarter", "2020Q3")
    text = camsla.refused(*words, "--count", "phase-2=0", "--rate", "phase-2=7", "--rate", "phase-9=0.5")
    assert len(text.strip().splitlines()) == 3


def test_a_missing_database_is_named_with_a_remedy(camsla: Camsla) -> None:
    text = camsla.refused("settle", "--contract", "xinjian", "--quarter", "2020Q3")
    assert "camsla points import" in text


def test_a_phase_that_is_not_settled_says_why(camsla: Camsla) -> None:
    words = ("settle", "--contract", "xinjian", "--quarter")
    given = ("--count", "phase-1=1000", "--rate", "phase-1=0.95")
    assert "phase-2（未到服务期 not in service until 2020-07-01）" in camsla.ok(*words, "2019Q4", *given)
    pointless = "phase-2（没有数据 no facts） → 台账中没有该期次的点位 the ledger has no points of it"
    assert pointless in camsla.ok(*words, "2020Q3", *given)
    later = camsla.ok(*words, "2024Q1", "--count", "phase-2=1000", "--rate", "phase-2=0.95")
    assert "phase-1（服务期已满 its service ended before 2023-07-01）" in later
