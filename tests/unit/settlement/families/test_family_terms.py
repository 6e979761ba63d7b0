"""What a rule's terms refuse: each complaint at its own key, in both languages, with a remedy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from settlement.families.registry import FAMILIES
from tests.unit.settlement.families.family_facts import terms

TIERS = [{"from": "80%", "pays": "rate"}, {"from": "65%", "to": "80%", "pays": "65%"}, {"to": "65%", "pays": 0}]
BRACKETS = [{"from": "95%", "to": "99%", "deducts": "30%"}, {"to": "95%", "deducts": "50%"}]
BANDS = [{"from": 90, "pays": 1}, {"from": 80, "to": 90, "pays": "90%"}, {"to": 80, "pays": "70%"}]
CLASSES = {"一类": {"minutes": 120, "points": "0.5"}}

WHOLE: dict[str, dict[str, Any]] = {
    "pro-rata": {"full_from": "90%"},
    "substituted-tiers": {"tiers": TIERS},
    "point-elimination": {"hours": 168},
    "per-percentage-point": {"below": "95%", "share_per_point": "1/45", "rounding": "floor"},
    "hourly-percentage": {"free_hours": 4, "share_per_hour": "2%", "rounding": "ceil"},
    "time-abatement": {"clock": "report", "hours_per_month": 720},
    "daily-fee": {"rounding": "ceil", "days_per_month": 30},
    "fee-brackets": {"brackets": BRACKETS, "cap_share": "50%"},
    "assessment-score": {"points": {"major": 5}, "bands": BANDS},
    "class-allowance": {"classes": CLASSES, "unlisted": "一类", "yuan_per_point": 100},
    "weighted-unavailability": {"rounding": "ceil", "weights": {"一类": "1.5"}, "use_factors": {"blurred": "0.5"}},
    "rectification": {"deadline_hours": 24, "again_hours": 72, "yuan_per_period": "3.00", "rounding": "ceil"},
    "sampling": {"allowed": "1.31%", "rounding": "floor", "price": "628.00"},
    "excess-surcharge": {"allowed": "10%", "factor": 2},
    "late-payment": {"per_day": "0.05%", "most": "3%"},
    "unit-fine": {"events": ["clock-wrong"], "fine": 50, "period_hours": 24},
}


@pytest.mark.parametrize("kind", FAMILIES)
def test_terms_survive_json(kind: str) -> None:
    shared = {"title": "某条", "clause": "第 9.2 条", "phases": ["phase-1"], "components": ["line"], "cap": "100.00"}
    repeat = {"within_days": 90, "by": "cause", "factors": [1, "1.5", 2]}
    rule = terms(kind, **WHOLE[kind], **shared, repeat=repeat)
    document = rule.model_dump(mode="json", by_alias=True)
    assert FAMILIES[kind].terms.model_validate(document) == rule
    assert FAMILIES[kind].terms.model_validate_json(rule.model_dump_json(by_alias=True)) == rule


@pytest.mark.parametrize("kind", FAMILIES)
def test_unknown_keys_are_refused(kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        terms(kind, **WHOLE[kind], treshold=1)
    assert [(error["type"], error["loc"]) for error in refused.value.errors()] == [("extra_forbidden", ("treshold",))]


UNDECLARED = ["per-percentage-point", "hourly-percentage", "daily-fee", "weighted-unavailability", "rectification"]


@pytest.mark.parametrize("kind", [*UNDECLARED, "sampling"])
def test_rounding_must_be_declared(kind: str) -> None:
    given = {key: value for key, value in WHOLE[kind].items() if key != "rounding"}
    with pytest.raises(ValidationError) as refused:
        terms(kind, **given)
    assert [(error["type"], error["loc"]) for error in refused.value.errors()] == [("missing", ("rounding",))]


def tiers(*rows: tuple[str, str, str]) -> dict[str, Any]:
    return {"tiers": [{"from": low, "to": high, "pays": paid} for low, high, paid in rows]}


REFUSED: list[tuple[str, dict[str, Any], list[tuple[Any, ...]], str]] = [
    ("pro-rata", {"full_from": 0}, [("full_from",)], "a target of zero"),
    ("substituted-tiers", {"tiers": []}, [("tiers",)], "an empty table of bands"),
    ("substituted-tiers", {"tiers": TIERS[:2]}, [("tiers", 1, "from")], "a gap in the table: 0 % – 65 %"),
    ("substituted-tiers", {"tiers": TIERS[1:]}, [("tiers", 0, "to")], "a gap in the table: 80 % – 100 %"),
    (
        "substituted-tiers",
        tiers(("80%", "100%", "rate"), ("65%", "79.99%", "65%"), ("0", "65%", "0")),
        [("tiers", 0, "from")],
        "a gap in the table: 79.99 % – 80 %",
    ),
    (
        "substituted-tiers",
        tiers(("80%", "100%", "rate"), ("65%", "85%", "65%"), ("0", "65%", "0")),
        [("tiers", 0, "from")],
        "bands overlap: 80 % – 85 %",
    ),
    (
        "substituted-tiers",
        tiers(("90%", "100%", "1"), ("50%", "80%", "0.5"), ("0", "60%", "0")),
        [("tiers", 1, "from"), ("tiers", 0, "from")],
        "",
    ),
    (
        "substituted-tiers",
        tiers(("80%", "65%", "rate"), ("65%", "65%", "65%"), ("0", "65%", "0")),
        [("tiers", 0, "from"), ("tiers", 1, "from")],
        "bounds the wrong way round",
    ),
    (  # what is wrong with a row does not hide what is wrong between rows
        "substituted-tiers",
        tiers(("80%", "100%", "rate"), ("65%", "79%", "65%"), ("0", "65%", "120%")),
        [("tiers", 2, "pays"), ("tiers", 0, "from")],
        "",
    ),
    ("substituted-tiers", tiers(("0", "100%", "105%")), [("tiers", 0, "pays")], "a share above 1"),
    ("substituted-tiers", tiers(("0", "100%", "all")), [("tiers", 0, "pays")], "not a share"),
    ("substituted-tiers", tiers(("0", "120%", "1")), [("tiers", 0, "to")], "a share above 1"),
    ("per-percentage-point", {"counted_from": "90%"}, [("counted_from",)], "counted from below the line"),
    (
        "per-percentage-point",
        {"steps": [{"beyond": 5, "share": "2/45"}, {"beyond": 5, "share": "3/45"}]},
        [("steps", 1, "beyond")],
        "steps out of order",
    ),
    ("hourly-percentage", {"share_per_hour": 2}, [("share_per_hour",)], "a share above 1"),
    ("hourly-percentage", {"flat": {"hours": 4, "share": "50%"}}, [("flat", "hours")], "within the free hours"),
    ("time-abatement", {"grain": "quarter"}, [("hours_per_month",)], "the rule judges quarters"),
    ("daily-fee", {"grain": "quarter"}, [("days_per_month",)], "the rule judges quarters"),
    ("weighted-unavailability", {"grain": "quarter"}, [("grain",)], "the rule judges quarters"),
    ("fee-brackets", {"brackets": BRACKETS[:1]}, [("brackets", 0, "from")], "a gap in the table: 0 % – 95 %"),
    ("fee-brackets", {"cap_share": "40%"}, [("brackets", 1, "deducts")], "a bracket above the cap"),
    ("assessment-score", {"bands": BANDS[1:]}, [("bands", 0, "to")], "a gap in the table: 90 – 100"),
    ("assessment-score", {"bands": [{"to": 120, "pays": 1}]}, [("bands", 0, "to")], "a band beyond that: 120"),
    ("assessment-score", {"points": {"major": "-5"}}, [("points", "major")], "a negative share"),
    ("class-allowance", {"unlisted": "九类"}, [("unlisted",)], "no such class"),
    ("class-allowance", {"free_hours": 2}, [("free_hours",)], "the free time is that of the class"),
    ("rectification", {"share_per_period": "1%"}, [("share_per_period",)], "exactly one price"),
    ("rectification", {"yuan_per_period": None}, [("share_per_period",)], "exactly one price"),
    ("rectification", {"period_hours": 0}, [("period_hours",)], "a period of zero hours"),
    ("sampling", {"allowed": "131%"}, [("allowed",)], "a share above 1"),
    ("excess-surcharge", {"allowed": None, "mode": "bracket"}, [("allowed",)], "where the amount jumps"),
    ("late-payment", {"most": "150%"}, [("most",)], "a share above 1"),
    ("unit-fine", {"points": 1}, [("fine",)], "exactly one price"),
    ("unit-fine", {"fine": "-1"}, [("fine",)], "a negative amount"),
    ("unit-fine", {"period_hours": None, "free_hours": 3}, [("free_hours",)], "a fine per event has no duration"),
    (
        "unit-fine",
        {"fine": None, "period_hours": 0},
        [("fine",), ("period_hours",)],
        "",
    ),
]


@pytest.mark.parametrize(
    ("kind", "change", "places", "message"), REFUSED, ids=[f"{kind}-{n}" for n, (kind, *_) in enumerate(REFUSED)]
)
def test_refused(kind: str, change: dict[str, Any], places: list[tuple[Any, ...]], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        terms(kind, **{**WHOLE[kind], **change})
    errors = refused.value.errors()
    assert [error["loc"] for error in errors] == places
    for error in errors:
        said = error["ctx"]
        assert message in said["message"]
        assert re.search("[一-鿿]", said["message"]) and re.search("[a-z]{3}", said["message"])
        assert said["remedy"]


def test_at_most_one_of_everything_is_registered() -> None:
    assert [family.number for family in FAMILIES.values()] == list(range(1, 17))
    assert {kind: family.kind for kind, family in FAMILIES.items()} == {kind: kind for kind in WHOLE}
    assert {family.kind for family in FAMILIES.values() if family.main} == {"pro-rata", "substituted-tiers"}
