"""What must hold of every settlement, whatever the contract, the roster and the rate; checked against an oracle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settlement.contract import Reading, Terms
from settlement.daycount import DayCount, Quarter
from settlement.money import Amount, split, yuan
from settlement.readings import READINGS, Marks, payable_fen
from settlement.rules import OnlineRate, PhaseFacts, billed_days, roster_facts
from settlement.statement import Kind, Statement, settle, statement_json
from tests.oracle import money_oracle as oracle

EXAMPLES = int(os.environ.get("CAMSLA_EXAMPLES", "150"))
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
pytestmark = pytest.mark.timeout(max(120, EXAMPLES))

QUARTER = Quarter(2020, 3)
SHARES = [Fraction(n, 100) for n in (0, 1, 50, 85, 90, 95, 99, 100)]
Roster = list[tuple[str, list[tuple[date, date]]]]


@dataclass(frozen=True)
class Case:
    """A contract of one phase, a roster and a rate."""

    terms: Terms
    roster: Roster
    rate: OnlineRate
    reading: Reading

    @property
    def facts(self) -> PhaseFacts:
        return facts_of(self.roster, self.rate)

    @property
    def marks(self) -> Marks:
        return Marks(self.terms.target, self.terms.prepay_share, self.terms.excess_surcharge)

    def settled(self, rate: OnlineRate | None = None, reading: Reading | None = None) -> Statement:
        facts = facts_of(self.roster, rate or self.rate)
        return settle(self.terms, QUARTER, {"p": facts}, reading or self.reading)[0]


def facts_of(roster: Roster, rate: OnlineRate | None) -> PhaseFacts:
    return roster_facts(((code, [d for a, b in spans for d in billed_days(a, b)]) for code, spans in roster), rate)


def near_quarter() -> st.SearchStrategy[date]:
    """Days around the quarter, most of them where something begins or ends."""
    edges = [date(2020, month, day) for month in (6, 7, 8, 9, 10) for day in (1, 2, 15, 16, 29, 30)]
    return st.one_of(st.sampled_from(edges), st.dates(date(2020, 5, 1), date(2020, 12, 31)))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    roster: Roster = []
    for n in range(draw(st.integers(1, 6))):
        days = sorted(draw(st.lists(near_quarter(), min_size=0, max_size=6, unique=True)))
        if not days or draw(st.booleans()):
            days = [date(2019, 1, 1), *days, date(2030, 1, 1)]
        if len(days) % 2:
            days.append(date(2031, 1, 1))
        roster.append((f"P{n}", list(zip(days[::2], days[1::2], strict=True))))
    return draw(st.permutations(roster))


@st.composite
def rates(draw: st.DrawFn, targets: Sequence[Fraction] = SHARES) -> OnlineRate:
    """Any rate, preferably one second beside a threshold."""
    counted = draw(st.one_of(st.sampled_from([10_000, 86_400, 7_948_800]), st.integers(1, 8_000_000_000)))
    if draw(st.booleans()):
        edge = int(draw(st.sampled_from(targets)) * counted)
        good = min(counted, max(0, edge + draw(st.sampled_from([-1, 0, 1]))))
    else:
        good = draw(st.integers(0, counted))
    return OnlineRate(good, counted)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    parts = draw(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50_000), max_size=4))
    price = sum(parts.values())
    if price == 0:
        parts, price = {}, draw(st.integers(1, 100_000))
    start = draw(st.one_of(st.just(date(2020, 1, 1)), near_quarter().filter(lambda day: day < date(2020, 10, 1))))
    terms = Terms.model_validate(
        {
            "contract": "c",
            "tax_rate": draw(st.sampled_from(["0", "0.06", "0.13", "1/3"])),
            "target": str(draw(st.sampled_from(SHARES[1:]))),
            "prepay_share": str(draw(st.sampled_from(SHARES))),
            "excess_surcharge": str(draw(st.sampled_from(["0", "1", "2", "0.5"]))),
            "day_count": draw(st.sampled_from(list(DayCount))),
            "phases": [
                {
                    "id": "p",
                    "unit_price": yuan(price),
                    "components": {name: yuan(part) for name, part in parts.items()},
                    "in_service_from": start,
                    # A term that is over before the quarter has nothing to settle, and is tested elsewhere.
                    "months": draw(st.integers(1, 48).filter(lambda n: oracle.later(start, n) > date(2020, 7, 1))),
                }
            ],
        }
    )
    rate = draw(rates([terms.target, terms.prepay_share]))
    return Case(terms, draw(rosters()), rate, draw(st.sampled_from(list(READINGS))))


def columns(amount: Amount) -> dict[str, tuple[int, int, int]]:
    return {"": tuple(amount.line), **{name: tuple(part) for name, part in amount.components}}


def lines_of(statement: Statement) -> dict[str, Amount]:
    return {line.kind.value: line.amount for line in statement.lines}


def oracle_lines(case: Case) -> dict[str, Any]:
    terms, phase = case.terms, case.terms.phases[0]
    contract = {
        "day_count": terms.day_count.value,
        "prepay_share": terms.prepay_share,
        "target": terms.target,
        "k": terms.excess_surcharge,
        "tax": terms.tax_rate,
    }
    own = {
        "from": phase.in_service_from,
        "months": phase.months,
        "price": phase.unit_price_fen,
        "parts": dict(phase.components_fen),
    }
    rate = (case.rate.good, case.rate.counted)
    result: dict[str, Any] = oracle.settle(contract, own, 2020, 3, case.roster, rate, case.reading.value)
    return result


@given(cases())
@thorough
def test_every_column_agrees_with_the_oracle(case: Case) -> None:
    expected = oracle_lines(case)
    got = {kind: columns(amount) for kind, amount in lines_of(case.settled()).items()}
    if "payable" in got:
        assert got == expected
    else:  # nothing billed in the quarter: no lines but perhaps the first prepayment
        assert expected["payable"][""] == expected["prepayment"][""] == (0, 0, 0)
        assert got.get("next_prepayment", {"": (0, 0, 0)})[""] == expected.get("next_prepayment", {"": (0, 0, 0)})[""]


@given(cases())
@thorough
def test_lines_add_up_in_every_column(case: Case) -> None:
    statement = case.settled()
    lines = lines_of(statement)
    for amount in lines.values():
        assert amount.line.gross_fen == amount.line.net_fen + amount.line.tax_fen
        for n in range(3):
            if amount.components:
                assert sum(part[n] for _, part in amount.components) == amount.line[n]
        for _, part in amount.components:
            assert part.gross_fen == part.net_fen + part.tax_fen
    if "payable" in lines:
        full, payable = columns(statement.results[0].full_fee), columns(lines["payable"])
        deduction, prepaid, true_up = (columns(lines[kind]) for kind in ("deduction", "prepayment", "true_up"))
        for name, column in full.items():
            for n in range(3):
                assert deduction[name][n] + payable[name][n] == column[n]
                assert true_up[name][n] + prepaid[name][n] == payable[name][n]
    handed = sum(lines[kind].line.gross_fen for kind in ("true_up", "next_prepayment") if kind in lines)
    assert statement.total_fen == handed


@given(cases())
@thorough
def test_nobody_pays_more_than_the_fee_or_less_than_nothing(case: Case) -> None:
    for reading in Reading:
        statement = case.settled(reading=reading)
        lines = lines_of(statement)
        if "payable" in lines:
            full, payable = statement.results[0].full_fee.line.gross_fen, lines["payable"].line.gross_fen
            assert 0 <= payable <= full
            assert 0 <= lines["deduction"].line.gross_fen <= full


@given(cases(), st.sampled_from(list(READINGS)), st.sampled_from([-1, 0, 1]))
@thorough
def test_a_second_more_online_never_pays_less(case: Case, reading: Reading, aside: int) -> None:
    fee = case.terms.phases[0].unit_price_fen * Fraction(30_000)
    counted = case.rate.counted
    for edge in (case.terms.target, case.terms.prepay_share, case.rate.value):
        good = int(edge * counted) + aside
        if 0 <= good < counted:
            less, more = (payable_fen(reading, fee, Fraction(n, counted), case.marks) for n in (good, good + 1))
            assert less <= more


@given(cases(), st.randoms(use_true_random=False), st.integers(1, 1_000))
@thorough
def test_order_and_names_and_scale_of_the_counts_do_not_matter(case: Case, random: Any, factor: int) -> None:
    first = statement_json(case.settled())
    shuffled = list(case.roster)
    random.shuffle(shuffled)
    renamed = [(f"x{code}", list(reversed(spans))) for code, spans in shuffled]
    again = settle(case.terms, "2020Q3", {"p": facts_of(renamed, case.rate)}, case.reading.value)[0]
    assert statement_json(again) == first
    finer = OnlineRate(case.rate.good * factor, case.rate.counted * factor)
    other = statement_json(case.settled(rate=finer))
    assert [line["amount"] for line in other["lines"]] == [line["amount"] for line in first["lines"]]


@given(cases(), st.lists(near_quarter(), max_size=5))
@thorough
def test_cutting_a_billed_span_in_two_changes_nothing(case: Case, cuts: list[date]) -> None:
    pieces: Roster = []
    for code, spans in case.roster:
        edges = [sorted({a, b, *(cut for cut in cuts if a < cut < b)}) for a, b in spans]
        pieces.append((code, [pair for days in edges for pair in pairwise(days)]))
    assert settle(case.terms, QUARTER, {"p": facts_of(pieces, case.rate)}, case.reading)[0] == case.settled()


@given(cases())
@thorough
def test_a_day_billed_more_never_lowers_the_full_fee(case: Case) -> None:
    grown = [(code, [(a - timedelta(days=1), b) for a, b in spans]) for code, spans in case.roster]
    before, after = (
        settle(case.terms, QUARTER, {"p": facts_of(roster, OnlineRate(1, 1))}, Reading.A)[0]
        for roster in (case.roster, grown)
    )
    paid = [
        lines_of(each)["payable"].line.gross_fen if Kind.PAYABLE in lines_of(each) else 0 for each in (before, after)
    ]
    assert paid[0] <= paid[1]


weights = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.fractions(min_value=0, max_value=1_000, max_denominator=60), min_size=1
)


@given(st.integers(-(10**12), 10**12), weights)
@thorough
def test_a_split_conserves_and_stays_within_a_fen_of_its_share(total: int, shares: dict[str, Fraction]) -> None:
    everything = sum(shares.values())
    if not everything:
        total = 0
    parts = split(total, list(shares.items()))
    assert sum(parts.values()) == total
    assert parts == split(total, list(reversed(shares.items())))
    assert parts == oracle.spread(total, shares)
    if everything:
        assert all(abs(parts[name] - Fraction(total) * share / everything) < 1 for name, share in shares.items())
