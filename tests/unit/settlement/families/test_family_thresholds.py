"""The rates at which a rule says that its amount may jump; and the interest on late payments, which MONEY asks for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from settlement.families.late_payment import due, late_payment
from settlement.families.registry import FAMILIES
from tests.unit.settlement.families.family_facts import judge, terms, window

TIERS = [{"from": "80%", "pays": "rate"}, {"from": "65%", "to": "80%", "pays": "65%"}, {"to": "65%", "pays": 0}]
BRACKETS = [{"from": "95%", "to": "99%", "deducts": "30%"}, {"to": "95%", "deducts": "50%"}]
FOURTH = {"below": "3%", "share_per_point": "1/45"}


@pytest.mark.parametrize(
    ("kind", "given", "percents"),
    [
        ("pro-rata", {}, []),
        ("pro-rata", {"full_from": "90%"}, ["90"]),
        ("substituted-tiers", {"tiers": TIERS}, ["65", "80"]),
        ("per-percentage-point", {**FOURTH, "rounding": "exact"}, []),
        ("per-percentage-point", {**FOURTH, "rounding": "floor"}, ["1", "2", "3"]),
        ("per-percentage-point", {**FOURTH, "rounding": "ceil"}, ["1", "2", "3"]),
        ("per-percentage-point", {**FOURTH, "rounding": "exact", "counted_from": 1}, ["3"]),
        (
            "per-percentage-point",
            {"below": "50%", "share_per_point": 0, "rounding": "exact", "steps": [{"beyond": 5, "share": 1}]},
            [],
        ),
        (
            "per-percentage-point",
            {
                "below": "50%",
                "share_per_point": 0,
                "rounding": "exact",
                "mode": "bracket",
                "steps": [{"beyond": 5, "share": 1}],
            },
            ["45"],
        ),
        ("fee-brackets", {"brackets": BRACKETS}, ["95", "99"]),
        ("fee-brackets", {"brackets": BRACKETS, "mode": "marginal"}, []),
        ("excess-surcharge", {}, []),
        ("excess-surcharge", {"allowed": "10%"}, []),
        ("excess-surcharge", {"allowed": "10%", "mode": "bracket"}, ["90"]),
        ("excess-surcharge", {"allowed": "97.5%", "rounding": "ceil"}, ["0.5", "1.5", "2.5"]),
        ("excess-surcharge", {"allowed": "97.5%", "rounding": "ceil", "mode": "bracket"}, ["1", "2", "2.5"]),
    ],
)
def test_thresholds(kind: str, given: dict[str, Any], percents: list[str]) -> None:
    rule = terms(kind, **given)
    assert FAMILIES[kind].thresholds(rule) == tuple(Fraction(percent) / 100 for percent in percents)


def test_a_window_without_a_rate_is_never_judged_by_one() -> None:
    for kind, given in (("pro-rata", {}), ("substituted-tiers", {"tiers": TIERS}), ("excess-surcharge", {})):
        with pytest.raises(ValueError, match="no rate was counted"):
            judge(terms(kind, **given), window(None))


def test_interest_on_a_late_payment() -> None:
    per_day = Fraction(5, 10_000)
    assert late_payment(169_560_000, 75, per_day) == 6_358_500
    assert late_payment(169_560_000, 0, per_day) == late_payment(169_560_000, -3, per_day) == 0
    assert late_payment(169_560_000, 75, per_day, Fraction(3, 100)) == 5_086_800
    assert late_payment(100, 1, per_day) == Fraction(1, 20)
    with pytest.raises(ValueError, match="negative"):
        late_payment(-1, 1, per_day)


def test_days_without_interest() -> None:
    rule = terms("late-payment", per_day="0.05%", free_days=30)
    assert [due(rule, 1_000_000, days) for days in (30, 31)] == [0, 500]
    strict = terms("late-payment", per_day="0.05%", free_days=30, over="≥", mode="bracket")
    assert [due(strict, 1_000_000, days) for days in (29, 30, 31)] == [0, 15_000, 15_500]
