"""Rubric files: every kind of bad one says what is wrong and where; names stand for what ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.rubrics import SHIPPED, load_inputs, load_rubric, shipped, usable
from monitor.finding import Finding, InputError
from settlement.scorecard.blank import blank
from settlement.scorecard.card import fill
from settlement.scorecard.printed import exact_text

BAD = sorted((Path(__file__).parents[2] / "bad_config").glob("rubric_*.yaml"))
GOOD = """rubric: r
title: t
groups:
  - id: g
    title: g
    indicators:
      - {id: a, title: a, weight: 100, formula: {kind: manual}}
"""


def findings_of(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(InputError) as caught:
        usable(load_rubric(path))
    return caught.value.findings


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_bad_rubric_says_what_is_wrong_where(path: Path) -> None:
    rows = path.read_text(encoding="utf-8").split("\n")
    expected = rows[0].removeprefix("# expect: ")
    marked = [n for n, row in enumerate(rows, 1) if row.endswith("# here")]
    findings = findings_of(path)
    about = [finding for finding in findings if expected in finding.message]
    assert about, findings
    assert [finding.line for finding in about] == marked, findings
    assert all(finding.remedy and finding.file == str(path) for finding in findings)


def test_the_bad_rubrics_are_there() -> None:
    assert len(BAD) >= 18


def test_the_good_rubric_is_good(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert usable(load_rubric(path)).rubric == "r"


def test_a_reproduced_rubric_may_have_its_reports_errors(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD.replace("weight: 100", "weight: 99"), encoding="utf-8")
    assert "99" in findings_of(path)[0].message
    path.write_text("as_printed: true\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert usable(load_rubric(path)).as_printed


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD.replace("weight: 100", "weight: x, colour: red"), encoding="utf-8")
    assert {finding.line for finding in findings_of(path)} == {7}
    assert len(findings_of(path)) == 2


def test_a_bare_name_stands_for_what_ships_but_a_file_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_rubric(Path("xinjian")).file == str(SHIPPED / "xinjian.yaml")
    assert load_inputs(Path("xinjian")).file == str(SHIPPED / "inputs" / "xinjian.yaml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xinjian").write_text(GOOD, encoding="utf-8")
    assert load_rubric(Path("xinjian")).value.rubric == "r"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rubric: r\nvalues: {a: {num: 1}}\n", "num 与 den 须同时给出"),
        ("rubric: r\nvalues: {a: {num: 1, den: 0}}\n", "分母为零"),
        ("rubric: r\nvalues: {a: {value: 1, num: 1, den: 2}}\n", "只能取一"),
        ("rubric: r\nvalues: {a: {score: -1}}\n", "不是分值"),
        ("rubric: r\nvalues: {a: {events: {late: -1}}}\n", "超出范围"),
        ("rubric: r\nrests: {total: {score: 1}}\n", "缺少键 missing key: why"),
        ("rubric: r\nclaims: {surveys: [{what: x, answers: 0, percent: 1%}]}\n", "超出范围"),
        (
            "rubric: r\nclaims: {order: [{what: x, first: {what: a, at: 2020-13}, then: {what: b, at: 2020}}]}\n",
            "不是日期或期间",
        ),
        ("rubric: r\nclaims: {sums: [{what: x, parts: [], total: 1}]}\n", "项数过少"),
        ("rubric: r\nclaims: {guesses: []}\n", "未知的键 unknown key: guesses"),
    ],
)
def test_bad_inputs_say_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "i.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_inputs(path)
    assert [finding.line for finding in caught.value.findings] == [2]
    assert message in caught.value.findings[0].message


@pytest.mark.parametrize("name", shipped())
def test_an_empty_form_reads_and_names_every_indicator(tmp_path: Path, name: str) -> None:
    rubric = load_rubric(Path(name)).value
    text = blank(rubric)
    path = tmp_path / "i.yaml"
    path.write_text(text.replace("values:\n", "values: {}\n"), encoding="utf-8")
    assert load_inputs(path).value.rubric == rubric.rubric
    for row in rubric.indicators:
        assert f"\n  # {row.id}: {{" in text


def test_a_form_that_is_filled_in_scores(tmp_path: Path) -> None:
    rubric = load_rubric(Path("lease")).value
    filled = blank(rubric).replace("score: ,", "score: 5,").replace("num: , den: ,", "num: 9, den: 10,")
    rows = [
        line.replace("  # ", "  ", 1) if ": {" in line and line.startswith("  # ") else line
        for line in filled.split("\n")
    ]
    path = tmp_path / "i.yaml"
    path.write_text("\n".join(rows).replace('source: ""', "source: 现场"), encoding="utf-8")
    card = fill(rubric, load_inputs(path).value)
    assert card.complete
    # 5 + 5 + 4.5; 9 + 9 + 5; access 10 points short of all: 0; (0.9 - 0.8)/0.15 of 20; 2; 5; 5; 10
    assert exact_text(card.total) == "72.83"
