"""The reports' scorecards from what the reports print: totals, the arithmetic, and what stays visibly unprinted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from config.rubrics import load_inputs, load_rubric, shipped
from settlement.scorecard.card import Card, card_document, fill
from settlement.scorecard.printed import exact_text
from settlement.scorecard.rubric import Rubric

PRINTED = ["fengze", "shangcheng", "tianshui", "xinjian", "yiyang"]


def card(name: str) -> Card:
    return fill(load_rubric(Path(name)).value, load_inputs(Path(name)).value)


@pytest.mark.parametrize(
    ("name", "total", "grade", "groups"),
    [
        ("xinjian", "93.07", "优", ["18", "21.57", "32.5", "21"]),
        ("fengze", "90", "优", ["8", "0"]),
        ("shangcheng", "88.5", "良", ["17", "23.5", "24", "24", "1"]),
        ("tianshui", "82.06", "良", ["82.06", "0"]),
        ("yiyang", "89", "良好", ["89"]),
    ],
)
def test_a_reports_total_follows_from_what_it_prints(name: str, total: str, grade: str, groups: list[str]) -> None:
    found = card(name)
    assert (exact_text(found.total), found.grade, found.complete) == (total, grade, True)
    assert [exact_text(group.score) for group in found.groups] == groups


def test_the_fourteen_items_of_report_a() -> None:
    rows = [row for group in card("xinjian").groups for row in group.rows]
    scores = [None if row.score is None else exact_text(row.score) for row in rows]
    assert scores == ["5", "5", "8", "5", "4.57", "6", "6", "5", "8.5", "9", "10", "8", "8", "5"]
    execution = rows[4]
    assert execution.arithmetic == "5 × 36,561,800 ÷ 40,000,000（91.4045 %） = 4.570225 → 4.57"
    assert execution.by_rule == Fraction(457, 100)
    assert [row.indicator.weight for row in rows] == [None] * 4 + [Fraction(5)] + [None] * 9


def test_report_b_computes_what_it_can_and_says_what_it_cannot() -> None:
    document = card_document(card("fengze"))
    other, social = document["groups"]
    rows = {row["id"]: row for row in other["indicators"]}
    assert rows["access"]["score"] == "8"
    assert rows["access"]["arithmetic"].endswith("合计 sum 8")
    assert {name for name, row in rows.items() if row["status"] == "not-printed"} == {
        "integrity",
        "data-entry",
        "timeliness",
        "saving",
    }
    assert other["score"] is None and other["known"] == "8"
    assert social["score"] is None and social["weight"] == "34"
    assert document["rest"]["score"] == "82"
    assert (document["total"], document["grade"], document["out_of"]) == ("90", "优", "100")


def test_indicators_of_an_unknown_group_add_nothing_to_the_total() -> None:
    found = card("shangcheng")
    named = found.groups[-1]
    assert named.group.contained
    assert named.score == 1
    assert found.total == Fraction(177, 2)


def test_every_shipped_rubric_reads_and_writes_itself() -> None:
    names = shipped()
    assert names == sorted([*PRINTED, "lease"])
    for name in names:
        rubric = load_rubric(Path(name)).value
        assert Rubric.model_validate(rubric.document()) == rubric, name


def test_inputs_of_every_reproduced_report_ship_with_it() -> None:
    for name in PRINTED:
        assert load_rubric(Path(name)).value.as_printed
        assert load_inputs(Path(name)).value.rubric == name
