from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from config.contracts import load_contract
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.past_rates import past_rate
from settlement.rules import MonthFacts, OnlineRate, roster_facts

XINJIAN = load_contract(Path("xinjian"))
QUARTER = parse_quarter("2020Q3")
LATER = ((QUARTER.start.toordinal() + 31, QUARTER.end.toordinal() + 99),)
ALL = ((QUARTER.start.toordinal(), QUARTER.end.toordinal() + 99),)
GIVEN = {"2020-07": Fraction(6, 10), "2020-08": Fraction(9, 10), "2020-09": Fraction(9, 10)}


def made(rule: str, given: dict[str, Fraction] = GIVEN, spans: tuple = (ALL, LATER, LATER)) -> Fraction | None:
    terms = Terms.model_validate(XINJIAN.document() | {"authority": {"pays": "authority", "months": rule}})
    months = [
        MonthFacts(label, OnlineRate(rate.numerator, rate.denominator, "authority")) for label, rate in given.items()
    ]
    facts = roster_facts([(f"P{n}", its) for n, its in enumerate(spans)], None)
    rate = past_rate(terms, terms.phases[1], facts, QUARTER, months)
    return None if rate is None else rate.value


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("simple-mean", Fraction(24, 30)),
        ("by-points", Fraction(6 + 27 + 27, 70)),  # one point in July, three from August on
        ("by-point-days", Fraction(6 * 31 + 9 * 93 + 9 * 90, 10 * (31 + 93 + 90))),
    ],
)
def test_given_months_are_put_together_by_the_contract_s_rule(rule: str, expected: Fraction) -> None:
    assert made(rule) == expected


def test_a_month_without_points_is_not_waited_for_and_any_other_is() -> None:
    august = {label: rate for label, rate in GIVEN.items() if label != "2020-07"}
    assert made("by-points", august, (LATER,)) == Fraction(9, 10)
    assert made("by-points", august, (ALL,)) is None


def test_measured_months_are_added_up() -> None:
    months = [MonthFacts(f"2020-0{n}", OnlineRate(n, 10 * n)) for n in (7, 8, 9)]
    facts = roster_facts([("P", ALL)], None)
    assert past_rate(XINJIAN, XINJIAN.phases[1], facts, QUARTER, months) == OnlineRate(24, 240)
    assert past_rate(XINJIAN, XINJIAN.phases[1], facts, QUARTER, months[1:]) is None
