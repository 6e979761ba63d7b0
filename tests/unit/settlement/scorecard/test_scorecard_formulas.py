"""Each kind of formula at its boundaries, in the words of a rubric."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from settlement.scorecard.card import fill
from settlement.scorecard.formulas import Ruled, judged
from settlement.scorecard.inputs import Given, Measured, ScoreInputs
from settlement.scorecard.printed import exact_text
from settlement.scorecard.rubric import Indicator, Rubric

TIERS = [
    {"at_least": "95%", "score": 10},
    {"at_least": "90%", "below": "95%", "off": 2},
    {"above": "80%", "below": "90%", "share": "50%"},
    {"at_most": "80%", "score": 0},
]


def ruled(formula: dict[str, Any], given: dict[str, Any], weight: object = 10, places: int = 2) -> Ruled:
    row = Indicator.model_validate({"id": "a", "title": "a", "weight": weight, "formula": formula})
    return judged(row, Given.model_validate(given), places)


def score(formula: dict[str, Any], given: dict[str, Any], weight: object = 10, places: int = 2) -> str | None:
    found = ruled(formula, given, weight, places).score
    return None if found is None else exact_text(found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100%", "10"),
        ("95%", "10"),
        ("94.999999%", "8"),
        ("90%", "8"),
        ("89.99%", "5"),
        ("80.01%", "5"),
        ("80%", "0"),
        ("0%", "0"),
    ],
)
def test_tiers(value: str, expected: str) -> None:
    assert score({"kind": "tiers", "tiers": TIERS}, {"value": value}) == expected


def test_a_value_in_a_gap_has_no_score() -> None:
    formula = {"kind": "tiers", "tiers": [TIERS[0], TIERS[3]]}
    found = ruled(formula, {"value": "92%"})
    assert (found.score, found.status) == (None, "undefined")
    assert "92% 不在任何档内" in found.arithmetic


def test_items_are_scored_one_by_one_and_added() -> None:
    formula = {"kind": "tiers", "tiers": TIERS, "items": ["x", "y"]}
    both = {"values": {"x": {"num": 19, "den": 20}, "y": {"value": "85%"}}}
    assert score(formula, both, weight=20) == "20"  # 10, and half of 20
    lacking = ruled(formula, {"values": {"x": {"value": "99%"}}})
    assert (lacking.status, lacking.arithmetic) == ("missing", "缺 missing: y")
    odd = ruled(formula, {"values": {"x": {"value": "1%"}, "y": {"value": "1%"}, "z": {"value": "1%"}}})
    assert odd.status == "undefined"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"num": 36561800, "den": 40000000}, "4.57"),
        ({"value": "100%"}, "5"),
        ({"value": "120%"}, "5"),
        ({"value": "0%"}, "0"),
        ({"num": 1, "den": 3}, "1.67"),
        ({"value": "91.05%"}, "4.55"),  # 4.5525
        ({"value": "91.1%"}, "4.56"),  # 4.555: half up
    ],
)
def test_proportional(given: dict[str, Any], expected: str) -> None:
    assert score({"kind": "proportional"}, given, weight=5) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("80%", "0"), ("79%", "0"), ("87.5%", "10"), ("95%", "20"), ("99%", "20")]
)
def test_proportional_between_two_marks(value: str, expected: str) -> None:
    formula = {"kind": "proportional", "zero_at": "80%", "full_at": "95%"}
    assert score(formula, {"value": value}, weight=20) == expected


def test_proportional_downwards() -> None:
    formula = {"kind": "proportional", "zero_at": 30, "full_at": 0}
    assert score(formula, {"value": 12}, weight=10) == "6"


@pytest.mark.parametrize(
    ("rounding", "value", "expected"),
    [
        ("ceil", "97.5%", "7"),
        ("floor", "97.5%", "8"),
        ("exact", "97.5%", "7.5"),
        ("ceil", "97%", "7"),
        ("ceil", "100%", "10"),
        ("ceil", "101%", "10"),
        ("ceil", "0%", "0"),
    ],
)
def test_per_unit_of_a_shortfall(rounding: str, value: str, expected: str) -> None:
    formula = {
        "kind": "per-unit",
        "of": "shortfall",
        "allowance": "100%",
        "unit": "1%",
        "points": 1,
        "rounding": rounding,
    }
    assert score(formula, {"value": value}) == expected


def test_per_unit_beyond_an_allowance() -> None:
    formula = {"kind": "per-unit", "allowance": 3, "unit": 10, "points": "0.5"}
    assert score(formula, {"value": 3}) == "10"
    assert score(formula, {"value": 4}) == "9.5"
    assert score(formula, {"value": 13}) == "9.5"
    assert score(formula, {"value": 14}) == "9"
    assert score(formula, {"value": 1000}) == "0"


def test_per_event() -> None:
    formula = {"kind": "per-event", "events": {"late": 1, "missing": "0.5"}}
    assert score(formula, {"events": {"late": 7, "missing": 1}}) == "2.5"
    assert score(formula, {"events": {"late": 0}}) == "10"
    assert score(formula, {"events": {"late": 11}}) == "0"
    assert ruled(formula, {"events": {"lost": 1}}).status == "undefined"


def test_what_is_not_printed_gives_no_points() -> None:
    assert ruled({"kind": "proportional"}, {"value": "50%"}, weight="not-printed").status == "not-printed"
    band = [{"at_least": "50%", "score": 1}, {"below": "50%", "not_printed": True}]
    assert ruled({"kind": "tiers", "tiers": band}, {"value": "10%"}).status == "not-printed"
    assert score({"kind": "tiers", "tiers": band}, {"value": "60%"}) == "1"


def small(*rows: dict[str, Any]) -> Rubric:
    return Rubric.model_validate(
        {"rubric": "r", "title": "r", "groups": [{"id": "g", "title": "g", "indicators": list(rows)}]}
    )


ONLINE = {"id": "online", "title": "在线率", "weight": 60, "auto": "online-rate", "formula": {"kind": "proportional"}}
BY_HAND = {"id": "hand", "title": "管理", "weight": 40, "formula": {"kind": "manual"}}


def test_the_product_fills_what_it_measures_and_the_file_the_rest() -> None:
    inputs = ScoreInputs.model_validate(
        {
            "rubric": "r",
            "source": "现场",
            "values": {
                "hand": {"score": 35, "reason": "缺一份记录", "evidence": ["佐证-3"]},
                "online": {"reason": "停电"},
            },
        }
    )
    found = fill(small(ONLINE, BY_HAND), inputs, {"online-rate": Measured(93, 100, "监测", ("附件 1",))})
    online, hand = found.groups[0].rows
    assert (exact_text(found.total), found.grade, found.complete) == ("90.8", "优", True)
    assert (online.measured, online.source, online.evidence, online.reason) == (True, "监测", ("附件 1",), "停电")
    assert (hand.measured, hand.source, hand.evidence, hand.reason) == (False, "现场", ("佐证-3",), "缺一份记录")


def test_what_a_person_gives_stands_before_what_was_measured() -> None:
    inputs = ScoreInputs.model_validate({"rubric": "r", "values": {"online": {"value": "50%"}, "hand": {"score": 40}}})
    found = fill(small(ONLINE, BY_HAND), inputs, {"online-rate": Measured(93, 100, "监测")})
    assert exact_text(found.total) == "70"
    assert not found.groups[0].rows[0].measured


def test_a_card_with_something_missing_has_no_grade() -> None:
    found = fill(small(ONLINE, BY_HAND), ScoreInputs(rubric="r"), {"online-rate": Measured(1, 1, "监测")})
    assert (found.complete, found.grade, exact_text(found.total)) == (False, "", "60")
    assert [row.status for row in found.groups[0].rows] == ["scored", "missing"]


def test_the_arithmetic_of_a_deduction_is_its_reason() -> None:
    inputs = ScoreInputs.model_validate({"rubric": "r", "values": {"online": {"value": "50%"}, "hand": {"score": 40}}})
    row = fill(small(ONLINE, BY_HAND), inputs).groups[0].rows[0]
    assert row.reason == row.arithmetic == "60 × 50% = 30"


@pytest.mark.parametrize(
    ("score_", "grade"), [("90", "优"), ("89.99", "良"), ("80", "良"), ("60", "中"), ("59.99", "差")]
)
def test_grades_begin_at_their_limits(score_: str, grade: str) -> None:
    assert small(ONLINE, BY_HAND).grade(Fraction(score_)) == grade
