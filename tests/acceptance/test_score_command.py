"""`camsla score` as a program: the reports' totals, the linter's verdict, own rubrics, the store, the sheet, the advice."""

from __future__ import annotations

from pathlib import Path

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from tests.camsla_command import Camsla

RUBRIC = """rubric: own
title: 自评
groups:
  - id: g
    title: 产出
    indicators:
      - {id: online, title: 在线率, weight: 60, auto: online-rate, formula: {kind: proportional}}
      - {id: access, title: 接入率, weight: 20, auto: access-rate, formula: {kind: proportional}}
      - {id: use, title: =使用, weight: 20, formula: {kind: manual, text: 查台账}}
"""
INPUTS = """rubric: own
subject: 某区
source: 现场核查
values:
  use: {score: 15, reason: 台账缺两周, evidence: [佐证-07]}
"""


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    (tmp_path / "own.yaml").write_text(RUBRIC, encoding="utf-8")
    (tmp_path / "found.yaml").write_text(INPUTS, encoding="utf-8")
    return Camsla(tmp_path)


@pytest.mark.parametrize(
    ("name", "total", "grade"), [("xinjian", "93.07", "优"), ("fengze", "90", "优"), ("shangcheng", "88.5", "良")]
)
def test_the_reports_totals(camsla: Camsla, name: str, total: str, grade: str) -> None:
    document = camsla.json("score", name, "--inputs", name)
    assert (document["total"], document["grade"], document["complete"]) == (total, grade, True)
    assert (document["stated"]["total"], document["stated"]["grade"]) == (total, grade)
    text = camsla.ok("score", name, "--inputs", name)
    assert f"总分 total: {total} / 100　等级 grade: {grade}" in text


def test_options_may_come_first_and_the_verb_may_be_said(camsla: Camsla) -> None:
    first = camsla.ok("score", "--inputs", "xinjian", "xinjian", "--json")
    assert first == camsla.ok("score", "fill", "xinjian", "--inputs", "xinjian", "--json")


def test_lint_exits_1_where_something_cannot_be_right(camsla: Camsla) -> None:
    done = camsla.run("score", "lint", "fengze", "--inputs", "fengze")
    assert done.returncode == 1
    assert "[90 %, 95 %)" in done.stdout
    assert "错误 errors: 7" in done.stdout
    alone = camsla.run("score", "lint", "fengze", "--json")
    assert alone.returncode == 1
    assert '"errors": 5' in alone.stdout
    assert camsla.run("score", "lint", "tianshui", "--inputs", "tianshui").returncode == 0
    assert camsla.run("score", "lint", "own.yaml").returncode == 0


def test_scoring_and_lint_call_a_flaw_by_the_same_word(camsla: Camsla) -> None:
    words = ("score", "fengze", "--inputs", "fengze")
    scored = [line for line in camsla.run(*words).stderr.splitlines() if "[90 %, 95 %)" in line]
    linted = [
        line
        for line in camsla.run("score", "lint", "fengze", "--inputs", "fengze").stdout.splitlines()
        if "[90 %, 95 %)" in line
    ]
    assert scored == linted
    assert scored[0].startswith("错误 error")
    levels = {notice["level"] for notice in camsla.json(*words)["notices"]}
    assert levels == {"error"}


def test_a_rubric_without_shipped_inputs_says_where_to_begin(camsla: Camsla) -> None:
    for verb in ("lint", "fill"):
        said = camsla.refused("score", verb, "lease", "--inputs", "lease")
        assert "ships without inputs" in said and "camsla score form lease" in said and "fengze" in said
    assert "camsla score form lease" in camsla.run("score", "lint", "lease").stderr
    assert "--inputs xinjian" in camsla.run("score", "lint", "xinjian").stderr
    listed = {row["rubric"]: row["inputs"] for row in camsla.json("score", "list")}
    assert (listed["lease"], listed["xinjian"]) == (False, True)
    text = camsla.ok("score", "list")
    assert "score form lease" in text and "--inputs xinjian" in text


def test_a_rubric_of_ones_own_must_add_up(camsla: Camsla) -> None:
    (camsla.folder / "own.yaml").write_text(RUBRIC.replace("weight: 60", "weight: 59"), encoding="utf-8")
    said = camsla.refused("score", "own.yaml", "--inputs", "found.yaml")
    assert "own.yaml:3" in said and "99，不是 100" in said
    assert camsla.run("score", "lint", "own.yaml").returncode == 1


def test_what_is_missing_is_refused_unless_a_partial_card_is_asked_for(camsla: Camsla) -> None:
    said = camsla.refused("score", "own.yaml", "--inputs", "found.yaml")
    assert "在线率" in said and "接入率" in said
    part = camsla.json("score", "own.yaml", "--inputs", "found.yaml", "--partial")
    assert (part["complete"], part["grade"], part["total"]) == (False, None, "15")


def test_from_the_store_with_the_rest_from_a_file(camsla: Camsla) -> None:
    folder = camsla.folder
    (folder / "points.csv").write_text(
        "point,name,area,phase,contract,rtsp_url,accepted_on\n"
        "a,甲,南,phase-2,xinjian,,2020-07-01\nb,乙,南,phase-2,xinjian,,2020-07-01\n",
        encoding="utf-8",
    )
    day = "2020-07-01T{}+08:00"
    rows = [
        ("a", "00:00:00", "23:59:00", 1440, "online", "ok"),
        ("b", "00:00:00", "05:59:00", 360, "online", "ok"),
        ("b", "06:00:00", "23:59:00", 1080, "offline", "timeout"),
    ]
    lines = [
        f"{p},import,{day.format(a)},{day.format(b)},{n},{state},{why},describe,130" for p, a, b, n, state, why in rows
    ]
    header = "point,vantage,first,last,count,state,reason,rung,valid_s\n"
    (folder / "runs.csv").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    camsla.ok("points", "import", "points.csv", "--actor", "甲")
    camsla.ok("runs", "import", "runs.csv", "--actor", "甲")
    words = ("score", "own.yaml", "--inputs", "found.yaml", "--from-store", "--contract", "xinjian")
    document = camsla.json(*words, "--period", "2020-07-01..2020-07-01")
    rows_ = {row["id"]: row for row in document["groups"][0]["indicators"]}
    assert rows_["online"]["measured"] and rows_["online"]["source"].startswith("本系统监测")
    assert rows_["online"]["score"] == "37.5"  # 60 × 108,000 of 172,800 s
    assert rows_["access"]["score"] == "0.04"  # 20 × 2 of the 1,000 points that the contract names
    assert (rows_["use"]["score"], rows_["use"]["reason"], rows_["use"]["evidence"]) == (
        "15",
        "台账缺两周",
        ["佐证-07"],
    )
    assert (document["total"], document["grade"]) == ("52.54", "差")
    assert "本系统自动取数" in camsla.ok(*words, "--period", "2020-07-01..2020-07-01")
    assert "没有可计的在线时间" in camsla.run(*words, "--period", "2020-06", "--partial").stderr


def test_the_sheet_for_the_offices(camsla: Camsla) -> None:
    for name in ("one.xlsx", "two.xlsx"):
        camsla.ok("score", "xinjian", "--inputs", "xinjian", "--xlsx", name)
    first, second = ((camsla.folder / name).read_bytes() for name in ("one.xlsx", "two.xlsx"))
    assert first == second
    rows = CalamineWorkbook.from_path(camsla.folder / "one.xlsx").get_sheet_by_name("考核评分表").to_python()
    headings = rows[2]
    assert headings == [
        "一级指标",
        "二级指标",
        "指标",
        "分值",
        "评分标准",
        "数据",
        "得分",
        "算式",
        "扣分原因",
        "佐证编号",
        "数据来源",
    ]
    execution = next(row for row in rows if "预算执行率" in str(row[2]))
    assert (execution[3], execution[6]) == (5.0, 4.57)
    assert "36,561,800 ÷ 40,000,000" in execution[7]
    total = next(row for row in rows if row[2] == "总分")
    assert (total[3], total[6], total[7]) == (100.0, 93.07, "等级 grade：优")
    assert any("20 份问卷不可能得出 93%" in str(row[0]) for row in rows)
    assert not any(str(camsla.folder) in str(cell) or "/rubrics/" in str(cell) for row in rows for cell in row)


def test_a_hostile_title_is_text_in_the_sheet(camsla: Camsla) -> None:
    camsla.ok("score", "own.yaml", "--inputs", "found.yaml", "--partial", "--xlsx", "own.xlsx")
    rows = CalamineWorkbook.from_path(camsla.folder / "own.xlsx").get_sheet_by_index(0).to_python()
    assert [row[2] for row in rows if "使用" in str(row[2])] == ["'=使用"]


def test_advice_on_next_years_budget(camsla: Camsla) -> None:
    words = ("score", "advice", "xinjian", "2020", "--count", "phase-2=1000", "--rate", "2020Q3/phase-2=0.8771")
    document = camsla.json(*words)
    assert document["totals"]["proposed"] == "6437251.20"
    camsla.ok(*words, "--out", "advice.pdf")
    pages = pypdf.PdfReader(camsla.folder / "advice.pdf").pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    assert "6,437,251.20" in text and "43,143.60" in text and "2021" in text
    said = camsla.refused("score", "advice", "xinjian", "2020", "--count", "phase-9=1", "--rate", "2019Q3/phase-2=2")
    assert "phase-9" in said and "2019Q3" in said


def test_advice_from_the_store_bills_the_ledgers_points_all_next_year(camsla: Camsla) -> None:
    """850 × 12 × 2 points; half the third quarter was online. Of the fourth only seconds are known: nothing to go by."""
    head = "code,name,contract,phase,area,supplier,accepted_on,billed_from\n"
    points = "".join(f"A-{n},甲,xinjian,phase-1,东,丙,2020-07-01,2020-07-01\n" for n in (1, 2))
    (camsla.folder / "points.csv").write_text(head + points, encoding="utf-8")
    head = "point,vantage,first,last,count,state,reason,rung,valid_s\n"
    span = "centre,2020-07-01T00:00:00+08:00,2020-09-30T23:59:59+08:00,132480"
    runs = f"A-1,{span},online,ok,describe,125\nA-2,{span},offline,refused,tcp,125\n"
    (camsla.folder / "runs.csv").write_text(head + runs, encoding="utf-8")
    camsla.ok("points", "import", "points.csv", "--actor", "张三")
    camsla.ok("runs", "import", "runs.csv", "--actor", "张三")
    document = camsla.json("score", "advice", "xinjian", "2020", "--factor", "0")
    assert document["quarters"] == ["2020Q3"]
    assert document["totals"]["next_full_fee"] == "20400.00"
    assert document["totals"]["proposed"] == "10200.00"
    assert document["phases"][0]["points"] == 2
    assert "2020Q4" in camsla.run("score", "advice", "xinjian", "2020").stderr


def test_usage(camsla: Camsla) -> None:
    for words in (("fengze",), ("fengze", "--from-store"), ("fengze", "--inputs", "fengze", "--period", "2020Q3")):
        assert camsla.run("score", *words).returncode == 2
    assert "no such" in camsla.refused("score", "nobody", "--inputs", "fengze").lower()
    assert {row["rubric"] for row in camsla.json("score", "list")} >= {"xinjian", "fengze", "lease"}
    assert "另一评分表" in camsla.refused("score", "fengze", "--inputs", "xinjian")
