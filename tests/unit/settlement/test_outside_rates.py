"""A rate from outside is of all points: those that are punished singly are not punished by it once more."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.contract import Terms
from settlement.facts import OutageFact
from settlement.lines import Kind, Statement
from settlement.lint.check import lint
from settlement.rules import MonthFacts, OnlineRate, PointFact, PointMonth, roster_facts
from settlement.statement import settle

HOUR_S = 3_600
DAYS = {"2020-07": 31, "2020-08": 31, "2020-09": 30}
POINTS = 4
FEE = 10_000
START = {m: int(datetime.fromisoformat(f"{m}-01").replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) for m in DAYS}
ELIMINATED: dict[str, Any] = {"kind": "point-elimination", "id": "out", "hours": 168}
PRO_RATA: dict[str, Any] = {"kind": "pro-rata", "id": "rate"}
TIERS: dict[str, Any] = {
    "kind": "substituted-tiers",
    "id": "rate",
    "tiers": [{"from": "80%", "pays": "rate"}, {"from": "65%", "to": "80%", "pays": "65%"}, {"to": "65%", "pays": 0}],
}


def terms(*rules: dict[str, Any], **changes: Any) -> Terms:
    phase = {"id": "p", "unit_price": "100.00", "in_service_from": "2020-07-01", "months": 12}
    body = {"contract": "c", "tax_rate": "0.06", "target": "0.90", "prepay_share": "0.90", "phases": [phase]}
    return Terms.model_validate(body | {"grain": "month", "reading": "none", "rules": list(rules)} | changes)


def settled(
    its: Terms, offline_h: dict[str, int], rate: Fraction | None, source: str = "given"
) -> tuple[Statement, int]:
    """July with points' hours offline, paid by a rate of a source, or by the measured one; August and September whole."""
    months = []
    for label, days in DAYS.items():
        whole, hours = days * 24 * HOUR_S, offline_h if label == "2020-07" else {}
        lost = sum(hours.values()) * HOUR_S
        found = OnlineRate(POINTS * whole - lost, POINTS * whole)
        if rate is not None:
            value = rate if label == "2020-07" else Fraction(1)
            found = OnlineRate(value.numerator, value.denominator, source)
        points = tuple(
            PointMonth(code, whole - h * HOUR_S, whole, (OutageFact(code, START[label], START[label] + h, h * HOUR_S),))
            for code, h in sorted(hours.items())
        )
        months.append(MonthFacts(label, found, points=points))
    first = datetime.fromisoformat("2020-07-01").toordinal()
    roster = [PointFact(f"P{n}", ((first, first + 400),)) for n in range(1, POINTS + 1)]
    statement, _ = settle(its, "2020Q3", {"p": roster_facts(roster, None, months)})
    july = next(line for line in statement.lines if line.kind is Kind.PAYABLE and line.window == "2020-07")
    return statement, july.amount.line.gross_fen


@pytest.mark.parametrize("source", ["given", "authority"])
def test_the_same_rate_pays_the_same_from_outside_as_measured(source: str) -> None:
    """P1 was off all July, the others half a day each at most: the authority's figure says the same as ours."""
    its, hours = terms(PRO_RATA, ELIMINATED), {"P1": 744, "P2": 93, "P3": 24}
    rate = Fraction(POINTS * 744 - sum(hours.values()), POINTS * 744)
    measured = settled(its, hours, None)[1]
    statement, paid = settled(its, hours, rate, source)
    # P1 is not paid; the others' 117 of 3 × 744 hours are.
    assert paid == measured == round(3 * FEE * (1 - 117 / (3 * 744)))
    (result,) = statement.results
    july = result.evaluations[0]
    taken = {found.rule: found.amount for found in july.results}
    assert taken["out"] == FEE
    assert sum(taken.values()) == POINTS * FEE - july.payable
    assert "减已计入单点扣款" in next(found.formula for found in july.results if found.rule == "rate")
    lines = {line.code: line for line in result.points}
    assert lines["P1"].payable_fen == 2 * FEE
    notices = [notice.message for one in result.evaluations for notice in one.notices]
    assert ["全部点位" in text for text in notices] == [True]
    assert "100.00 元" in notices[0]


def test_a_measured_pool_is_told_nothing() -> None:
    statement, _ = settled(terms(PRO_RATA, ELIMINATED), {"P1": 744}, None)
    assert not [notice for one in statement.results[0].evaluations for notice in one.notices]


def test_a_point_that_stays_in_the_pool_is_judged_by_both() -> None:
    """Where the contract lets a punished point stay, its fee and the whole pool's deduction are both taken."""
    stays = ELIMINATED | {"pool": "stays"}
    assert settled(terms(PRO_RATA, stays), {"P1": 744}, Fraction(3, 4))[1] == 2 * FEE


def test_a_cap_is_what_a_rate_takes_at_most_before_it_is_netted() -> None:
    """The rate would take 10,000 and may take 4,000; all of it is P1's, who loses 10,000."""
    capped = PRO_RATA | {"cap": "40.00"}
    assert settled(terms(capped, ELIMINATED), {"P1": 744}, Fraction(3, 4))[1] == 3 * FEE


HOURS = st.dictionaries(st.sampled_from(["P1", "P2", "P3", "P4"]), st.integers(1, 744), max_size=4)
RATES = st.fractions(0, 1, max_denominator=100)


@given(HOURS, RATES, RATES, st.sampled_from([PRO_RATA, TIERS]))
def test_a_lower_rate_never_pays_more_and_punished_points_never_help(
    hours: dict[str, int], one: Fraction, other: Fraction, rule: dict[str, Any]
) -> None:
    low, high = sorted((one, other))
    both = terms(rule, ELIMINATED)
    assert settled(both, hours, low)[1] <= settled(both, hours, high)[1]
    alone, gone = settled(terms(rule), hours, one)[1], sum(h > 168 for h in hours.values())
    paid = settled(both, hours, one)[1]
    # Between what both take without regard to each other, and the larger of the two.
    assert max(0, alone - gone * FEE) - 1 <= paid <= min(alone, (POINTS - gone) * FEE)


def test_the_linter_says_so_where_the_authoritys_figure_may_pay() -> None:
    def said(its: Terms) -> list[str]:
        return [remark.level for remark in lint(its) if remark.code == "punished-twice"]

    assert said(terms(PRO_RATA, ELIMINATED)) == []
    assert said(terms(PRO_RATA, ELIMINATED, authority={"pays": "authority"})) == ["info"]
    assert said(terms(PRO_RATA, ELIMINATED | {"pool": "stays"}, authority={"pays": "lower"})) == ["warning"]
