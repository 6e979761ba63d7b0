"""The papers in a pack: index, conclusion, method, README and tables, from plain values."""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from config.contracts import load_contract
from console.packs import conclusion, index, index_sheet, method, people, readme
from console.packs.formulas import FORMULAS, READING_FORMULAS
from console.packs.pages import pages_of
from console.packs.report import PhaseFigures, Report, Step, Witness
from console.packs.story import Attached, Count, Sealed, Story
from monitor.rates import Seconds
from settlement.contract import Reading, Terms
from settlement.families.registry import FAMILIES
from settlement.inputs import Inputs, settle_inputs
from settlement.reports.typeset import to_pdf
from settlement.rules import OnlineRate, count_facts

SHA = "ab12" * 16
TIERS = {
    "kind": "substituted-tiers",
    "id": "主规则",
    "grain": "quarter",
    "over": "≥",
    "tiers": [{"from": "80%", "pays": "rate"}, {"from": "65%", "to": "80%", "pays": "65%"}, {"to": "65%", "pays": 0}],
}


def told(**more: Any) -> Story:
    body = load_contract(Path("xinjian")).document() | {"title": "<b>合同</b> & 甲"} | more.pop("terms", {})
    terms = Terms.model_validate(body)
    facts = {"phase-2": count_facts(1_000, OnlineRate(8_362, 10_000))}
    _, document, _ = settle_inputs(Inputs(terms, 1, "2020Q3", facts))
    values: dict[str, Any] = {
        "terms": terms,
        "version": 1,
        "period": "2020Q3",
        "first": date(2020, 7, 1),
        "last": date(2020, 9, 30),
        "sealed": Sealed("camsla.local/x", date(2020, 7, 1), date(2020, 10, 2), 1_234_567, "9f3c" * 16, 812_345),
        "made_on": date(2020, 10, 2),
        "software": "camsla 0",
        "points": 1_000,
        "document": document,
        "inputs_sha": SHA,
        "statement_sha": SHA,
        "terms_sha": SHA,
        "issued": True,
        "files": (
            {
                "sha256": SHA,
                "name": "核定.xlsx",
                "reference": "洪公〔2020〕31号",
                "received_on": "2020-10-12",
                "checked_by": "李四",
            },
        ),
        "corrections": (Count("剔除 exclusion", 31, (SHA,)),),
        "attached": (
            Attached("立项批复", "scan.pdf", SHA, "application/pdf", 10, 4),
            Attached("来函", "letter.png", SHA, "image/png", 10, 1),
        ),
    }
    return Story(**values | more)


def reported(**more: Any) -> Report:
    steps = tuple(Step(n, "ok", "92 天 days") for n in range(1, 10))
    figures = PhaseFigures(
        "phase-2",
        "二期",
        1_000,
        Seconds(8_362, 1_638, 40, 0),
        8_362,
        10_000,
        Fraction(8_402, 10_040),
        Fraction(8_362, 10_040),
        157_540_080,
    )
    values: dict[str, Any] = {
        "steps": steps,
        "witnesses": (Witness("camsla.local/x", "", 0), Witness("supplier.example/w", "supplier", 1_601_600_000)),
        "phases": (figures,),
    }
    return Report(**values | more)


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_the_index_says_what_is_held_and_what_is_still_to_be_attached() -> None:
    rows = index.rows_of(told())
    titles = [row.title for row in rows]
    assert {title for _, title in index.PAPERS} <= set(titles)
    held = {row.title: row for row in rows if row.held}
    assert held["立项批复"].pages == "4"
    assert held["公安月度在线率原件"].number == "洪公〔2020〕31号"
    assert held["费用结算单"].sha256 == SHA
    assert held["来函"].indicator.startswith("其他")
    missing = [row.title for row in rows if not row.held]
    assert "费用结算单" in missing, "the signed paper is wanted beside the data"
    assert "满意度问卷" in missing
    assert all(index.TO_ATTACH in row.remark for row in rows if not row.held)


def test_index_and_conclusion_are_the_same_bytes_each_time_and_the_conclusion_is_one_page() -> None:
    story = told()
    pdf = to_pdf("evidence_index.typ", index.page_of(story), story.made_on)
    assert pdf == to_pdf("evidence_index.typ", index.page_of(story), story.made_on)
    assert index_sheet.sheet(story) == index_sheet.sheet(story)
    assert "佐证材料目录" in text_of(pdf)
    figures = reported().phases[0]
    long = reported(
        phases=(figures,) * 9,
        open=tuple("未重算的原因 a reason of some length, said at length " * 5 for _ in range(30)),
        witnesses=reported().witnesses * 3,
        steps=tuple(Step(n, "open", "很长的说明 a long detail " * 30) for n in range(1, 10)),
    )
    for report in (reported(), long):
        page = to_pdf("evidence_conclusion.typ", conclusion.page_of(story, report), story.made_on)
        assert len(PdfReader(io.BytesIO(page)).pages) == 1
        assert "验证结论页" in text_of(page)


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (reported(), "全部检查通过"),
        (reported(failures=("log/2020-07-01: 树根不符",)), "不可采信"),
        (reported(open=("公安核定数取自外来文件",)), "另有未能重算"),
    ],
)
def test_the_verdict_is_that_of_the_check(report: Report, word: str) -> None:
    assert word in conclusion.page_of(told(), report)["verdict"]["zh"]


def test_a_pack_whose_checkpoint_a_witness_has_not_signed_is_never_told_to_be_all_right() -> None:
    story = replace(told(), lacking=("supplier",))
    page = conclusion.page_of(story, reported())
    assert page["verdict"]["ok"] is False and "供应商 supplier" in page["verdict"]["zh"]
    failed = conclusion.page_of(story, reported(failures=("log/2020-07-01: 树根不符",)))["verdict"]
    assert failed["failed"] is True and "不可采信" in failed["zh"]
    pdf = to_pdf("evidence_conclusion.typ", conclusion.page_of(story, reported()), story.made_on)
    assert "供应商" in text_of(pdf) and len(PdfReader(io.BytesIO(pdf)).pages) == 1


@pytest.mark.parametrize(
    ("issued", "sealed", "word"),
    [(False, False, "未出具"), (True, False, "出具记录尚未封存"), (True, True, "已出具 issued；")],
)
def test_the_index_says_issued_only_as_far_as_the_sealed_log_does(issued: bool, sealed: bool, word: str) -> None:
    rows = index.rows_of(replace(told(), issued=issued, issue_sealed=sealed))
    assert word in next(row.remark for row in rows if row.title == "费用结算单" and row.held)


def test_the_method_page_has_formulas_and_figures_and_runs_nothing() -> None:
    page = method.page_of(told(), reported()).decode()
    assert "应付 = F × o" in page
    assert "8,362 ÷ 10,000" in page
    assert "1,575,400.80" in page
    assert "<b>合同" not in page
    assert "&lt;b&gt;合同&lt;/b&gt; &amp; 甲" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    ruled = method.page_of(told(terms={"reading": "none", "rules": [TIERS]}), reported()).decode()
    assert "应付 = 费用 × 在线率所在档的 pays" in ruled
    assert "主规则" in ruled
    assert [f"{n}、" in ruled for n in "一二三四五六"] == [True] * 6


def test_every_family_and_reading_has_its_formula() -> None:
    assert FORMULAS.keys() == FAMILIES.keys()
    assert READING_FORMULAS.keys() == {reading.value for reading in Reading}


def test_the_readme_says_how_and_what() -> None:
    text = readme.text_of(told(terms={"title": "合同\n# 假标题 {root}"})).decode()
    assert "{" not in text
    assert "\n# 假标题" not in text
    assert "verifier.html" in text
    assert "没有证明什么" in text
    assert "本包只含" in readme.text_of(told(subset=("A",))).decode()


def test_no_cell_of_a_table_is_a_formula() -> None:
    rows = [["=cmd|' /C calc'!A0", "+1", "-2", "@x", 5, None, "\tx", '安全, "引号"\n第二行']]
    body = b"".join(people.table(["甲 a"] * 8, rows))
    assert body.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert read[1][:4] == ["'=cmd|' /C calc'!A0", "'+1", "'-2", "'@x"]
    assert read[1][4:6] == ["5", ""]
    assert read[1][6].startswith("'")
    assert read[1][7] == '安全, "引号"\n第二行'


def test_instants_are_shown_in_the_zone() -> None:
    assert people.clock(1_593_532_800_000_000, "Asia/Shanghai") == "2020-07-01 00:00:00"
    assert people.clock(1_593_532_800_000_001, "Asia/Shanghai") == "2020-07-01 00:00:00.000001"
    assert people.clock(None, "Asia/Shanghai") is None


def test_pages_of_scans() -> None:
    plain = b"%PDF-1.4 1 0 obj <</Type /Pages /Count 2>> 2 0 obj <</Type /Page>> 3 0 obj <</Type/Page/Parent 1 0 R>>"
    assert pages_of(plain, "application/pdf") == 2
    packed = zlib.compress(b"<</Type/Page>> <</Type /Page /X 1>> <</Type/Pages>>")
    assert pages_of(b"%PDF-1.5 <</Type/ObjStm/N 3>>\nstream\n" + packed + b"\nendstream", "application/pdf") == 2
    assert pages_of(b"%PDF-1.4 nothing", "application/pdf") is None
    assert pages_of(b"..", "image/jpeg") == 1
    assert pages_of(b"..", "image/tiff") is None
    story = told()
    made = to_pdf("evidence_index.typ", index.page_of(story), story.made_on)
    assert pages_of(made, "application/pdf") == len(PdfReader(io.BytesIO(made)).pages)
