"""Next year's budget from this year's fault rates: report A's quarters by hand, and what may never be."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.budget_advice import Advice, advice_document, advise
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.rules import OnlineRate, PhaseFacts, count_facts, parse_rate, roster_facts


def terms(**more: object) -> Terms:
    phases = [
        {"id": "phase-1", "unit_price": "850.00", "in_service_from": date(2019, 7, 1), "months": 48},
        {"id": "phase-2", "unit_price": "628.00", "in_service_from": date(2020, 7, 1), "months": 48},
    ]
    return Terms.model_validate(
        {"contract": "c", "tax_rate": "0.06", "target": "0.9", "prepay_share": "0.9", "phases": phases, **more}
    )


def given_rates(rates: dict[str, dict[str, str]], points: int = 1000) -> dict[Quarter, dict[str, PhaseFacts]]:
    return {
        Quarter(2020, int(label[-1])): {
            phase: count_facts(points, parse_rate(rate)) for phase, rate in by_phase.items()
        }
        for label, by_phase in rates.items()
    }


Q3 = {"2020Q3": {"phase-1": "81.36%", "phase-2": "87.71%"}}


def test_report_as_third_quarter() -> None:
    """850 × 3,000 × 81.36 % = 2,074,680; beyond 10 %: 8.64 % = 220,320. 628 × 3,000 × 87.71 % = 1,652,456.40; 43,143.60."""
    found, findings = advise(terms(), 2020, given_rates(Q3))
    document = advice_document(found)
    one, two = document["phases"]
    assert (one["full_fee"], one["earned"], one["excess"]) == ("2550000.00", "2074680.00", "220320.00")
    assert (two["full_fee"], two["earned"], two["excess"]) == ("1884000.00", "1652456.40", "43143.60")
    # (2,074,680 − 220,320) / 2,550,000 = 72.72 % of 10,200,000; (1,652,456.40 − 43,143.60) / 1,884,000 = 85.42 % of 7,536,000
    assert (one["next_full_fee"], one["earned_share"], one["proposed"]) == ("10200000.00", "72.72 %", "7417440.00")
    assert (two["next_full_fee"], two["earned_share"], two["proposed"]) == ("7536000.00", "85.42 %", "6437251.20")
    assert document["totals"]["proposed"] == "13854691.20"
    assert document["totals"]["less"] == "3881308.80"
    assert [finding.column for finding in findings] == ["phase-1", "phase-1", "phase-1", "phase-2"]
    assert "2020Q1" in findings[0].message
    assert all(finding.level == "warning" for finding in findings)


def test_the_factor_weighs_the_excess() -> None:
    for k, proposed in (("0", "8298720.00"), ("2", "6536160.00"), ("1/2", "7858080.00")):
        found, _ = advise(terms(), 2020, given_rates({"2020Q3": {"phase-1": "81.36%"}}), Fraction(k))
        assert advice_document(found)["phases"][0]["proposed"] == proposed


def test_quarters_weigh_by_their_fee_and_the_last_ones_points_count_for_next_year() -> None:
    facts = given_rates({"2020Q3": {"phase-2": "100%"}}, points=1000)
    facts |= given_rates({"2020Q4": {"phase-2": "50%"}}, points=3000)
    found, _ = advise(terms(), 2020, facts, Fraction(0))
    phase = found.phases[0]
    assert phase.share == Fraction(1 * 1000 * 2 + 3000, 2 * 4000)  # 1,000 points at 100 %, 3,000 at 50 %
    assert (phase.points, phase.next_full) == (3000, 62_800 * 3000 * 12)


def test_a_phase_that_ends_with_the_year_is_left_out() -> None:
    ending = terms(
        phases=[{"id": "phase-1", "unit_price": "850.00", "in_service_from": date(2019, 1, 1), "months": 24}]
    )
    found, findings = advise(ending, 2020, given_rates({"2020Q4": {"phase-1": "95%"}}))
    assert found.phases == ()
    assert "2021" in findings[-1].message


def test_a_phase_that_ends_within_next_year_counts_for_its_months() -> None:
    ending = terms(
        phases=[{"id": "phase-1", "unit_price": "850.00", "in_service_from": date(2019, 7, 1), "months": 21}]
    )
    found, _ = advise(ending, 2020, given_rates({"2020Q4": {"phase-1": "100%"}}))
    assert found.phases[0].next_full == 85_000 * 1000 * 3  # January to March 2021


@pytest.mark.parametrize("rate", ["0%", "10%", "44.9%"])
def test_a_proposal_is_never_below_zero(rate: str) -> None:
    found, _ = advise(terms(), 2020, given_rates({"2020Q3": {"phase-2": rate}}), Fraction(5))
    assert found.proposed_fen == 0


def proposal(rates: tuple[int, ...], k: int) -> Advice:
    facts = {
        Quarter(2021, n): {"phase-2": count_facts(7, parse_rate(f"{rate / 100:.2f}%"))}
        for n, rate in enumerate(rates, 1)
    }
    return advise(terms(), 2021, facts, Fraction(k))[0]


@given(st.tuples(*[st.integers(0, 10_000)] * 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 500))
def test_more_online_or_a_smaller_factor_never_lowers_it_and_full_marks_are_the_full_fee(
    rates: tuple[int, ...], k: int, quarter: int, more: int
) -> None:
    before = proposal(rates, k)
    better = tuple(min(10_000, rate + more) if n == quarter else rate for n, rate in enumerate(rates))
    assert 0 <= before.proposed_fen <= before.next_full_fen
    assert proposal(better, k).proposed_fen >= before.proposed_fen
    assert proposal(rates, k + 1).proposed_fen <= before.proposed_fen
    full = proposal((10_000,) * 4, k)
    assert full.proposed_fen == full.next_full_fen


def test_a_roster_from_the_ledger_is_billed_on_next_year() -> None:
    """The ledger is read to the day after the quarter: who is billed then is billed all year, who left is not."""
    start, after = date(2020, 7, 1).toordinal(), date(2020, 10, 1).toordinal()
    roster = [
        ("A", [(start, after + 1)]),
        ("B", [(start, after + 1)]),
        ("C", [(start, after)]),
        ("D", [(start, start + 9)]),
    ]
    facts = {Quarter(2020, 3): {"phase-2": roster_facts(roster, parse_rate("50%"))}}
    found, _ = advise(terms(), 2020, facts, Fraction(0))
    phase = found.phases[0]
    assert (phase.points, phase.next_full) == (2, 62_800 * 2 * 12)
    assert phase.proposed_fen == 62_800 * 12


def test_rates_that_do_not_end_are_percentages() -> None:
    found, _ = advise(terms(), 2020, {Quarter(2020, 3): {"phase-2": count_facts(1000, OnlineRate(2, 3))}})
    quarter = advice_document(found)["phases"][0]["quarters"][0]
    assert (quarter["online_rate"], quarter["fault_rate"]) == ("≈ 66.666667 %", "≈ 33.333333 %")
