"""What evaluators get wrong: every inconsistency of the reports is found, a sound rubric has none, and each check bites."""

from __future__ import annotations

import copy
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.rubrics import findings, load_inputs, load_rubric
from settlement.scorecard.card import fill
from settlement.scorecard.claim_checks import Flaw, possible
from settlement.scorecard.input_lint import input_flaws
from settlement.scorecard.inputs import ScoreInputs
from settlement.scorecard.printed import printed
from settlement.scorecard.rubric import Rubric
from settlement.scorecard.rubric_lint import rubric_flaws


def flaws(rubric: Rubric, inputs: ScoreInputs) -> list[Flaw]:
    return [*rubric_flaws(rubric), *input_flaws(fill(rubric, inputs))]


def shipped(name: str) -> list[Flaw]:
    return flaws(load_rubric(Path(name)).value, load_inputs(Path(name)).value)


NAMED = {
    "xinjian": [
        ("exceeds", "36561800 超过"),
        ("count-differs", "称有 12 个，列出 11 个"),
        ("impossible-share", "20 份问卷不可能得出 93%"),
        ("dates-contradict", "2020Q3）早于"),
        ("dates-contradict", "2020-12 是季度的第 3 个月，不是第 2 个"),
    ],
    "fengze": [
        ("undefined-band", "设备完好率 integrity: [90 %, 95 %)"),
        ("undefined-band", "接入率 access rate: [90 %, 95 %)"),
        ("below-weight", "at most 2，达不到权重 never reaches the weight 4"),
        ("group-sum", "says 32，评分表 the table has 34"),
        ("above-weight", "6 项 × 2 = 12 分 points，高于权重 above the weight 6"),
        ("award-against-rule", "≈12.3772 %） 在 [> 10%] 档；给了满分"),
        ("two-values", "-42.66%（一处 one place），-46.24%"),
    ],
    "shangcheng": [
        ("sum-differs", "= 168.92，合计印作 the total is printed as 168.91"),
        ("above-weight", "gives up to 3，高于权重 above the weight 2"),
    ],
    "yiyang": [("product-differs", "5 × 6443100 = 32,215,500，与 32215600 相差 100")],
    "tianshui": [],
}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_the_named_inconsistencies_of_each_report_and_no_others(name: str) -> None:
    wrong = [flaw for flaw in shipped(name) if flaw.level != "note"]
    for kind, words in NAMED[name]:
        assert [flaw for flaw in wrong if flaw.kind == kind and words in flaw.message], (kind, words)
    assert len(wrong) == len(NAMED[name]), [flaw.message for flaw in wrong]
    assert all(flaw.level == "error" and flaw.remedy for flaw in wrong)


def test_every_flaw_of_a_shipped_file_has_its_line() -> None:
    form, given_ = load_rubric(Path("fengze")), load_inputs(Path("fengze"))
    told = findings(flaws(form.value, given_.value), form, given_)
    text = Path(form.file).read_text(encoding="utf-8").splitlines()
    row = next(f for f in told if "达不到权重" in f.message)
    assert (Path(row.file).name, text[row.line - 1].strip()) == ("fengze.yaml", "formula:")
    award = next(f for f in told if "给了满分" in f.message)
    assert Path(award.file).parent.name == "inputs"
    assert Path(award.file).read_text(encoding="utf-8").splitlines()[award.line - 1].strip() == "saving:"


CLEAN: dict[str, Any] = {
    "rubric": "clean",
    "title": "无误的评分表",
    "groups": [
        {
            "id": "output",
            "title": "产出",
            "weight": 60,
            "also_printed": [{"value": 60, "where": "正文"}],
            "indicators": [
                {
                    "id": "integrity",
                    "title": "完好率",
                    "weight": 20,
                    "formula": {
                        "kind": "tiers",
                        "tiers": [
                            {"at_least": "95%", "score": 20},
                            {"at_least": "85%", "below": "95%", "score": 10},
                            {"below": "85%", "score": 0},
                        ],
                    },
                },
                {"id": "online", "title": "在线率", "weight": 30, "formula": {"kind": "proportional"}},
                {
                    "id": "events",
                    "title": "事件",
                    "weight": 10,
                    "formula": {"kind": "per-event", "events": {"late": 1}},
                },
            ],
        },
        {
            "id": "effect",
            "title": "效果",
            "indicators": [
                {
                    "id": "late",
                    "title": "及时",
                    "weight": 15,
                    "formula": {
                        "kind": "tiers",
                        "measure": "number",
                        "tiers": [
                            {"at_most": 0, "share": "100%"},
                            {"above": 0, "at_most": 3, "off": 5},
                            {"above": 3, "score": 0},
                        ],
                    },
                },
                {
                    "id": "people",
                    "title": "满意度",
                    "weight": 25,
                    "formula": {"kind": "manual", "items": ["a", "b", "c", "d", "e"], "each": 5},
                },
            ],
        },
    ],
    "claims": {"counts": [{"what": "指标", "claimed": 5, "listed": ["1", "2", "3", "4", "5"]}]},
}
CLEAN_INPUTS: dict[str, Any] = {
    "rubric": "clean",
    "source": "现场核查",
    "values": {
        "integrity": {"num": 90, "den": 100, "printed": "90%", "stated": 10},
        "online": {"value": "93.41%"},
        "events": {"events": {"late": 2}},
        "late": {"value": 0},
        "people": {"score": 22, "reason": "一项未达到"},
    },
    "stated": {"total": "83.02", "grade": "良", "groups": {"output": "46.02", "effect": 37}},
    "claims": {
        "surveys": [
            {"what": "满意", "answers": 20, "percent": "95%"},
            {"what": "回收", "answers": 330, "yes": 323, "percent": "97.88%"},
        ],
        "shares": [{"what": "房屋", "num": 84842, "den": 127356, "percent": "67%"}],
        "quantities": [{"what": "降幅", "values": [{"value": "-42.66%"}, {"value": "-42.7%"}]}],
        "sums": [{"what": "支付", "parts": ["158.46", "4.72"], "total": "163.18"}],
        "products": [{"what": "总价", "factors": [1000, 628, 48], "total": "30,144,000"}],
        "ceilings": [{"what": "支出", "amount": 7536000, "limit": 30144000, "limit_is": "合同"}],
        "order": [
            {"what": "付款", "first": {"what": "验收", "at": "2020-09-17"}, "then": {"what": "付款", "at": "2020-11"}}
        ],
        "months": [{"what": "月份", "month": "2020-12", "claimed": 3}],
    },
}


def clean() -> tuple[dict[str, Any], dict[str, Any]]:
    return copy.deepcopy(CLEAN), copy.deepcopy(CLEAN_INPUTS)


def of(form: dict[str, Any], values: dict[str, Any]) -> list[Flaw]:
    return flaws(Rubric.model_validate(form), ScoreInputs.model_validate(values))


def test_a_clean_rubric_with_clean_inputs_has_no_flaw() -> None:
    assert of(*clean()) == []


def test_the_products_own_rubric_is_clean() -> None:
    assert rubric_flaws(load_rubric(Path("lease")).value) == []


def put(data: dict[str, Any], path: str, value: object) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place: Any = data
    for part in way:
        place = place[part]
    place[last] = value


TIER = "groups/0/indicators/0/formula/tiers"
RUBRIC_SPOILT = [
    ("groups/0/indicators/0/weight", 19, {"group-sum", "above-weight"}),
    ("groups/1/indicators/1/formula/each", 4, {"below-weight"}),
    ("groups/1/indicators/1/formula/each", 6, {"above-weight"}),
    ("groups/1/indicators/1/weight", 24, {"weights-total", "above-weight"}),
    ("groups/0/weight", 61, {"group-sum", "weights-total"}),
    ("groups/0/also_printed/0/value", 62, {"group-sum"}),
    (f"{TIER}/1/at_least", "86%", {"undefined-band"}),
    (f"{TIER}/1/below", "94%", {"undefined-band"}),
    (f"{TIER}/1/below", "96%", {"overlapping-tiers"}),
    (f"{TIER}/0/at_least", "101%", {"undefined-band", "overlapping-tiers"}),
    (f"{TIER}/0/score", 18, {"below-weight"}),
    ("groups/1/indicators/0/formula/tiers/0", {"below": 0, "share": "100%"}, {"undefined-band", "overlapping-tiers"}),
    ("groups/1/indicators/0/formula/tiers/2/above", 4, {"undefined-band"}),
    ("groups/1/indicators/1/weight", "not-printed", {"not-printed"}),
    ("groups/0/unlisted", 2, {"not-printed"}),
    ("bands", [{"grade": "优", "at_least": 90}], {"grade-bands"}),
    ("bands", [{"grade": "优", "at_least": 101}, {"grade": "差", "at_least": 0}], {"grade-bands"}),
    ("claims/counts/0/claimed", 6, {"count-differs"}),
]


@pytest.mark.parametrize(("path", "value", "kinds"), RUBRIC_SPOILT, ids=[f"{p}={v}" for p, v, _ in RUBRIC_SPOILT])
def test_each_error_of_a_rubric_is_found(path: str, value: object, kinds: set[str]) -> None:
    form, _ = clean()
    put(form, path, value)
    found = rubric_flaws(Rubric.model_validate(form))
    assert {flaw.kind for flaw in found} == kinds, [flaw.message for flaw in found]
    assert all(flaw.level == "error" and flaw.side == "rubric" for flaw in found)


INPUTS_SPOILT = [
    ("rubric", "other", {"other-rubric"}),
    ("values/nobody", {"score": 1}, {"unknown"}),
    ("stated/groups/nobody", 1, {"unknown"}),
    ("values/integrity/printed", "91%", {"share-differs"}),
    ("values/integrity/stated", 20, {"award-against-rule"}),
    ("values/integrity/award", "full", {"award-against-rule"}),
    ("values/late/award", "none", {"award-against-rule"}),
    (
        "values/integrity/num",
        96,
        {"share-differs", "award-against-rule", "group-sum", "total-differs", "grade-differs"},
    ),
    ("values/online/score", 30, {"award-against-rule", "group-sum", "total-differs"}),
    ("values/people/score", 26, {"above-weight", "group-sum", "total-differs"}),
    ("values/people/reason", "", {"no-reason"}),
    ("values/events/events", {"lost": 1}, {"undefined-value"}),
    ("source", "", {"no-source"}),
    ("rests", {"output": {"score": 1, "why": "x"}}, {"rest-not-needed", "group-sum", "total-differs"}),
    ("rests", {"total": {"score": 1, "why": "x"}}, {"rest-not-needed", "total-differs"}),
    ("stated/total", 84, {"total-differs"}),
    ("stated/grade", "优", {"grade-differs"}),
    ("stated/groups/effect", 38, {"group-sum"}),
    ("claims/surveys/0/percent", "93%", {"impossible-share"}),
    ("claims/surveys/1/yes", 322, {"impossible-share"}),
    ("claims/shares/0/percent", "66.7%", {"share-differs"}),
    ("claims/quantities/0/values/1/value", "-42.6%", {"two-values"}),
    ("claims/sums/0/total", "163.19", {"sum-differs"}),
    ("claims/products/0/total", "30,144,100", {"product-differs"}),
    ("claims/ceilings/0/amount", 30144001, {"exceeds"}),
    ("claims/order/0/then/at", "2020-08", {"dates-contradict"}),
    ("claims/months/0/claimed", 2, {"dates-contradict"}),
]


@pytest.mark.parametrize(("path", "value", "kinds"), INPUTS_SPOILT, ids=[f"{p}={v}" for p, v, _ in INPUTS_SPOILT])
def test_each_error_of_inputs_is_found(path: str, value: object, kinds: set[str]) -> None:
    form, values = clean()
    put(values, path, value)
    found = of(form, values)
    assert {flaw.kind for flaw in found} == kinds, [flaw.message for flaw in found]
    assert all(flaw.side == "inputs" for flaw in found)


def test_a_missing_indicator_is_told_of() -> None:
    form, values = clean()
    del values["values"]["online"]
    assert {flaw.kind for flaw in of(form, values)} == {"missing"}


def test_points_that_are_not_printed_need_a_rest() -> None:
    form, values = clean()
    form["as_printed"], form["unlisted"] = True, 3
    assert {flaw.kind for flaw in of(form, values) if flaw.level == "error"} == {"missing"}
    values["rests"] = {"total": {"score": 10, "why": "印出的总分减去各项"}}
    values["stated"]["total"], values["stated"]["grade"] = "93.02", "优"
    assert [flaw.level for flaw in of(form, values)] == ["note"]
    values["rests"]["total"]["score"] = 17  # more than the 16.98 that are left of 100
    assert "above-weight" in {flaw.kind for flaw in of(form, values)}


def test_rounding_that_could_explain_a_sum_is_said() -> None:
    form, values = clean()
    put(values, "claims/sums/0/total", "163.19")
    assert "舍入" in of(form, values)[0].message
    put(values, "claims/sums/0/total", "163.28")
    assert "舍入" not in of(form, values)[0].message


def test_an_assumed_number_of_answers_only_warns() -> None:
    form, values = clean()
    values["claims"]["surveys"] = [{"what": "知晓率", "answers": 323, "answers_assumed": True, "percent": "59.59%"}]
    assert [flaw.level for flaw in of(form, values)] == ["warning"]


@given(answers=st.integers(1, 400), k=st.integers(0, 400), places=st.integers(0, 2), nudge=st.integers(-3, 3))
def test_what_k_of_n_can_be(answers: int, k: int, places: int, nudge: int) -> None:
    """Against decimal arithmetic over every k, for percentages near true ones."""
    step = Decimal(1).scaleb(-places)

    def percentage(yes: int) -> Decimal:
        exact = Fraction(yes * 100, answers)
        scaled = exact * 10**places
        return Decimal(int(scaled + Fraction(1, 2))).scaleb(-places)

    text = max(Decimal(0), percentage(min(k, answers)) + nudge * step).quantize(step, ROUND_HALF_UP)
    expected = tuple(yes for yes in range(answers + 1) if percentage(yes) == text)
    assert possible(answers, printed(f"{text}%")) == expected


@given(cuts=st.lists(st.integers(1, 99), unique=True, max_size=8), data=st.data())
def test_tiers_that_divide_all_shares_have_no_gap_and_lose_one_when_one_is_taken(
    cuts: list[int], data: st.DataObject
) -> None:
    limits = sorted(cuts)
    tiers: list[dict[str, Any]] = []
    lower: dict[str, str] = {}
    for cut in limits:
        sharp = data.draw(st.booleans())
        tiers.append({**lower, "below" if sharp else "at_most": f"{cut}%", "score": 0})
        lower = {"at_least" if sharp else "above": f"{cut}%"}
    tiers.append({**lower, "score": 100})
    form = {
        "rubric": "r",
        "title": "r",
        "groups": [
            {
                "id": "g",
                "title": "g",
                "indicators": [{"id": "a", "title": "a", "weight": 100, "formula": {"kind": "tiers", "tiers": tiers}}],
            }
        ],
    }
    shuffled = data.draw(st.permutations(tiers))
    put(form, "groups/0/indicators/0/formula/tiers", shuffled)
    assert rubric_flaws(Rubric.model_validate(form)) == []
    if len(tiers) > 1:
        put(form, "groups/0/indicators/0/formula/tiers", tiers[:-1])
        kinds = [flaw.kind for flaw in rubric_flaws(Rubric.model_validate(form))]
        assert kinds.count("undefined-band") == 1
