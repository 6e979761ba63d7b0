"""The advice on next year's budget: report A's quarters on one page, its figures and its sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pypdf import PdfReader

from config.contracts import load_contract
from settlement.budget_advice import advice_document, advise
from settlement.daycount import Quarter
from settlement.reports.budget_advice import PHASES, page_of, write_budget_advice_pdf
from settlement.rules import count_facts, parse_rate


def data() -> dict[str, Any]:
    terms = load_contract(Path("xinjian"))
    third = {
        "phase-1": count_facts(1_000, parse_rate("0.8136")),
        "phase-2": count_facts(1_000, parse_rate("0.8771")),
    }
    found, _ = advise(terms, 2020, {Quarter(2020, 3): third})
    return advice_document(found)


def text_of(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


def test_report_a_on_one_page(tmp_path: Path) -> None:
    write_budget_advice_pdf(data(), tmp_path / "a.pdf")
    pages = text_of(tmp_path / "a.pdf")
    assert len(pages) == 1
    for wanted in (
        "2021 年度视频监控租赁费预算建议", "18.64 %", "12.29 %", "2,074,680.00", "1,652,456.40",
        "220,320.00",  # 2,550,000 × (18.64 % − 10 %)
        "43,143.60",  # 1,884,000 × (12.29 % − 10 %)
        "7,417,440.00",  # 10,200,000 × (2,074,680 − 220,320) ÷ 2,550,000
        "6,437,251.20",  # 7,536,000 × (1,652,456.40 − 43,143.60) ÷ 1,884,000
        "13,854,691.20", "人民币壹仟叁佰捌拾伍万肆仟陆佰玖拾壹元贰角整", "17,736,000.00",
    ):  # fmt: skip
        assert wanted in pages[0], wanted


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_budget_advice_pdf(data(), tmp_path / f"{name}.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_more_phases_than_fit_stay_on_one_page_and_are_counted(tmp_path: Path) -> None:
    many = data()
    one = many["phases"][0]
    quarters = [{**one["quarters"][0], "quarter": f"2020Q{n}"} for n in range(1, 5)]
    many["phases"] = [{**one, "phase": f"p{n}", "title": "名" * 40, "quarters": quarters} for n in range(9)]
    many["contract"] |= {"purchaser": "#eval(1)" * 12, "supplier": "甲" * 120}
    assert len(page_of(many)["phases"]) == PHASES
    write_budget_advice_pdf(many, tmp_path / "a.pdf")
    pages = text_of(tmp_path / "a.pdf")
    assert len(pages) == 1
    assert "另有 5 个期次" in "".join(pages[0].split("\n"))
    assert "#eval(1)" in pages[0]


def test_the_page_names_the_quarters_it_goes_by_and_what_it_lacks(tmp_path: Path) -> None:
    terms = load_contract(Path("xinjian"))
    facts = {Quarter(2020, 3): {"phase-1": count_facts(1_000, parse_rate("0.8136"))}}
    made = advice_document(advise(terms, 2020, facts)[0])
    assert made["quarters"] == ["2020Q3"]
    assert {row["quarter"] for row in made["missing"] if row["phase"] == "phase-1"} == {"2020Q1", "2020Q2", "2020Q4"}
    assert [row["phase"] for row in made["left_out"]] == ["phase-2"]
    write_budget_advice_pdf(made, tmp_path / "a.pdf")
    (page,) = text_of(tmp_path / "a.pdf")
    text = "".join(page.split())
    assert "依据季度2020Q3（非全年notthewholeyear）" in text
    assert "按2020Q3（非全年notthewholeyear）计：应计服务费" in text
    assert "phase-12020Q1、2020Q2、2020Q4" in text
    assert "phase-2（2020年没有可用的季度noquartertogoby）" in text
    whole = {Quarter(2021, n): facts[Quarter(2020, 3)] for n in range(1, 5)}
    assert page_of(advice_document(advise(terms, 2021, whole)[0]))["pairs"][1][1] == "2021Q1、2021Q2、2021Q3、2021Q4"
